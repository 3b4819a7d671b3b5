//! The worker's only async file: write(poll) → send → select: stop, an answer, a wake-up, time → again.
//! The worker travels into each transaction and comes back only if that was committed; otherwise it is loaded anew.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::account::Account;
use super::call::{Call, OutgoingCall};
use super::event::WorkerEvent;
use super::keep;
use super::loan::Loans;
use super::pace::Pace;
use super::state::TenantWorker;
use crate::api::{LaneView, QuotaView};
use crate::clock;
use crate::defender::Answer;
use crate::defender::client::Client;
use crate::defender::delegated::Renewal;
use crate::defender::token_file::{CompletedCall, FileInsert, FileTrouble};
use crate::file::{self, Content};
use crate::in_force::Current;
use crate::journal::{CallId, Journal, JournalError, Seat, TenantId};
use scanhook_core::lease::LeaseWatch;

/// The guarantee behind the wake-ups: no worker sleeps longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);
/// How long a journal that fails is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What status shows of a worker.
pub type Board = watch::Sender<(LaneView, std::collections::BTreeMap<String, QuotaView>)>;

/// What each worker lends, by tenant.
pub type LoanBoard = watch::Sender<Loans>;

/// Is told the tenant and what happened in its worker.
pub type Tell = dyn Fn(&str, &[WorkerEvent]) + Send + Sync;

/// What a worker runs with.
pub struct Runner {
    pub name: String,
    pub journal: Journal,
    pub tenant: TenantId,
    /// Where other processes have the same journal: in whose name it asks for leases.
    pub seat: Option<Seat>,
    /// When asking is worth it.
    pub watch: LeaseWatch,
    /// Who it calls as; nobody while its tenant is not configured.
    pub account: watch::Receiver<Option<Arc<Account>>>,
    pub pace: Pace,
    /// What sends bytes; calls under way keep the one that they left by.
    pub client: watch::Receiver<Client>,
    /// The policy in force, and the sources for alerts that are decided anew.
    pub current: Current,
    /// True once the process stops.
    pub stop: watch::Receiver<bool>,
    pub board: Board,
    /// What whoever writes back calls with, by tenant.
    pub loans: LoanBoard,
    pub tell: Arc<Tell>,
}

type Returned = (CallId, Call, Answer);

fn look_after(seat: Seat) -> Duration {
    seat.look_after(clock::boottime())
}

/// Answers from this size on are not read on a thread that others wait for.
const LARGE: usize = 64 << 10;

/// The request with what its file adds.
///
/// # Errors
/// What is wrong with the file.
pub async fn completed(
    request: Request<Bytes>,
    insert: Option<FileInsert>,
) -> Result<CompletedCall, FileTrouble> {
    let Some(insert) = insert else {
        return Ok(CompletedCall {
            request,
            renewal: None,
        });
    };
    let reading = insert.clone();
    let read = tokio::task::spawn_blocking(move || file::read(&reading.path, reading.most));
    let content = read.await.unwrap_or_else(|error| Err(error.into()));
    let exposed = |content: &Content| insert.is_private() && file::is_exposed(&content.about);
    if content.as_ref().is_ok_and(exposed) {
        return Err(FileTrouble::Exposed);
    }
    insert.complete(request, content.map(|content| content.bytes))
}

/// The answer to a token call, once what it brings is on the disk.
async fn kept(renewal: Renewal, answer: Answer) -> Answer {
    if !renewal.is_due(&answer) {
        return answer;
    }
    let keeping = tokio::task::spawn_blocking(move || keep::kept(&renewal, answer));
    let unwritable = |_| Answer::Unknown(FileTrouble::Unwritable.code().to_owned());
    keeping.await.unwrap_or_else(unwritable)
}

/// Sends a call, and reads of its answer what needs no journal.
async fn sent(client: Client, outgoing: OutgoingCall) -> Returned {
    let OutgoingCall {
        id,
        mut call,
        request,
        file,
    } = outgoing;
    let answer = match completed(request, file).await {
        Ok(CompletedCall { request, renewal }) => {
            let answer = client.send(request).await;
            match renewal {
                Some(renewal) => {
                    call.leaves_with(&renewal);
                    kept(renewal, answer).await
                }
                None => answer,
            }
        }
        Err(trouble) => Answer::NotSent(trouble.code().into()),
    };
    if !matches!(&answer, Answer::Http(response) if response.body().len() >= LARGE) {
        call.hear(&answer);
        return (id, call, answer);
    }
    let (lost, kept) = (Answer::Unknown("unreadable".to_owned()), call.clone());
    let heard = tokio::task::spawn_blocking(move || {
        call.hear(&answer);
        (id, call, answer)
    });
    // A fault of ours while reading loses no call: what became of it is unknown, and unknown calls are cleared up.
    heard.await.unwrap_or((id, kept, lost))
}

impl Runner {
    /// Runs until the process stops. Calls under way are waited for; whoever bounds that drops this future.
    pub async fn run(mut self) {
        while !*self.stop.borrow() {
            let account = self.account.borrow_and_update().clone();
            let Some(account) = account else {
                tokio::select! {
                    _ = self.stop.changed() => {}
                    changed = self.account.changed() => if changed.is_err() { return },
                }
                continue;
            };
            match self.session(account).await {
                Ok(()) => {}
                Err(error @ JournalError::Deposed) => {
                    tracing::warn!(tenant = self.name, code = error.code(), "{error}");
                }
                Err(error) => {
                    tracing::error!(tenant = self.name, code = error.code(), %error, "the lane is loaded again");
                    let off = matches!(error, JournalError::ClockOff(_));
                    let wait = self.seat.filter(|_| off);
                    tokio::time::sleep(wait.map_or(AFTER_FAILURE, look_after)).await;
                }
            }
            if self.seat.is_some() {
                self.loans
                    .send_if_modified(|loans| loans.remove(&self.name).is_some());
            }
        }
    }

    /// Another has the lease: waits until it is worth asking for it, or another account is to call, or the process stops.
    async fn wait_for_lease(&mut self, mine: &Account, seat: Seat) -> Result<(), JournalError> {
        let wake = self.journal.wake(self.tenant);
        loop {
            tokio::select! {
                _ = self.stop.changed() => return Ok(()),
                Ok(()) = self.account.changed() => return Ok(()),
                () = wake.notified() => {}
                () = tokio::time::sleep(look_after(seat)) => {}
            }
            let app = mine.app();
            let lease = self.journal.read(move |reader| reader.lease(&app)).await?;
            let (until, board) = lease.map_or((0, None), |lease| (lease.until, lease.board));
            if let Some(shown) = board.and_then(|board| serde_json::from_str(&board).ok()) {
                self.board.send_replace(shown);
            }
            if self.watch.look(until, seat.terms, clock::boottime()) {
                return Ok(());
            }
        }
    }

    /// What stops it may be right where another process runs, so the lease is asked for again after a while only.
    async fn lets_others_try(&mut self) {
        let spread = self.seat.map_or(AFTER_FAILURE, look_after);
        tokio::select! {
            _ = self.stop.changed() => {}
            Ok(()) = self.account.changed() => {}
            () = tokio::time::sleep(self.pace.stopped + spread) => {}
        }
    }

    /// One life of a worker: from loading it until its commit fails, which drops its calls, or the process stops, or
    /// another account is to call.
    async fn session(&mut self, mine: Arc<Account>) -> Result<(), JournalError> {
        let (who, account, pace) = ((self.tenant, self.seat), mine.clone(), self.pace);
        let bindings = self.current.borrow().bindings.clone();
        let load = self
            .journal
            .write(move |tx| TenantWorker::load(tx, who, account, bindings, pace, clock::both()));
        let mut worker = match (load.await?, self.seat) {
            (Some(worker), _) => worker,
            (None, Some(seat)) => return self.wait_for_lease(&mine, seat).await,
            (None, None) => return Ok(()),
        };
        self.watch = LeaseWatch::default();
        let wake = self.journal.wake(self.tenant);
        let mut anew = false;
        let mut calls: JoinSet<Returned> = JoinSet::new();
        loop {
            let stopping = *self.stop.borrow() || self.is_dismissed(&mine);
            if calls.is_empty() && (stopping || worker.gives_up()) {
                self.journal.write(move |tx| worker.free(tx)).await?;
                if !stopping {
                    self.lets_others_try().await;
                }
                return Ok(());
            }
            let mut sleep = LONGEST_SLEEP;
            if !stopping {
                let in_force = self.current.borrow_and_update().clone();
                let polled = self.journal.write(move |tx| {
                    if anew {
                        worker.try_again(clock::now());
                    }
                    worker.hear_from(in_force.bindings.clone());
                    let todo = worker.poll(tx, &in_force.policy, in_force.id, clock::both())?;
                    Ok((worker, todo))
                });
                let (returned, todo) = polled.await?;
                (worker, anew) = (returned, false);
                sleep = sleep.min(todo.wake_at.since(clock::now()));
                self.show(&worker, &todo.happened);
                if !todo.files.is_empty() {
                    // What stays of a file that was to go is replaced by the next renewal.
                    let going = tokio::task::spawn_blocking(move || keep::carry_out(&todo.files));
                    let _ = going.await;
                }
                for outgoing in todo.calls {
                    calls.spawn(sent(self.client.borrow().clone(), outgoing));
                }
            }
            tokio::select! {
                // In this order: a stop is seen however many answers come, and what came back is written down before the next
                // poll decides by it.
                biased;
                changed = self.stop.changed(), if !stopping => drop(changed),
                Ok(()) = self.account.changed(), if !stopping => {}
                Ok(()) = self.client.changed(), if !stopping => anew = true,
                Some(done) = calls.join_next() => {
                    let (id, call, answer) = done.map_err(|_| JournalError::Gone)?;
                    let answered = self.journal.write(move |tx| {
                        let happened = worker.answer(tx, id, call, answer, clock::both())?;
                        Ok((worker, happened))
                    });
                    let (returned, happened) = answered.await?;
                    worker = returned;
                    self.show(&worker, &happened);
                }
                () = wake.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Another account is to call by now, or none.
    fn is_dismissed(&self, mine: &Arc<Account>) -> bool {
        let account = self.account.borrow();
        !account
            .as_ref()
            .is_some_and(|account| Arc::ptr_eq(account, mine))
    }

    fn show(&self, worker: &TenantWorker, happened: &[WorkerEvent]) {
        (self.tell)(&self.name, happened);
        self.board.send_replace(worker.view(clock::now()));
        let loan = worker.loan(clock::now());
        self.loans.send_if_modified(|loans| {
            let changes = loans
                .get(&self.name)
                .is_none_or(|held| !held.is_same(&loan));
            if changes {
                loans.insert(self.name.clone(), loan);
            }
            changes
        });
    }
}

//! The lane's only async file: write(poll) → send → select: stop, an answer, a wake-up, time → again.
//! The lane travels into each transaction and comes back only if that was committed; otherwise it is loaded anew.

use std::sync::Arc;

use core::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Account, Call, Happened, Lane, Outgoing, Pace};
use crate::api::{LaneView, QuotaView};
use crate::clock;
use crate::defender::{Answer, client::Client};
use crate::intake::Desks;
use crate::journal::{CallId, Journal, JournalError, TenantId};
use crate::policy::Policy;

/// The guarantee behind the wake-ups: no lane sleeps longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);
/// How long a journal that fails is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What status shows of a lane.
pub type Board = watch::Sender<(LaneView, std::collections::BTreeMap<String, QuotaView>)>;

/// Is told the tenant and what happened in its lane.
pub type Tell = dyn Fn(&str, &[Happened]) + Send + Sync;

/// What a lane runs with.
pub struct Runner {
    /// The durable record.
    pub journal: Journal,
    /// Its row.
    pub tenant: TenantId,
    /// Who it calls as.
    pub account: Arc<Account>,
    /// The sources, for alerts that are decided anew.
    pub desks: Arc<Desks>,
    /// How patient it is.
    pub pace: Pace,
    /// What sends bytes.
    pub client: Client,
    /// The policy in force.
    pub policy: watch::Receiver<Arc<Policy>>,
    /// True once the process stops.
    pub stop: watch::Receiver<bool>,
    /// Where it shows itself.
    pub board: Board,
    /// Who logs and counts.
    pub tell: Arc<Tell>,
}

type Returned = (CallId, Call, Answer);

impl Runner {
    /// Runs until the process stops. Calls under way are waited for; whoever bounds that drops this future.
    pub async fn run(mut self) {
        while !*self.stop.borrow() {
            if let Err(error) = self.session().await {
                tracing::error!(tenant = self.account.name, code = error.code(), %error, "the lane is loaded again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    /// One life of a lane: from loading it until its commit fails, which drops its calls, or the process stops.
    async fn session(&mut self) -> Result<(), JournalError> {
        let (tenant, account, desks, pace) = (self.tenant, self.account.clone(), self.desks.clone(), self.pace);
        let load = self.journal.write(move |tx| Lane::load(tx, tenant, account, desks, pace, clock::both()));
        let loaded = load.await?;
        let Some(mut lane) = loaded else {
            tokio::time::sleep(AFTER_FAILURE).await;
            return Ok(());
        };
        let wake = self.journal.wake(self.tenant);
        let mut calls: JoinSet<Returned> = JoinSet::new();
        loop {
            let stopping = *self.stop.borrow();
            if stopping && calls.is_empty() {
                return Ok(());
            }
            let mut sleep = LONGEST_SLEEP;
            if !stopping {
                let policy = self.policy.borrow_and_update().clone();
                let polled = self.journal.write(move |tx| {
                    let todo = lane.poll(tx, &policy, clock::both())?;
                    Ok((lane, todo))
                });
                let (returned, todo) = polled.await?;
                lane = returned;
                sleep = sleep.min(todo.wake_at.since(clock::now()));
                self.show(&lane, &todo.happened);
                for Outgoing { id, call, request } in todo.calls {
                    let client = self.client.clone();
                    calls.spawn(async move { (id, call, client.send(request).await) });
                }
            }
            tokio::select! {
                biased;
                changed = self.stop.changed(), if !stopping => drop(changed),
                Some(done) = calls.join_next() => {
                    let (id, call, answer) = done.map_err(|_| JournalError::Gone)?;
                    let answered = self.journal.write(move |tx| {
                        let happened = lane.answer(tx, id, call, answer, clock::both())?;
                        Ok((lane, happened))
                    });
                    let (returned, happened) = answered.await?;
                    lane = returned;
                    self.show(&lane, &happened);
                }
                () = wake.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    fn show(&self, lane: &Lane, happened: &[Happened]) {
        (self.tell)(&self.account.name, happened);
        self.board.send_replace(lane.view(clock::now()));
    }
}

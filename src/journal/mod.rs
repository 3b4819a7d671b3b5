//! The journal: the durable record, and the only copy of anything that matters. SQL stays in here.
//!
//! `store` is synchronous and owns the transactions; this file is the async handle: a bounded queue to the writer
//! thread (`writer`), readers on a connection of their own, and the wake-ups of the workers (`watch`). Whatever writes is
//! a method of `tx`, whatever only reads one of `reader`, each in the file of its subject.
//!
//! **Queue.** At most 4,096 jobs wait. Jobs of senders are refused at once when that many wait, or 64 MiB of them, or
//! 16 MiB of one source; they are withdrawn when the writer has not begun them within 2 seconds. Both are answered 503.
//! A sender that hangs up does not take its job back: its retry is a duplicate. `turns` gives each source one job in
//! turn.
//!
//! **Wake-ups.** Methods of [`Tx`] that change a scan or want a call `touch` its tenant, and after COMMIT
//! [`Writer::run`] tells [`Wake`] which were touched, and other processes where there may be some ([`listen`]). Nothing else
//! wakes a worker, so no caller can forget it.
//! A worker sleeps at most 15 seconds all the same.
//!
//! **Files.** One process has a journal that is a file (`FILE.lock`); others may read it. `FILE.marker` beside it tells a journal
//! that was lost from one that never was. `FILE.reserve` is explained in `space`.

mod about;
mod accept;
mod accept_alert;
mod acceptance;
mod alert_receipt;
mod approvals;
mod archive;
mod archive_find;
mod archive_walk;
mod asks;
mod audit;
mod backfill;
mod backup;
mod backup_contents;
mod backup_error;
mod backup_file;
mod begin;
mod belongs;
mod called_off;
mod calls;
mod cancel;
mod candidates;
mod cited;
mod clock_set;
mod comes_to;
mod connect;
mod copy;
mod counts;
mod credentials_ending;
mod database;
mod day;
mod db;
mod decision_row;
mod decisions;
mod delivery_body;
mod device_row;
mod directory;
mod due;
mod due_questions;
mod dump;
mod error;
mod expire;
mod file;
mod filter;
mod findings;
mod followed;
mod foreseen;
mod going_on;
mod good_until;
mod group_key;
mod held;
mod held_back;
mod held_decision;
mod held_groups;
mod held_members;
mod held_together;
mod held_told;
mod history;
mod ids;
mod item;
mod items;
mod job;
mod join;
mod keys;
mod lease;
mod lease_row;
mod list_rows;
mod lists;
mod lots;
mod machine_view;
mod make_again;
mod means;
mod mode;
mod moved;
mod names;
mod narrowed;
mod new_decision;
mod next_scan;
mod notice;
mod numbers;
mod occasion;
mod old_scans;
mod open_scan;
mod outbox;
mod outbox_tries;
mod outbox_views;
mod outcome;
mod packed;
mod page;
mod pause_row;
mod pause_views;
mod pauses;
mod pauses_in_force;
mod places;
mod prefix;
mod probe;
mod pulse;
mod questions;
mod questions_of_intake;
mod queue;
mod queues;
mod read_again;
mod reader;
mod receipt;
mod receiver_row;
mod recorded;
mod refused;
mod remembered;
mod replicas;
mod requeue;
mod reserve;
mod resolving;
mod restore;
mod retention;
mod retry;
mod retryable;
mod rows;
mod rule_rows;
mod scan_end;
mod scan_row;
mod scan_view;
mod scans;
mod schema;
mod selection;
mod selector;
mod sender_wait;
mod session;
mod sight;
mod source_view;
mod space;
mod start;
mod store;
mod stored;
mod summary;
mod sweep;
mod tally;
mod tenant_memory;
mod tenant_view;
mod thing;
mod turns;
mod tx;
mod viewing;
mod views;
mod waits;
mod wake;
mod watch;
mod word;
mod write_back;
mod writer;

use std::sync::{Arc, Mutex};

use core::time::Duration;

use crate::api::Receipt;
use db::Connection;
use tokio::sync::{mpsc, oneshot};

pub use acceptance::{Acceptance, AcceptedAlert, Decided};
pub use archive::Archive;
pub use audit::AuditFilter;
pub use backup::back_up;
pub use backup_contents::BackupContents;
pub use backup_error::BackupError;
pub use called_off::CalledOff;
pub use calls::{Api, CallId};
pub use cited::Cited;
pub use clock_set::ClockSet;
pub use copy::{Copied, CopyRefusal, copy_journal};
pub use credentials_ending::EndingCredential;
pub use database::{check_database, initialise_database, listen};
pub use db::Refusal;
pub use delivery_body::DeliveryBody;
pub use due::Due;
pub use error::{JournalError, OpenError};
pub use filter::{Filter, ListKind};
pub use followed::MISSES;
pub use foreseen::Intended;
pub use group_key::{GroupBy, GroupKey};
pub use ids::{Ids, decision_uuid};
pub use job::Job;
pub use keys::{MESSAGES, MESSAGES_APP, PolicyId, ReplicaId, TenantId};
pub use lease::{Lease, Seat};
pub use lease_row::{LeaseRow, ReplicaAbout, ReplicaRow};
pub use lots::Selected;
pub use new_decision::{Admitted, Again, NewDecision};
pub use numbers::{NowNumbers, TenantNumbers};
pub use occasion::Occasion;
pub use open_scan::OpenScan;
pub use outbox::{MessageRow, NewMessage};
pub use outbox_views::OutboxFilter;
pub use outcome::{Done, OnTerms};
pub use packed::PackedBody;
pub use page::LONGEST_PAGE;
pub use pause_row::{Narrow, PauseId, PauseScope};
pub use pauses_in_force::ActivePauses;
pub use prefix::IdPrefix;
pub use probe::JournalCopy;
pub use pulse::Pulse;
pub use questions::{LONGEST_WAIT, OpenQuestion};
pub use queue::Blocked;
pub use read_again::{Recalled, Sorted};
pub use reader::Reader;
pub use receiver_row::{OccasionRow, ReceiverRow};
pub use refused::{HEAD, RefusedBody};
pub use remembered::{Remembered, RememberedAlert, RememberedDecision};
pub use requeue::{FORBIDDEN, MACHINE_BUSY, RequeueWait};
pub use resolving::Resolving;
pub use restore::restore;
pub use retention::Retention;
pub use rule_rows::Tallies;
pub use scan_row::ScanRow;
use scanhook_core::time::Timestamp;
pub use schema::SCHEMA;
pub use selector::{Selector, Wants};
use sender_wait::SenderWait;
pub use session::{SessionProof, SessionRow};
pub use sight::JournalSight;
pub use space::{DiskRoom, Space};
pub use store::{Store, Touched};
pub use stored::{StoredAlert, StoredDecision, StoredDelivery};
use turns::WaitingBytes;
pub use tx::Tx;
use viewing::Reads;
pub use views::latest_bodies;
pub use wake::Wake;
pub use word::{HeldIds, Word};
pub use write_back::{AnsweredAlert, ENDED_HOLDS, ToldMachine};
pub use writer::Writer;

/// How long a sender's job may wait to be begun.
const PATIENCE: Duration = Duration::from_secs(2);

/// The handle: cheap to clone, shared by server, workers and housekeeping.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
    reads: Reads,
}

struct Inner {
    queue: mpsc::Sender<Job>,
    held: Arc<WaitingBytes>,
    space: Space,
    pulse: Pulse,
    /// The connection of the page.
    views: Arc<Mutex<Connection>>,
    wakes: Wake,
}

impl Journal {
    /// Runs `work` in a transaction and answers after COMMIT. Dropping the future does not take the job back.
    ///
    /// # Errors
    /// What `work` says, or why it was not committed; in both cases nothing of it is in the journal, except that a
    /// failed COMMIT may be on disk all the same.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(0, work, move |result| drop(reply.send(result)));
        self.inner
            .queue
            .send(job)
            .await
            .map_err(|_| JournalError::Gone)?;
        answer.await.unwrap_or(Err(JournalError::Gone))
    }

    /// As [`Journal::write`], for a sender of `source` who waits: refused at once when the queue is full, by everybody or by
    /// this source alone, and withdrawn when the writer has not begun it within two seconds. `bytes` is the memory the job
    /// holds, or more where it takes the writer longer than that.
    ///
    /// # Errors
    /// [`JournalError::Busy`] for both, otherwise as [`Journal::write`].
    pub async fn write_soon<T: Send + 'static>(
        &self,
        source: &str,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.hand_in(source, bytes, work, |job| job).await
    }

    /// As [`Journal::write_soon`], for a delivery of this source.
    ///
    /// # Errors
    /// As [`Journal::write_soon`].
    pub async fn accept(
        &self,
        bytes: usize,
        acceptance: Acceptance,
        now: Timestamp,
    ) -> Result<Receipt, JournalError> {
        let acceptance = Arc::new(acceptance);
        let taken = acceptance.clone();
        let work = move |tx: &mut Tx<'_>| tx.accept(&taken, now);
        let source = acceptance.delivery.source();
        self.hand_in(source, bytes, work, |job| job.taking_in(&acceptance, now))
            .await
    }

    async fn hand_in<T: Send + 'static>(
        &self,
        source: &str,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
        with: impl FnOnce(Job) -> Job,
    ) -> Result<T, JournalError> {
        let (reply, mut answer) = oneshot::channel();
        let wait = SenderWait::default();
        let writers = wait.clone();
        let guarded = move |tx: &mut Tx<'_>| match writers.begin() {
            true => work(tx),
            false => Err(JournalError::Busy),
        };
        let job = Job::new(bytes, guarded, move |result| drop(reply.send(result))).of(source);
        let job = with(job.while_it(&wait));
        let taken = self.inner.held.take(source, bytes);
        if !taken || self.inner.queue.try_send(job).is_err() {
            if taken {
                self.inner.held.give_back(source, bytes);
            }
            return Err(if self.inner.queue.is_closed() {
                JournalError::Gone
            } else {
                JournalError::Busy
            });
        }
        if let Ok(result) = tokio::time::timeout(PATIENCE, &mut answer).await {
            return result.unwrap_or(Err(JournalError::Gone));
        }
        if wait.give_up() {
            return Err(JournalError::Busy);
        }
        answer.await.unwrap_or(Err(JournalError::Gone))
    }

    /// Reads what is committed, off the async threads.
    ///
    /// # Errors
    /// When SQLite cannot read.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let reads = self.reads.clone();
        let looked = tokio::task::spawn_blocking(move || reads.look(look));
        looked.await.unwrap_or(Err(JournalError::Gone))
    }

    /// The same journal, read on the page's own connection and until then at most, by the clock that never goes back.
    #[must_use]
    pub fn viewing(&self, until: Duration) -> Journal {
        Journal {
            inner: self.inner.clone(),
            reads: Reads::with_end(self.inner.views.clone(), until),
        }
    }

    /// Waits until the writer has ended, which it does only when every handle is gone or it panicked.
    pub async fn closed(&self) {
        self.inner.queue.closed().await;
    }
}

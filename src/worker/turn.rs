//! One turn of a worker: the transaction it has, the time it is, and what comes of it. Every step takes it, so that no
//! step can leave a call, an event or a wake-up behind.

use super::call::{OutgoingCall, PollResult};
use super::event::WorkerEvent;
use crate::file::replace::FileStep;
use crate::journal::Tx;
use scanhook_core::time::Timestamp;

/// What a step works with, and where it leaves what it did.
pub(super) struct Turn<'t, 'c> {
    pub(super) tx: &'t mut Tx<'c>,
    /// The time by the wall clock.
    pub(super) now: Timestamp,
    /// Calls that leave once the transaction is committed; each is in the ledger.
    pub(super) calls: Vec<OutgoingCall>,
    /// What happened, for logs and metrics.
    pub(super) events: Vec<WorkerEvent>,
    /// What is done with files.
    pub(super) files: Vec<FileStep>,
    wake_at: Timestamp,
}

impl<'t, 'c> Turn<'t, 'c> {
    pub(super) fn new(
        tx: &'t mut Tx<'c>,
        now: Timestamp,
        events: Vec<WorkerEvent>,
    ) -> Turn<'t, 'c> {
        Turn {
            tx,
            now,
            calls: Vec::new(),
            events,
            files: Vec::new(),
            wake_at: Timestamp::NEVER,
        }
    }

    /// The worker has something to do at this time, at the latest.
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.wake_at = self.wake_at.min(at);
    }

    /// What the turn came to.
    pub(super) fn done(self) -> PollResult {
        PollResult {
            calls: self.calls,
            wake_at: self.wake_at,
            files: self.files,
            happened: self.events,
        }
    }
}

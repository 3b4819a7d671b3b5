//! What people hold back: looked up at the beginning of each poll, for the journal is where it is said.

use super::call::PollResult;
use super::event::WorkerEvent;
use super::state::TenantWorker;
use crate::journal::{JournalError, ScanRow, Tx};
use scanhook_core::time::Timestamp;

/// Scans that one poll takes out of the queue. Each is looked at when its turn comes, and then not any more until its
/// pause is over.
pub(super) const LOOKS: usize = 256;

impl TenantWorker {
    /// Ends pauses whose time is over, lets go what ended ones held back, and keeps in mind what is in force.
    pub(super) fn poll_pauses(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let known = core::mem::take(&mut self.pauses.narrow);
        self.pauses = tx.pauses_in_force(self.id, known, now)?;
        todo.wake(self.pauses.ends);
        if self.pauses.more {
            todo.wake(now);
        }
        Ok(())
    }

    /// Whether a pause is for the scan whose turn it is. Then it leaves the queue, and the next one's turn comes.
    pub(super) fn held_back(&self, tx: &mut Tx<'_>, scan: &ScanRow) -> Result<bool, JournalError> {
        match tx.held_back_by(&self.pauses.narrow, scan)? {
            Some(pause) => tx.hold_back(scan.id, pause).map(|()| true),
            None => Ok(false),
        }
    }

    /// Decisions that nobody answered in time.
    pub(super) fn expire_held(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (count, decisions, next) = tx.expire_held(self.id, now)?;
        todo.wake(next);
        if count > 0 {
            todo.happened
                .push(WorkerEvent::Expired { count, decisions });
        }
        Ok(())
    }
}

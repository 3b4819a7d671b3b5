//! What people hold back: looked up at the beginning of each poll, for the journal is where it is said.

use super::event::WorkerEvent;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, ScanRow, Tx};

/// Scans that one poll takes out of the queue. Each is looked at when its turn comes, and then not any more until its
/// pause is over.
pub(super) const LOOKS: usize = 256;

impl TenantWorker {
    /// Ends pauses whose time is over, lets go what ended ones held back, and keeps in mind what is in force.
    pub(super) fn poll_pauses(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let known = core::mem::take(&mut self.pauses.narrow);
        self.pauses = turn.tx.pauses_in_force(self.id, known, now)?;
        turn.wake(self.pauses.ends);
        if self.pauses.more {
            turn.wake(now);
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
    pub(super) fn expire_held(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let (count, decisions, next) = turn.tx.expire_held(self.id, now)?;
        turn.wake(next);
        if count > 0 {
            turn.events.push(WorkerEvent::Expired { count, decisions });
        }
        Ok(())
    }
}

//! Dry scans: decided and shown, never sent. They share the queue with the others and nothing of what calls need.

use core::time::Duration;

use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::JournalError;
use scanhook_core::scan::Outcome;

/// Dry scans that end in one poll.
const DRY_STEP: usize = 64;

impl TenantWorker {
    /// Dry scans end at their turn. They need no token and no quota.
    pub(super) fn end_dry(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        for _ in 0..DRY_STEP {
            let Some(scan) = turn.tx.next_scan(self.id, true)? else {
                return Ok(());
            };
            turn.tx.finish(scan.id, Outcome::DryRun, None, now)?;
            turn.events
                .push(ended(turn.tx, &scan, Outcome::DryRun, Duration::ZERO)?);
        }
        turn.wake(now);
        Ok(())
    }
}

//! The end of following. A scan that is past `follow_for` is marked (`overdue_at`) and looked at once more; it is
//! *lost* if a complete list or a read begun after that does not end it, or none could be had for another day. A pause
//! of people stops that.

use core::time::Duration;

use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, OpenScan};
use scanhook_core::scan::Outcome;

/// How long a scan past the give-up age waits for its last look where none can be had.
const LAST_LOOK: Duration = Duration::from_secs(86_400);

impl TenantWorker {
    /// Scans that reach the give-up age are looked at once more. That look is the last one (`conclude`, `by_id`); where
    /// none can be had for another day, they are lost without.
    pub(super) fn give_up(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let before = now.minus(self.account.follow_for);
        if turn.tx.oldest_open(self.id)?.is_some_and(|at| at < before) {
            turn.tx.mark_overdue(self.id, before, now)?;
        }
        while let Some(scan) = turn.tx.longest_overdue(self.id)? {
            let at = scan.overdue_at.unwrap_or(now).plus(LAST_LOOK);
            if at > now {
                turn.wake(at);
                break;
            }
            self.lost(turn, &scan)?;
        }
        if let Some(oldest) = turn.tx.oldest_open(self.id)? {
            turn.wake(
                oldest
                    .plus(self.account.follow_for)
                    .plus(Duration::from_millis(1)),
            );
        }
        Ok(())
    }

    /// Followed for long enough.
    pub(super) fn lost(
        &self,
        turn: &mut Turn<'_, '_>,
        scan: &OpenScan,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let detail = "no final status was seen in time; what the machine did is not known";
        turn.tx
            .finish(scan.scan.id, Outcome::Lost, Some(detail), now)?;
        turn.events.push(ended(
            turn.tx,
            &scan.scan,
            Outcome::Lost,
            now.since(scan.sent_at),
        )?);
        Ok(())
    }
}

//! Scans that have waited for longer than they may are dropped: at their turn, where nothing is sent, and where they
//! wait for something else than their turn.

use core::time::Duration;

use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use super::unfollowed::lost_unseen;
use crate::journal::{JournalError, ScanRow};
use scanhook_core::scan::Outcome;

impl TenantWorker {
    /// Scans that wait for something else than their turn are dropped when they are too old, and not only when their
    /// turn comes: a machine that stays busy for days must not hide that nothing will come of them.
    pub(super) fn drop_overdue(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.pauses.whole {
            return Ok(());
        }
        for scan in turn.tx.overdue_behind(self.id, now)? {
            if turn.tx.held_back_by(&self.pauses.narrow, &scan)?.is_some() {
                continue;
            }
            let good_until = turn.tx.good_until(self.id, &scan, now)?;
            if good_until < now {
                drop_too_old(turn, &scan)?;
            } else {
                turn.tx.extend(scan.id, good_until)?;
            }
        }
        let at = turn.tx.next_overdue_behind(self.id, now)?;
        turn.wake(at);
        Ok(())
    }

    /// Scans whose turn it would be and that are too old, where nothing is sent.
    pub(super) fn drop_too_old(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        while let Some((scan, _)) = self.next(turn.tx)? {
            let good_until = turn.tx.good_until(self.id, &scan, now)?;
            if good_until >= now {
                turn.wake(good_until.plus(Duration::from_millis(1)));
                return Ok(());
            }
            drop_too_old(turn, &scan)?;
        }
        Ok(())
    }
}

/// Ends a scan that has waited for too long.
pub(super) fn drop_too_old(turn: &mut Turn<'_, '_>, scan: &ScanRow) -> Result<(), JournalError> {
    let now = turn.now;
    let outcome = if lost_unseen(turn.tx, scan, now)? {
        Outcome::Lost
    } else {
        Outcome::TooOld
    };
    if outcome == Outcome::TooOld {
        turn.tx.drop_scan(scan.id, outcome, None, now)?;
    }
    turn.events
        .push(ended(turn.tx, scan, outcome, Duration::ZERO)?);
    Ok(())
}

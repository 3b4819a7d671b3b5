//! When a running scan is looked at again, and whether by a list or by its id. The times are an idea of their own: they
//! decide how many calls a tenant costs.
//!
//! If two lists in a row did not hold a running scan, it is read by its id (`poll_get`). Past a day it is not due any
//! more (`look_at` is NULL) and is looked for with the other old ones, so that a machine that is offline for days
//! stretches nobody's list.

use core::time::Duration;

use super::state::TenantWorker;
use crate::journal::{JournalError, MISSES, OpenScan, Tx};
use scanhook_core::time::Timestamp;

/// How often in a row an old scan is read by its id in vain before lists are asked again.
const READ_IN_VAIN: u32 = 6;

impl TenantWorker {
    /// A running scan that is not over: look again later, the older the later. That holds for those that were due;
    /// others keep their time, and the times of old ones lie on a grid, so that one list serves many.
    pub(super) fn look_on(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &OpenScan,
        found: bool,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let age = self.far(now).since(scan.far_sent_at);
        let wait = (age / 8).clamp(self.pace.follow_first, self.pace.follow_most);
        let reads = self.gets.are_allowed(&self.backoff);
        // Absence in a list is no proof of anything: what lists go on missing is read by its id.
        let misses = match scan.misses.saturating_add(1) {
            _ if found => 0,
            misses if reads => misses,
            misses => misses.min(MISSES - 1),
        };
        let old = age + wait > self.pace.old;
        if old && !(MISSES..=READ_IN_VAIN).contains(&misses) {
            self.lists
                .old_no_later_than(now.plus(self.pace.follow_most));
            return tx.look_again(scan.scan.id, misses % READ_IN_VAIN, None);
        }
        let look_at = if misses < MISSES {
            on_grid(now, wait, self.pace.follow_first)
        } else if misses == MISSES {
            now
        } else {
            let patience = self
                .pace
                .follow_first
                .saturating_mul(1 << (misses - MISSES).min(16));
            now.plus(patience.min(self.pace.follow_most))
        };
        tx.look_again(scan.scan.id, misses, Some(look_at))
    }
}

/// The time of the next look, `wait` from now or a little sooner: a multiple of a span of up to half the wait, which
/// scans of about the same age share.
fn on_grid(now: Timestamp, wait: Duration, first: Duration) -> Timestamp {
    let mut grid = first.max(Duration::from_millis(1));
    if grid.saturating_mul(2) > wait {
        return now.plus(wait);
    }
    while grid.saturating_mul(4) <= wait {
        grid = grid.saturating_mul(2);
    }
    let at = now.plus(wait).millis();
    Timestamp::from_millis(at - at.rem_euclid(i64::try_from(grid.as_millis()).unwrap_or(1)))
}

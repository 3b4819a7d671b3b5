//! An open action of the machine was met, in an answer or on a list: ours is followed from here on, and somebody else's
//! covers our scan or stands in its way.

use core::time::Duration;

use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::reply::ActionView;
use crate::journal::{JournalError, RequeueWait, ScanRow, Tx};
use scanhook_core::scan::Kind;
use scanhook_core::time::Timestamp;

/// A machine that stays busy, or that Defender goes on forbidding, is tried again at growing distances, up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl TenantWorker {
    /// How long a scan waits whose machine was busy or forbidden so often: twice as long each time.
    pub(super) fn put_off(&self, times: u32) -> Duration {
        self.pace
            .busy
            .saturating_mul(1 << times.min(8))
            .min(LONGEST_WAIT)
    }

    /// The action is ours: from here on it is followed, if it has not ended already.
    pub(super) fn adopt(
        &mut self,
        turn: &mut Turn<'_, '_>,
        scan: &ScanRow,
        action: &ActionView,
        sent_at: Timestamp,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        turn.tx.to_running(
            scan.id,
            &action.id,
            true,
            // The answer that is taken has told the far side's clock.
            Some(action.created.unwrap_or_else(|| self.far(sent_at))),
            now.plus(self.pace.follow_first),
        )?;
        if let Some(outcome) = action.status.outcome() {
            self.end(turn, scan, outcome, action, sent_at)?;
        }
        Ok(())
    }

    /// Somebody else's open action stands in the way: it covers ours, or ours waits for it to end. A kind that is
    /// not stated is not Full.
    pub(super) fn meet_foreign(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &ScanRow,
        action: &ActionView,
        now: Timestamp,
    ) -> Result<&'static str, JournalError> {
        if tx.drop_if_called_off(scan.id, now)? {
            // Nothing of ours was begun, and theirs is not ours to call off.
            return Ok("called_off");
        }
        let open = action.status.outcome().is_none();
        if open && action.kind.unwrap_or(Kind::Quick) >= scan.kind {
            tx.to_running(
                scan.id,
                &action.id,
                false,
                action.created,
                now.plus(self.pace.follow_first),
            )?;
            tx.event("foreign", self.id, Some(scan.id), &action.id, now)?;
            return Ok("foreign");
        }
        let wait = match open && self.may_get() {
            true => RequeueWait::Action(&action.id, now.plus(self.pace.busy)),
            false => RequeueWait::Until(now.plus(self.put_off(scan.tries)), &action.id),
        };
        tx.to_waiting(scan.id, wait, now)?;
        tx.event("blocked", self.id, Some(scan.id), &action.id, now)?;
        Ok("blocked")
    }
}

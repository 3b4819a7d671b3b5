//! A scan goes back to the queue, because its call was not executed, and waits for its turn, a time or the end of a
//! foreign action. If another one of its machine waits by then, which is always a stronger one, the decisions move
//! there and it ends *dropped*, `merged`. Not so one that may have been carried out (`unanswered`): it waits by itself,
//! and the stronger one behind it.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::scan_row::{openings, windows};
use super::tx::Tx;
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

/// Why a scan waits whose machine is busy with nobody knows what.
pub const MACHINE_BUSY: &str = "machine busy";

/// Why a scan waits whose machine Defender forbids.
pub const FORBIDDEN: &str = "forbidden";

/// What a scan that goes back to the queue waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequeueWait<'w> {
    Turn,
    /// This time, for this reason; then it is behind those that wait already.
    Until(Timestamp, &'w str),
    /// The end of somebody else's action, which is looked at at this time; then as above.
    Action(&'w str, Timestamp),
}

impl Tx<'_> {
    /// The call was not executed: the scan goes back to the queue. If another one of its machine waits by now, which
    /// is always a stronger one, the decisions move there and this one ends as merged; but not if an earlier try may
    /// have been executed. One that a person has called off meanwhile ends here.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was neither being sent nor unknown.
    pub fn to_waiting(
        &mut self,
        scan: ScanId,
        wait: RequeueWait<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if self.drop_if_called_off(scan, now)? {
            return Ok(());
        }
        let other: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT w.id FROM scan s JOIN scan w ON w.tenant = s.tenant AND w.machine = s.machine AND w.dry = s.dry
                 WHERE s.id = ? AND NOT s.unanswered AND w.state = 'waiting' AND NOT w.unanswered",
            )?
            .query_row([scan.0], |row| row.get(0))
            .optional()?;
        match other {
            None => self.change(
                "UPDATE scan SET state = 'waiting', look_at = NULL, detail = NULL, not_before = NULL, blocked_by = NULL
                 WHERE id = ?1 AND state IN ('sending', 'unknown')",
                scan,
                [scan.0],
            )?,
            Some(other) => self.merge_into(ScanId(other), scan, now)?,
        }
        self.wait(other.map_or(scan, ScanId), wait)
    }

    /// The decisions of a scan move to a stronger one that waits, and take along what they allow.
    fn merge_into(
        &mut self,
        other: ScanId,
        scan: ScanId,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE decision SET scan = ?, reason = 'merged' WHERE scan = ?")?
            .execute([other.0, scan.0])?;
        let both: (Option<String>, Option<String>) = self
            .db
            .prepare_cached(
                "SELECT windows, (SELECT windows FROM scan WHERE id = ?2) FROM scan WHERE id = ?1",
            )?
            .query_row([other.0, scan.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let either = openings(both.0.as_deref()).or(openings(both.1.as_deref()));
        self.db
            .prepare_cached(
                "UPDATE scan SET priority = max(priority, (SELECT priority FROM scan WHERE id = ?2)),
                                 not_after = max(not_after, (SELECT not_after FROM scan WHERE id = ?2)),
                                 max_age = max(coalesce(max_age, not_after - created_at),
                                               (SELECT coalesce(max_age, not_after - created_at) FROM scan WHERE id = ?2)),
                                 windows = ?3,
                                 -- What was being sent had no window to wait for any more, and joining takes the earlier start.
                                 opens_at = NULL,
                                 not_before = CASE WHEN blocked_by IS NULL THEN NULL ELSE not_before END
                 WHERE id = ?1",
            )?
            .execute(params![other.0, scan.0, windows(&either)])?;
        self.reconsider_pause(other)?;
        self.end(scan, "dropped", Outcome::Merged, None, now)
    }

    /// What a waiting scan whose turn would be now waits for.
    fn wait(&mut self, scan: ScanId, wait: RequeueWait<'_>) -> Result<(), JournalError> {
        let (not_before, why, look_at) = match wait {
            RequeueWait::Turn => return Ok(()),
            RequeueWait::Until(at, why) => (at, why, None),
            RequeueWait::Action(action, look_at) => (Timestamp::NEVER, action, Some(look_at)),
        };
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = ?2, blocked_by = ?3, look_at = ?4, turn = (SELECT max(id) FROM scan)
                 WHERE id = ?1 AND state = 'waiting' AND blocked_by IS NULL",
            )?
            .execute(params![scan.0, not_before.millis(), why, look_at.map(Timestamp::millis)])?;
        Ok(())
    }
}

//! A scan ends, finished or dropped, and whatever waited for its end may go.

use super::db::params;
use super::error::JournalError;
use super::occasion::Occasion;
use super::tx::Tx;
use scanhook_core::message::MessageType;
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// The scan is over.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was over already.
    pub fn finish(
        &mut self,
        scan: ScanId,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.end(scan, "finished", outcome, detail, now)
    }

    /// The scan ends before it began.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was over already.
    pub fn drop_scan(
        &mut self,
        scan: ScanId,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.end(scan, "dropped", outcome, detail, now)
    }

    /// Whatever waited for this scan to end may go.
    pub(super) fn end(
        &mut self,
        scan: ScanId,
        state: &str,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET state = ?2, outcome = ?3, detail = ?4, ended_at = ?5, look_at = NULL
             WHERE id = ?1 AND state NOT IN ('finished', 'dropped')",
            scan,
            params![scan.0, state, outcome.code(), detail, now.millis()],
        )?;
        self.tally_end(scan, outcome, now)?;
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = opens_at, blocked_by = NULL, look_at = NULL
                 WHERE (tenant, machine) = (SELECT tenant, machine FROM scan WHERE id = ?1)
                   AND state = 'waiting' AND blocked_by = CAST(?1 AS TEXT)",
            )?
            .execute([scan.0])?;
        if outcome == Outcome::Merged {
            return Ok(());
        }
        let ended = Occasion::new(
            MessageType::ScanEnded,
            self.tenant_of(scan)?,
            outcome.code(),
        )
        .of_scan(scan)
        .ended(outcome);
        self.tell(&ended, now)
    }
}

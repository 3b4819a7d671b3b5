//! The mark of a scan that a pause keeps back. A pause of a rule or of devices is asked about each scan whose turn
//! comes: a scan it is for gets its mark (`pause`) and `not_before` = never. A scan that takes another alert along
//! loses the mark and is asked about anew.

use super::db::params;
use super::error::JournalError;
use super::pause_row::{Narrow, PauseId, concerns};
use super::scan_row::ScanRow;
use super::tx::Tx;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// Back into the queue.
pub(super) const BACK: &str =
    "pause = NULL, not_before = CASE state WHEN 'waiting' THEN NULL ELSE not_before END";

impl Tx<'_> {
    /// Takes a scan whose turn has come out of the queue until this pause is over.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was not to be sent.
    pub fn hold_back(&mut self, scan: ScanId, pause: PauseId) -> Result<(), JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE scan SET pause = ?2, not_before = CASE state WHEN 'waiting' THEN ?3 ELSE not_before END
                 WHERE id = ?1 AND state IN ('waiting', 'unknown')",
            )?
            .execute(params![scan.0, pause.0, Timestamp::NEVER.millis()])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict(
                "only what is to be sent can be held back",
            ))
        }
    }

    /// A scan that took another alert along is looked at anew: the pause may not be for that one.
    pub(super) fn reconsider_pause(&mut self, scan: ScanId) -> Result<(), JournalError> {
        let sql = format!("UPDATE scan SET {BACK} WHERE id = ? AND pause IS NOT NULL");
        Ok(self.db.later(&sql, [scan.0])?)
    }

    /// The first of these pauses that is for this scan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn held_back_by(
        &self,
        pauses: &[Narrow],
        scan: &ScanRow,
    ) -> Result<Option<PauseId>, JournalError> {
        for pause in pauses {
            if concerns(self.db, pause, scan.id.0, scan.machine.as_str())? {
                return Ok(Some(pause.id));
            }
        }
        Ok(None)
    }
}

//! A wish to call a scan off, as whoever calls for the tenant finds it: which scan Defender is asked about next, and
//! what the answer leads to. What was not executed ends here.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::rows::all;
use super::scan_row::{COLUMNS, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::person::By;
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

/// A running scan of ours that a person has called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledOff {
    pub scan: ScanRow,
    pub action: String,
    /// When the scan call left.
    pub sent_at: Timestamp,
    pub by: By,
    /// How often Defender was asked so far.
    pub tries: u32,
}

impl Tx<'_> {
    /// The running scan of ours that Defender is to be asked about next, and when.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_called_off(
        &self,
        tenant: TenantId,
    ) -> Result<Option<(Timestamp, CalledOff)>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS}, action, sent_at, cancel_by, cancel_why, cancel_tries, cancel_at FROM scan
             WHERE tenant = ? AND cancel_by IS NOT NULL AND state IN ('unknown', 'running') AND cancel_at IS NOT NULL
               AND state = 'running' AND ours AND action IS NOT NULL ORDER BY cancel_at, id LIMIT 1"
        );
        let row = self.db.prepare_cached(&sql)?.query_row([tenant.0], |row| {
            let Some(scan) = scan_row(row)? else {
                return Ok(None);
            };
            let called_off = CalledOff {
                scan,
                action: row.get("action")?,
                sent_at: Timestamp::from_millis(row.get("sent_at")?),
                by: By {
                    who: row.get("cancel_by")?,
                    words: row.get("cancel_why")?,
                },
                tries: row.get("cancel_tries")?,
            };
            Ok(Some((
                Timestamp::from_millis(row.get("cancel_at")?),
                called_off,
            )))
        });
        row.optional()?
            .map(|row| row.ok_or_else(damaged))
            .transpose()
    }

    /// The intent: from here on the call that calls it off may leave. Should nothing be heard of it, not even after a
    /// restart, it is repeated at `again`.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan is not running.
    pub fn begin_calling_off(
        &mut self,
        scan: ScanId,
        again: Timestamp,
    ) -> Result<(), JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE scan SET cancel_tries = cancel_tries + 1, cancel_at = ?2 WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![scan.0, again.millis()])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict("only what runs can be called off"))
        }
    }

    /// What the answer leads to: asked again at `again` (`None`: not any more), and looked for on the list at `look_at`.
    /// Returns false for a scan that a list has ended meanwhile; nothing is changed then.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn calling_off(
        &mut self,
        scan: ScanId,
        again: Option<Timestamp>,
        look_at: Timestamp,
    ) -> Result<bool, JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE scan SET cancel_at = ?2, look_at = CASE WHEN ?3 < ?4 THEN min(coalesce(look_at, ?3), ?3) ELSE look_at END
                 WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![scan.0, again.map(Timestamp::millis), look_at.millis(), Timestamp::NEVER.millis()])?;
        Ok(changed == 1)
    }

    /// Unknown scans that a person has called off and that would be sent again now: as many complete lists as
    /// `misses` do not hold them, or none could be read.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unknown_called_off(
        &self,
        tenant: TenantId,
        misses: u32,
    ) -> Result<Vec<ScanRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scan WHERE tenant = ? AND cancel_by IS NOT NULL
               AND state IN ('unknown', 'running') AND state = 'unknown' AND (misses >= ? OR unseen) ORDER BY id"
        );
        let rows = all(self.db, &sql, params![tenant.0, misses], scan_row)?;
        rows.into_iter()
            .map(|row| row.ok_or_else(damaged))
            .collect()
    }

    /// A scan whose call was not executed ends here, if a person has called it off.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn drop_if_called_off(
        &mut self,
        scan: ScanId,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let wish: Option<By> = self
            .db
            .prepare_cached(
                "SELECT cancel_by, cancel_why FROM scan WHERE id = ? AND cancel_by IS NOT NULL",
            )?
            .query_row([scan.0], |row| {
                Ok(By {
                    who: row.get(0)?,
                    words: row.get(1)?,
                })
            })
            .optional()?;
        let Some(by) = wish else { return Ok(false) };
        self.drop_scan(scan, Outcome::Cancelled, Some(&format!("by {by}")), now)?;
        Ok(true)
    }
}

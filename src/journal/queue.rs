//! What keeps a scan whose turn it would be: somebody else's action on its machine, windows that are closed, its age.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::open_scan::TO_BE_SENT_AGAIN;
use super::requeue::MACHINE_BUSY;
use super::rows::millis;
use super::scan_row::{COLUMNS, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::rules::EXTENDED_FOR;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// Scans past their time that one poll looks at.
const STEP: usize = 64;

/// A waiting scan whose machine somebody else's action occupies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub scan: ScanRow,
    pub action: String,
    /// When to look at it.
    pub look_at: Timestamp,
}

impl Tx<'_> {
    /// The next waiting scan for which the action that occupies its machine is to be looked at.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_blocked(&self, tenant: TenantId) -> Result<Option<Blocked>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS}, blocked_by, look_at FROM scan
             WHERE tenant = ? AND state = 'waiting' AND look_at IS NOT NULL ORDER BY look_at, id LIMIT 1"
        );
        let row = self.db.prepare_cached(&sql)?.query_row([tenant.0], |row| {
            let Some(scan) = scan_row(row)? else {
                return Ok(None);
            };
            let look_at = Timestamp::from_millis(row.get("look_at")?);
            Ok(Some(Blocked {
                scan,
                action: row
                    .get::<_, Option<String>>("blocked_by")?
                    .unwrap_or_default(),
                look_at,
            }))
        });
        row.optional()?
            .map(|row| row.ok_or_else(damaged))
            .transpose()
    }

    /// The action that occupies the machine is still open, or could not be read: it is looked at again then.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn still_blocked(
        &mut self,
        blocked: &Blocked,
        look_at: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE scan SET look_at = ?3 WHERE id = ?1 AND state = 'waiting' AND blocked_by = ?2")?
            .execute(params![blocked.scan.id.0, blocked.action, look_at.millis()])?;
        Ok(())
    }

    /// The action that occupied the machine is over (`until`: none), or nobody can tell, and it is tried then. Returns
    /// whether the scan still waited for it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn unblock(
        &mut self,
        blocked: &Blocked,
        until: Option<Timestamp>,
    ) -> Result<bool, JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE scan SET look_at = NULL, not_before = ?3, blocked_by = ?4
                 WHERE id = ?1 AND state = 'waiting' AND blocked_by = ?2",
            )?
            .execute(params![
                blocked.scan.id.0,
                blocked.action,
                until.map(Timestamp::millis),
                until.map(|_| MACHINE_BUSY)
            ])?;
        Ok(changed == 1)
    }

    /// Scans that something other than their turn keeps back, and that are past their time: waiting ones, and those that
    /// are to be sent again.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn overdue_behind(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Vec<ScanRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scan
             WHERE tenant = ? AND state = 'waiting' AND blocked_by IS NOT NULL AND not_after < ? ORDER BY not_after, id
             LIMIT {STEP}"
        );
        let again = format!(
            "SELECT {COLUMNS} FROM scan WHERE tenant = ? AND {TO_BE_SENT_AGAIN} AND not_after < ? ORDER BY id LIMIT {STEP}"
        );
        let mut overdue = Vec::new();
        for sql in [sql, again] {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement.query_map(params![tenant.0, now.millis()], scan_row)?;
            for row in rows {
                overdue.push(row?.ok_or_else(damaged)?);
            }
        }
        Ok(overdue)
    }

    /// When the next of them is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_overdue_behind(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let sql = "SELECT min(not_after) FROM scan
                   WHERE tenant = ? AND state = 'waiting' AND blocked_by IS NOT NULL AND not_after >= ?";
        let next: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, now.millis()], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, |at| {
            Timestamp::from_millis(at.saturating_add(1))
        }))
    }

    /// A waiting scan that may be sent for longer: its age counts anew from the end of a pause.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn extend(&mut self, scan: ScanId, not_after: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE scan SET not_after = max(not_after, ?2) WHERE id = ?1 AND state = 'waiting'")?
            .execute(params![scan.0, not_after.millis()])?;
        Ok(())
    }

    /// The windows in which a waiting scan may leave are closed: its turn comes when they open (`opens`), from when on its
    /// age counts, if that is soon enough after it was asked for. Where nobody knows when that is, it is looked at again `then`.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was not waiting.
    pub fn wait_for_window(
        &mut self,
        scan: ScanId,
        opens: Option<Timestamp>,
        then: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET not_before = ?2, opens_at = ?3,
                    not_after = CASE WHEN ?3 <= created_at + ?4
                                THEN max(not_after, ?3 + coalesce(max_age, not_after - created_at)) ELSE not_after END
             WHERE id = ?1 AND state = 'waiting'",
            scan,
            params![scan.0, opens.unwrap_or(then).millis(), opens.map(Timestamp::millis), millis(EXTENDED_FOR)],
        )
    }

    /// Counts that Defender has forbidden a scan of this machine alone.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn count_refusal(&mut self, scan: ScanId) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE scan SET refusals = refusals + 1 WHERE id = ?")?
            .execute([scan.0])?;
        Ok(())
    }
}

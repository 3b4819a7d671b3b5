//! Whose turn it is: scans whose time has come join the queue, and the first of it is the next.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::scan_row::{COLUMNS, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::rank::Rank;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// Waiting scans whose time has come join the queue. Returns when the next one's time comes.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn release_due(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let next = self.next_due(tenant)?;
        if next > now {
            return Ok(next);
        }
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = NULL, blocked_by = NULL, look_at = NULL
                 WHERE tenant = ? AND state = 'waiting' AND not_before <= ?",
            )?
            .execute(params![tenant.0, now.millis()])?;
        self.next_due(tenant)
    }

    fn next_due(&self, tenant: TenantId) -> Result<Timestamp, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(not_before) FROM scan
                 WHERE tenant = ? AND state = 'waiting' AND not_before IS NOT NULL",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }

    /// The scan, dry or not, whose turn it is: highest priority, then oldest.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_scan(&self, tenant: TenantId, dry: bool) -> Result<Option<ScanRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scan WHERE tenant = ? AND dry = ? AND state = 'waiting' AND not_before IS NULL
             ORDER BY {} LIMIT 1",
            Rank::ORDER_BY
        );
        let row = self
            .db
            .prepare_cached(&sql)?
            .query_row(params![tenant.0, dry], scan_row)
            .optional()?;
        row.map(|row| row.ok_or_else(damaged)).transpose()
    }
}

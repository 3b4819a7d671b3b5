//! Old running scans: they have no time of their own (`look_at` is NULL) and are looked for together, so that a machine
//! that is offline for days stretches nobody's list.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::open_scan::{OPEN, OpenScan};
use super::scan_row::IS_OPEN;
use super::tx::Tx;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// Running scans that are due and whose actions lie before `old` join those that are looked for by themselves, some
    /// at a time. Returns how many.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn set_aside(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
        old: Timestamp,
        most: u32,
    ) -> Result<usize, JournalError> {
        let sql = format!(
            "UPDATE scan SET look_at = NULL WHERE id IN
               (SELECT id FROM scan WHERE tenant = ? AND {IS_OPEN} AND look_at <= ? AND state = 'running' AND misses < 2
                  AND coalesce(far_sent_at, sent_at) < ? ORDER BY look_at, id LIMIT ?)"
        );
        Ok(self.db.prepare_cached(&sql)?.execute(params![
            tenant.0,
            now.millis(),
            old.millis(),
            most
        ])?)
    }

    /// Old running scans that are looked for by themselves, after this one, some at a time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn old_scans(
        &self,
        tenant: TenantId,
        after: ScanId,
        most: u32,
    ) -> Result<Vec<OpenScan>, JournalError> {
        let sql = format!(
            "{OPEN} WHERE tenant = ? AND {IS_OPEN} AND look_at IS NULL AND state = 'running' AND id > ? ORDER BY id LIMIT ?"
        );
        self.all_open(&sql, params![tenant.0, after.0, most])
    }

    /// How far back the oldest of them lies, by the far side's clock.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn oldest_of_old(&self, tenant: TenantId) -> Result<Option<Timestamp>, JournalError> {
        let sql = format!(
            "SELECT min(coalesce(far_sent_at, sent_at)) FROM scan
             WHERE tenant = ? AND {IS_OPEN} AND look_at IS NULL AND state = 'running'"
        );
        let oldest: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(oldest.map(Timestamp::from_millis))
    }
}

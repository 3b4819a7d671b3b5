//! How long a scan may wait to be sent. `max_age` counts anew from the end of a pause without a row being written:
//! [`Tx::too_old`] looks for the pauses that a scan has waited in.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::pause_row::{Narrow, PauseId, concerns};
use super::rows::all;
use super::scan_row::ScanRow;
use super::tx::Tx;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// Whether the scan has waited for longer than it may.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn too_old(
        &self,
        tenant: TenantId,
        scan: &ScanRow,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        Ok(self.good_until(tenant, scan, now)? < now)
    }

    /// Until when the scan may be sent, as far as that matters now. Its age counts anew from the end of a pause it waited
    /// in.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn good_until(
        &self,
        tenant: TenantId,
        scan: &ScanRow,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        if scan.not_after >= now {
            return Ok(scan.not_after);
        }
        let (created, max_age): (i64, i64) = self
            .db
            .prepare_cached("SELECT created_at, coalesce(max_age, not_after - created_at) FROM scan WHERE id = ?")?
            .query_row([scan.id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Those that ended too long ago would not help; of the others one is enough.
        let since = created.max(now.millis().saturating_sub(max_age).saturating_sub(1));
        let sql = "SELECT id, rule, device, ended_at FROM pause WHERE ended_at > ? AND (tenant IS NULL OR tenant = ?)
                   ORDER BY ended_at DESC, id DESC";
        let ended = all(self.db, sql, params![since, tenant.0], |row| {
            let device = row
                .get::<_, Option<String>>(2)?
                .and_then(|text| DeviceGlob::parse(&text).ok());
            Ok((
                Narrow {
                    id: PauseId(row.get(0)?),
                    rule: row.get(1)?,
                    device,
                },
                row.get::<_, i64>(3)?,
            ))
        })?;
        for (pause, ended) in ended {
            if concerns(self.db, &pause, scan.id.0, scan.machine.as_str())? {
                return Ok(Timestamp::from_millis(ended.saturating_add(max_age)));
            }
        }
        Ok(scan.not_after)
    }
}

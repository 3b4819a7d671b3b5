//! Counts and ages of a tenant, and tenants that the configuration no longer names though work is left.

use super::error::JournalError;
use super::keys::TenantId;
use super::reader::Reader;
use super::rows::{all, time};
use crate::api::TenantView;

impl Reader<'_> {
    /// Counts and ages of one tenant; its worker and its quota are filled in by whoever knows them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tenant(&self, tenant: TenantId, name: &str) -> Result<TenantView, JournalError> {
        let mut view = TenantView {
            name: name.to_owned(),
            ..TenantView::default()
        };
        let counts = "SELECT state, scans FROM scan_count WHERE tenant = ? AND scans > 0";
        view.scans = all(self.db, counts, [tenant.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .into_iter()
        .collect();
        let oldest =
            "SELECT min(created_at) FROM scan WHERE tenant = ? AND state = 'waiting' AND +id > 0";
        let oldest = self
            .db
            .prepare_cached(oldest)?
            .query_row([tenant.0], |row| row.get::<_, Option<i64>>(0))?;
        view.waiting_since = oldest.map(time);
        let held = "SELECT count(*), min(at) FROM decision WHERE tenant = ? AND state = 'held'";
        let (count, since): (u32, Option<i64>) = self
            .db
            .prepare_cached(held)?
            .query_row([tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        view.held = count;
        view.held_since = since.map(time);
        let resolving = "SELECT count(*) FROM decision WHERE tenant = ? AND state = 'resolving'";
        view.resolving = self
            .db
            .prepare_cached(resolving)?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(view)
    }

    /// Tenants that the configuration no longer names and that still have work: nobody sends, follows or ends it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn orphans(&self, known: &[TenantId]) -> Result<Vec<TenantView>, JournalError> {
        let sql = "SELECT id, name FROM tenant t WHERE
                     EXISTS (SELECT 1 FROM scan WHERE tenant = t.id AND state = 'waiting' AND +id > 0)
                  OR EXISTS (SELECT 1 FROM scan WHERE tenant = t.id AND state IN ('sending', 'unknown', 'running'))
                  OR EXISTS (SELECT 1 FROM decision WHERE tenant = t.id AND state = 'resolving')
                  OR EXISTS (SELECT 1 FROM decision WHERE tenant = t.id AND state = 'held')
                   ORDER BY id";
        let rows: Vec<(i64, String)> = all(self.db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let orphans = rows
            .into_iter()
            .filter(|(id, _)| !known.contains(&TenantId(*id)));
        orphans
            .map(|(id, name)| {
                let mut view = self.tenant(TenantId(id), &name)?;
                let why = "the configuration no longer names this tenant; name it again, and its work goes on";
                view.lane.stopped = Some(why.to_owned());
                Ok(view)
            })
            .collect()
    }
}

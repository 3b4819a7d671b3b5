//! Pauses: they keep matching scans from being sent, whatever else goes on. The rows are what is in force; a scan
//! that a pause of a rule or a device keeps back is taken out of the queue when its turn comes, so that it costs
//! nothing while it waits, and put back when the pause is over. What a whole tenant waits for needs no such mark.
//!
//! Pauses are looked up at the beginning of each poll (`worker::paused`, with `pauses_in_force`), so none can be missed.
//! One of a whole tenant ends `poll_scans` at once. One of a rule or of devices is asked about each scan whose turn
//! comes, at most 256 in a poll (`held_back`). Here is what people do: pause and resume.

use rusqlite::{OptionalExtension, params};

use super::error::JournalError;
use super::keys::TenantId;
use super::pause_row::{PAUSE, PauseScope, pause_view};
use super::rows::all;
use super::tx::Tx;
use crate::api::PauseView;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// Keeps scans from being sent from now on. One of the same scope that is in force is changed instead.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pause(
        &mut self,
        scope: &PauseScope,
        by: &By,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<PauseView, JournalError> {
        let (tenant, device) = (
            scope.tenant.map(|tenant| tenant.0),
            scope.device.as_ref().map(DeviceGlob::as_str),
        );
        let until = until.map(Timestamp::millis);
        let same: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT id FROM pause WHERE settled = 0 AND ended_at IS NULL AND (until IS NULL OR until > ?4)
                   AND tenant IS ?1 AND rule IS ?2 AND device IS ?3",
            )?
            .query_row(params![tenant, scope.rule, device, now.millis()], |row| row.get(0))
            .optional()?;
        let id = match same {
            Some(id) => {
                self.db
                    .prepare_cached(
                        "UPDATE pause SET who = ?2, reason = ?3, until = ?4 WHERE id = ?1",
                    )?
                    .execute(params![id, by.who, by.words, until])?;
                id
            }
            None => {
                self.db
                    .prepare_cached(
                        "INSERT INTO pause(tenant, rule, device, at, who, reason, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    )?
                    .execute(params![tenant, scope.rule, device, now.millis(), by.who, by.words, until])?;
                self.db.last_insert_rowid()
            }
        };
        let view = self
            .db
            .prepare_cached(&format!("{PAUSE} WHERE p.id = ?"))?
            .query_row([id], pause_view)?;
        self.pause_changed("paused", Some(by), tenant, &view.scope(), now)?;
        Ok(view)
    }

    /// Everything is paused from the start, until somebody resumes. A pause of everything that was there stays.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pause_from_the_start(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let there: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM pause WHERE settled = 0 AND ended_at IS NULL AND until IS NULL
                   AND tenant IS NULL AND rule IS NULL AND device IS NULL)",
            )?
            .query_row([], |row| row.get(0))?;
        if there {
            return Ok(());
        }
        // One that ends by itself would let things go before anybody has resumed; it is not changed, but outlasted.
        self.db
            .prepare_cached(
                "INSERT INTO pause(at, who, reason) VALUES (?, 'start', 'started with --paused')",
            )?
            .execute([now.millis()])?;
        self.pause_changed(
            "paused",
            Some(&By::new("start", None)),
            None,
            "everything",
            now,
        )
    }

    /// Ends the pauses that have every part which is given here; none is given: all. Returns those it ended.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn resume(
        &mut self,
        which: &PauseScope,
        by: &By,
        now: Timestamp,
    ) -> Result<Vec<PauseView>, JournalError> {
        let (tenant, device) = (
            which.tenant.map(|tenant| tenant.0),
            which.device.as_ref().map(DeviceGlob::as_str),
        );
        let sql = format!(
            "{PAUSE} WHERE p.settled = 0 AND p.ended_at IS NULL AND (?1 IS NULL OR p.tenant = ?1)
               AND (?2 IS NULL OR p.rule = ?2) AND (?3 IS NULL OR p.device = ?3) ORDER BY p.id"
        );
        let found = all(self.db, &sql, params![tenant, which.rule, device], |row| {
            Ok((
                row.get::<_, i64>("id")?,
                row.get("tenant_id")?,
                pause_view(row)?,
            ))
        })?;
        let mut ended = Vec::new();
        for (id, tenant, view) in found {
            self.db
                .prepare_cached("UPDATE pause SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL")?
                .execute(params![id, now.millis(), by.to_string()])?;
            self.pause_changed("resumed", Some(by), tenant, &view.scope(), now)?;
            ended.push(view);
        }
        Ok(ended)
    }

    pub(super) fn pause_changed(
        &mut self,
        what: &str,
        by: Option<&By>,
        tenant: Option<i64>,
        scope: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let words = by
            .and_then(|by| by.words.as_ref())
            .map_or_else(String::new, |words| format!(": {words}"));
        self.db
            .prepare_cached(
                "INSERT INTO event(at, what, tenant, who, data) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                now.millis(),
                what,
                tenant,
                by.map(|by| &by.who),
                format!("{scope}{words}")
            ])?;
        let concerned = "SELECT id FROM tenant WHERE ?1 IS NULL OR id = ?1";
        for tenant in all(self.db, concerned, [tenant], |row| row.get(0))? {
            self.touch(TenantId(tenant));
        }
        Ok(())
    }
}

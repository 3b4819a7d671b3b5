//! What the journal forgets, in small steps so that no sender waits for it.
//!
//! Housekeeping calls [`Tx::forget`] once a minute, and again while more is due. A step takes 100 rows of each table:
//! keys past the source's `remember`, bodies and records past `[journal] retention`, calls after a week, answers of the
//! directory after a day. Each finds what is due by an index of what is left to forget, so that an old journal costs no
//! more than a young one. What is open or held stays, and is passed over once a round (`sweep`).

use core::time::Duration;

use rusqlite::{OptionalExtension, Params, params};

use super::error::JournalError;
use super::keys::PolicyId;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// How long what is kept.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Raw bodies of deliveries.
    pub bodies: Duration,
    /// Everything else.
    pub records: Duration,
    /// The policy in force, which stays though nothing may have been decided by it.
    pub policy: PolicyId,
    /// Per source, how long deliveries and alerts count as the same.
    pub remember: Vec<(String, Duration)>,
}

/// Rows that a step looks at or touches in each table: with all of them due, the writer is held for some milliseconds.
const STEP: u32 = 100;
/// Bytes of bodies that a step lets go: a large one lies on many pages.
const STEP_BYTES: i64 = 1 << 20;

impl Tx<'_> {
    /// Forgets a step's worth. Returns whether more is due.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget(&mut self, retention: &Retention, now: Timestamp) -> Result<bool, JournalError> {
        let records = now.minus(retention.records).millis();
        let done = [
            self.forget_keys(retention, now)?,
            self.forget_bodies(now.minus(retention.bodies).millis())?,
            self.step(
                "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE at <= ? LIMIT ?)",
                now.minus(retention.bodies).millis(),
            )?,
            self.step(
                "DELETE FROM call WHERE id IN
                   (SELECT id FROM call INDEXED BY call_over WHERE sent_at <= ? AND ended_at IS NOT NULL LIMIT ?)",
                now.minus(retention.records.min(Duration::from_secs(7 * 86_400))).millis(),
            )?,
            self.step(
                "DELETE FROM device WHERE (tenant, asked) IN (SELECT tenant, asked FROM device WHERE at <= ? LIMIT ?)",
                now.minus(Duration::from_secs(86_400)).millis(),
            )?,
            self.step(
                "DELETE FROM device WHERE (tenant, asked) IN
                   (SELECT tenant, asked FROM device INDEXED BY device_unanswered WHERE at IS NULL AND since <= ? LIMIT ?)",
                now.minus(Duration::from_secs(7 * 86_400)).millis(),
            )?,
            self.forget_deliveries(records)?,
            self.forget_scans(records)?,
            self.step(
                "DELETE FROM machine WHERE (id, tenant) IN (SELECT id, tenant FROM machine WHERE at <= ? LIMIT ?)",
                records,
            )?,
            self.step(
                "DELETE FROM event WHERE id IN
                   (SELECT id FROM event INDEXED BY event_loose WHERE at <= ? AND scan IS NULL LIMIT ?)",
                records,
            )?,
            self.step(
                "DELETE FROM pause WHERE id IN (SELECT id FROM pause WHERE ended_at <= ? AND settled = 1 LIMIT ?)",
                records,
            )?,
        ];
        self.forget_policies(retention.policy, now.minus(retention.records))?;
        Ok(done.into_iter().any(|rows| rows >= STEP))
    }

    /// What tells that a delivery or a finding came before, source by source. Of a source that is not configured any
    /// more it is kept as long as the records.
    fn forget_keys(&mut self, retention: &Retention, now: Timestamp) -> Result<u32, JournalError> {
        let (mut keys, mut findings) = (0_u32, 0_u32);
        for source in all(self.db, "SELECT name FROM source", [], |row| {
            row.get::<_, String>(0)
        })? {
            let remember = retention
                .remember
                .iter()
                .find(|(name, _)| *name == source)
                .map(|(_, remember)| *remember);
            let before = now.minus(remember.unwrap_or(retention.records)).millis();
            keys += self.changed(
                "UPDATE delivery SET key = NULL WHERE id IN
                       (SELECT id FROM delivery INDEXED BY delivery_keyed
                        WHERE source = ? AND key IS NOT NULL AND received_at <= ? LIMIT ?)",
                params![source, before, STEP - keys],
            )?;
            findings += self.changed(
                "DELETE FROM finding WHERE (sameness, device) IN
                       (SELECT sameness, device FROM finding INDEXED BY finding_by_age
                        WHERE source = ? AND at <= ? LIMIT ?)",
                params![source, before, STEP - findings],
            )?;
        }
        Ok(keys.max(findings))
    }

    fn forget_bodies(&mut self, before: i64) -> Result<u32, JournalError> {
        let sql = "SELECT id, length(body) FROM delivery INDEXED BY delivery_bodied
                   WHERE received_at <= ? AND body IS NOT NULL LIMIT ?";
        let due: Vec<(i64, i64)> = all(self.db, sql, params![before, STEP], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let mut bytes = 0;
        for (delivery, length) in &due {
            if bytes > STEP_BYTES {
                return Ok(STEP);
            }
            bytes += length;
            self.db
                .prepare_cached("UPDATE delivery SET body = NULL WHERE id = ?")?
                .execute([delivery])?;
        }
        Ok(rows(&due))
    }

    /// Old deliveries with their alerts and decisions; what is open or held stays.
    fn forget_deliveries(&mut self, before: i64) -> Result<u32, JournalError> {
        const DUE: &str = "SELECT received_at, id,
              EXISTS (SELECT 1 FROM decision d LEFT JOIN scan s ON s.id = d.scan WHERE d.delivery = delivery.id
                      AND (d.state IN ('held', 'resolving') OR s.state NOT IN ('finished', 'dropped')))
            FROM delivery INDEXED BY delivery_by_age
            WHERE (received_at, id) > (?1, ?2) AND received_at <= ?3 ORDER BY received_at, id LIMIT ?4";
        let due = self.due("delivery", DUE, before)?;
        let mut left = STEP;
        for (at, delivery, open) in &due {
            if !open && !self.forget_delivery(*delivery, &mut left)? {
                // The next step goes on with this one.
                self.swept("delivery", *at, delivery - 1)?;
                return Ok(STEP);
            }
        }
        Ok(rows(&due))
    }

    /// A delivery may have thousands of decisions: as many rows as are `left`. Returns whether all of it is gone.
    fn forget_delivery(&mut self, delivery: i64, left: &mut u32) -> Result<bool, JournalError> {
        for sql in [
            "DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE delivery = ?1 LIMIT ?2)",
            "DELETE FROM alert WHERE delivery = ?1 AND n IN (SELECT n FROM alert WHERE delivery = ?1 LIMIT ?2)",
            "DELETE FROM delivery WHERE id = ?1 AND ?2 > 0",
        ] {
            *left -= self.changed(sql, params![delivery, *left])?;
            if *left == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Old scans that are over and answer for no decision any more, with what happened to them.
    fn forget_scans(&mut self, before: i64) -> Result<u32, JournalError> {
        // By their end: a cool-down counts from there.
        const DUE: &str =
            "SELECT coalesce(ended_at, created_at), id, EXISTS (SELECT 1 FROM decision d WHERE d.scan = scan.id)
            FROM scan INDEXED BY scan_over WHERE state IN ('finished', 'dropped')
              AND (coalesce(ended_at, created_at), id) > (?1, ?2) AND coalesce(ended_at, created_at) <= ?3
            ORDER BY coalesce(ended_at, created_at), id LIMIT ?4";
        let due = self.due("scan", DUE, before)?;
        for (_, scan, needed) in &due {
            if !needed {
                self.db
                    .prepare_cached("DELETE FROM event WHERE scan = ?")?
                    .execute([scan])?;
                self.db
                    .prepare_cached("DELETE FROM scan WHERE id = ?")?
                    .execute([scan])?;
            }
        }
        Ok(rows(&due))
    }

    /// The next rows of a table that are old enough, behind those that were looked at before: what has to stay is not
    /// looked at again and again while there is more behind it. At the end it begins anew.
    fn due(
        &mut self,
        of: &str,
        sql: &str,
        before: i64,
    ) -> Result<Vec<(i64, i64, bool)>, JournalError> {
        let behind: Option<(i64, i64)> = self
            .db
            .prepare_cached("SELECT at, id FROM sweep WHERE of = ?")?
            .query_row([of], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (at, id) = behind.unwrap_or((i64::MIN, i64::MIN));
        let due = all(self.db, sql, params![at, id, before, STEP], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        match due.last() {
            Some((at, id, _)) if rows(&due) == STEP => self.swept(of, *at, *id)?,
            _ if behind.is_some() => {
                self.db
                    .prepare_cached("DELETE FROM sweep WHERE of = ?")?
                    .execute([of])?;
            }
            _ => {}
        }
        Ok(due)
    }

    fn swept(&mut self, of: &str, at: i64, id: i64) -> Result<(), JournalError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO sweep(of, at, id) VALUES (?, ?, ?)")?
            .execute(params![of, at, id])?;
        Ok(())
    }

    fn step(&mut self, sql: &str, before: i64) -> Result<u32, JournalError> {
        self.changed(sql, params![before, STEP])
    }

    fn changed(&mut self, sql: &str, values: impl Params) -> Result<u32, JournalError> {
        let rows = self.db.prepare_cached(sql)?.execute(values)?;
        Ok(u32::try_from(rows).unwrap_or(u32::MAX))
    }

    /// Policies by which nothing is decided any more. One that is loaded again is as young as on its first day.
    fn forget_policies(
        &mut self,
        in_force: PolicyId,
        before: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "DELETE FROM policy WHERE loaded_at <= ? AND id <> ?
                   AND NOT EXISTS (SELECT 1 FROM decision WHERE policy = policy.id)",
            )?
            .execute(params![before.millis(), in_force.0])?;
        Ok(())
    }
}

fn rows<T>(of: &[T]) -> u32 {
    u32::try_from(of.len()).unwrap_or(u32::MAX)
}

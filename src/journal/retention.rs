//! What the journal forgets, in small steps so that no sender waits for it.
//!
//! Housekeeping calls [`Tx::forget`] once a minute, and again while more is due. A step takes 100 rows of each table:
//! keys past the source's `remember`, bodies and records past `[journal] retention`, calls after a week, answers of the
//! directory after a day, rows of the audit past their own retention. Each finds what is due by an index of what is left to forget, so that an old journal costs no
//! more than a young one. What is open or held stays (`sweep`).

use core::time::Duration;

use super::db::params;
use super::error::JournalError;
use super::keys::PolicyId;
use super::rows::all;
use super::sweep::{STEP, rows};
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// How long what is kept.
#[derive(Clone, Debug)]
pub struct Retention {
    pub bodies: Duration,
    pub records: Duration,
    pub audit: Duration,
    /// How long a session lasts that nobody uses.
    pub idle: Duration,
    /// The policy in force, which stays though nothing may have been decided by it.
    pub policy: PolicyId,
    /// Per source, how long deliveries and alerts count as the same.
    pub remember: Vec<(String, Duration)>,
}

/// How long events and messages that are over are kept.
const MESSAGES_KEPT: Duration = Duration::from_secs(7 * 86_400);

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
                "DELETE FROM occasion WHERE id IN (SELECT id FROM occasion WHERE at <= ? LIMIT ?)",
                now.minus(retention.records.min(MESSAGES_KEPT)).millis(),
            )?,
            self.step(
                "DELETE FROM outbox WHERE id IN
                   (SELECT id FROM outbox INDEXED BY outbox_over WHERE ended_at <= ? AND ended_at IS NOT NULL LIMIT ?)",
                now.minus(retention.records.min(MESSAGES_KEPT)).millis(),
            )?,
            self.step(
                "DELETE FROM write_back WHERE (receiver, target, machine) IN
                   (SELECT receiver, target, machine FROM write_back INDEXED BY write_back_by_age WHERE at <= ? LIMIT ?)",
                records,
            )?,
            // What waits for a receiver that is not configured any more.
            self.step(
                "DELETE FROM outbox WHERE id IN
                   (SELECT id FROM outbox WHERE state = 'waiting' AND at <= ? AND receiver NOT IN (SELECT name FROM receiver) LIMIT ?)",
                now.minus(retention.records.min(MESSAGES_KEPT)).millis(),
            )?,
            self.step(
                "DELETE FROM pause WHERE id IN (SELECT id FROM pause WHERE ended_at <= ? AND settled LIMIT ?)",
                records,
            )?,
            self.forget_sessions(now.minus(retention.idle), now)?,
            // The newest row stays: the next one's hash is made with its own.
            self.step(
                "DELETE FROM audit WHERE id IN
                   (SELECT id FROM audit INDEXED BY audit_by_age WHERE at <= ? AND id < (SELECT max(id) FROM audit) LIMIT ?)",
                now.minus(retention.audit).millis(),
            )?,
        ];
        self.changed(
            "DELETE FROM minute WHERE at <= ?",
            [now.minus(Duration::from_secs(30 * 86_400)).millis()],
        )?;
        self.changed("DELETE FROM tally WHERE day <= ?", [records])?;
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

    fn step(&mut self, sql: &str, before: i64) -> Result<u32, JournalError> {
        self.changed(sql, params![before, STEP])
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

//! What the journal forgets, in small steps so that no sender waits for it.

use core::time::Duration;

use rusqlite::params;

use super::accept::PolicyId;
use super::error::JournalError;
use super::store::Tx;
use crate::domain::time::Timestamp;

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

/// Rows a step touches at most in each table.
const STEP: u32 = 500;

impl Tx<'_> {
    /// Forgets a step's worth. Returns whether more is due.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget(&mut self, retention: &Retention, now: Timestamp) -> Result<bool, JournalError> {
        let mut most = 0;
        for (source, remember) in &retention.remember {
            let before = now.minus(*remember).millis();
            self.db
                .prepare_cached(
                    "UPDATE alert SET key = NULL WHERE key IS NOT NULL AND delivery IN
                       (SELECT id FROM delivery WHERE received_at <= ? AND source = ? AND key IS NOT NULL LIMIT ?)",
                )?
                .execute(params![before, source, STEP])?;
            most = most.max(
                self.db
                    .prepare_cached(
                        "UPDATE delivery SET key = NULL WHERE id IN
                           (SELECT id FROM delivery WHERE received_at <= ? AND source = ? AND key IS NOT NULL LIMIT ?)",
                    )?
                    .execute(params![before, source, STEP])?,
            );
        }
        let bodies = now.minus(retention.bodies).millis();
        most = most.max(self.step(
            "UPDATE delivery SET body = NULL WHERE id IN
               (SELECT id FROM delivery WHERE received_at <= ? AND body IS NOT NULL LIMIT ?)",
            bodies,
        )?);
        most = most.max(self.step(
            "DELETE FROM call WHERE id IN (SELECT id FROM call WHERE sent_at <= ? AND ended_at IS NOT NULL LIMIT ?)",
            now.minus(retention.records.min(Duration::from_secs(7 * 86_400))).millis(),
        )?);
        most = most.max(self.step(
            "DELETE FROM device WHERE (tenant, asked) IN (SELECT tenant, asked FROM device WHERE at <= ? LIMIT ?)",
            now.minus(Duration::from_secs(86_400)).millis(),
        )?);
        self.step(
            "DELETE FROM device WHERE (tenant, asked) IN
               (SELECT tenant, asked FROM device WHERE at IS NULL AND since <= ? LIMIT ?)",
            now.minus(Duration::from_secs(7 * 86_400)).millis(),
        )?;
        most = most.max(self.forget_records(now.minus(retention.records).millis())?);
        self.forget_policies(retention.policy, now.minus(retention.records))?;
        Ok(most >= STEP as usize)
    }

    /// Old deliveries with their alerts and decisions, and old scans that are over; what is open or held stays.
    fn forget_records(&mut self, before: i64) -> Result<usize, JournalError> {
        const OLD: &str = "SELECT id FROM delivery WHERE received_at <= ?1 AND NOT EXISTS
            (SELECT 1 FROM decision d LEFT JOIN scan s ON s.id = d.scan WHERE d.delivery = delivery.id
             AND (d.state IN ('held', 'resolving') OR s.state NOT IN ('finished', 'dropped'))) LIMIT ?2";
        self.step(&format!("DELETE FROM decision WHERE delivery IN ({OLD})"), before)?;
        self.step(&format!("DELETE FROM alert WHERE delivery IN ({OLD})"), before)?;
        let deliveries = self.step(&format!("DELETE FROM delivery WHERE id IN ({OLD})"), before)?;
        const OVER: &str = "SELECT id FROM scan WHERE created_at <= ?1 AND state IN ('finished', 'dropped')
            AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.scan = scan.id) LIMIT ?2";
        self.step(&format!("DELETE FROM event WHERE scan IN ({OVER})"), before)?;
        let scans = self.step(&format!("DELETE FROM scan WHERE id IN ({OVER})"), before)?;
        self.step(
            "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at <= ? AND scan IS NULL LIMIT ?)",
            before,
        )?;
        self.step(
            "DELETE FROM pause WHERE id IN (SELECT id FROM pause WHERE ended_at <= ? AND settled = 1 LIMIT ?)",
            before,
        )?;
        Ok(deliveries.max(scans))
    }

    /// Policies by which nothing is decided any more. One that is loaded again is as young as on its first day.
    fn forget_policies(&mut self, in_force: PolicyId, before: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "DELETE FROM policy WHERE loaded_at <= ? AND id <> ?
                   AND NOT EXISTS (SELECT 1 FROM decision WHERE policy = policy.id)",
            )?
            .execute(params![before.millis(), in_force.0])?;
        Ok(())
    }

    fn step(&mut self, sql: &str, before: i64) -> Result<usize, JournalError> {
        Ok(self.db.prepare_cached(sql)?.execute(params![before, STEP])?)
    }
}

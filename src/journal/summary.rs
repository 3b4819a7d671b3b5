//! What happened in a span of time, counted over the rows of that time alone.

use super::db::params;
use super::error::JournalError;
use super::reader::Reader;
use super::rows::all;
use crate::api::{CountView, SummaryView};
use scanhook_core::time::Timestamp;

impl Reader<'_> {
    /// The alerts, decisions and scans from one time to another; of one tenant, or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn summary(
        &self,
        since: Timestamp,
        until: Timestamp,
        tenant: Option<&str>,
    ) -> Result<SummaryView, JournalError> {
        let span = params![since.millis(), until.millis(), tenant];
        let counts = |sql: &str| {
            all(self.db, sql, span, |row| {
                let (name, count): (Option<String>, i64) = (row.get(0)?, row.get(2)?);
                Ok(CountView {
                    name: name.unwrap_or_default(),
                    reason: row.get(1)?,
                    count: count.unsigned_abs(),
                })
            })
        };
        let count = |sql: &str| -> Result<u64, JournalError> {
            let count: i64 = self
                .db
                .prepare_cached(sql)?
                .query_row(span, |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        // By time: SQLite would rather walk an index that saves it the grouping.
        let alerts = "FROM delivery l INDEXED BY delivery_by_age JOIN alert a ON a.delivery = l.id WHERE l.received_at BETWEEN ?1 AND ?2
                      AND (?3 IS NULL OR EXISTS (SELECT 1 FROM decision d JOIN tenant t ON t.id = d.tenant
                                                 WHERE d.delivery = a.delivery AND d.n = a.n AND t.name = ?3))";
        let of_tenant = "AND (?3 IS NULL OR tenant = (SELECT id FROM tenant WHERE name = ?3))";
        let decisions =
            format!("FROM decision INDEXED BY decision_at WHERE at BETWEEN ?1 AND ?2 {of_tenant}");
        let scans =
            format!("FROM scan INDEXED BY scan_at WHERE created_at BETWEEN ?1 AND ?2 {of_tenant}");
        Ok(SummaryView {
            since: since.to_string(),
            until: until.to_string(),
            deliveries: count(&format!("SELECT count(DISTINCT l.id) {alerts}"))?,
            alerts: counts(&format!(
                "SELECT a.state, a.reason, count(*) {alerts} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
            ))?,
            sources: counts(&format!(
                "SELECT a.source, NULL, count(*) {alerts} GROUP BY 1 ORDER BY 3 DESC, 1"
            ))?,
            decisions: counts(&format!(
                "SELECT state, reason, count(*) {decisions} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
            ))?,
            rules: counts(&format!(
                "SELECT rule, NULL, count(*) {decisions} GROUP BY 1 ORDER BY 3 DESC, 1"
            ))?,
            scans: counts(&format!(
                "SELECT state, outcome, count(*) {scans} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
            ))?,
            machines: count(&format!("SELECT count(DISTINCT machine) {scans}"))?,
            held: count(&format!(
                "SELECT count(*) FROM decision WHERE state = 'held' AND ?1 IS NOT NULL AND ?2 IS NOT NULL {of_tenant}"
            ))?,
            now: None,
        })
    }
}

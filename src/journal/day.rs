//! What a day came to, for the digest of a receiver. Counted once a day, and no further than [`MOST`].

use core::time::Duration;

use rusqlite::{Params, params};

use super::error::JournalError;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::message::DigestCounts;
use scanhook_core::time::Timestamp;

/// Rows of one kind that are counted.
const MOST: u32 = 10_000;
const A_DAY: Duration = Duration::from_secs(86_400);
const AN_HOUR: Duration = Duration::from_secs(3_600);

impl Tx<'_> {
    /// The numbers of the day before `now`, of these tenants, or of all and of what belongs to none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn day(
        &self,
        tenants: Option<&[String]>,
        now: Timestamp,
    ) -> Result<DigestCounts, JournalError> {
        let (from, soon) = (now.minus(A_DAY).millis(), now.plus(AN_HOUR).millis());
        let mut counts = DigestCounts::default();
        for (id, name) in all(self.db, "SELECT id, name FROM tenant", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })? {
            if tenants.is_some_and(|tenants| !tenants.contains(&name)) {
                continue;
            }
            let held = "SELECT 1 FROM decision WHERE tenant = ? AND state = 'held'";
            counts.held += self.up_to(held, params![id])?;
            let ending = "SELECT 1 FROM decision INDEXED BY decision_expires
                          WHERE tenant = ? AND state = 'held' AND look_at <= ?";
            counts.ending += self.up_to(ending, params![id, soon])?;
            let sql = "SELECT state, scans FROM scan_count WHERE tenant = ? AND scans > 0";
            for (state, scans) in all(self.db, sql, [id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
            })? {
                match state.as_str() {
                    "waiting" => counts.waiting += scans,
                    "sending" | "unknown" | "running" => counts.running += scans,
                    _ => {}
                }
            }
            for (outcome, scans) in self.told_of(id, from, "scan.ended")? {
                *counts.scans.entry(outcome).or_default() += scans;
            }
            for (_, expired) in self.told_of(id, from, "decision.expired")? {
                counts.expired += expired;
            }
        }
        if tenants.is_none() {
            let sql = "SELECT key, count(*) FROM occasion INDEXED BY occasion_by_age
                       WHERE at > ? AND what = 'alert.parked' GROUP BY key";
            counts.parked = all(self.db, sql, [from], |row| Ok((row.get(0)?, row.get(1)?)))?
                .into_iter()
                .collect();
        }
        Ok(counts)
    }

    fn up_to(&self, rows: &str, values: impl Params) -> Result<u32, JournalError> {
        let sql = format!("SELECT count(*) FROM ({rows} LIMIT {MOST})");
        Ok(self
            .db
            .prepare_cached(&sql)?
            .query_row(values, |row| row.get(0))?)
    }

    /// What was told of a tenant, by outcome.
    fn told_of(
        &self,
        tenant: i64,
        from: i64,
        what: &str,
    ) -> Result<Vec<(String, u32)>, JournalError> {
        let sql = "SELECT key, sum(coalesce(json_extract(said, '$.count'), 1)) FROM occasion INDEXED BY occasion_by_age
                   WHERE at > ? AND tenant = ? AND what = ? GROUP BY key";
        all(self.db, sql, params![from, tenant, what], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}

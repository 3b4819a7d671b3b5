//! What a day came to, for the digest of a receiver. Counted once a day, and no further than [`MOST`].

use core::time::Duration;

use super::db::{Params, params};
use super::error::JournalError;
use super::reader::Reader;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::message::{DigestCounts, MessageType, Notice};
use scanhook_core::time::Timestamp;

/// Rows of one kind that are counted.
const MOST: u32 = 10_000;
/// Credentials that are named.
const NAMED: usize = 100;
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
        let (reader, mut counts) = (Reader { db: self.db }, DigestCounts::default());
        for (id, name) in all(
            self.db,
            "SELECT id, name FROM tenant ORDER BY id",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )? {
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
                       WHERE at > ? AND what = 'alert.parked' GROUP BY key ORDER BY count(*) DESC, key LIMIT 100";
            counts.parked = all(self.db, sql, [from], |row| Ok((row.get(0)?, row.get(1)?)))?
                .into_iter()
                .collect();
            counts.audit_head = reader.audit_head()?;
        }
        counts.pauses = self.pauses_of(tenants, now)?;
        let ending = reader.going_on(MessageType::CredentialEnding, tenants)?;
        let with_end = |notice: Notice| Some((notice.key, notice.said.until?.to_string()));
        counts.credentials = ending
            .into_iter()
            .filter_map(with_end)
            .take(NAMED)
            .collect();
        Ok(counts)
    }

    /// Pauses in force that keep back anything of these tenants.
    fn pauses_of(&self, tenants: Option<&[String]>, now: Timestamp) -> Result<u32, JournalError> {
        let sql = "SELECT t.name FROM pause p LEFT JOIN tenant t ON t.id = p.tenant
                   WHERE NOT p.settled AND p.ended_at IS NULL AND (p.until IS NULL OR p.until > ?)";
        let of: Vec<Option<String>> = all(self.db, sql, [now.millis()], |row| row.get(0))?;
        let concerns = |tenant: &&Option<String>| match (tenants, tenant) {
            (Some(tenants), Some(tenant)) => tenants.contains(tenant),
            _ => true,
        };
        Ok(u32::try_from(of.iter().filter(concerns).count()).unwrap_or(u32::MAX))
    }

    fn up_to(&self, rows: &str, values: impl Params) -> Result<u32, JournalError> {
        let sql = format!("SELECT count(*) FROM ({rows} LIMIT {MOST}) AS found");
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
        let sql = "SELECT key, sum(coalesce(CAST(said ->> '$.count' AS BIGINT), 1)) FROM occasion INDEXED BY occasion_by_age
                   WHERE at > ? AND tenant = ? AND what = ? GROUP BY key";
        all(self.db, sql, params![from, tenant, what], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}

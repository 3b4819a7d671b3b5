//! What each rule and protection came to, from the tallies of days; and the policies there were.

use std::collections::BTreeMap;

use super::backfill::DAY;
use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::reader::Reader;
use super::rows::{all, time};
use super::selector::listed;
use crate::api::{CountView, PolicyView, RuleRow, UnmatchedView};
use scanhook_core::scan::Reason;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Limit;

/// Titles that are told, and decisions that are looked at for them.
const TITLES: u32 = 20;
const LOOKED_AT: i64 = 20_000;

/// What rules and protections came to, by their names; decisions that no rule won stand under the empty name.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    pub rules: BTreeMap<String, RuleRow>,
    pub protections: BTreeMap<String, RuleRow>,
}

impl Reader<'_> {
    /// What was tallied from the day on in which `since` lies; of one policy, or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tallies(
        &self,
        since: Timestamp,
        policy: Option<&str>,
        tenants: Option<&[TenantId]>,
    ) -> Result<Tallies, JournalError> {
        let of = tenants.map_or_else(String::new, |of| format!(" AND tenant IN ({})", listed(of)));
        let sql = format!(
            "SELECT rule, what, sum(n) FILTER (WHERE day >= ?1), max(at) FROM tally
             WHERE day >= 0 AND (?2 IS NULL OR policy = (SELECT id FROM policy WHERE hash = ?2)){of} GROUP BY rule, what"
        );
        let from = since.millis() / DAY * DAY;
        let rows = all(self.db, &sql, params![from, policy], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<i64>>(2)?.unwrap_or(0).unsigned_abs(),
                row.get::<_, i64>(3)?,
            ))
        })?;
        let mut tallies = Tallies::default();
        for (name, what, n, at) in rows {
            tallies.take(name, &what, n, time(at));
        }
        Ok(tallies)
    }

    /// How many of its scans a rule's limit counts now, of one tenant.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn limit_used(
        &self,
        tenant: TenantId,
        rule: &str,
        limit: Limit,
        now: Timestamp,
    ) -> Result<u32, JournalError> {
        let sql = "SELECT count(*) FROM scan WHERE tenant = ?1 AND dry = FALSE AND rule = ?2 AND of_rule IS NOT NULL
                     AND of_rule > (SELECT max(of_rule) FROM scan WHERE tenant = ?1 AND dry = FALSE AND rule = ?2
                                      AND of_rule IS NOT NULL) - ?3
                     AND created_at > ?4";
        let after = now.minus(limit.per).millis();
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, rule, limit.scans, after], |row| {
                row.get(0)
            })?)
    }

    /// The titles of alerts that no rule matched, the most frequent first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unmatched(
        &self,
        since: Timestamp,
        tenants: Option<&[TenantId]>,
    ) -> Result<UnmatchedView, JournalError> {
        let of = tenants.map_or_else(String::new, |of| {
            format!(" AND d.tenant IN ({})", listed(of))
        });
        let sql = format!(
            "SELECT coalesce(a.fields ->> '$.title', ''), count(*) FROM decision d
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
             WHERE d.id > (SELECT coalesce(max(id), 0) FROM decision) - {LOOKED_AT} AND +d.at >= ? AND d.reason = '{}'{of}
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {TITLES}",
            Reason::NoMatch.code()
        );
        let titles = all(self.db, &sql, [since.millis()], |row| {
            Ok(CountView {
                name: row.get(0)?,
                reason: None,
                count: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })?;
        Ok(UnmatchedView {
            decisions: 0,
            titles,
        })
    }

    /// The policies that decisions point to, or that are in force; newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn policies(&self) -> Result<Vec<PolicyView>, JournalError> {
        let sql = "SELECT hash, loaded_at FROM policy ORDER BY loaded_at DESC, id DESC";
        all(self.db, sql, [], |row| {
            Ok(PolicyView {
                hash: row.get(0)?,
                loaded_at: time(row.get(1)?),
                ..PolicyView::default()
            })
        })
    }

    /// The policy of this fingerprint, with its text.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn policy(&self, hash: &str) -> Result<Option<PolicyView>, JournalError> {
        let sql = "SELECT hash, loaded_at, rules FROM policy WHERE hash = ?";
        let found = self.db.prepare_cached(sql)?.query_row([hash], |row| {
            Ok(PolicyView {
                hash: row.get(0)?,
                loaded_at: time(row.get(1)?),
                in_force: false,
                text: row.get(2)?,
            })
        });
        Ok(found.optional()?)
    }
}

impl Tallies {
    fn take(&mut self, name: String, what: &str, n: u64, at: String) {
        let (what, rest) = what.split_once(':').unwrap_or((what, ""));
        let rows = if what == "guards" {
            &mut self.protections
        } else {
            &mut self.rules
        };
        let row = rows.entry(name).or_insert_with_key(|name| RuleRow {
            name: name.clone(),
            ..RuleRow::default()
        });
        let (state, again) = match what {
            "again" => (rest.split_once(':').unwrap_or((rest, "")), true),
            state => ((state, rest), false),
        };
        match state {
            ("ended", outcome) => *row.outcomes.entry(outcome.to_owned()).or_default() += n,
            ("guards", "unknown") => row.unknown += n,
            ("guards", _) => row.hits += n,
            _ if !again => row.hits += n,
            _ => {}
        }
        match state {
            ("held", reason) if !again => *row.held.entry(reason.to_owned()).or_default() += n,
            ("scan", "new") => row.scans += n,
            _ => {}
        }
        if state.0 != "ended" && !again && row.last_hit.as_ref().is_none_or(|last| *last < at) {
            row.last_hit = Some(at);
        }
    }
}

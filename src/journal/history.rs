//! What is known of a machine, for the planner: what waits, what is open, what cools, and which limits are spent.
//!
//! A scan that a limit counts has its place among those of its rule and tenant. Whether a limit of N is spent is one
//! look at the scan N places back: was it begun within the window?

use super::db::{OptionalExtension, Params, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::reader::Reader;
use super::scan_row::openings;
use scanhook_core::alert::MachineId;
use scanhook_core::plan::{AHEAD, History, Open, Past, Waiting};
use scanhook_core::scan::{Kind, Mode, Priority, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Limit, Wanted};

/// When the scan of a rule was begun that is so many places back. Two texts, for no index is found by one that serves both.
macro_rules! begun_of_rule {
    ($of_rule:literal) => {
        concat!(
            "SELECT created_at FROM scan WHERE tenant = ?1 AND dry = ?2 AND ",
            $of_rule,
            " AND of_rule = (SELECT max(of_rule) FROM scan WHERE tenant = ?1 AND dry = ?2 AND ",
            $of_rule,
            " AND of_rule IS NOT NULL) + 1 - ?4"
        )
    };
}

impl Reader<'_> {
    /// What is known of a machine, for the planner.
    pub(super) fn history(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        rule: Option<&str>,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<History, JournalError> {
        let dry = wanted.mode == Mode::DryRun;
        let since = now.minus(wanted.cooldown.of(wanted.kind));
        let (last_quick, last_full) = self.past(tenant, machine, dry, since, now)?;
        let rule_used = self.begun(
            match rule {
                Some(_) => begun_of_rule!("rule = ?3"),
                None => begun_of_rule!("rule IS NULL"),
            },
            params![tenant.0, dry, rule, wanted.limit.map(|limit| limit.scans)],
            wanted.limit,
            now,
        )?;
        let tenant_used = self.begun(
            "SELECT created_at FROM scan WHERE tenant = ?1 AND dry = ?2 AND of_tenant =
               (SELECT max(of_tenant) FROM scan WHERE tenant = ?1 AND dry = ?2 AND of_tenant IS NOT NULL) + 1 - ?3",
            params![tenant.0, dry, wanted.tenant_limit.map(|limit| limit.scans)],
            wanted.tenant_limit,
            now,
        )?;
        Ok(History {
            waiting: self.waiting(tenant, machine, dry)?,
            open: self.open(tenant, machine)?,
            last_quick,
            last_full,
            rule_used,
            tenant_used,
        })
    }

    fn waiting(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        dry: bool,
    ) -> Result<Option<Waiting>, JournalError> {
        let row = self
            .db
            .prepare_cached(
                "SELECT id, kind, priority, opens_at, windows FROM scan
                 WHERE tenant = ? AND machine = ? AND dry = ? AND state = 'waiting' AND NOT unanswered",
            )?
            .query_row(params![tenant.0, machine.as_str(), dry], |row| {
                Ok((
                    ScanId(row.get(0)?),
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get::<_, Option<i64>>(3)?,
                    openings(row.get::<_, Option<String>>(4)?.as_deref()),
                ))
            })
            .optional()?;
        Ok(row.and_then(|(scan, kind, priority, start, openings)| {
            let start = start.map(Timestamp::from_millis);
            Some(Waiting {
                scan,
                kind: Kind::of_code(&kind)?,
                priority: Priority::new(priority)?,
                start,
                openings,
            })
        }))
    }

    fn open(&self, tenant: TenantId, machine: &MachineId) -> Result<Option<Open>, JournalError> {
        let find = |sql: &str| {
            let mut statement = self.db.prepare_cached(sql)?;
            let found = statement.query_row(params![tenant.0, machine.as_str()], |row| {
                Ok((
                    ScanId(row.get(0)?),
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get(3)?,
                ))
            });
            found.optional()
        };
        let mut row = find(
            "SELECT id, kind, ours, cancel_by IS NOT NULL FROM scan
             WHERE tenant = ? AND machine = ? AND state IN ('sending', 'unknown', 'running')",
        )?;
        if row.is_none() {
            // One that goes back to the queue, though an earlier call of it may have been carried out.
            row = find(
                "SELECT id, kind, ours, cancel_by IS NOT NULL FROM scan
                 WHERE tenant = ? AND machine = ? AND state = 'waiting' AND unanswered",
            )?;
        }
        Ok(row.and_then(|(scan, kind, ours, called_off)| {
            Some(Open {
                scan,
                kind: Kind::of_code(&kind)?,
                ours,
                called_off,
            })
        }))
    }

    /// The latest Quick and Full that cool. Only what succeeded does; a dry scan cools dry decisions only.
    fn past(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        dry: bool,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(Option<Past>, Option<Past>), JournalError> {
        let mut latest = (None, None);
        let mut statement = self.db.prepare_cached(
            "SELECT id, kind, ended_at, outcome FROM scan WHERE tenant = ? AND machine = ? AND state = 'finished'
               AND ended_at > ? AND ended_at <= ? ORDER BY ended_at DESC, id DESC",
        )?;
        let until = now.plus(AHEAD).millis();
        let mut rows =
            statement.query(params![tenant.0, machine.as_str(), since.millis(), until])?;
        while let Some(row) = rows.next()? {
            let (kind, outcome): (String, String) = (row.get(1)?, row.get(3)?);
            if outcome != "succeeded" && !(dry && outcome == "dry_run") {
                continue;
            }
            let past = Past {
                scan: ScanId(row.get(0)?),
                ended: Timestamp::from_millis(row.get(2)?),
            };
            let place = if kind == Kind::Full.code() {
                &mut latest.1
            } else {
                &mut latest.0
            };
            place.get_or_insert(past);
            if latest.1.is_some() {
                // An older Quick can only matter less than this Full: it cools a shorter time or as long.
                break;
            }
        }
        Ok(latest)
    }

    /// The limit if it is spent, otherwise nothing: `sql` finds when the scan was begun that is as many places back as
    /// the limit has scans, and all that were begun after it count as well.
    fn begun(
        &self,
        sql: &str,
        values: impl Params,
        limit: Option<Limit>,
        now: Timestamp,
    ) -> Result<u32, JournalError> {
        let Some(limit) = limit.filter(|limit| limit.scans > 0) else {
            return Ok(0);
        };
        let begun: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let counts = now.minus(limit.per).millis() + 1..=now.plus(AHEAD).millis();
        Ok(begun
            .filter(|begun| counts.contains(begun))
            .map_or(0, |_| limit.scans))
    }
}

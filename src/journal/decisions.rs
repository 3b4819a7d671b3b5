//! The one way in: a verdict about one device becomes a decision, and with the machine's history a scan.

use core::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::accept::PolicyId;
use super::error::JournalError;
use super::store::{TenantId, Tx};
use crate::domain::alert::MachineId;
use crate::domain::plan::{History, Open, Past, Plan, Waiting, plan};
use crate::domain::scan::{DecisionState, Kind, Mode, Priority, Reason, ScanId};
use crate::domain::time::Timestamp;
use crate::domain::verdict::{Asks, Limit, Verdict, Wanted};
use crate::domain::why::Why;

/// A decision that is about to be made.
#[derive(Clone, Debug)]
pub struct NewDecision<'a> {
    /// The delivery's row.
    pub delivery: i64,
    /// The alert's place in the delivery.
    pub n: usize,
    /// Who acts.
    pub tenant: TenantId,
    /// The device as the alert names it.
    pub device: &'a str,
    /// The machine, if the alert says which.
    pub machine: Option<&'a MachineId>,
    /// The policy that decided.
    pub policy: PolicyId,
}

/// What a decision's row says beyond who and what.
struct Row {
    state: DecisionState,
    reason: Reason,
    scan: Option<ScanId>,
    why: Why,
    look_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Writes the decision and begins or joins its scan.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn admit(&mut self, new: &NewDecision<'_>, verdict: &Verdict, now: Timestamp) -> Result<(), JournalError> {
        let mut why = Why { seen: verdict.seen.clone(), ..Why::default() };
        let (row, wanted) = match &verdict.asks {
            Asks::Nothing(reason) => {
                (Row { state: DecisionState::None, reason: *reason, scan: None, why, look_at: None }, None)
            }
            Asks::Resolve(within) => (resolving(why, now.plus(*within)), None),
            Asks::Hold(reason, wanted) => (held(*reason, wanted, why, now), Some(wanted)),
            Asks::Scan(wanted) => {
                why.mode = Some(wanted.mode);
                let row = match new.machine {
                    None => held(Reason::UnresolvedDevice, wanted, why, now),
                    Some(machine) => self.admit_scan(new, machine, verdict.rule.as_deref(), wanted, why, now)?,
                };
                (row, Some(wanted))
            }
        };
        self.insert_decision(new, verdict.rule.as_deref(), wanted, &row, now)?;
        if row.state != DecisionState::None {
            self.touch(new.tenant);
        }
        Ok(())
    }

    fn admit_scan(
        &mut self,
        new: &NewDecision<'_>,
        machine: &MachineId,
        rule: Option<&str>,
        wanted: &Wanted,
        mut why: Why,
        now: Timestamp,
    ) -> Result<Row, JournalError> {
        let history = self.history(new.tenant, machine, rule, wanted, now)?;
        let plan = plan(&history, wanted, now);
        let scan = match plan {
            Plan::Begin { after } => self.begin(new.tenant, machine, rule, wanted, after, now)?,
            Plan::Join(scan, kind, priority) => {
                let not_after = now.plus(wanted.max_age);
                self.db
                    .prepare_cached(
                        "UPDATE scan SET kind = ?, priority = ?, not_after = max(not_after, ?)
                         WHERE id = ? AND state = 'waiting'",
                    )?
                    .execute(params![kind.code(), priority.get(), not_after.millis(), scan.0])?;
                scan
            }
            Plan::Answered(scan, reason) => {
                // Should it have to be sent again, this alert is as young a reason as any.
                self.db
                    .prepare_cached(
                        "UPDATE scan SET not_after = max(not_after, ?)
                         WHERE id = ? AND state IN ('sending', 'unknown', 'running')",
                    )?
                    .execute(params![now.plus(wanted.max_age).millis(), scan.0])?;
                if reason == Reason::Cooldown {
                    let past = [history.last_quick, history.last_full];
                    why.cooled_by = past.into_iter().flatten().find(|p| p.scan == scan).map(|p| p.ended);
                }
                scan
            }
            Plan::Hold(reason) => {
                if reason == Reason::Limit {
                    let spent = |limit: Option<Limit>, used| {
                        limit.filter(|limit| used >= limit.scans).map(|limit| (used, limit.scans))
                    };
                    why.limit = spent(wanted.limit, history.rule_used)
                        .or_else(|| spent(wanted.tenant_limit, history.tenant_used));
                }
                return Ok(held(reason, wanted, why, now));
            }
        };
        Ok(Row { state: DecisionState::Scan, reason: plan.reason(), scan: Some(scan), why, look_at: None })
    }

    fn begin(
        &mut self,
        tenant: TenantId,
        machine: &MachineId,
        rule: Option<&str>,
        wanted: &Wanted,
        after: Option<ScanId>,
        now: Timestamp,
    ) -> Result<ScanId, JournalError> {
        let uuid = self.new_uuid(now);
        self.db
            .prepare_cached(
                "INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_before,
                                  not_after, blocked_by)
                 VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)",
            )?
            .execute(params![
                uuid,
                tenant.0,
                machine.as_str(),
                wanted.mode == Mode::DryRun,
                wanted.kind.code(),
                wanted.priority.get(),
                rule,
                now.millis(),
                // It waits for the end of the weaker scan, an event and not a time.
                after.map(|_| Timestamp::NEVER.millis()),
                now.plus(wanted.max_age).millis(),
                after.map(|scan| scan.0.to_string()),
            ])?;
        Ok(ScanId(self.db.last_insert_rowid()))
    }

    fn insert_decision(
        &mut self,
        new: &NewDecision<'_>,
        rule: Option<&str>,
        wanted: Option<&Wanted>,
        row: &Row,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let why = serde_json::to_string(&row.why).map_err(|_| JournalError::Conflict("a record is no JSON"))?;
        self.db
            .prepare_cached(
                "INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, scan, rule, kind,
                                      priority, policy, why, look_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                new.delivery,
                i64::try_from(new.n).unwrap_or(i64::MAX),
                new.tenant.0,
                new.device,
                new.machine.map(MachineId::as_str),
                now.millis(),
                row.state.code(),
                row.reason.code(),
                row.scan.map(|scan| scan.0),
                rule,
                wanted.map(|w| w.kind.code()),
                wanted.map(|w| w.priority.get()),
                new.policy.0,
                why,
                row.look_at.map(Timestamp::millis),
            ])?;
        Ok(())
    }

    /// What is known of a machine, for the planner.
    fn history(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        rule: Option<&str>,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<History, JournalError> {
        let dry = wanted.mode == Mode::DryRun;
        let since = now.minus(wanted.cooldown.of(wanted.kind));
        let (last_quick, last_full) = self.past(tenant, machine, dry, since)?;
        let rule_used = self.begun(
            "SELECT count(*) FROM (SELECT 1 FROM scan WHERE tenant = ?1 AND dry = ?2 AND rule IS ?3 AND created_at > ?4 LIMIT ?5)",
            tenant, dry, rule, wanted.limit, now,
        )?;
        let tenant_used = self.begun(
            "SELECT count(*) FROM (SELECT 1 FROM scan WHERE tenant = ?1 AND dry = ?2 AND ?3 IS NULL AND created_at > ?4 LIMIT ?5)",
            tenant, dry, None, wanted.tenant_limit, now,
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

    fn waiting(&self, tenant: TenantId, machine: &MachineId, dry: bool) -> Result<Option<Waiting>, JournalError> {
        let row = self
            .db
            .prepare_cached(
                "SELECT id, kind, priority FROM scan WHERE tenant = ? AND machine = ? AND dry = ? AND state = 'waiting'",
            )?
            .query_row(params![tenant.0, machine.as_str(), dry], |row| {
                Ok((ScanId(row.get(0)?), row.get::<_, String>(1)?, row.get(2)?))
            })
            .optional()?;
        Ok(row.and_then(|(scan, kind, priority)| {
            Some(Waiting { scan, kind: Kind::of_code(&kind)?, priority: Priority::new(priority)? })
        }))
    }

    fn open(&self, tenant: TenantId, machine: &MachineId) -> Result<Option<Open>, JournalError> {
        let row = self
            .db
            .prepare_cached(
                "SELECT id, kind, ours FROM scan
                 WHERE tenant = ? AND machine = ? AND state IN ('sending', 'unknown', 'running')",
            )?
            .query_row(params![tenant.0, machine.as_str()], |row| {
                Ok((ScanId(row.get(0)?), row.get::<_, String>(1)?, row.get(2)?))
            })
            .optional()?;
        Ok(row.and_then(|(scan, kind, ours)| Some(Open { scan, kind: Kind::of_code(&kind)?, ours })))
    }

    /// The latest Quick and Full that cool. Only what succeeded does; a dry scan cools dry decisions only.
    fn past(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        dry: bool,
        since: Timestamp,
    ) -> Result<(Option<Past>, Option<Past>), JournalError> {
        let mut latest = (None, None);
        let mut statement = self.db.prepare_cached(
            "SELECT id, kind, ended_at, outcome FROM scan WHERE tenant = ? AND machine = ? AND state = 'finished'
               AND ended_at > ? ORDER BY ended_at DESC, id DESC",
        )?;
        let mut rows = statement.query(params![tenant.0, machine.as_str(), since.millis()])?;
        while let Some(row) = rows.next()? {
            let (kind, outcome): (String, String) = (row.get(1)?, row.get(3)?);
            if outcome != "succeeded" && !(dry && outcome == "dry_run") {
                continue;
            }
            let past = Past { scan: ScanId(row.get(0)?), ended: Timestamp::from_millis(row.get(2)?) };
            let place = if kind == Kind::Full.code() { &mut latest.1 } else { &mut latest.0 };
            place.get_or_insert(past);
            if latest.1.is_some() {
                // An older Quick can only matter less than this Full: it cools a shorter time or as long.
                break;
            }
        }
        Ok(latest)
    }

    fn begun(
        &self,
        sql: &str,
        tenant: TenantId,
        dry: bool,
        rule: Option<&str>,
        limit: Option<Limit>,
        now: Timestamp,
    ) -> Result<u32, JournalError> {
        let Some(limit) = limit else { return Ok(0) };
        let since = now.minus(limit.per).millis();
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, dry, rule, since, limit.scans], |row| row.get(0))?)
    }

    /// Decisions that were held for too long are dropped. Returns when the next one is.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn expire_held(&mut self, tenant: TenantId, now: Timestamp) -> Result<Timestamp, JournalError> {
        self.db
            .prepare_cached(
                // The very words of the index, or SQLite reads all decisions there ever were.
                "UPDATE decision SET state = 'dropped', reason = 'expired', look_at = NULL
                 WHERE tenant = ? AND state IN ('resolving', 'held') AND state = 'held' AND look_at <= ?",
            )?
            .execute(params![tenant.0, now.millis()])?;
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(look_at) FROM decision
                 WHERE tenant = ? AND state IN ('resolving', 'held') AND state = 'held'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }
}

fn resolving(why: Why, until: Timestamp) -> Row {
    let (state, reason) = (DecisionState::Resolving, Reason::AwaitsDirectory);
    Row { state, reason, scan: None, why, look_at: Some(until) }
}

fn held(reason: Reason, wanted: &Wanted, mut why: Why, now: Timestamp) -> Row {
    why.mode = Some(wanted.mode);
    let look_at = now.plus(wanted.hold_for.max(Duration::from_secs(1)));
    Row { state: DecisionState::Held, reason, scan: None, why, look_at: Some(look_at) }
}

//! The one way in: a verdict about one device becomes a decision, and with the machine's history a scan.
//!
//! Approvals and retries go through [`Tx::admit`] as well, with [`NewDecision::again`], and write to the row that
//! exists, from the state it expects. The terms (mode, cool-down, limit, ages) are those the rule has now. An approval
//! skips rules and limits, and its scan is not counted; a retry is like new. A parked delivery is read again from its
//! body (`Reader::recall`), and only its parked alerts are replaced.
//!
//! A scan that a limit counts has its place among those of its rule and tenant. Whether a limit of N is spent is one
//! look at the scan N places back: was it begun within the window?

use core::time::Duration;

use rusqlite::{OptionalExtension, Params, params};
use uuid::Uuid;

use super::error::JournalError;
use super::ids::decision_uuid;
use super::keys::PolicyId;
use super::keys::TenantId;
use super::names;
use super::rows::all;
use super::scans::{openings, windows};
use super::store::Tx;
use super::waits;
use crate::api::DecisionReceipt;
use scanhook_core::about::About;
use scanhook_core::alert::MachineId;
use scanhook_core::directory::Looked;
use scanhook_core::person::Said;
use scanhook_core::plan::{AHEAD, History, Open, Past, Plan, Waiting, plan};
use scanhook_core::repeat::Demand;
use scanhook_core::scan::{DecisionState, Kind, Mode, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Limit, Verdict, Wanted};
use scanhook_core::why::Why;

/// Decisions dropped at once that are told by name: more would keep senders waiting.
const MOST_NAMED: usize = 200;

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
    /// The decision that is made once more; `None`: a new one.
    pub again: Option<Again>,
    /// Why no scan of this device can begin, whatever the verdict asks for.
    pub barred: Option<Reason>,
    /// What the tenant's directory said.
    pub looked: Option<Looked>,
}

/// A decision that exists and is made once more: the directory has answered, or a person says so.
#[derive(Clone, Debug)]
pub struct Again {
    /// Its row.
    pub decision: i64,
    /// The state it is in.
    pub from: DecisionState,
    /// Who said what.
    pub said: Option<Said>,
    /// Whether a scan that it begins counts against limits.
    pub counted: bool,
    /// A person has begun it once more: its age counts from now.
    pub renewed: bool,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The decision's row.
    pub decision: i64,
    /// Its state.
    pub state: DecisionState,
    /// Why.
    pub reason: Reason,
    /// The scan that answers.
    pub scan: Option<ScanId>,
}

/// What a decision's row says beyond who and what.
struct DecisionRow {
    state: DecisionState,
    reason: Reason,
    scan: Option<ScanId>,
    why: Why,
    look_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Writes the decision and begins or joins its scan. Returns what became of it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn admit(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Admitted, JournalError> {
        Ok(self.admit_row(new, verdict, now)?.0)
    }

    /// The same, told as in a receipt.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn admit_told(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(Admitted, DecisionReceipt), JournalError> {
        let (admitted, why, kind) = self.admit_row(new, verdict, now)?;
        let rule = verdict.rule.clone();
        let scan = admitted.scan.map(|scan| {
            let sql = "SELECT uuid FROM scan WHERE id = ?";
            self.db
                .prepare_cached(sql)?
                .query_row([scan.0], |row| row.get::<_, Uuid>(0))
        });
        let receipt = DecisionReceipt {
            id: self.told_id(new, admitted.decision, now)?.to_string(),
            device: new.device.to_owned(),
            why: why.sentence(admitted.reason, rule.as_deref(), kind, new.device),
            rule,
            scan: kind.map_or("none", Kind::code).to_owned(),
            state: admitted.state.code().to_owned(),
            reason: admitted.reason.code().to_owned(),
            scan_id: scan.transpose()?.map(|uuid| uuid.to_string()),
            waits: waits::of_decision(self.db, admitted.decision)?,
        };
        Ok((admitted, receipt))
    }

    /// One that is made once more keeps its time.
    fn told_id(
        &self,
        new: &NewDecision<'_>,
        decision: i64,
        now: Timestamp,
    ) -> Result<Uuid, JournalError> {
        if new.again.is_none() {
            return Ok(decision_uuid(now, decision));
        }
        let sql = "SELECT at FROM decision WHERE id = ?";
        let at = self
            .db
            .prepare_cached(sql)?
            .query_row([decision], |row| row.get(0))?;
        Ok(decision_uuid(Timestamp::from_millis(at), decision))
    }

    fn admit_row(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(Admitted, Why, Option<Kind>), JournalError> {
        let (seen, protections, directory) = (
            verdict.seen.clone(),
            verdict.protections.clone(),
            new.looked.clone(),
        );
        let said = new.again.as_ref().and_then(|again| again.said.clone());
        let why = Why {
            seen,
            protections,
            directory,
            said,
            ..Why::default()
        };
        let (row, wanted) = self.weigh(new, verdict, why, now)?;
        let decision = match &new.again {
            None => self.insert_decision(new, verdict, wanted, &row, now)?,
            Some(again) => self.update_decision(again, new, verdict, wanted, &row, now)?,
        };
        if row.state != DecisionState::None {
            self.touch(new.tenant);
        }
        let admitted = Admitted {
            decision,
            state: row.state,
            reason: row.reason,
            scan: row.scan,
        };
        Ok((admitted, row.why, wanted.map(|wanted| wanted.kind)))
    }

    /// What becomes of it, with the history of its machine; a scan is begun or joined.
    fn weigh<'v>(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &'v Verdict,
        mut why: Why,
        now: Timestamp,
    ) -> Result<(DecisionRow, Option<&'v Wanted>), JournalError> {
        let counted = new.again.as_ref().is_none_or(|again| again.counted);
        Ok(match (&verdict.asks, new.barred) {
            (Asks::Hold(_, wanted) | Asks::Scan(wanted), Some(reason)) => {
                (barred(reason, wanted, why, now), Some(wanted))
            }
            (Asks::Nothing(reason), _) => (
                DecisionRow {
                    state: DecisionState::None,
                    reason: *reason,
                    scan: None,
                    why,
                    look_at: None,
                },
                None,
            ),
            (Asks::Resolve(within), _) => (resolving(why, now.plus(*within)), None),
            (Asks::Hold(reason, wanted), None) => (held(*reason, wanted, why, now), Some(wanted)),
            (Asks::Scan(wanted), None) => {
                why.mode = Some(wanted.mode);
                why.start = wanted.start.filter(|start| *start > now);
                why.windows = why.start.map_or_else(Vec::new, |_| wanted.openings.names());
                let row = match new.machine {
                    None => held(Reason::UnresolvedDevice, wanted, why, now),
                    Some(machine) => {
                        let rule = verdict.rule.as_deref();
                        self.admit_scan(
                            new,
                            machine,
                            NewScan {
                                rule,
                                wanted,
                                counted,
                            },
                            why,
                            now,
                        )?
                    }
                };
                (row, Some(wanted))
            }
        })
    }

    fn admit_scan(
        &mut self,
        new: &NewDecision<'_>,
        machine: &MachineId,
        begun: NewScan<'_>,
        mut why: Why,
        now: Timestamp,
    ) -> Result<DecisionRow, JournalError> {
        let NewScan { rule, wanted, .. } = begun;
        let history = self.history(new.tenant, machine, rule, wanted, now)?;
        let plan = plan(&history, wanted, now);
        let scan = match plan {
            Plan::Begin { after, start } => {
                why.behind = after.map(|after| self.named(after)).transpose()?.flatten();
                self.begin(new.tenant, machine, begun, after, start, now)?
            }
            Plan::Join(ref joined) => {
                // The earlier start counts.
                why.start = joined.start;
                why.windows = joined
                    .start
                    .map_or_else(Vec::new, |_| joined.openings.names());
                self.join(joined, wanted, now)?;
                joined.scan
            }
            Plan::Answered(scan, reason) => {
                self.rely_on(scan, wanted, now)?;
                if reason == Reason::Cooldown {
                    let past = [history.last_quick, history.last_full];
                    why.cooled_by = past
                        .into_iter()
                        .flatten()
                        .find(|p| p.scan == scan)
                        .map(|p| p.ended);
                }
                scan
            }
            Plan::Hold(reason) => {
                if reason == Reason::Limit {
                    let spent = |limit: Option<Limit>, used| {
                        limit
                            .filter(|limit| used >= limit.scans)
                            .map(|limit| ((used, limit.scans), limit.per))
                    };
                    let of_rule = spent(wanted.limit, history.rule_used);
                    why.limit_of_tenant = of_rule.is_none();
                    let spent = of_rule.or_else(|| spent(wanted.tenant_limit, history.tenant_used));
                    (why.limit, why.limit_per) =
                        spent.map(|(limit, per)| (limit, per.as_secs())).unzip();
                }
                return Ok(held(reason, wanted, why, now));
            }
        };
        Ok(DecisionRow {
            state: DecisionState::Scan,
            reason: plan.reason(),
            scan: Some(scan),
            why,
            look_at: None,
        })
    }

    /// Makes of a waiting scan what it is with the alert that joins it.
    fn join(
        &mut self,
        joined: &Waiting,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE scan SET kind = ?2, priority = ?3, not_after = max(not_after, ?4), opens_at = ?5,
                        not_before = CASE WHEN blocked_by IS NULL THEN ?5 ELSE not_before END,
                        max_age = max(coalesce(max_age, not_after - created_at), ?6), windows = ?7
                 WHERE id = ?1 AND state = 'waiting'",
            )?
            .execute(params![
                joined.scan.0,
                joined.kind.code(),
                joined.priority.get(),
                not_after(wanted, joined.start, now).millis(),
                joined.start.map(Timestamp::millis),
                millis(wanted.max_age),
                windows(&joined.openings),
            ])?;
        self.reconsider_pause(joined.scan)
    }

    /// Lets a scan that answers for this alert too live as long, and be as urgent, as the alert needs.
    fn rely_on(
        &mut self,
        scan: ScanId,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        // Should it have to be sent again, this alert is as young and as urgent a reason as any.
        let earlier: Option<String> = self
            .db
            .prepare_cached("SELECT windows FROM scan WHERE id = ?")?
            .query_row([scan.0], |row| row.get(0))?;
        let either = openings(earlier.as_deref()).or(wanted.openings.clone());
        self.db
            .prepare_cached(
                "UPDATE scan SET not_after = max(not_after, ?2), priority = max(priority, ?3),
                        max_age = max(coalesce(max_age, not_after - created_at), ?4), windows = ?5
                 WHERE id = ?1 AND state IN ('sending', 'unknown', 'running', 'waiting')",
            )?
            .execute(params![
                scan.0,
                not_after(wanted, None, now).millis(),
                wanted.priority.get(),
                millis(wanted.max_age),
                windows(&either),
            ])?;
        self.reconsider_pause(scan)
    }

    /// A scan's id and kind, as others see them.
    fn named(&self, scan: ScanId) -> Result<Option<(String, Kind)>, JournalError> {
        let sql = "SELECT uuid, kind FROM scan WHERE id = ?";
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, Uuid>(0)?.to_string(), row.get::<_, String>(1)?))
        };
        let (uuid, kind) = self.db.prepare_cached(sql)?.query_row([scan.0], read)?;
        Ok(Kind::of_code(&kind).map(|kind| (uuid, kind)))
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "whom it is for, what is wanted, and what stands in its way"
    )]
    fn begin(
        &mut self,
        tenant: TenantId,
        machine: &MachineId,
        begun: NewScan<'_>,
        after: Option<ScanId>,
        start: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<ScanId, JournalError> {
        let NewScan {
            rule,
            wanted,
            counted,
        } = begun;
        let uuid = self.new_uuid(now);
        self.db
            .prepare_cached(
                "INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_before,
                                  not_after, max_age, counted, blocked_by, opens_at, windows, of_rule, of_tenant)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                   CASE WHEN ?12 THEN 1 + coalesce((SELECT max(of_rule) FROM scan WHERE tenant = ?2 AND dry = ?4
                     AND rule IS ?7 AND of_rule IS NOT NULL), 0) END,
                   CASE WHEN ?12 THEN 1 + coalesce((SELECT max(of_tenant) FROM scan WHERE tenant = ?2 AND dry = ?4
                     AND of_tenant IS NOT NULL), 0) END)",
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
                after.map_or(start, |_| Some(Timestamp::NEVER)).map(Timestamp::millis),
                not_after(wanted, start, now).millis(),
                millis(wanted.max_age),
                counted,
                after.map(|scan| scan.0.to_string()),
                start.map(Timestamp::millis),
                windows(&wanted.openings),
            ])?;
        Ok(ScanId(self.db.last_insert_rowid()))
    }

    fn insert_decision(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        wanted: Option<&Wanted>,
        row: &DecisionRow,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let why = json(&row.why)?;
        self.db
            .prepare_cached(
                "INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, scan, rule, kind,
                                      priority, policy, why, look_at, asked)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                verdict.rule,
                wanted.map(|w| w.kind.code()),
                wanted.map(|w| w.priority.get()),
                new.policy.0,
                why,
                row.look_at.map(Timestamp::millis),
                Demand::of(&verdict.asks).map(Demand::number),
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// The row keeps its time and with it its id: the receipt that was given stays true.
    fn update_decision(
        &mut self,
        again: &Again,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        wanted: Option<&Wanted>,
        row: &DecisionRow,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let why = json(&row.why)?;
        let again_at = again.renewed.then_some(now);
        let changed = self
            .db
            .prepare_cached(
                "UPDATE decision SET machine = ?, state = ?, reason = ?, scan = ?, rule = ?, kind = ?, priority = ?,
                        policy = ?, why = ?, look_at = ?, asked = ?, asks = NULL, late_at = NULL,
                        again_at = coalesce(?, again_at)
                 WHERE id = ? AND state = ?",
            )?
            .execute(params![
                new.machine.map(MachineId::as_str),
                row.state.code(),
                row.reason.code(),
                row.scan.map(|scan| scan.0),
                verdict.rule,
                wanted.map(|w| w.kind.code()),
                wanted.map(|w| w.priority.get()),
                new.policy.0,
                why,
                row.look_at.map(Timestamp::millis),
                Demand::of(&verdict.asks).map(Demand::number),
                again_at.map(Timestamp::millis),
                again.decision,
                again.from.code(),
            ])?;
        if changed != 1 {
            return Err(JournalError::Conflict(
                "a decision was not in the state its change expects",
            ));
        }
        if let Some(machine) = new.machine {
            names::is_machine(self.db, new.tenant, new.device, machine)?;
        }
        Ok(again.decision)
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
        let (last_quick, last_full) = self.past(tenant, machine, dry, since, now)?;
        let rule_used = self.begun(
            "SELECT created_at FROM scan WHERE tenant = ?1 AND dry = ?2 AND rule IS ?3 AND of_rule =
               (SELECT max(of_rule) FROM scan WHERE tenant = ?1 AND dry = ?2 AND rule IS ?3 AND of_rule IS NOT NULL) + 1 - ?4",
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
                 WHERE tenant = ? AND machine = ? AND dry = ? AND state = 'waiting' AND unanswered = 0",
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
                 WHERE tenant = ? AND machine = ? AND state = 'waiting' AND unanswered = 1",
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

    /// Decisions that were held for too long are dropped. Returns how many, the first of them by name, and when the next
    /// one is.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn expire_held(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<(usize, Vec<About>, Timestamp), JournalError> {
        const DUE: &str = "FROM decision WHERE tenant = ?1 AND state = 'held' AND look_at <= ?2";
        self.db
            .prepare_cached(&format!(
                "INSERT INTO event(at, what, tenant, decision, data) SELECT ?2, 'expired', ?1, id, reason {DUE}"
            ))?
            .execute(params![tenant.0, now.millis()])?;
        let named = format!("SELECT id {DUE} ORDER BY id LIMIT {MOST_NAMED}");
        let named: Vec<i64> = all(self.db, &named, params![tenant.0, now.millis()], |row| {
            row.get(0)
        })?;
        let expired = self
            .db
            .prepare_cached(
                "UPDATE decision SET state = 'dropped', why = json_set(why, '$.held', reason), reason = 'expired',
                        look_at = NULL
                 WHERE tenant = ?1 AND state = 'held' AND look_at <= ?2",
            )?
            .execute(params![tenant.0, now.millis()])?;
        let named = named
            .into_iter()
            .map(|row| self.about_decision(row))
            .collect::<Result<_, _>>()?;
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(look_at) FROM decision
                 WHERE tenant = ? AND state = 'held'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok((
            expired,
            named,
            next.map_or(Timestamp::NEVER, Timestamp::from_millis),
        ))
    }
}

/// How long it may wait to be sent: from receipt, or from the opening of its window.
fn not_after(wanted: &Wanted, start: Option<Timestamp>, now: Timestamp) -> Timestamp {
    start.unwrap_or(now).max(now).plus(wanted.max_age)
}

/// What a scan begins with.
#[derive(Clone, Copy)]
struct NewScan<'a> {
    rule: Option<&'a str>,
    wanted: &'a Wanted,
    counted: bool,
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn resolving(mut why: Why, until: Timestamp) -> DecisionRow {
    why.until = Some(until);
    let (state, reason) = (DecisionState::Resolving, Reason::AwaitsDirectory);
    DecisionRow {
        state,
        reason,
        scan: None,
        why,
        look_at: Some(until),
    }
}

fn json(why: &Why) -> Result<String, JournalError> {
    serde_json::to_string(why).map_err(|_| JournalError::Conflict("a record is not JSON"))
}

/// A person can still decide about a device that is not resolved; a machine that cannot be scanned is dropped.
fn barred(reason: Reason, wanted: &Wanted, mut why: Why, now: Timestamp) -> DecisionRow {
    match reason {
        Reason::NoSuchMachine | Reason::Unsupported | Reason::Excluded | Reason::TooOld => {
            why.mode = Some(wanted.mode);
            DecisionRow {
                state: DecisionState::Dropped,
                reason,
                scan: None,
                why,
                look_at: None,
            }
        }
        _ => held(reason, wanted, why, now),
    }
}

fn held(reason: Reason, wanted: &Wanted, mut why: Why, now: Timestamp) -> DecisionRow {
    why.mode = Some(wanted.mode);
    let look_at = now.plus(wanted.hold_for.max(Duration::from_secs(1)));
    why.until = Some(look_at);
    why.start = wanted.start.filter(|start| *start > now);
    why.windows = why.start.map_or_else(Vec::new, |_| wanted.openings.names());
    DecisionRow {
        state: DecisionState::Held,
        reason,
        scan: None,
        why,
        look_at: Some(look_at),
    }
}

//! A decision's row: what it says beyond who and what, and how it is written, new or once more.

use core::time::Duration;

use uuid::Uuid;

use super::db::params;
use super::error::JournalError;
use super::names;
use super::new_decision::{Again, NewDecision};
use super::tally::Tallied;
use super::tx::Tx;
use scanhook_core::alert::{MachineId, Severity};
use scanhook_core::repeat::Demand;
use scanhook_core::scan::{DecisionState, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Verdict, Wanted};
use scanhook_core::wait::ScanStanding;
use scanhook_core::why::Why;

/// What a decision's row says beyond who and what.
pub(super) struct DecisionRow {
    pub(super) state: DecisionState,
    pub(super) reason: Reason,
    pub(super) scan: Option<ScanId>,
    pub(super) why: Why,
    pub(super) look_at: Option<Timestamp>,
    /// The scan, where it is begun with this decision.
    pub(super) fresh: Option<FreshScan>,
}

/// A scan that is begun now.
pub(super) struct FreshScan {
    pub(super) uuid: Uuid,
    pub(super) standing: ScanStanding,
}

pub(super) fn resolving(mut why: Why, until: Timestamp) -> DecisionRow {
    why.until = Some(until);
    let (state, reason) = (DecisionState::Resolving, Reason::AwaitsDirectory);
    DecisionRow {
        state,
        reason,
        scan: None,
        why,
        look_at: Some(until),
        fresh: None,
    }
}

fn json(why: &Why) -> Result<String, JournalError> {
    serde_json::to_string(why).map_err(|_| JournalError::Conflict("a record is not JSON"))
}

/// A person can still decide about a device that is not resolved; a machine that cannot be scanned is dropped.
pub(super) fn barred(reason: Reason, wanted: &Wanted, mut why: Why, now: Timestamp) -> DecisionRow {
    match reason {
        Reason::NoSuchMachine | Reason::Unsupported | Reason::Excluded | Reason::TooOld => {
            why.mode = Some(wanted.mode);
            DecisionRow {
                state: DecisionState::Dropped,
                reason,
                scan: None,
                why,
                look_at: None,
                fresh: None,
            }
        }
        _ => held(reason, wanted, why, now),
    }
}

pub(super) fn held(reason: Reason, wanted: &Wanted, mut why: Why, now: Timestamp) -> DecisionRow {
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
        fresh: None,
    }
}

impl Tx<'_> {
    pub(super) fn insert_decision(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        wanted: Option<&Wanted>,
        row: &DecisionRow,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let why = json(&row.why)?;
        let decision = self.db.insert(
                "INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, scan, rule, kind,
                                      priority, policy, why, look_at, asked, severity)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
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
                new.severity.map(Severity::code),
            ],
        )?;
        self.tally_row(new, verdict, row, now);
        Ok(decision)
    }

    /// The row keeps its time and with it its id: the receipt that was given stays true.
    pub(super) fn update_decision(
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
        self.tally_row(new, verdict, row, now);
        if let Some(machine) = new.machine {
            names::is_machine(self.db, new.tenant, new.device, machine)?;
        }
        Ok(again.decision)
    }

    fn tally_row(
        &mut self,
        new: &NewDecision<'_>,
        verdict: &Verdict,
        row: &DecisionRow,
        now: Timestamp,
    ) {
        let of = Tallied {
            tenant: new.tenant,
            policy: new.policy,
            rule: verdict.rule.as_deref(),
            again: new
                .again
                .as_ref()
                .is_some_and(|again| again.from != DecisionState::Resolving),
        };
        self.tally_decision(&of, (row.state, row.reason), &verdict.protections, now);
    }
}

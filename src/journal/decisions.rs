//! The one way in: a verdict about one device becomes a decision, and with the machine's history a scan.
//!
//! Approvals and retries go through [`Tx::admit`] as well, with [`NewDecision::again`], and write to the row that
//! exists, from the state it expects. The terms (mode, cool-down, limit, ages) are those the rule has now. An approval
//! skips rules and limits, and its scan is not counted; a retry is like new. A parked delivery is read again from its
//! body (`Reader::recall`), and only its parked alerts are replaced.
//!
//! What is known of the machine is read in `history`, the scan is begun in `begin`, and the row is written in
//! `decision_row`.

use uuid::Uuid;

use super::begin::NewScan;
use super::db::{AskedAbout, KnownQuestion, Value};
use super::decision_row::{DecisionRow, barred, held, resolving};
use super::error::JournalError;
use super::history::scans_of;
use super::ids::decision_uuid;
use super::new_decision::{Admitted, NewDecision};
use super::tx::Tx;
use super::waits;
use crate::api::DecisionReceipt;
use scanhook_core::scan::{DecisionState, Kind, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict, Wanted};
use scanhook_core::why::Why;

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
        let (admitted, row, kind) = self.admit_row(new, verdict, now)?;
        let rule = verdict.rule.clone();
        let scan = match (&row.fresh, admitted.scan, new.machine) {
            (Some(fresh), ..) => Some(fresh.uuid),
            (None, Some(scan), Some(machine)) => {
                Some(self.uuid_of(scan, scans_of(new.tenant, machine))?)
            }
            _ => None,
        };
        let receipt = DecisionReceipt {
            id: self.told_id(new, admitted.decision, now)?.to_string(),
            device: new.device.to_owned(),
            why: row
                .why
                .sentence(admitted.reason, rule.as_deref(), kind, new.device),
            rule,
            scan: kind.map_or("none", Kind::code).to_owned(),
            state: admitted.state.code().to_owned(),
            reason: admitted.reason.code().to_owned(),
            scan_id: scan.map(|uuid| uuid.to_string()),
            waits: match new.again {
                None => waits::of_new(self.db, new.tenant, (admitted.decision, row))?,
                Some(_) => waits::of_decision(self.db, admitted.decision)?,
            },
        };
        Ok((admitted, receipt))
    }

    /// The id of a scan that answers for one alert more. What it waits for is asked with it.
    fn uuid_of(&self, scan: ScanId, of_machine: AskedAbout) -> Result<Uuid, JournalError> {
        let waits = waits::standing_of_scan(scan.0, of_machine.clone());
        let asked = KnownQuestion {
            sql: "SELECT uuid FROM scan WHERE id = ?",
            values: vec![Value::Int(scan.0)],
            about: of_machine,
        };
        self.db.ask_ahead(|| vec![&asked, &waits])?;
        Ok(self.db.query_row(asked.sql, &asked, |row| row.get(0))?)
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
    ) -> Result<(Admitted, DecisionRow, Option<Kind>), JournalError> {
        let (seen, protections, directory) = (
            verdict.seen.clone(),
            verdict.protections.clone(),
            new.looked.clone(),
        );
        let again = new.again.as_ref();
        let said = again.and_then(|again| again.said.clone());
        let approvals = again.map_or_else(Vec::new, |again| again.approvals.clone());
        let why = Why {
            approvals,
            seen,
            protections,
            directory,
            said,
            ..Why::default()
        };
        let (row, wanted) = self.weigh(new, verdict, why, now)?;
        let decision = match &new.again {
            None => self.insert_decision(new, verdict, wanted, &row, now)?,
            Some(again) => {
                // Whatever is not this approval decides anew: what was approved before was another decision.
                if again.approvals.is_empty() {
                    self.forget_approvals(again.decision)?;
                }
                self.update_decision(again, new, verdict, wanted, &row, now)?
            }
        };
        if row.state != DecisionState::None {
            self.touch(new.tenant);
        }
        if row.state == DecisionState::Held {
            let (whose, of_rule) = ((new.tenant, decision), !row.why.limit_of_tenant);
            self.tell_held(whose, (row.reason, verdict.rule.as_deref()), of_rule, now)?;
        }
        let admitted = Admitted {
            decision,
            state: row.state,
            reason: row.reason,
            scan: row.scan,
        };
        Ok((admitted, row, wanted.map(|wanted| wanted.kind)))
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
                    fresh: None,
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
}

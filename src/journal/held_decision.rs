//! A decision as a person's word finds it: its row, what it wanted, and how it is made again.

use rusqlite::Row;

use super::error::JournalError;
use super::keys::PolicyId;
use super::keys::TenantId;
use super::new_decision::{Again, NewDecision};
use super::outcome::OnTerms;
use super::scan_row::damaged;
use super::tx::Tx;
use scanhook_core::alert::MachineId;
use scanhook_core::person::PeopleNeeded;
use scanhook_core::scan::{DecisionState, Kind, Mode, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Openings, Wanted};
use scanhook_core::why::Why;

/// What stands in the record of a decision that one person alone cannot approve. Thousands of records are asked for it.
const ASKS_FOR_PEOPLE: &str = "\"people\":";

/// A decision as a person's word finds it.
#[derive(Clone)]
pub(super) struct HeldDecision {
    pub(super) id: i64,
    pub(super) delivery: i64,
    pub(super) n: i64,
    pub(super) tenant: TenantId,
    pub(super) device: String,
    pub(super) machine: Option<MachineId>,
    pub(super) state: DecisionState,
    pub(super) reason: Reason,
    pub(super) scan: Option<ScanId>,
    pub(super) rule: Option<String>,
    /// What was wanted; `None` where no scan was.
    pub(super) wanted: Option<(Kind, Priority)>,
    pub(super) policy: PolicyId,
    why: String,
}

impl HeldDecision {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<HeldDecision>> {
        let (state, reason): (String, String) = (row.get("state")?, row.get("reason")?);
        let (kind, priority): (Option<String>, Option<u8>) =
            (row.get("kind")?, row.get("priority")?);
        let wanted = kind
            .as_deref()
            .and_then(Kind::of_code)
            .zip(priority.and_then(Priority::new));
        let (Some(state), Some(reason)) =
            (DecisionState::of_code(&state), Reason::of_code(&reason))
        else {
            return Ok(None);
        };
        Ok(Some(HeldDecision {
            id: row.get("id")?,
            delivery: row.get("delivery")?,
            n: row.get("n")?,
            tenant: TenantId(row.get("tenant")?),
            device: row.get("device")?,
            machine: row
                .get::<_, Option<String>>("machine")?
                .and_then(|machine| MachineId::parse(&machine)),
            state,
            reason,
            scan: row.get::<_, Option<i64>>("scan")?.map(ScanId),
            rule: row.get("rule")?,
            wanted,
            policy: PolicyId(row.get("policy")?),
            why: row.get("why")?,
        }))
    }

    /// Whether it is, or was, held because its source was not configured any more: no rule was asked.
    pub(super) fn lost_its_source(&self) -> bool {
        self.wanted.is_none()
            && [Some(self.reason), self.why().held].contains(&Some(Reason::SourceRemoved))
    }

    /// The same, as if it wanted this.
    pub(super) fn wanting(&self, wanted: Option<(Kind, Priority)>) -> HeldDecision {
        HeldDecision {
            wanted,
            ..self.clone()
        }
    }

    pub(super) fn why(&self) -> Why {
        serde_json::from_str(&self.why).unwrap_or_default()
    }

    /// How many people have to approve it, and who has; `None` where one is enough. A record that cannot be read may be one
    /// that asks for two.
    pub(super) fn people(&self) -> Option<PeopleNeeded> {
        if !self.why.contains(ASKS_FOR_PEOPLE) {
            return None;
        }
        let two = PeopleNeeded {
            needed: 2,
            given: Vec::new(),
        };
        serde_json::from_str(&self.why).map_or(Some(two), |why: Why| why.people())
    }

    /// The scan that it wanted, on the terms of now; `at_once`: whatever the windows say.
    pub(super) fn on_terms(
        &self,
        why: &Why,
        terms: &OnTerms<'_>,
        at_once: bool,
        now: Timestamp,
    ) -> Option<Wanted> {
        let (kind, priority) = self.wanted?;
        let (rule, protections) = (self.rule.as_deref(), why.protections.as_slice());
        let mut wanted = terms(
            self.tenant,
            AskedFor {
                rule,
                protections,
                kind,
                priority,
                now,
            },
        )?;
        if at_once {
            (wanted.start, wanted.openings) = (None, Openings::always());
        }
        Some(wanted)
    }

    /// The scan that begins once it is approved: an approval is what its mode asks for, and no limit stands against a person. A
    /// dry run stays one.
    pub(super) fn approved(
        &self,
        terms: &OnTerms<'_>,
        at_once: bool,
        now: Timestamp,
    ) -> Option<Wanted> {
        let mut wanted = self.on_terms(&self.why(), terms, at_once, now)?;
        if wanted.mode == Mode::Approve {
            wanted.mode = Mode::Enforce;
        }
        (wanted.limit, wanted.tenant_limit) = (None, None);
        Some(wanted)
    }

    /// The machine, or the device where it is not known.
    pub(super) fn about(&self) -> &str {
        self.machine
            .as_ref()
            .map_or(self.device.as_str(), MachineId::as_str)
    }

    /// The machines the directory found for the device, as its record has them.
    pub(super) fn candidates(&self) -> Vec<String> {
        self.why()
            .directory
            .map_or_else(Vec::new, |looked| looked.candidates)
    }

    /// The same decision, to be made again about this machine.
    pub(super) fn anew<'d>(
        &'d self,
        machine: Option<&'d MachineId>,
        again: Again,
    ) -> NewDecision<'d> {
        NewDecision {
            delivery: self.delivery,
            n: usize::try_from(self.n).unwrap_or(usize::MAX),
            tenant: self.tenant,
            device: &self.device,
            machine,
            policy: self.policy,
            severity: None,
            again: Some(again),
            barred: None,
            looked: self.why().directory,
        }
    }
}

impl Tx<'_> {
    pub(super) fn decided(&self, row: i64) -> Result<HeldDecision, JournalError> {
        let sql = "SELECT * FROM decision WHERE id = ?";
        self.db
            .prepare_cached(sql)?
            .query_row([row], HeldDecision::read)?
            .ok_or_else(damaged)
    }
}

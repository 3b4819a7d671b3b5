//! A person's word on held decisions: yes, or no. It takes all of the same device that are held for the same reason.

use core::net::IpAddr;
use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::error::JournalError;
use super::keys::PolicyId;
use super::keys::TenantId;
use super::new_decision::{Again, NewDecision};
use super::outcome::{Done, OnTerms, Thing, decision, happened_to, told, unknown};
use super::rows::all;
use super::scan_row::damaged;
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::directory::{DeviceClaims, Question};
use scanhook_core::person::{By, Did, Said};
use scanhook_core::scan::{DecisionState, Kind, Mode, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Asks, Openings, Verdict, Wanted};
use scanhook_core::why::Why;

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

    /// The machine, or the device where it is not known.
    pub(super) fn about(&self) -> &str {
        self.machine
            .as_ref()
            .map_or(self.device.as_str(), MachineId::as_str)
    }

    /// The machines the directory found for the device, as its record has them.
    fn candidates(&self) -> Vec<String> {
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
            again: Some(again),
            barred: None,
            looked: self.why().directory,
        }
    }
}

/// What a person says to held decisions.
#[derive(Clone, Debug)]
pub enum Word {
    /// Scan.
    Approve {
        /// Where the alert does not say which machine it is, this one.
        machine: Option<MachineId>,
        /// Now, whatever the windows say.
        at_once: bool,
    },
    /// Do not.
    Deny,
}

impl Tx<'_> {
    /// Approves or denies each of these and whatever else is held of the same device for the same reason. Rules are
    /// skipped, limits not counted, and the age of the scan counts from now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn answer_held(
        &mut self,
        ids: &[Uuid],
        word: &Word,
        by: &By,
        terms: &OnTerms<'_>,
        now: Timestamp,
    ) -> Result<Vec<ItemView>, JournalError> {
        let mut items = Vec::new();
        let mut answered = BTreeSet::new();
        for id in ids {
            let Some(row) = decision(self.db, *id)? else {
                items.push(unknown(*id));
                continue;
            };
            if answered.contains(&row) {
                continue;
            }
            let decided = self.decided(row)?;
            if let Some(item) = self.objection(&decided, word)? {
                items.push(item);
                continue;
            }
            let mut noted = BTreeSet::new();
            for decided in self.held_together(&decided)? {
                let done = self.answer_one(&decided, word, by, terms, &mut noted, now)?;
                items.push(told(self.db, Thing::Decision(decided.id), done)?);
                answered.insert(decided.id);
            }
        }
        Ok(items)
    }

    pub(super) fn decided(&self, row: i64) -> Result<HeldDecision, JournalError> {
        let sql = "SELECT * FROM decision WHERE id = ?";
        self.db
            .prepare_cached(sql)?
            .query_row([row], HeldDecision::read)?
            .ok_or_else(damaged)
    }

    /// Why it cannot be answered so; what was answered so before is told as it is now.
    fn objection(
        &self,
        decided: &HeldDecision,
        word: &Word,
    ) -> Result<Option<ItemView>, JournalError> {
        let told = |done| told(self.db, Thing::Decision(decided.id), done).map(Some);
        if decided.state != DecisionState::Held {
            let before = match word {
                Word::Approve { .. } => happened_to(self.db, "approved", decided.id)?,
                Word::Deny => decided.reason == Reason::Denied,
            };
            return told(if before { Done::Already } else { Done::NotHeld });
        }
        let Word::Approve { machine: named, .. } = word else {
            return Ok(None);
        };
        match (&decided.machine, named) {
            (None, None) => {
                let item = told(Done::MachineNeeded)?;
                Ok(item.map(|item| ItemView {
                    candidates: decided.candidates(),
                    ..item
                }))
            }
            (Some(known), Some(named)) if known != named => told(Done::MachineKnown),
            _ => Ok(None),
        }
    }

    fn held_together(&self, decided: &HeldDecision) -> Result<Vec<HeldDecision>, JournalError> {
        held_together(self.db, decided)
    }

    fn answer_one(
        &mut self,
        decided: &HeldDecision,
        word: &Word,
        by: &By,
        terms: &OnTerms<'_>,
        noted: &mut BTreeSet<Option<ScanId>>,
        now: Timestamp,
    ) -> Result<Done, JournalError> {
        let Word::Approve {
            machine: named,
            at_once,
        } = word
        else {
            self.deny_one(decided, by, now)?;
            return Ok(Done::Denied);
        };
        let why = decided.why();
        let Some(mut wanted) = decided.on_terms(&why, terms, *at_once, now) else {
            return Ok(Done::NotConfigured);
        };
        // This is the approval that the mode asks for; a dry run stays one. No limit stands against a person.
        if wanted.mode == Mode::Approve {
            wanted.mode = Mode::Enforce;
        }
        (wanted.limit, wanted.tenant_limit) = (None, None);
        let rule = decided.rule.clone();
        let verdict = Verdict {
            rule,
            asks: Asks::Scan(wanted),
            seen: why.seen,
            protections: why.protections,
        };
        let said = Said {
            did: Did::Approved,
            by: by.clone(),
            at_once: *at_once,
        };
        let again = Again {
            decision: decided.id,
            from: DecisionState::Held,
            said: Some(said),
            counted: false,
            renewed: true,
        };
        let machine = decided.machine.as_ref().or(named.as_ref());
        let scan = self
            .admit(&decided.anew(machine, again), &verdict, now)?
            .scan;
        // One line in the scan's history, however many decisions were approved with it.
        let first = scan.filter(|_| noted.insert(scan));
        let detail = at_once.then_some("regardless of windows");
        self.person_did(
            "approved",
            by,
            (decided.tenant, first, Some(decided.id)),
            detail,
            now,
        )?;
        Ok(Done::Approved)
    }

    fn deny_one(
        &mut self,
        decided: &HeldDecision,
        by: &By,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let said = Some(Said {
            did: Did::Denied,
            by: by.clone(),
            at_once: false,
        });
        let why = Why {
            held: Some(decided.reason),
            said,
            ..decided.why()
        };
        let why = serde_json::to_string(&why)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        self.db
            .prepare_cached(
                "UPDATE decision SET state = 'dropped', reason = 'denied', look_at = NULL, why = ?2
                 WHERE id = ?1 AND state = 'held'",
            )?
            .execute(params![decided.id, why])?;
        self.touch(decided.tenant);
        self.person_did(
            "denied",
            by,
            (decided.tenant, None, Some(decided.id)),
            None,
            now,
        )
    }
}

/// The held decisions of the same device for the same reason, this one among them. An address is a machine's for a while
/// only, so decisions that have nothing else belong together where they ask the directory the same question.
pub(super) fn held_together(
    db: &Connection,
    decided: &HeldDecision,
) -> Result<Vec<HeldDecision>, JournalError> {
    let sql = "SELECT * FROM decision WHERE state = 'held' AND tenant = ? AND coalesce(machine, device) = ?
               AND reason = ? ORDER BY id";
    let found = all(
        db,
        sql,
        params![decided.tenant.0, decided.about(), decided.reason.code()],
        HeldDecision::read,
    )?;
    let mut found: Vec<HeldDecision> = found
        .into_iter()
        .map(|one| one.ok_or_else(damaged))
        .collect::<Result<_, _>>()?;
    if decided.machine.is_some() || decided.device.parse::<IpAddr>().is_err() {
        return Ok(found);
    }
    let question = address_question(db, decided)?;
    let mut together = Vec::new();
    for one in found.drain(..) {
        let same = question.is_some() && address_question(db, &one)? == question;
        if one.id == decided.id || same {
            together.push(one);
        }
    }
    Ok(together)
}

/// What the directory is asked of a device of which only an address is known; `None`: nothing can be asked.
fn address_question(
    db: &Connection,
    decided: &HeldDecision,
) -> Result<Option<Question>, JournalError> {
    let sql = "SELECT a.fields, v.received_at FROM alert a JOIN delivery v ON v.id = a.delivery
               WHERE a.delivery = ? AND a.n = ?";
    let (fields, received): (String, i64) = db
        .prepare_cached(sql)?
        .query_row([decided.delivery, decided.n], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let alert: Alert = serde_json::from_str(&fields).map_err(|_| damaged())?;
    let received = Timestamp::from_millis(received);
    let device = alert
        .devices
        .iter()
        .find(|device| device.label() == decided.device);
    let address =
        device.and_then(|device| DeviceClaims::of(device, received).fresh_address(received));
    Ok(address.map(|(ip, at)| Question::Address(ip, at)))
}

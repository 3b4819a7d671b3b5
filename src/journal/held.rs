//! A person's word on held decisions: yes, or no. It takes all of the same device that are held for the same reason.

use std::collections::BTreeSet;

use super::approvals::{Agreement, adds_nothing};
use super::db::params;
use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::held_together::held_together;
use super::new_decision::Again;
use super::outcome::{Done, OnTerms, happened_to, told, unknown};
use super::thing::{Thing, decision};
use super::tx::Tx;
use super::word::{HeldIds, Word};
use crate::api::ItemView;

use scanhook_core::person::{By, Did, Said};
use scanhook_core::scan::{DecisionState, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict};
use scanhook_core::why::Why;

impl Tx<'_> {
    /// Approves or denies each of these and whatever else is held of the same device for the same reason. Rules are
    /// skipped, limits not counted, and the age of the scan counts from now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn answer_held(
        &mut self,
        which: HeldIds<'_>,
        word: &Word,
        by: &By,
        terms: &OnTerms<'_>,
        now: Timestamp,
    ) -> Result<Vec<ItemView>, JournalError> {
        let mut items = Vec::new();
        let mut answered = BTreeSet::new();
        for id in which.ids {
            let Some(row) = decision(self.db, *id)? else {
                items.push(unknown(*id));
                continue;
            };
            if answered.contains(&row) {
                continue;
            }
            let decided = self.decided(row)?;
            if let Some(item) = self.objection(&decided, word, by)? {
                items.push(item);
                continue;
            }
            let mut noted = BTreeSet::new();
            for decided in held_together(self.db, &decided)? {
                if which.only.is_some_and(|only| !only.contains(&decided.id)) {
                    continue;
                }
                let done = self.answer_one(&decided, word, by, terms, &mut noted, now)?;
                // Whoever has approved some of these before says yes to the others.
                if done == Done::SecondPersonNeeded {
                    continue;
                }
                items.push(told(self.db, Thing::Decision(decided.id), done)?);
                answered.insert(decided.id);
            }
        }
        Ok(items)
    }

    /// Why it cannot be answered so; what was answered so before is told as it is now.
    fn objection(
        &self,
        decided: &HeldDecision,
        word: &Word,
        by: &By,
    ) -> Result<Option<ItemView>, JournalError> {
        let told = |done| told(self.db, Thing::Decision(decided.id), done).map(Some);
        if decided.state != DecisionState::Held {
            let before = match word {
                Word::Approve { .. } => happened_to(self.db, "approved", decided.id)?,
                Word::Deny => decided.reason == Reason::Denied,
            };
            return told(if before { Done::Already } else { Done::NotHeld });
        }
        let Some(consent) = word.consent(decided, by) else {
            return Ok(None);
        };
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
            _ if adds_nothing(self.db, decided, consent)? => told(Done::SecondPersonNeeded),
            _ => Ok(None),
        }
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
        let Some(consent) = word.consent(decided, by) else {
            self.deny_one(decided, by, now)?;
            return Ok(Done::Denied);
        };
        if decided.approved(terms, consent.at_once, now).is_none() {
            return Ok(Done::NotConfigured);
        }
        let (approvals, at_once) = match self.agree(decided, consent, now)? {
            Agreement::Enough { approvals, at_once } => (approvals, at_once),
            Agreement::NotYet(done) => return Ok(done),
        };
        let Some(wanted) = decided.approved(terms, at_once, now) else {
            return Ok(Done::NotConfigured);
        };
        let why = decided.why();
        let verdict = Verdict {
            rule: decided.rule.clone(),
            asks: Asks::Scan(wanted),
            seen: why.seen,
            protections: why.protections,
        };
        let said = Said {
            did: Did::Approved,
            by: by.clone(),
            at_once,
        };
        let again = Again {
            decision: decided.id,
            from: DecisionState::Held,
            said: Some(said),
            approvals,
            counted: false,
            renewed: true,
        };
        let scan = self
            .admit(&decided.anew(consent.machine, again), &verdict, now)?
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

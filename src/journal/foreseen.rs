//! What would become of held decisions if a person approved them now: the same plan, made without writing anything.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::approvals::falls_short;
use super::error::JournalError;
use super::outcome::{Done, OnTerms};
use super::places::Places;
use super::reader::Reader;
use super::selector::Wants;
use super::word::Word;
use crate::api::ItemView;
use scanhook_core::alert::MachineId;
use scanhook_core::person::By;
use scanhook_core::plan::{Plan, plan};
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::time::Timestamp;

/// An approval that a person means to give.
pub struct Intended<'i> {
    pub word: &'i Word,
    pub by: &'i By,
    pub terms: &'i OnTerms<'i>,
}

impl Reader<'_> {
    /// The things that an approval is about, each with what would become of it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn foreseen(
        &self,
        ids: &[Uuid],
        intended: &Intended<'_>,
        now: Timestamp,
    ) -> Result<Vec<ItemView>, JournalError> {
        let mut items = self.items(Wants::Held, ids)?;
        let mut begun = BTreeSet::new();
        for item in &mut items {
            let id = item.id.parse::<Uuid>().ok();
            let row = id
                .map(|id| super::thing::decision(self.db, id))
                .transpose()?;
            if let Some(row) = row.flatten() {
                item.will = Some(self.fate(row, intended, &mut begun, now)?.to_owned());
                item.candidates = match &item.machine {
                    Some(_) => Vec::new(),
                    None => self.decided(row)?.candidates(),
                };
            }
        }
        Ok(items)
    }

    fn fate(
        &self,
        row: i64,
        intended: &Intended<'_>,
        begun: &mut BTreeSet<(i64, MachineId)>,
        now: Timestamp,
    ) -> Result<&'static str, JournalError> {
        let decided = self.decided(row)?;
        if decided.state != DecisionState::Held {
            return Ok(Done::NotHeld.code());
        }
        let Some(consent) = intended.word.consent(&decided, intended.by) else {
            return Ok(Done::Denied.code());
        };
        let Some(machine) = consent.machine else {
            return Ok(Done::MachineNeeded.code());
        };
        let Some(wanted) = decided.approved(intended.terms, consent.at_once, now) else {
            return Ok(Done::NotConfigured.code());
        };
        if let Some(done) = falls_short(self.db, &decided, consent)? {
            return Ok(done.code());
        }
        let rule = decided.rule.as_deref();
        let history = self.history(
            decided.tenant,
            machine,
            rule,
            &wanted,
            &mut Places::default(),
            now,
        )?;
        let plan = plan(&history, &wanted, now);
        // The second decision about a machine joins what the first has begun.
        let is_first = begun.insert((decided.tenant.0, machine.clone()));
        Ok(match plan {
            Plan::Begin { .. } if !is_first => Reason::Merged.code(),
            plan => plan.reason().code(),
        })
    }
}

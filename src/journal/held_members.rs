//! A group of what is held, device by device: what a person looks at before they answer it.

use super::db::{OptionalExtension, params};
use super::device_row::{device_row, machine_name};
use super::error::JournalError;
use super::group_key::GroupKey;
use super::held_decision::HeldDecision;
use super::reader::Reader;
use super::rows::time;
use super::selector::{Selector, Wants};
use crate::api::{DeviceRow, HeldMemberView, HeldMembersView};

impl Reader<'_> {
    /// The devices of the group that a selector names, from behind `after` on; `None`: nothing of it is held any more.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn held_members(
        &self,
        key: &GroupKey,
        selector: &Selector,
        most: usize,
        after: Option<&str>,
    ) -> Result<Option<HeldMembersView>, JournalError> {
        let found = self.held_groups(key.by, selector, (0, 1))?;
        let Some(group) = found.items.into_iter().next() else {
            return Ok(None);
        };
        let selected = self.select(Wants::Held, selector, most, after)?;
        let mut items = Vec::new();
        for (id, together) in selected.ids.iter().zip(selected.together) {
            let Some(row) = super::thing::decision(self.db, *id)? else {
                continue;
            };
            let Some(decision) = self.decision(*id)? else {
                continue;
            };
            let decided = self.decided(row)?;
            items.push(HeldMemberView {
                decision,
                together,
                candidates: self.candidates(&decided)?,
                last_full_at: self.last_full(&decided)?,
            });
        }
        let next = selected.next;
        Ok(Some(HeldMembersView { group, items, next }))
    }

    /// The machines that the device of a decision may be, as rows show them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn candidates_of(&self, id: uuid::Uuid) -> Result<Vec<DeviceRow>, JournalError> {
        match super::thing::decision(self.db, id)? {
            Some(row) => self.candidates(&self.decided(row)?),
            None => Ok(Vec::new()),
        }
    }

    fn candidates(&self, decided: &HeldDecision) -> Result<Vec<DeviceRow>, JournalError> {
        if decided.machine.is_some() {
            return Ok(Vec::new());
        }
        let ids = decided.candidates().into_iter();
        ids.map(|id| {
            let name = machine_name(self.db, decided.tenant, &id)?;
            device_row(self.db, decided.tenant, (None, Some(&id)), name)
        })
        .collect()
    }

    fn last_full(&self, decided: &HeldDecision) -> Result<Option<String>, JournalError> {
        let Some(machine) = &decided.machine else {
            return Ok(None);
        };
        let sql = "SELECT max(ended_at) FROM scan
                   WHERE machine = ? AND tenant = ? AND kind = 'full' AND outcome = 'succeeded'";
        let ended: Option<Option<i64>> = self
            .db
            .prepare_cached(sql)?
            .query_row(params![machine.as_str(), decided.tenant.0], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(ended.flatten().map(time))
    }
}

//! The other records of a delivery that tell more of its alerts, found by the value they have in common.

use std::collections::BTreeMap;

use super::compiled::Join;
use super::field::Length;
use super::found::Yielded;
use super::notes::Notes;
use super::path::At;
use crate::alert::AlertReason;
use crate::json::Json;

/// The records of a delivery that tell more of its alerts, by the value they have in common.
pub(super) struct Others<'m, 'j, 'a> {
    join: &'m Join,
    by_key: BTreeMap<String, &'j Json<'a>>,
}

impl<'m, 'j, 'a> Others<'m, 'j, 'a> {
    pub(super) fn of(
        join: &'m Join,
        at: At<'j, 'a>,
    ) -> Result<Others<'m, 'j, 'a>, (AlertReason, String)> {
        let mut by_key = BTreeMap::new();
        let mut notes = Notes::default();
        let records = join.each.iter().map(|source| {
            let mut fits = |record| {
                Notes::default()
                    .first(&join.on, at.here(record), "join")
                    .is_some()
            };
            let found = notes
                .find_fitting(source, at, &mut fits)
                .into_iter()
                .filter_map(|found| match found {
                    Yielded::Node(record @ Json::Object(_)) => Some(record),
                    _ => None,
                });
            found.collect::<Vec<_>>()
        });
        for record in records
            .into_iter()
            .find(|records| !records.is_empty())
            .unwrap_or_default()
        {
            if notes.holds(&join.only, at.here(record))
                && let Some(key) = notes.text(&join.on, at.here(record), "join", Length::Key)
            {
                by_key.entry(key).or_insert(record);
            }
        }
        match notes.take_doubt() {
            Some(doubt) => Err(doubt),
            None => Ok(Others { join, by_key }),
        }
    }

    pub(super) fn of_alert(&self, at: At<'j, 'a>, of_alert: &mut Notes) -> Option<&'j Json<'a>> {
        let mut notes = Notes::default();
        let key = notes.text(&self.join.on, at, "join", Length::Key);
        if let Some((reason, detail)) = notes.take_doubt() {
            of_alert.fault(reason, detail);
        }
        self.by_key.get(&key?).copied()
    }
}

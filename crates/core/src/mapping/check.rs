//! The check of a map while it is compiled: the faults so far, each named by its key, with the places and conditions
//! that every kind of key can hold.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::BodyCondition;
use super::map::{Conditions, OneOrMany};
use super::path::Path;

/// Something in a map that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFault {
    /// The key below `map`, such as `devices.name`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

#[derive(Default)]
pub(super) struct MapCheck {
    pub(super) faults: Vec<MapFault>,
    pub(super) headers: BTreeSet<String>,
}

impl MapCheck {
    /// Notes a fault; what it returns is never used, because a map with faults is not.
    pub(super) fn fault<T: Default>(&mut self, key: &str, message: impl ToString) -> T {
        self.faults.push(MapFault {
            key: key.to_owned(),
            message: message.to_string(),
        });
        T::default()
    }

    pub(super) fn alternatives(
        &mut self,
        key: &str,
        all: Option<OneOrMany<Conditions>>,
    ) -> Vec<Vec<BodyCondition>> {
        let OneOrMany(all) = all.unwrap_or_default();
        if all.len() > 1 && all.iter().any(BTreeMap::is_empty) {
            self.fault::<()>(key, "one of the alternatives asks for nothing");
        }
        all.into_iter()
            .map(|conditions| self.conditions(key, Some(conditions)))
            .collect()
    }

    pub(super) fn conditions(
        &mut self,
        key: &str,
        conditions: Option<Conditions>,
    ) -> Vec<BodyCondition> {
        let mut compiled = Vec::new();
        for (pointer, OneOrMany(texts)) in conditions.unwrap_or_default() {
            if texts.is_empty() {
                self.fault::<()>(key, format!("`{pointer}` allows nothing"));
            }
            if let Some(path) = self.path(key, &pointer) {
                match BodyCondition::new(path, &texts) {
                    Ok(condition) => compiled.push(condition),
                    Err(why) => self.fault(key, why),
                }
            }
        }
        compiled
    }

    pub(super) fn path(&mut self, key: &str, text: &str) -> Option<Path> {
        Path::parse(text)
            .map_err(|why| self.fault::<()>(key, why))
            .ok()
    }
}

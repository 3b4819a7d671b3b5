//! The things that an order names, as they are now. Of held decisions those of the same device and reason come along,
//! as they will when the order is given.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::held_together::held_together;
use super::item::item;
use super::outcome::unknown;
use super::reader::Reader;
use super::scan_row::damaged;
use super::selector::Wants;
use super::thing::{Thing, thing};
use crate::api::ItemView;
use scanhook_core::scan::DecisionState;

impl Reader<'_> {
    /// The things themselves, as they are now. Of held decisions those of the same device and reason come along, as they
    /// will when the order is given.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn items(&self, wants: Wants, ids: &[Uuid]) -> Result<Vec<ItemView>, JournalError> {
        let mut found = BTreeSet::new();
        let mut items = Vec::new();
        for id in ids {
            let things = match thing(self.db, *id)? {
                None => {
                    items.push(unknown(*id));
                    continue;
                }
                Some(Thing::Decision(row)) if wants == Wants::Held => self.together(row)?,
                Some(one) => vec![one],
            };
            for one in things {
                if found.insert(one) {
                    items.push(item(self.db, one)?);
                }
            }
        }
        Ok(items)
    }

    fn together(&self, row: i64) -> Result<Vec<Thing>, JournalError> {
        let sql = "SELECT * FROM decision WHERE id = ?";
        let decided = self
            .db
            .prepare_cached(sql)?
            .query_row([row], HeldDecision::read)?
            .ok_or_else(damaged)?;
        // One that is not held is shown by itself.
        if decided.state != DecisionState::Held {
            return Ok(vec![Thing::Decision(row)]);
        }
        let together = held_together(self.db, &decided)?;
        Ok(together
            .into_iter()
            .map(|one| Thing::Decision(one.id))
            .collect())
    }
}

//! The things that an order names, as they are now. Of held decisions those of the same device and reason come along,
//! as they will when the order is given.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::error::JournalError;
use super::held_decision::{DECIDED, HeldDecision};
use super::held_together::held_together;
use super::item::item;
use super::lots::{Lot, Lots, Selected};
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

    /// What an order about these ids means, those included that come along.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn meant_by(&self, wants: Wants, ids: &[Uuid]) -> Result<Selected, JournalError> {
        let (mut lots, mut taken) = (Lots::default(), BTreeSet::new());
        for id in ids {
            let Some(thing) = thing(self.db, *id)? else {
                continue;
            };
            let decided = match thing {
                Thing::Decision(row) => Some(self.decided(row)?),
                _ => None,
            };
            match decided {
                Some(decided) if wants == Wants::Held && decided.state == DecisionState::Held => {
                    lots.count_own();
                    if !taken.contains(&decided.id) {
                        let together = held_together(self.db, &decided)?;
                        taken.extend(together.iter().map(|one| one.id));
                        lots.push_held(&decided, *id, &together);
                    }
                }
                decided => {
                    let machine = match (thing, decided) {
                        (Thing::Scan(row), _) => Some(self.machine_of(row)?),
                        (_, decided) => decided.map(|one| (one.tenant.0, one.about().to_owned())),
                    };
                    lots.push(Lot {
                        thing,
                        id: *id,
                        count: 1,
                        machine,
                    });
                }
            }
        }
        Ok(lots.page(usize::MAX, None))
    }

    pub(super) fn decided(&self, row: i64) -> Result<HeldDecision, JournalError> {
        let sql = format!("SELECT {DECIDED} FROM decision d WHERE d.id = ?");
        self.db
            .prepare_cached(&sql)?
            .query_row([row], HeldDecision::read)?
            .ok_or_else(damaged)
    }

    /// The machine of a scan, and who acts for it.
    fn machine_of(&self, scan: i64) -> Result<(i64, String), JournalError> {
        let sql = "SELECT tenant, machine FROM scan WHERE id = ?";
        let mut found = self.db.prepare_cached(sql)?;
        Ok(found.query_row([scan], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    fn together(&self, row: i64) -> Result<Vec<Thing>, JournalError> {
        let decided = self.decided(row)?;
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

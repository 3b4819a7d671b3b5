//! Which things an order means when it names none by its id. Only looked at: whoever gives the order sees the list first.

use std::collections::BTreeSet;

use rusqlite::{Row, params};
use uuid::Uuid;

use super::Reader;
use super::error::JournalError;
use super::held::{Decided, held_together};
use super::ids::decision_uuid;
use super::outcome::{Thing, item, thing, unknown};
use super::pauses::{alert_names, is_named};
use super::retry::AGAIN;
use super::scans::damaged;
use super::store::TenantId;
use super::views::{LISTED_ALERTS, LISTED_DECISIONS, all};
use crate::api::ItemView;
use crate::domain::alert::AlertState;
use crate::domain::device_glob::DeviceGlob;
use crate::domain::scan::{DecisionState, Outcome, Reason};
use crate::domain::time::Timestamp;

/// What an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Held decisions.
    Held,
    /// Scans of ours that are not over.
    Open,
    /// What came to nothing: scans, dropped decisions, parked deliveries.
    Failed,
}

/// What a selection is narrowed to; what is `None` narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// One tenant.
    pub tenant: Option<TenantId>,
    /// One rule: of the decision, or the one that began the scan.
    pub rule: Option<String>,
    /// Devices, by id or by what an alert says of them.
    pub device: Option<DeviceGlob>,
    /// Decided, or received, since.
    pub since: Option<Timestamp>,
    /// Held for this reason; in this state; come to nothing in this way.
    pub word: Option<String>,
}

/// What a selection found, newest first.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// How many there are.
    pub count: usize,
    /// The ids, as many as were asked for at most.
    pub ids: Vec<Uuid>,
}

impl Selected {
    fn take(&mut self, id: Uuid, most: usize) {
        self.count += 1;
        if self.ids.len() < most {
            self.ids.push(id);
        }
    }
}

impl Selector {
    /// The words that [`Selector::word`] may be for this order.
    #[must_use]
    pub fn words(wants: Wants) -> Vec<&'static str> {
        match wants {
            Wants::Held => Reason::ALL.iter().map(|reason| reason.code()).collect(),
            Wants::Open => vec!["waiting", "sending", "unknown", "running"],
            Wants::Failed => {
                let scans = AGAIN.iter().map(|outcome| outcome.code());
                scans.chain(["expired", "denied", AlertState::Parked.code()]).collect()
            }
        }
    }

    fn tenant(&self) -> Option<i64> {
        self.tenant.map(|tenant| tenant.0)
    }

    fn since(&self) -> i64 {
        self.since.map_or(i64::MIN, Timestamp::millis)
    }
}

impl Reader<'_> {
    /// What a selection means.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn select(&self, wants: Wants, selector: &Selector, most: usize) -> Result<Selected, JournalError> {
        let mut selected = Selected::default();
        match wants {
            Wants::Held => self.select_decisions(DecisionState::Held, selector, most, &mut selected)?,
            Wants::Open => self.select_scans(None, selector, most, &mut selected)?,
            Wants::Failed => {
                self.select_scans(Some(AGAIN), selector, most, &mut selected)?;
                self.select_decisions(DecisionState::Dropped, selector, most, &mut selected)?;
                self.select_parked(selector, most, &mut selected)?;
            }
        }
        Ok(selected)
    }

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
        let decided = self.db.prepare_cached(sql)?.query_row([row], Decided::read)?.ok_or_else(damaged)?;
        // One that is not held is shown by itself.
        if decided.state != DecisionState::Held {
            return Ok(vec![Thing::Decision(row)]);
        }
        let together = held_together(self.db, &decided)?;
        Ok(together.into_iter().map(|one| Thing::Decision(one.id)).collect())
    }

    fn select_decisions(
        &self,
        state: DecisionState,
        selector: &Selector,
        most: usize,
        selected: &mut Selected,
    ) -> Result<(), JournalError> {
        // The state stands in the text, so that the index of what is held can be used.
        let sql = format!(
            "SELECT d.id, d.at, d.device, d.machine, a.fields
             FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
             WHERE d.state = '{}' AND d.state IN ({LISTED_DECISIONS}) AND (?1 IS NULL OR d.tenant = ?1) AND (?2 IS NULL OR d.rule = ?2) AND d.at >= ?3
               AND (?4 IS NULL OR d.reason = ?4) AND d.kind IS NOT NULL ORDER BY d.id DESC",
            state.code()
        );
        let values = params![selector.tenant(), selector.rule, selector.since(), selector.word];
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            if selector.device.as_ref().is_none_or(|glob| names(glob, row).unwrap_or(false)) {
                selected.take(decision_uuid(Timestamp::from_millis(row.get(1)?), row.get(0)?), most);
            }
        }
        Ok(())
    }

    fn select_scans(
        &self,
        outcomes: Option<&[Outcome]>,
        selector: &Selector,
        most: usize,
        selected: &mut Selected,
    ) -> Result<(), JournalError> {
        let what = match outcomes {
            None => {
                "s.state IN ('waiting', 'sending', 'unknown', 'running') AND s.ours AND (?4 IS NULL OR s.state = ?4)"
                    .to_owned()
            }
            Some(outcomes) => {
                let codes = outcomes.iter().map(|outcome| format!("'{}'", outcome.code())).collect::<Vec<_>>();
                // One that was tried again has no decisions any more.
                format!(
                    "s.outcome IN ({}) AND (?4 IS NULL OR s.outcome = ?4)
                       AND EXISTS (SELECT 1 FROM decision d WHERE d.scan = s.id)",
                    codes.join(", ")
                )
            }
        };
        let sql = format!(
            "SELECT s.id, s.uuid, s.machine FROM scan s WHERE (?1 IS NULL OR s.tenant = ?1)
               AND (?2 IS NULL OR s.rule = ?2) AND s.created_at >= ?3 AND {what} ORDER BY s.id DESC"
        );
        let values = params![selector.tenant(), selector.rule, selector.since(), selector.word];
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let machine: String = row.get(2)?;
            let meant = match &selector.device {
                Some(glob) => is_named(self.db, glob, row.get(0)?, &machine)?,
                None => true,
            };
            if meant {
                selected.take(row.get(1)?, most);
            }
        }
        Ok(())
    }

    /// An alert that could not be read has neither rule nor device, so a selection by those means none.
    fn select_parked(&self, selector: &Selector, most: usize, selected: &mut Selected) -> Result<(), JournalError> {
        let other = selector.word.as_deref().is_some_and(|word| word != AlertState::Parked.code());
        if other || selector.tenant.is_some() || selector.rule.is_some() || selector.device.is_some() {
            return Ok(());
        }
        let sql = format!(
            "SELECT DISTINCT d.id, d.uuid FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.state = 'parked' AND a.state IN ({LISTED_ALERTS}) AND d.received_at >= ? AND d.body IS NOT NULL
             ORDER BY d.id DESC"
        );
        for id in all(self.db, &sql, [selector.since()], |row| row.get::<_, Uuid>(1))? {
            selected.take(id, most);
        }
        Ok(())
    }
}

fn names(glob: &DeviceGlob, row: &Row<'_>) -> rusqlite::Result<bool> {
    let (label, machine): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    let fields: String = row.get(4)?;
    Ok(machine.is_some_and(|machine| glob.matches(&machine)) || alert_names(glob, &label, &fields))
}

//! Which things an order means when it names none by its id. Only looked at: whoever gives the order sees the list first.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::db::Row;
use super::error::JournalError;
use super::group_key::GroupKey;
use super::held_decision::{DECIDED, HeldDecision};
use super::held_together::held_together;
use super::ids::decision_uuid;
use super::lots::{Lot, Lots, Selected};
use super::means::{DeviceNames, means, means_alert, means_scan};
use super::reader::Reader;
use super::retryable::AGAIN;
use super::rows::all;
use super::scan_row::damaged;
use super::selector::{Selector, Wants, named};
use super::thing::Thing;
use super::views::{LISTED_ALERTS, LISTED_DECISIONS};
use scanhook_core::alert::{AlertState, MachineId};
use scanhook_core::scan::{DecisionState, Outcome};
use scanhook_core::time::Timestamp;

impl Reader<'_> {
    /// What a selection means, from behind `after` on, which is the `next` of an earlier answer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn select(
        &self,
        wants: Wants,
        selector: &Selector,
        most: usize,
        after: Option<&str>,
    ) -> Result<Selected, JournalError> {
        let mut lots = Lots::default();
        match wants {
            Wants::Held => self.select_held(selector, &mut lots)?,
            Wants::Open => self.select_scans(None, selector, &mut lots)?,
            Wants::Failed => {
                self.select_scans(Some(AGAIN), selector, &mut lots)?;
                self.each_decision(DecisionState::Dropped, selector, |decided, uuid, _| {
                    let machine = Some((decided.tenant.0, decided.about().to_owned()));
                    lots.push(Lot {
                        thing: Thing::Decision(decided.id),
                        id: uuid,
                        count: 1,
                        machine,
                    });
                    Ok(())
                })?;
                self.select_parked(selector, &mut lots)?;
            }
        }
        Ok(lots.page(most, after))
    }

    /// Held decisions, each with those of its device that are held for the same reason: they are answered together,
    /// whether they are selected or not.
    fn select_held(&self, selector: &Selector, lots: &mut Lots) -> Result<(), JournalError> {
        let mut taken = BTreeSet::new();
        self.each_decision(DecisionState::Held, selector, |decided, uuid, _| {
            lots.count_own();
            if taken.contains(&decided.id) {
                return Ok(());
            }
            let together = held_together(self.db, decided)?;
            taken.extend(together.iter().map(|one| one.id));
            lots.push_held(decided, uuid, &together);
            Ok(())
        })
    }

    /// Each decision of a state that is selected, newest first, with its row.
    pub(super) fn each_decision(
        &self,
        state: DecisionState,
        selector: &Selector,
        mut each: impl FnMut(&HeldDecision, Uuid, &Row<'_>) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let (mut conditions, values) = selector.conditions("d", "d.at");
        if selector.word.is_some() {
            conditions.push_str(" AND d.reason = :word");
        }
        // The state stands in the text, so that the index of what is held can be used.
        let sql = format!(
            "SELECT {DECIDED}, d.at, d.look_at, d.severity, a.fields, a.source, a.fields ->> '$.title' AS title, m.name FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
             LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
             WHERE d.state = '{}' AND d.state IN ({LISTED_DECISIONS}) AND d.kind IS NOT NULL {conditions}
             ORDER BY d.id DESC",
            state.code()
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(&*named(&values))?;
        while let Some(row) = rows.next()? {
            let decided = HeldDecision::read(&row)?.ok_or_else(damaged)?;
            if let Some(key) = &selector.group {
                let (source, title): (String, Option<String>) =
                    (row.get("source")?, row.get("title")?);
                if GroupKey::of(key.by, &decided, &source, title.as_deref()) != *key {
                    continue;
                }
            }
            if let Some(glob) = &selector.device {
                let name: Option<String> = row.get("name")?;
                let alert =
                    serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
                let machine = decided.machine.as_ref().map(MachineId::as_str);
                if !means(
                    glob,
                    DeviceNames {
                        label: &decided.device,
                        machine,
                        name: name.as_deref(),
                    },
                    &alert,
                ) {
                    continue;
                }
            }
            each(
                &decided,
                decision_uuid(Timestamp::from_millis(row.get("at")?), decided.id),
                &row,
            )?;
        }
        Ok(())
    }

    fn select_scans(
        &self,
        outcomes: Option<&[Outcome]>,
        selector: &Selector,
        lots: &mut Lots,
    ) -> Result<(), JournalError> {
        let (conditions, values) = selector.conditions("s", "s.created_at");
        let of_word = |column: &str| match selector.word {
            Some(_) => format!("AND s.{column} = :word"),
            None => String::new(),
        };
        let what = match outcomes {
            None => {
                let open = "s.state IN ('waiting', 'sending', 'unknown', 'running') AND +s.id > 0 AND s.ours";
                format!("{open} {}", of_word("state"))
            }
            Some(outcomes) => {
                let codes = outcomes
                    .iter()
                    .map(|outcome| format!("'{}'", outcome.code()))
                    .collect::<Vec<_>>();
                // One that was tried again has no decisions any more.
                format!(
                    "s.outcome IN ({}) AND EXISTS (SELECT 1 FROM decision d WHERE d.scan = s.id) {}",
                    codes.join(", "),
                    of_word("outcome")
                )
            }
        };
        let sql = format!(
            "SELECT s.id, s.uuid, s.machine, s.tenant FROM scan s WHERE {what} {conditions} ORDER BY s.id DESC"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(&*named(&values))?;
        while let Some(row) = rows.next()? {
            let (row, id, machine): (i64, Uuid, (i64, String)) =
                (row.get(0)?, row.get(1)?, (row.get(3)?, row.get(2)?));
            let meant = match &selector.device {
                Some(glob) => means_scan(self.db, glob, row, &machine.1)?,
                None => true,
            };
            if meant {
                lots.push(Lot {
                    thing: Thing::Scan(row),
                    id,
                    count: 1,
                    machine: Some(machine),
                });
            }
        }
        Ok(())
    }

    /// An alert that could not be read has no rule and no tenant, and nothing is decided of its devices, so a selection by those
    /// means none, and neither does that of whoever sees some tenants alone.
    fn select_parked(&self, selector: &Selector, lots: &mut Lots) -> Result<(), JournalError> {
        let other = selector
            .word
            .as_deref()
            .is_some_and(|word| word != AlertState::Parked.code());
        let of_tenants = selector.tenant.is_some() || selector.tenants.is_some();
        if other || of_tenants || selector.rule.is_some() {
            return Ok(());
        }
        let sql = format!(
            "SELECT d.id, d.uuid, a.n, a.fields FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.state = 'parked' AND a.state IN ({LISTED_ALERTS}) AND d.received_at >= ? AND d.body IS NOT NULL
             ORDER BY d.id DESC"
        );
        let since = selector.since.map_or(i64::MIN, Timestamp::millis);
        let parked = all(self.db, &sql, [since], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Uuid>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        for (row, id, n, fields) in parked {
            if lots.last() == Some(Thing::Delivery(row)) {
                continue;
            }
            if let Some(glob) = &selector.device {
                let alert = serde_json::from_str(&fields).unwrap_or_default();
                if !means_alert(self.db, glob, (row, n), &alert)? {
                    continue;
                }
            }
            lots.push(Lot {
                thing: Thing::Delivery(row),
                id,
                count: 1,
                machine: None,
            });
        }
        Ok(())
    }
}

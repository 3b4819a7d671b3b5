//! What an order changes together, and how a selection tells it: lot by lot, a page at a time, from behind the one that
//! was told last.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::thing::Thing;

/// What a selection found, newest first.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// How many there are, those included that are held together with them.
    pub count: usize,
    /// How many machines, or devices whose machine is not known, they are about.
    pub machines: usize,
    /// The ids that an order names for them, as many as were asked for at most; of what is held together one.
    pub ids: Vec<Uuid>,
    /// Where to go on, if these are not all.
    pub next: Option<String>,
}

impl Selected {
    /// Whether it is the `next` of an answer.
    #[must_use]
    pub fn is_place(text: &str) -> bool {
        place(text).is_some()
    }
}

/// What an order changes together: one scan or delivery, or the decisions of a device that are held for one reason.
pub(super) struct Lot {
    pub(super) thing: Thing,
    pub(super) id: Uuid,
    pub(super) count: usize,
    /// Tenant and machine or device; `None` for a delivery.
    pub(super) machine: Option<(i64, String)>,
}

/// The lots of a selection, in the order in which they are told.
#[derive(Default)]
pub(super) struct Lots(pub(super) Vec<Lot>);

impl Lots {
    /// As many as fit into an answer, from behind the one that `after` names.
    pub(super) fn page(self, most: usize, after: Option<&str>) -> Selected {
        let machines: BTreeSet<_> = self
            .0
            .iter()
            .filter_map(|lot| lot.machine.as_ref())
            .collect();
        let mut selected = Selected {
            machines: machines.len(),
            ..Selected::default()
        };
        selected.count = self.0.iter().map(|lot| lot.count).sum();
        // The one that it names may be done by now; those behind it are not.
        let behind = |lot: &Lot| {
            after
                .and_then(place)
                .is_none_or(|after| order(lot.thing) > after)
        };
        let mut room = most;
        let mut last: Option<(u8, i64)> = None;
        for lot in self.0.iter().filter(|lot| behind(lot)) {
            // One alone may be more than an answer tells.
            if lot.count > room && !selected.ids.is_empty() {
                let (kind, row) = last.unwrap_or_default();
                selected.next = Some(format!("{kind}.{}", -row));
                break;
            }
            room = room.saturating_sub(lot.count);
            last = Some(order(lot.thing));
            selected.ids.push(lot.id);
        }
        selected
    }
}

/// Scans come before decisions and these before deliveries; each of them newest first.
fn order(thing: Thing) -> (u8, i64) {
    match thing {
        Thing::Scan(row) => (0, -row),
        Thing::Decision(row) => (1, -row),
        Thing::Delivery(row) => (2, -row),
    }
}

/// The place that a `next` names.
fn place(next: &str) -> Option<(u8, i64)> {
    let (kind, row) = next.split_once('.')?;
    Some((kind.parse().ok()?, -row.parse::<i64>().ok()?))
}

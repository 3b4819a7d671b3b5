//! What an order changes together, and how a selection tells it: lot by lot, a page at a time, from behind the one that
//! was told last. A digest says whether two selections mean the same.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::group_key::fingerprint;
use super::held_decision::HeldDecision;
use super::thing::Thing;

/// What a selection found, newest first.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// How many there are, those included that are held together with them.
    pub count: usize,
    /// How many of them were selected themselves.
    pub own: usize,
    /// How many of them take two people and have been approved by nobody.
    pub second_person: usize,
    /// How many machines, or devices whose machine is not known, they are about.
    pub machines: usize,
    /// The same as long as the same things are meant, about the same machines, for the same reasons.
    pub digest: String,
    /// The rows of the decisions among them.
    pub decisions: BTreeSet<i64>,
    /// The ids that an order names for them, as many as were asked for at most; of what is held together one.
    pub ids: Vec<Uuid>,
    /// For each of these, how many are held together with it, itself included.
    pub together: Vec<usize>,
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

/// The lots of a selection, in the order in which they are told, and all that they are of.
#[derive(Default)]
pub(super) struct Lots {
    lots: Vec<Lot>,
    /// With what a person who agrees to it has seen of it.
    members: BTreeMap<Thing, String>,
    own: usize,
    second_person: usize,
}

impl Lots {
    /// One thing by itself.
    pub(super) fn push(&mut self, lot: Lot) {
        self.members.insert(lot.thing, String::new());
        self.own += 1;
        self.lots.push(lot);
    }

    /// A held decision with those that are held together with it.
    pub(super) fn push_held(
        &mut self,
        decided: &HeldDecision,
        id: Uuid,
        together: &[HeldDecision],
    ) {
        for one in together {
            let kind = one.wanted.map_or("none", |(kind, _)| kind.code());
            let mut seen = format!("{} {} {kind}", one.about(), one.reason.code());
            if let Some(people) = one.people() {
                // Whoever saw that another person has to approve it as well did not agree to begin it.
                seen.push_str(&format!(" {} of {}", people.given.len(), people.needed));
                let is_new = !self.members.contains_key(&Thing::Decision(one.id));
                self.second_person += usize::from(is_new && people.missing() > 1);
            }
            self.members.insert(Thing::Decision(one.id), seen);
        }
        self.lots.push(Lot {
            thing: Thing::Decision(decided.id),
            id,
            count: together.len(),
            machine: Some((decided.tenant.0, decided.about().to_owned())),
        });
    }

    /// One more was selected, though it may be in a lot already.
    pub(super) fn count_own(&mut self) {
        self.own += 1;
    }

    pub(super) fn last(&self) -> Option<Thing> {
        self.lots.last().map(|lot| lot.thing)
    }

    pub(super) fn digest(&self) -> String {
        let told = |(thing, seen): (&Thing, &String)| {
            let (kind, row) = order(*thing);
            format!("{kind} {row} {seen}")
        };
        let told: Vec<String> = self.members.iter().map(told).collect();
        fingerprint(told.iter().map(String::as_str))
    }

    pub(super) fn machines(&self) -> usize {
        let machines: BTreeSet<_> = self
            .lots
            .iter()
            .filter_map(|lot| lot.machine.as_ref())
            .collect();
        machines.len()
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    /// As many as fit into an answer, from behind the one that `after` names.
    pub(super) fn page(self, most: usize, after: Option<&str>) -> Selected {
        let decisions = self.members.keys().filter_map(|thing| match thing {
            Thing::Decision(row) => Some(*row),
            _ => None,
        });
        let mut selected = Selected {
            count: self.members(),
            own: self.own,
            second_person: self.second_person,
            machines: self.machines(),
            digest: self.digest(),
            decisions: decisions.collect(),
            ..Selected::default()
        };
        // The one that it names may be done by now; those behind it are not.
        let behind = |lot: &Lot| {
            after
                .and_then(place)
                .is_none_or(|after| order(lot.thing) > after)
        };
        let mut room = most;
        let mut last: Option<(u8, i64)> = None;
        for lot in self.lots.iter().filter(|lot| behind(lot)) {
            // One alone may be more than an answer tells.
            if lot.count > room && !selected.ids.is_empty() {
                let (kind, row) = last.unwrap_or_default();
                selected.next = Some(format!("{kind}.{}", -row));
                break;
            }
            room = room.saturating_sub(lot.count);
            last = Some(order(lot.thing));
            selected.ids.push(lot.id);
            selected.together.push(lot.count);
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

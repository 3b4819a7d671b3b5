//! Protections: always evaluated, whatever the rules say; they can only make a decision milder.

use core::ops::Range;
use std::collections::BTreeSet;

use super::condition::Condition;
use super::event::Event;
use super::fact_view::FactView;
use super::rule::{Calendar, Times};
use super::truth::Truths;
use crate::scan::Kind;
use crate::time::Timestamp;
use crate::verdict::{AtMost, Guard, Guarded, Seen};

/// One `[[protect]]`.
#[derive(Clone, Debug)]
pub(super) struct Protection {
    pub(super) name: String,
    pub(super) when: Condition,
    pub(super) unless: Option<Condition>,
    pub(super) at_most: Option<AtMost>,
    /// How many people have to approve what it holds.
    pub(super) people: u8,
    pub(super) times: Times,
    pub(super) if_unknown: IfUnknown,
    /// Whether `when` or `unless` asks for the device's name, and for its address.
    pub(super) name_matters: bool,
    pub(super) ip_matters: bool,
    pub(super) span: Range<usize>,
}

codes! {
    /// What becomes of a scan whose protection could not be judged.
    pub enum IfUnknown {
        /// A person decides.
        Hold = "hold",
        /// The protection applies.
        Apply = "apply",
        /// It is left out.
        Skip = "skip",
    }
}

/// How strongly a decision is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holding {
    #[default]
    No,
    /// Something milder could not be judged.
    Undecided,
    /// A protection says so.
    Protected,
}

/// What protections leave of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScanBounds {
    /// The strongest scan that may be.
    pub(super) kind: Option<Kind>,
    pub(super) held: Holding,
    /// Not before this.
    pub(super) start: Option<Timestamp>,
    /// Only while one window of each of these groups is open, as places in the file's list.
    pub(super) groups: BTreeSet<Vec<usize>>,
}

impl ScanBounds {
    /// No protection.
    pub(super) const FREE: ScanBounds = ScanBounds {
        kind: Some(Kind::Full),
        held: Holding::No,
        start: None,
        groups: BTreeSet::new(),
    };

    /// Both at once: the mildest kind, held if any says so, the latest start, all windows.
    pub(super) fn join(mut self, mut other: ScanBounds) -> ScanBounds {
        self.groups.append(&mut other.groups);
        ScanBounds {
            kind: self.kind.min(other.kind),
            held: self.held.max(other.held),
            start: self.start.max(other.start),
            groups: self.groups,
        }
    }

    /// What is certain where either may be.
    fn meet(mut self, other: ScanBounds) -> ScanBounds {
        self.groups.retain(|group| other.groups.contains(group));
        ScanBounds {
            kind: self.kind.max(other.kind),
            held: self.held.min(other.held),
            start: self.start.min(other.start),
            groups: self.groups,
        }
    }
}

impl Protection {
    /// What it may be for an event: hit, not hit, unknown.
    pub(super) fn truths(&self, view: FactView<'_>, calendar: Calendar<'_>) -> Truths {
        if !self.times.applies(view.event.at, calendar) {
            return Truths::FALSE;
        }
        let worlds = || view.worlds(self.name_matters, self.ip_matters);
        let hit = Truths::any(worlds().map(|world| self.when.truths(&world)));
        let Some(unless) = self.unless.as_ref().filter(|_| hit != Truths::FALSE) else {
            return hit;
        };
        // An exception must be known to hold, by every name the machine may have.
        let spared = Truths::all(worlds().map(|world| unless.truths(&world)));
        hit.and(spared.unknown_is_false().not())
    }

    /// The way of looking at an event that says best what it is: one by which it is hit, else one that nobody can judge.
    pub(super) fn telling<'e>(&self, view: FactView<'e>) -> FactView<'e> {
        let by = |pick: fn(Truths) -> bool| {
            let mut worlds = view.worlds(self.name_matters, self.ip_matters);
            worlds.find(|world| pick(self.when.truths(world)))
        };
        by(|truths| truths == Truths::TRUE)
            .or_else(|| by(Truths::may_be_unknown))
            .unwrap_or(view)
    }

    /// The least and the most it makes of a scan, where it may be any of these.
    pub(super) fn caps(
        &self,
        truths: Truths,
        event: &Event<'_>,
        calendar: Calendar<'_>,
    ) -> (ScanBounds, ScanBounds) {
        let hit = || ScanBounds {
            kind: match self.at_most {
                Some(AtMost::None) => None,
                Some(AtMost::Quick) => Some(Kind::Quick),
                Some(AtMost::Hold) | None => Some(Kind::Full),
            },
            held: if self.at_most == Some(AtMost::Hold) {
                Holding::Protected
            } else {
                Holding::No
            },
            start: self.times.start(event.at, calendar),
            groups: self
                .times
                .group()
                .map(<[usize]>::to_vec)
                .into_iter()
                .collect(),
        };
        let free = truths.may_be_false().then_some(ScanBounds::FREE);
        let unknown = truths.may_be_unknown().then(|| match self.if_unknown {
            IfUnknown::Hold => ScanBounds {
                held: Holding::Undecided,
                ..ScanBounds::FREE
            },
            IfUnknown::Apply => hit(),
            IfUnknown::Skip => ScanBounds::FREE,
        });
        let all: Vec<ScanBounds> = [free, unknown, truths.may_be_true().then(hit)]
            .into_iter()
            .flatten()
            .collect();
        let least = all
            .iter()
            .cloned()
            .reduce(ScanBounds::meet)
            .unwrap_or(ScanBounds::FREE);
        (
            least,
            all.into_iter()
                .reduce(ScanBounds::join)
                .unwrap_or(ScanBounds::FREE),
        )
    }

    /// For the record, if it is hit or cannot be judged.
    pub(super) fn guarded(
        &self,
        truths: Truths,
        event: &Event<'_>,
        calendar: Calendar<'_>,
    ) -> Option<Guarded> {
        let how = match (
            truths == Truths::TRUE,
            truths.may_be_unknown(),
            self.if_unknown,
        ) {
            (true, ..) => Guard::Hit,
            (_, false, _) => return None,
            (_, true, IfUnknown::Skip) => Guard::Skipped,
            (_, true, IfUnknown::Apply) => Guard::Applied,
            (_, true, IfUnknown::Hold) => Guard::Unknown,
        };
        let mut guarded = Guarded {
            name: self.name.clone(),
            how,
            at_most: None,
            // One that may be hit asks for as many as if it were.
            people: if how == Guard::Skipped {
                1
            } else {
                self.people
            },
            start: None,
            windows: Vec::new(),
        };
        if guarded.applies() {
            guarded.at_most = self.at_most;
            guarded.start = self.times.start(event.at, calendar);
            let group = guarded
                .start
                .and_then(|_| self.times.group())
                .unwrap_or_default();
            let names = group.iter().filter_map(|place| calendar.get(*place));
            guarded.windows = names.map(|window| window.name.clone()).collect();
        }
        Some(guarded)
    }

    /// The fields for which it could not be judged, under its name.
    pub(super) fn unknown(&self, view: FactView<'_>) -> Vec<Seen> {
        let mut fields: Vec<&str> = Vec::new();
        for world in view.worlds(self.name_matters, self.ip_matters) {
            for field in self.when.unknown_fields(&world) {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
        let seen = |field| Seen {
            field: format!("protection {}: {field}", self.name),
            value: None,
            unknown: true,
        };
        fields.into_iter().map(seen).collect()
    }

    /// Every condition it has.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        core::iter::once(&self.when).chain(&self.unless)
    }
}

//! One rule, and the times of the week at which a rule or a protection applies or lets a scan begin.

use core::time::Duration;

use super::condition::Condition;
use super::fact_view::FactView;
use super::truth::Truths;
use super::window::Window;
use crate::scan::{Kind, Mode, Priority};
use crate::time::Timestamp;
use crate::verdict::{Cooldown, Limit, Seen};

/// The windows of a file.
pub(super) type Calendar<'r> = &'r [Window];

/// One rule, with the defaults already in place, except the mode: tests replace its default.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    /// `None`: no scan.
    pub(super) scan: Option<Kind>,
    /// `None`: by severity.
    pub(super) priority: Option<Priority>,
    pub(super) when: Condition,
    pub(super) unless: Option<Condition>,
    pub(super) times: Times,
    pub(super) mode: Option<Mode>,
    pub(super) cooldown: Cooldown,
    pub(super) limit: Option<Limit>,
    pub(super) max_age: Duration,
    /// The bytes of its header in the file.
    pub(super) span: core::ops::Range<usize>,
}

/// `start`, `during` and `outside`: places in the file's list of windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: Vec<usize>,
    pub(super) during: Vec<usize>,
    pub(super) outside: Vec<usize>,
}

impl Times {
    /// Whether what has these times applies at all, by when the alert was received.
    pub(super) fn applies(&self, at: Timestamp, calendar: Calendar<'_>) -> bool {
        let open = |places: &[usize]| windows(places, calendar).any(|window| window.is_open(at));
        (self.during.is_empty() || open(&self.during)) && !open(&self.outside)
    }

    /// The windows of which one must be open for a scan to leave; `None`: it may leave at any time.
    pub(super) fn group(&self) -> Option<&[usize]> {
        (!self.start.is_empty()).then_some(self.start.as_slice())
    }

    /// When a scan may begin: the next opening of any of the windows; `None`: at once.
    pub(super) fn start(&self, at: Timestamp, calendar: Calendar<'_>) -> Option<Timestamp> {
        let opens = windows(&self.start, calendar)
            .map(|window| window.next_opening(at))
            .min()?;
        (opens > at).then_some(opens)
    }
}

fn windows<'r>(places: &[usize], calendar: Calendar<'r>) -> impl Iterator<Item = &'r Window> {
    places.iter().filter_map(|place| calendar.get(*place))
}

impl Rule {
    /// Whether it matches: all three must hold, `when`, not `unless`, and its times.
    pub(super) fn truths(&self, view: &FactView<'_>, calendar: Calendar<'_>) -> Truths {
        let mut truths = self.when.truths(view);
        if let Some(unless) = self.unless.as_ref().filter(|_| truths != Truths::FALSE) {
            truths = truths.and(unless.truths(view).not());
        }
        if truths != Truths::FALSE && !self.times.applies(view.event.at, calendar) {
            return Truths::FALSE;
        }
        truths
    }

    /// Whether it would have done less: no scan before Quick before Full, a stricter mode, a later start.
    pub(super) fn is_milder_than(
        &self,
        other: &Rule,
        mode: Mode,
        at: Timestamp,
        calendar: Calendar<'_>,
    ) -> bool {
        self.scan < other.scan
            || self.mode.unwrap_or(mode) < other.mode.unwrap_or(mode)
            || self.times.start(at, calendar) > other.times.start(at, calendar)
    }

    /// Every condition it has.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        core::iter::once(&self.when).chain(&self.unless)
    }

    /// The fields for which it could not be judged, under its name.
    pub(super) fn unknown(&self, view: &FactView<'_>) -> Vec<Seen> {
        let mut fields: Vec<&str> = Vec::new();
        for field in self
            .conditions()
            .flat_map(|condition| condition.unknown_fields(view))
        {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        let seen = |field| Seen {
            field: format!("rule {}: {field}", self.name),
            value: None,
            unknown: true,
        };
        fields.into_iter().map(seen).collect()
    }
}

//! Goes through the rules until one is true for certain, or until the directory could change the outcome.

use std::collections::BTreeSet;

use super::compiled::Rules;
use super::fact_view::FactView;
use super::guards::Guards;
use super::protect::{Holding, ScanBounds};
use super::rule::Rule;
use super::truth::Truths;
use crate::scan::{Kind, Mode};
use crate::time::Timestamp;

/// How the rules were gone through.
pub(super) struct Course<'r> {
    /// The winner, where it is the only one that could be; `None`: no rule matches.
    pub(super) winner: Option<&'r Rule>,
    /// Rules that could not be judged and stand before it.
    pub(super) passed_over: Vec<&'r Rule>,
}

/// A scan that may begin, or be held.
#[derive(Clone, PartialEq, Eq)]
struct Ruling {
    kind: Kind,
    held: bool,
    start: Option<Timestamp>,
    groups: BTreeSet<Vec<usize>>,
}

impl Rules {
    /// Goes through the rules until one is true for certain. `None`: the directory could change the outcome, which is
    /// to say that two outcomes are possible, and they are not both that nothing happens.
    pub(super) fn course<'r>(
        &'r self,
        view: &FactView<'_>,
        guards: &Guards,
        mode: Mode,
    ) -> Option<Course<'r>> {
        let mut passed_over: Vec<(&Rule, Truths)> = Vec::new();
        // The first that would win if what the alert says is true, where whoever wins does nothing.
        let mut idle: Option<&Rule> = None;
        let mut possible = 0;
        for number in self.index.candidates(view) {
            let Some(rule) = self.rules.get(number) else {
                continue;
            };
            let truths = rule.truths(view, &self.windows);
            if truths == Truths::FALSE {
                continue;
            }
            if truths.may_be_true() {
                let outcome = self.outcome(rule, &passed_over, guards, view.event.at, mode)?;
                let certain = truths == Truths::TRUE;
                if outcome.is_some() {
                    let only = certain && possible == 0;
                    return only.then(|| Course {
                        winner: Some(rule),
                        passed_over: unknown(&passed_over),
                    });
                }
                possible += 1;
                let claimed =
                    || rule.truths(&FactView::plain(view.event), &self.windows) == Truths::TRUE;
                if idle.is_none() && (certain || claimed()) {
                    idle = Some(rule);
                }
                if certain {
                    return Some(Course {
                        winner: idle,
                        passed_over: Vec::new(),
                    });
                }
            }
            passed_over.extend(truths.but_true().map(|left| (rule, left)));
        }
        Some(Course {
            winner: idle,
            passed_over: unknown(&passed_over),
        })
    }

    /// What happens if this rule wins; inside, `None`: nothing. Outside, `None`: it depends on the directory.
    fn outcome(
        &self,
        rule: &Rule,
        passed_over: &[(&Rule, Truths)],
        guards: &Guards,
        at: Timestamp,
        mode: Mode,
    ) -> Option<Option<Ruling>> {
        let Some(kind) = rule.scan else {
            return Some(None);
        };
        let with = |caps: &ScanBounds, undecided: bool| {
            let start = caps.start.max(rule.times.start(at, &self.windows));
            let held = undecided || caps.held != Holding::No;
            let groups = caps
                .groups
                .iter()
                .cloned()
                .chain(rule.times.group().map(<[usize]>::to_vec))
                .collect();
            Some(kind).min(caps.kind).map(|kind| Ruling {
                kind,
                held,
                start,
                groups,
            })
        };
        let milder = |pick: fn(Truths) -> bool| {
            let mut unknown = passed_over.iter().filter(|(_, truths)| pick(*truths));
            unknown.any(|(other, _)| other.is_milder_than(rule, mode, at, &self.windows))
        };
        let least = with(&guards.least, milder(|truths| truths == Truths::UNKNOWN));
        let most = with(&guards.most, milder(Truths::may_be_unknown));
        (least == most).then_some(least)
    }
}

/// The rules that are unknown for certain, or may be.
fn unknown<'r>(passed_over: &[(&'r Rule, Truths)]) -> Vec<&'r Rule> {
    passed_over
        .iter()
        .filter(|(_, truths)| truths.may_be_unknown())
        .map(|(rule, _)| *rule)
        .collect()
}

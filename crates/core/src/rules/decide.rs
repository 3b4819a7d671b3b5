//! What becomes of one event: the first rule that is true, within what the protections allow; held where something
//! milder could not be judged; to be resolved where the directory could still change it.

use std::collections::BTreeSet;

use super::event::Event;
use super::protect::{AtMost, Holding, ScanBounds};
use super::rule::Rule;
use super::sight::FactView;
use super::truth::Truths;
use super::{Facts, Rules};
use crate::scan::{Kind, Mode, Priority, Reason};
use crate::time::Timestamp;
use crate::verdict::{Asks, Guarded, Openings, Seen, Verdict, Wanted};

/// Fields named in a decision that waits for the directory; more would tell nobody more.
const OPEN_SHOWN: usize = 8;

/// What the protections make of an event.
struct Guards {
    /// What is certain.
    least: ScanBounds,
    /// What the directory could make of it.
    most: ScanBounds,
    hit: Vec<Guarded>,
    unknown: Vec<Seen>,
}

/// A scan that may begin, or be held.
#[derive(Clone, PartialEq, Eq)]
struct Ruling {
    kind: Kind,
    held: bool,
    start: Option<Timestamp>,
    groups: BTreeSet<Vec<usize>>,
}

/// How the rules were gone through.
struct Course<'r> {
    /// The winner, where it is the only one that could be; `None`: no rule matches.
    winner: Option<&'r Rule>,
    /// Rules that could not be judged and stand before it.
    passed_over: Vec<&'r Rule>,
}

impl Rules {
    /// Decides with another mode for rules that name none.
    pub(super) fn decide_in(&self, event: &Event<'_>, mode: Mode) -> Verdict {
        let sight = match event.facts {
            Facts::NotAsked => FactView::open(event),
            Facts::Silent | Facts::Known(_) => FactView::plain(event),
        };
        let guards = self.guards(sight);
        match self.course(&sight, &guards, mode) {
            Some(course) => self.verdict(course, guards, event, mode),
            None => {
                let (seen, protections) = (self.open_fields(sight), guards.hit);
                Verdict {
                    rule: None,
                    asks: Asks::Resolve(self.resolve_within),
                    seen,
                    protections,
                }
            }
        }
    }

    fn guards(&self, sight: FactView<'_>) -> Guards {
        let mut guards = Guards {
            least: ScanBounds::FREE,
            most: ScanBounds::FREE,
            hit: Vec::new(),
            unknown: Vec::new(),
        };
        for protection in &self.protections {
            let truths = protection.truths(sight, &self.windows);
            if truths == Truths::FALSE {
                continue;
            }
            let (least, most) = protection.caps(truths, sight.event, &self.windows);
            guards.least = guards.least.join(least);
            guards.most = guards.most.join(most);
            guards
                .hit
                .extend(protection.guarded(truths, sight.event, &self.windows));
            if truths.may_be_unknown() {
                guards.unknown.extend(protection.unknown(sight));
            }
        }
        guards
    }

    /// Goes through the rules until one is true for certain. `None`: the directory could change the outcome, which is
    /// to say that two outcomes are possible, and they are not both that nothing happens.
    fn course<'r>(
        &'r self,
        sight: &FactView<'_>,
        guards: &Guards,
        mode: Mode,
    ) -> Option<Course<'r>> {
        let mut passed_over: Vec<(&Rule, Truths)> = Vec::new();
        // The first that would win if what the alert says is true, where whoever wins does nothing.
        let mut idle: Option<&Rule> = None;
        let mut possible = 0;
        for number in self.index.candidates(sight) {
            let Some(rule) = self.rules.get(number) else {
                continue;
            };
            let truths = rule.truths(sight, &self.windows);
            if truths == Truths::FALSE {
                continue;
            }
            if truths.may_be_true() {
                let outcome = self.outcome(rule, &passed_over, guards, sight.event.at, mode)?;
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
                    || rule.truths(&FactView::plain(sight.event), &self.windows) == Truths::TRUE;
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

    fn verdict(
        &self,
        course: Course<'_>,
        guards: Guards,
        event: &Event<'_>,
        mode: Mode,
    ) -> Verdict {
        let sight = FactView::plain(event);
        let protections = guards.hit;
        let Some(rule) = course.winner else {
            let seen = course
                .passed_over
                .iter()
                .flat_map(|rule| rule.unknown(&sight))
                .collect();
            return Verdict {
                rule: None,
                asks: Asks::Nothing(Reason::NoMatch),
                seen,
                protections,
            };
        };
        let mut protections = protections;
        if rule.scan != Some(Kind::Full) {
            // A Quick that was wanted as such was made one by nobody.
            let quick = protections
                .iter_mut()
                .filter(|one| one.at_most == Some(AtMost::Quick));
            quick.for_each(|one| one.at_most = None);
        }
        let mut seen = rule.when.seen(&sight);
        let asks = match (rule.scan, rule.scan.min(guards.least.kind)) {
            (None, _) => Asks::Nothing(Reason::Rule),
            (Some(_), None) => Asks::Nothing(Reason::Protection),
            (Some(_), Some(kind)) => {
                let mut wanted = self.wanted(rule, kind, event, mode);
                wanted.start = wanted.start.max(guards.least.start);
                let groups = rule
                    .times
                    .group()
                    .into_iter()
                    .chain(guards.least.groups.iter().map(Vec::as_slice));
                wanted.openings = self.named(groups);
                let milder = course.passed_over.into_iter();
                let milder = milder
                    .filter(|other| other.is_milder_than(rule, mode, event.at, &self.windows));
                let mut unknown: Vec<Seen> =
                    milder.flat_map(|other| other.unknown(&sight)).collect();
                let undecided = !unknown.is_empty() || guards.least.held == Holding::Undecided;
                if guards.least.held != Holding::No {
                    unknown.extend(guards.unknown);
                }
                seen.extend(unknown);
                match (guards.least.held, undecided) {
                    (Holding::Protected, _) => Asks::Hold(Reason::Protection, wanted),
                    (_, true) => Asks::Hold(Reason::Undecided, wanted),
                    (_, false) => Asks::Scan(wanted),
                }
            }
        };
        Verdict {
            rule: Some(rule.name.clone()),
            asks,
            seen,
            protections,
        }
    }

    fn wanted(&self, rule: &Rule, kind: Kind, event: &Event<'_>, mode: Mode) -> Wanted {
        Wanted {
            kind,
            priority: rule
                .priority
                .unwrap_or(Priority::of_severity(event.alert.severity)),
            mode: rule.mode.unwrap_or(mode),
            cooldown: rule.cooldown,
            limit: rule.limit,
            tenant_limit: None,
            max_age: rule.max_age,
            hold_for: self.hold_for,
            start: rule.times.start(event.at, &self.windows),
            openings: Openings::always(),
        }
    }

    /// What the directory is asked for: the fields that are open, under the names of those who want to know.
    fn open_fields(&self, sight: FactView<'_>) -> Vec<Seen> {
        let is_open = |truths: Truths| truths.may_be_true() && truths.may_be_false();
        let protections = self
            .protections
            .iter()
            .filter(|one| is_open(one.truths(sight, &self.windows)));
        let mut seen: Vec<Seen> = protections
            .flat_map(|one| one.unknown(sight))
            .take(OPEN_SHOWN)
            .collect();
        for number in self.index.candidates(&sight) {
            let Some(rule) = self.rules.get(number) else {
                continue;
            };
            let truths = rule.truths(&sight, &self.windows);
            if is_open(truths) {
                seen.extend(rule.unknown(&sight));
            }
            if truths == Truths::TRUE || seen.len() >= OPEN_SHOWN {
                break;
            }
        }
        seen.truncate(OPEN_SHOWN);
        seen
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

#[cfg(test)]
mod tests;

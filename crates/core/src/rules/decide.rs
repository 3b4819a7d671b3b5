//! What becomes of one event: the first rule that is true, within what the protections allow; held where something
//! milder could not be judged; to be resolved where the directory could still change it.

use super::Facts;
use super::compiled::Rules;
use super::course::Course;
use super::event::Event;
use super::fact_view::FactView;
use super::guards::Guards;
use super::protect::Holding;
use super::rule::Rule;
use crate::scan::{Kind, Mode, Priority, Reason};
use crate::verdict::AtMost;
use crate::verdict::{Asks, Openings, Seen, Verdict, Wanted};

impl Rules {
    /// Decides with another mode for rules that name none.
    pub(super) fn decide_in(&self, event: &Event<'_>, mode: Mode) -> Verdict {
        let view = match event.facts {
            Facts::NotAsked => FactView::open(event),
            Facts::Silent | Facts::Known(_) => FactView::plain(event),
        };
        let guards = self.guards(view);
        match self.course(&view, &guards, mode) {
            Some(course) => self.verdict(course, guards, event, mode),
            None => {
                let (seen, protections) = (self.open_fields(view), guards.hit);
                Verdict {
                    rule: None,
                    asks: Asks::Resolve(self.resolve_within),
                    seen,
                    protections,
                }
            }
        }
    }

    fn verdict(
        &self,
        course: Course<'_>,
        guards: Guards,
        event: &Event<'_>,
        mode: Mode,
    ) -> Verdict {
        let view = FactView::plain(event);
        let protections = guards.hit;
        let Some(rule) = course.winner else {
            let seen = course
                .passed_over
                .iter()
                .flat_map(|rule| rule.unknown(&view))
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
        let mut seen = rule.when.seen(&view);
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
                    milder.flat_map(|other| other.unknown(&view)).collect();
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
}

#[cfg(test)]
mod tests;

//! The policy as it is in force, made from the rules: names in place of numbers, conditions in the words of the file.

use jiff::civil::Time;

use super::explain::written;
use super::outline::{
    DefaultsOutline, LimitOutline, ListOutline, Outline, ProtectionOutline, RuleOutline,
    TimesOutline, WindowOutline,
};
use crate::rules::compiled::Rules;
use crate::rules::condition::Condition;
use crate::rules::duration::show;
use crate::rules::finding::LineStarts;
use crate::rules::rule::Times;
use crate::rules::window::{DAYS, Hours, Window};
use crate::scan::Kind;
use crate::time::Timestamp;
use crate::verdict::Limit;

impl Rules {
    /// The policy as it is in force at this time. `text` is the text of the rules file.
    #[must_use]
    pub fn outline(&self, text: &str, at: Timestamp) -> Outline {
        Outline {
            defaults: DefaultsOutline {
                mode: self.mode,
                cooldown_quick: show(self.cooldown.quick),
                cooldown_full: show(self.cooldown.full),
                limit: self.limit.map(limit),
                max_age: show(self.max_age),
                hold_for: show(self.hold_for),
                resolve_within: show(self.resolve_within),
                comment: self.comment.to_string(),
            },
            lists: self.lists.iter().map(|list| list.outline(at)).collect(),
            windows: self
                .windows
                .iter()
                .map(|window| window.outline(at))
                .collect(),
            protections: self.protection_outlines(text),
            rules: self.rule_outlines(text),
            tests: self.tests.len(),
        }
    }

    fn protection_outlines(&self, text: &str) -> Vec<ProtectionOutline> {
        let lines = LineStarts::of(text);
        let outline = |one: &crate::rules::protect::Protection| ProtectionOutline {
            name: one.name.clone(),
            line: lines.number(one.span.start),
            when: phrase(&one.when, text),
            unless: one.unless.as_ref().map(|unless| phrase(unless, text)),
            at_most: one.at_most,
            people: one.people,
            times: self.times(&one.times),
            if_unknown: one.if_unknown,
        };
        self.protections.iter().map(outline).collect()
    }

    fn rule_outlines(&self, text: &str) -> Vec<RuleOutline> {
        let lines = LineStarts::of(text);
        let outline = |rule: &crate::rules::rule::Rule| RuleOutline {
            name: rule.name.clone(),
            line: lines.number(rule.span.start),
            scan: rule.scan.map_or("none", Kind::code),
            when: phrase(&rule.when, text),
            unless: rule.unless.as_ref().map(|unless| phrase(unless, text)),
            times: self.times(&rule.times),
            mode: rule.mode.unwrap_or(self.mode),
            priority: rule.priority,
            cooldown: rule.scan.map(|kind| show(rule.cooldown.of(kind))),
            limit: rule.limit.map(limit),
            max_age: show(rule.max_age),
        };
        self.rules.iter().map(outline).collect()
    }

    fn times(&self, times: &Times) -> TimesOutline {
        let names = |places: &[usize]| {
            let windows = places.iter().filter_map(|place| self.windows.get(*place));
            windows.map(|window| window.name.clone()).collect()
        };
        TimesOutline {
            start: names(&times.start),
            during: names(&times.during),
            outside: names(&times.outside),
        }
    }
}

impl crate::rules::list::ListSummary {
    fn outline(&self, at: Timestamp) -> ListOutline {
        let ended = self.ends.partition_point(|ending| ending.until <= at);
        ListOutline {
            name: self.name.clone(),
            kind: self.kind,
            file: self.file.clone(),
            entries: self.entries.saturating_sub(ended),
            ended,
            next_end: self.ends.get(ended).map(|ending| ending.until.to_string()),
        }
    }
}

fn limit(limit: Limit) -> LimitOutline {
    LimitOutline {
        scans: limit.scans,
        per: show(limit.per),
    }
}

/// A condition on one line.
fn phrase(condition: &Condition, text: &str) -> String {
    let list = |parts: &[Condition]| {
        let parts = parts
            .iter()
            .map(|part| format!("{{ {} }}", phrase(part, text)));
        parts.collect::<Vec<_>>().join(", ")
    };
    match condition {
        Condition::All(parts) => parts
            .iter()
            .map(|part| phrase(part, text))
            .collect::<Vec<_>>()
            .join(", "),
        Condition::Any(parts) => format!("any = [{}]", list(parts)),
        Condition::None(parts) => format!("none = [{}]", list(parts)),
        Condition::Leaf(leaf) => written(leaf, text),
    }
}

impl Window {
    /// As those see it who ask what is in force.
    fn outline(&self, at: Timestamp) -> WindowOutline {
        let (open, opens) = (self.is_open(at), self.next_opening(at));
        let days = DAYS
            .into_iter()
            .zip(self.days)
            .filter_map(|(day, opens)| opens.then_some(day));
        let time = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let hours = |hours: &Hours| {
            let closes = hours.closes.map_or_else(|| "24:00".to_owned(), time);
            format!("{}-{closes}", time(hours.opens))
        };
        WindowOutline {
            name: self.name.clone(),
            timezone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
            days: days.collect(),
            hours: self.hours.iter().map(hours).collect(),
            open,
            opens: (!open && opens != Timestamp::NEVER).then(|| opens.to_string()),
        }
    }
}

//! The policy as it is in force: every default in its place, every rule with its terms, lists with their sizes, windows
//! with their next opening. For those who ask what is in force; nothing decides by it.

use jiff::civil::Time;
use serde::Serialize;

use super::explain::written;
use crate::rules::Rules;
use crate::rules::condition::Condition;
use crate::rules::duration::show;
use crate::rules::finding::LineStarts;
use crate::rules::list::ListType;
use crate::rules::protect::{AtMost, IfUnknown};
use crate::rules::rule::Times;
use crate::rules::window::{DAYS, Hours, Window};
use crate::scan::{Kind, Mode, Priority};
use crate::time::Timestamp;
use crate::verdict::Limit;

/// A policy as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// What rules have where they say nothing.
    pub defaults: DefaultsOutline,
    /// The lists, by name.
    pub lists: Vec<ListOutline>,
    /// The windows, in file order.
    pub windows: Vec<WindowOutline>,
    /// The protections, in file order.
    pub protections: Vec<ProtectionOutline>,
    /// The rules, in file order.
    pub rules: Vec<RuleOutline>,
    /// How many tests the file holds.
    pub tests: usize,
}

/// `[defaults]`, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefaultsOutline {
    /// The mode of a rule that names none.
    pub mode: Mode,
    /// The cool-down before a Quick.
    pub cooldown_quick: String,
    /// The cool-down before a Full.
    pub cooldown_full: String,
    /// The limit of a rule that names none; null: none.
    pub limit: Option<LimitOutline>,
    /// How old what is sent may be.
    pub max_age: String,
    /// How long a decision may be held.
    pub hold_for: String,
    /// How long the directory may take.
    pub resolve_within: String,
    /// The template of comments.
    pub comment: String,
}

/// At most so many scans in such a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitOutline {
    /// How many.
    pub scans: u32,
    /// The sliding window.
    pub per: String,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListOutline {
    /// Its name.
    pub name: String,
    /// How its entries are compared.
    #[serde(rename = "type")]
    pub kind: ListType,
    /// The file of further entries, as the rules name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The entries in force.
    pub entries: usize,
    /// Entries whose day is over.
    pub ended: usize,
    /// When the next entry ends, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_end: Option<String>,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowOutline {
    /// Its name.
    pub name: String,
    /// Whose clock it goes by, as an IANA name.
    pub timezone: String,
    /// The days on which it opens.
    pub days: Vec<&'static str>,
    /// Its hours, `22:00-05:00`.
    pub hours: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// When it opens next, where it is closed and ever opens, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
}

/// The windows of a rule or a protection, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimesOutline {
    /// No scan before one of these opens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// It applies in these only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<String>,
    /// It does not apply in these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
}

/// A protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectionOutline {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// Its condition, in words of the file.
    pub when: String,
    /// Its exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// How far a scan may go; null: as far as the rule says.
    pub at_most: Option<AtMost>,
    /// Its windows.
    #[serde(flatten)]
    pub times: TimesOutline,
    /// What becomes of a scan when it cannot be judged.
    pub if_unknown: IfUnknown,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleOutline {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// quick, full or none.
    pub scan: &'static str,
    /// Its condition, in words of the file.
    pub when: String,
    /// Its exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// Its windows.
    #[serde(flatten)]
    pub times: TimesOutline,
    /// Its mode, its own or the default.
    pub mode: Mode,
    /// Its place in the queue; null: by severity.
    pub priority: Option<Priority>,
    /// Its cool-down; null where it asks for no scan.
    pub cooldown: Option<String>,
    /// Its limit; null: none.
    pub limit: Option<LimitOutline>,
    /// How old what is sent may be.
    pub max_age: String,
}

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

//! The policy: rules in file order, the first that is true wins, within what the protections allow. Read from
//! `rules.toml`, checked whole, and then only asked: what becomes of this alert about this device?
//!
//! `parse` reads a file in one walk that collects every fault, and compiles it to [`Rules`]: rules, protections,
//! windows, tests, index. `decide` is the whole decision. List files are read by the caller and passed in as text.
//!
//! * A condition has a *set* of truth values (`truth`); for what is known well enough it has one element. While the
//!   directory has not been asked, a condition on a fact that it can still tell is {false, true}. If two outcomes are
//!   possible the verdict is `Asks::Resolve`, unless nothing happens in either.
//! * A `FactView` (`sight`) says whose word counts for the device's name and address. Rules look once; a protection
//!   looks with what the directory says and with what the alert says, and is hit by either. Where nobody has answered
//!   yet it cannot be *not hit*.
//! * Protections become `ScanBounds`: kind, hold, start, windows. What is certain (`least`) and what is possible
//!   (`most`) are joined separately.
//! * `index` finds the rules that may match by their rarest equality or text (a hash, one Aho-Corasick automaton per
//!   field). A rule without either is always looked at. It may name too many and never too few.
//! * `expression` compiles regular expressions and bounds their memory; `parse::hint` knows how other languages say it.
//!
//! `tests/it/naive` holds all of it against an interpreter without index and sets.

mod body_value;
mod census;
mod comparison;
mod condition;
mod course;
mod decide;
pub mod duration;
mod event;
mod expect;
mod expression;
mod field;
mod field_value;
mod finding;
mod given;
pub(crate) mod glob;
mod guards;
mod index;
mod index_place;
mod leaf;
mod list;
mod members;
mod memo;
mod named;
mod named_value;
mod network;
mod open_fields;
mod opening;
mod operand;
mod parse;
mod protect;
mod reading;
mod report;
mod rule;
mod run;
mod sight;
mod test_decision;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod truth;
mod unmet;
mod window;

use core::time::Duration;

use index::Index;
use protect::Protection;
use rule::Rule;
use window::Window;

pub use event::{Event, Facts, MachineFacts, OwnedEvent, owned};
pub use expect::{Begins, Expect, Given, Payload, Protected, RuleTest, TestStep};
pub use finding::{Finding, Level, render, render_within};
pub use given::GivenFact;
pub use list::ListType;
pub use memo::Memo;
pub use named::Named;
pub use parse::list_file::ReadList;
pub use protect::{AtMost, IfUnknown};
pub use reading::Reading;
pub use report::explain::{Explained, Explanation, Failing, Glance, Judged};
pub use report::outline::{
    DefaultsOutline, LimitOutline, ListOutline, Outline, ProtectionOutline, RuleOutline,
    TimesOutline, WindowOutline,
};
pub use run::{TestRun, run};

use super::comment::CommentTemplate;
use super::scan::Mode;
use super::verdict::{AskedFor, Cooldown, Limit, Verdict, Wanted};

/// A rules file, checked and compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The mode of a rule that names none.
    mode: Mode,
    /// How long a decision may be held.
    hold_for: Duration,
    /// The cool-down, limit and age of a rule that names none.
    cooldown: Cooldown,
    limit: Option<Limit>,
    max_age: Duration,
    /// How long the directory may take.
    resolve_within: Duration,
    comment: CommentTemplate,
    lists: Vec<list::ListSummary>,
    windows: Vec<Window>,
    protections: Vec<Protection>,
    rules: Vec<Rule>,
    index: Index,
    tests: Vec<RuleTest>,
    test_facts: given::TestFacts,
}

/// Rules that may be used, and what is worth a second look in them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The rules.
    pub rules: Rules,
    /// Lints, in file order.
    pub lints: Vec<Finding>,
}

impl Rules {
    /// Bytes of a rules file, and of a list's file; a larger one is a mistake.
    pub const LARGEST: usize = 4 << 20;

    /// What becomes of one alert about one device. The tenant's limit and a stricter mode are the caller's to add.
    #[must_use]
    pub fn decide(&self, event: &Event<'_>) -> Verdict {
        self.decide_in(event, self.mode)
    }

    /// The template of a scan's comment.
    #[must_use]
    pub fn comment(&self) -> &CommentTemplate {
        &self.comment
    }

    /// How long the directory may take to answer.
    #[must_use]
    pub const fn resolve_within(&self) -> Duration {
        self.resolve_within
    }

    /// How long a decision may be held.
    #[must_use]
    pub const fn hold_for(&self) -> Duration {
        self.hold_for
    }

    /// The embedded tests, in file order.
    #[must_use]
    pub fn tests(&self) -> &[RuleTest] {
        &self.tests
    }

    /// The names of the rules, in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// A scan of this kind on the terms that this rule has now, and in the windows that it and the protections of its
    /// decision have: what a person's approval or a retry begins. A rule that is not there any more has the terms of the
    /// defaults.
    #[must_use]
    pub fn wanted_by(&self, asked: AskedFor<'_>) -> Wanted {
        let AskedFor {
            rule,
            protections,
            kind,
            priority,
            now,
        } = asked;
        let openings = self.openings_of(rule, protections);
        let start = Some(self.opens(&openings, now)).filter(|opens| *opens > now);
        let rule = rule.and_then(|name| self.rules.iter().find(|rule| rule.name == name));
        Wanted {
            kind,
            priority,
            mode: rule.and_then(|rule| rule.mode).unwrap_or(self.mode),
            cooldown: rule.map_or(self.cooldown, |rule| rule.cooldown),
            limit: rule.map_or(self.limit, |rule| rule.limit),
            tenant_limit: None,
            max_age: rule.map_or(self.max_age, |rule| rule.max_age),
            hold_for: self.hold_for,
            start,
            openings,
        }
    }

    /// What asks for earlier scans, and how far back: for each kind the one that looks back furthest.
    #[must_use]
    pub fn looks_back(&self) -> Vec<(String, Duration)> {
        let defaults = || ("the defaults".to_owned(), self.cooldown, self.limit);
        let rules = self
            .rules
            .iter()
            .map(|rule| (format!("rule `{}`", rule.name), rule.cooldown, rule.limit));
        let all: Vec<_> = core::iter::once(defaults()).chain(rules).collect();
        let longest = |what: &str, span: fn(&(String, Cooldown, Option<Limit>)) -> Duration| {
            // The first of several that are equal.
            let found = all.iter().rev().max_by_key(|one| span(one));
            found.map(|one| (format!("`{what}` of {}", one.0), span(one)))
        };
        let cooldown = longest("cooldown", |(_, cooldown, _)| {
            cooldown.quick.max(cooldown.full)
        });
        let limit = longest("limit.per", |(_, _, limit)| {
            limit.map_or(Duration::ZERO, |limit| limit.per)
        });
        cooldown.into_iter().chain(limit).collect()
    }

    /// The modes of the rules that want a scan, in file order.
    pub fn modes(&self) -> impl Iterator<Item = Mode> {
        self.rules
            .iter()
            .filter(|rule| rule.scan.is_some())
            .map(|rule| rule.mode.unwrap_or(self.mode))
    }

    /// The names of the protections, in file order.
    pub fn protections(&self) -> impl Iterator<Item = &str> {
        self.protections
            .iter()
            .map(|protection| protection.name.as_str())
    }
}

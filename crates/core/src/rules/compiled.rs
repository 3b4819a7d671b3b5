//! A rules file, checked and compiled, and what can be asked of it as a whole.

use core::time::Duration;

use super::event::{Event, MachineFacts};
use super::expect::RuleTest;
use super::finding::Finding;
use super::given::TestFacts;
use super::index::Index;
use super::list::ListSummary;
use super::protect::Protection;
use super::rule::Rule;
use super::window::Window;
use crate::alert::Device;
use crate::comment::CommentTemplate;
use crate::scan::Mode;
use crate::verdict::{AskedFor, Cooldown, Limit, Verdict, Wanted};

/// A rules file, checked and compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The mode of a rule that names none.
    pub(super) mode: Mode,
    /// How long a decision may be held.
    pub(super) hold_for: Duration,
    /// The cool-down, limit and age of a rule that names none.
    pub(super) cooldown: Cooldown,
    pub(super) limit: Option<Limit>,
    pub(super) max_age: Duration,
    /// How long the directory may take.
    pub(super) resolve_within: Duration,
    pub(super) comment: CommentTemplate,
    pub(super) lists: Vec<ListSummary>,
    pub(super) windows: Vec<Window>,
    pub(super) protections: Vec<Protection>,
    pub(super) rules: Vec<Rule>,
    pub(super) index: Index,
    pub(super) tests: Vec<RuleTest>,
    pub(super) test_facts: TestFacts,
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

    /// The protections that ask for more than one person, in file order.
    pub fn asking_two(&self) -> impl Iterator<Item = &str> {
        let asking = self.protections.iter().filter(|one| one.people > 1);
        asking.map(|one| one.name.as_str())
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

    /// What the directory would say of an unremarkable machine, or of one as `[test_facts]` has it, that is what the
    /// alert says it is.
    #[must_use]
    pub fn unremarkable(&self, device: &Device) -> MachineFacts {
        self.test_facts.of(device)
    }
}

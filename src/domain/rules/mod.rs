//! The policy: rules in file order, the first that is true wins. Read from `rules.toml`, checked whole, and then only
//! asked: what becomes of this alert about this device?

mod condition;
pub mod duration;
mod event;
mod expect;
mod field;
mod finding;
mod read;
mod run;
mod walk;
mod when;

use core::time::Duration;

use condition::{Condition, Truth};

pub use event::{Event, Facts, MachineFacts, OwnedEvent, owned};
pub use expect::{Expect, Given, Payload, RuleTest, Step};
pub use field::{Named, Reading};
pub use finding::{Finding, Level, render};
pub use run::run;

use super::comment::Template;
use super::scan::{Kind, Mode, Priority, Reason};
use super::verdict::{Asks, Cooldown, Limit, Seen, Verdict, Wanted};

/// A rules file, checked and compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The mode of a rule that names none.
    mode: Mode,
    /// How long a decision may be held.
    hold_for: Duration,
    comment: Template,
    rules: Vec<Rule>,
    tests: Vec<RuleTest>,
    test_facts: expect::TestFacts,
}

/// Rules that may be used, and what is worth a second look in them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The rules.
    pub rules: Rules,
    /// Lints, in file order.
    pub lints: Vec<Finding>,
}

/// One rule, with the defaults already in place, except the mode: tests replace its default.
#[derive(Clone, Debug)]
struct Rule {
    name: String,
    /// `None`: no scan.
    scan: Option<Kind>,
    /// `None`: by severity.
    priority: Option<Priority>,
    when: Condition,
    mode: Option<Mode>,
    cooldown: Cooldown,
    limit: Option<Limit>,
    max_age: Duration,
}

impl Rules {
    /// Reads a rules file.
    ///
    /// # Errors
    /// Every error of the file, and its lints, in file order.
    pub fn parse(text: &str) -> Result<Loaded, Vec<Finding>> {
        read::read(text)
    }

    /// What becomes of one alert about one device. The tenant's limit and a stricter mode are the caller's to add.
    #[must_use]
    pub fn decide(&self, event: &Event<'_>) -> Verdict {
        self.decide_in(event, self.mode)
    }

    /// The template of a scan's comment.
    #[must_use]
    pub fn comment(&self) -> &Template {
        &self.comment
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

    /// As [`Rules::decide`], with another mode for rules that name none.
    fn decide_in(&self, event: &Event<'_>, mode: Mode) -> Verdict {
        let mut passed_over = Vec::new();
        for rule in &self.rules {
            match rule.when.truth(event) {
                Truth::True => return self.won(rule, &passed_over, event, mode),
                Truth::Unknown => passed_over.push(rule),
                Truth::False => {}
            }
        }
        let seen = passed_over.iter().flat_map(|rule| rule.unknown(event)).collect();
        Verdict { rule: None, asks: Asks::Nothing(Reason::NoMatch), seen }
    }

    fn won(&self, rule: &Rule, passed_over: &[&Rule], event: &Event<'_>, mode: Mode) -> Verdict {
        let mut seen = rule.when.seen(event);
        let asks = match rule.scan {
            None => Asks::Nothing(Reason::Rule),
            Some(kind) => {
                let milder = passed_over.iter().filter(|other| other.is_milder_than(rule, mode));
                let unknown: Vec<Seen> = milder.flat_map(|other| other.unknown(event)).collect();
                let wanted = self.wanted(rule, kind, event, mode);
                if unknown.is_empty() {
                    Asks::Scan(wanted)
                } else {
                    seen.extend(unknown);
                    Asks::Hold(Reason::Undecided, wanted)
                }
            }
        };
        Verdict { rule: Some(rule.name.clone()), asks, seen }
    }

    fn wanted(&self, rule: &Rule, kind: Kind, event: &Event<'_>, mode: Mode) -> Wanted {
        Wanted {
            kind,
            priority: rule.priority.unwrap_or(Priority::of_severity(event.alert.severity)),
            mode: rule.mode.unwrap_or(mode),
            cooldown: rule.cooldown,
            limit: rule.limit,
            tenant_limit: None,
            max_age: rule.max_age,
            hold_for: self.hold_for,
        }
    }
}

impl Rule {
    /// Whether it would have done less: no scan before Quick before Full, or in a stricter mode.
    fn is_milder_than(&self, other: &Rule, mode: Mode) -> bool {
        self.scan < other.scan || self.mode.unwrap_or(mode) < other.mode.unwrap_or(mode)
    }

    /// The fields for which it could not be judged, under its name.
    fn unknown(&self, event: &Event<'_>) -> impl Iterator<Item = Seen> {
        let fields = self.when.unknown_fields(event).into_iter();
        fields.map(|field| Seen { field: format!("rule {}: {field}", self.name), value: None, unknown: true })
    }
}

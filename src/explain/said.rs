//! How an explanation is said, to a terminal and in a page alike.

use super::judgement::{ExplainedOutcome, World};
use scanhook_core::rules::{Explained, Failing, Judged};
use scanhook_core::scan::{DecisionState, Mode};
use scanhook_core::verdict::{Guard, Seen};

impl World {
    pub(crate) fn guard(&self, name: &str) -> &'static str {
        let guarded = self.guarded.iter().find(|guarded| guarded.name == name);
        guarded.map_or("no", |guarded| match guarded.how {
            Guard::Hit => "applies",
            Guard::Unknown => "unknown: a person decides",
            Guard::Applied => "unknown: applies",
            Guard::Skipped => "unknown: left out",
        })
    }

    pub(crate) fn verdict(&self, n: usize) -> &'static str {
        let Some(rule) = self.rules.get(n) else {
            return "";
        };
        match rule.judged {
            _ if self.outcome.rule.as_ref() == Some(&rule.name) => "wins",
            Judged::True => "an earlier rule wins",
            Judged::False => "no",
            Judged::Unknown | Judged::Open => "unknown",
        }
    }
}

impl ExplainedOutcome {
    pub(crate) fn cell(&self) -> String {
        match self.state {
            DecisionState::Scan if self.mode == Some(Mode::DryRun) => {
                format!("{} scan, dry run", self.scan)
            }
            DecisionState::Scan => format!("{} scan", self.scan),
            state => format!("{state}: {}", self.reason),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let priority = self
            .priority
            .map_or_else(String::new, |priority| format!("; priority {priority}"));
        format!("{}{priority}", self.why)
    }
}

/// The condition that fails, or what was seen.
pub(crate) fn detail(one: &Explained) -> Option<String> {
    let seen = one
        .seen
        .iter()
        .map(|seen| format!("{} is {}", seen.field, value(seen)));
    match (&one.failing, one.judged) {
        (
            Some(Failing {
                condition,
                seen,
                excluded: true,
            }),
            _,
        ) => Some(format!(
            "{condition} holds, and must not: {} is {}",
            seen.field,
            value(seen)
        )),
        (
            Some(Failing {
                condition, seen, ..
            }),
            _,
        ) => Some(format!("{condition}: it is {}", value(seen))),
        (None, Judged::True) => Some(seen.collect::<Vec<_>>().join(", ")),
        (None, _) => None,
    }
}

fn value(seen: &Seen) -> String {
    match (&seen.value, seen.unknown) {
        (_, true) => "unknown".to_owned(),
        (Some(value), _) if value.is_empty() => "empty".to_owned(),
        (Some(value), _) => format!("`{value}`"),
        (None, _) => "absent".to_owned(),
    }
}

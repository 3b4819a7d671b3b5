//! Where a policy decides otherwise than was decided, or than another policy does: groups of the same change, each with
//! some of its alerts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::tally::ReplayOutcome;
use scanhook_core::alert::Alert;
use scanhook_core::plain::one_line;
use scanhook_core::time::Timestamp;

/// Groups that are told apart; there are never more than rules and reasons make.
const GROUPS: usize = 10_000;
/// Alerts that a group shows.
const EXAMPLES: usize = 3;
/// Characters of a text from an alert.
const SHOWN: usize = 120;

/// One alert that is decided otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    pub at: String,
    /// The source it came from.
    pub source: String,
    pub alert: String,
    pub title: Option<String>,
    pub device: String,
    /// The delivery: its id, or file and line.
    pub place: String,
}

impl Example {
    pub(super) fn new(
        at: Timestamp,
        source: &str,
        alert: &Alert,
        device: &str,
        place: &str,
    ) -> Example {
        let line = |text: &str| one_line(text, SHOWN);
        Example {
            at: at.to_string(),
            source: line(source),
            alert: line(&alert.id),
            title: alert.title.as_deref().map(line),
            device: line(device),
            place: place.to_owned(),
        }
    }
}

/// Decisions that change in the same way.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub was: ReplayOutcome,
    pub now: ReplayOutcome,
    pub count: u64,
    pub examples: Vec<Example>,
}

/// All changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences {
    pub(super) compared: u64,
    pub(super) different: u64,
    groups: BTreeMap<(ReplayOutcome, ReplayOutcome), (u64, Vec<Example>)>,
}

impl Differences {
    /// Compares one decision.
    pub(super) fn see(
        &mut self,
        was: &ReplayOutcome,
        now: &ReplayOutcome,
        example: impl FnOnce() -> Example,
    ) {
        self.compared += 1;
        if was == now {
            return;
        }
        self.different += 1;
        let key = (was.clone(), now.clone());
        if self.groups.len() >= GROUPS && !self.groups.contains_key(&key) {
            return;
        }
        let (count, examples) = self.groups.entry(key).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }

    /// The groups, largest first.
    pub(super) fn groups(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self
            .groups
            .into_iter()
            .map(|((was, now), (count, examples))| Group {
                was,
                now,
                count,
                examples,
            })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }
}

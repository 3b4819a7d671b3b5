//! What one policy decided, counted.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use scanhook_core::plain::one_line;
use scanhook_core::scan::{DecisionState, Kind, Reason};
use scanhook_core::verdict::{Guard, Verdict};

/// Titles that are told apart; those of more are counted together.
const TITLES: usize = 20_000;
/// Characters of a title.
const TITLE: usize = 160;

/// What became of one (alert, device).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ReplayOutcome {
    pub rule: Option<String>,
    /// The scan that is wanted; `None`: none is.
    pub scan: Option<Kind>,
    pub state: DecisionState,
    /// Why; `None` where a scan answers, because by which one depends on the moment.
    pub reason: Option<Reason>,
}

/// What one rule did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct OfRule {
    pub decisions: u64,
    /// Those that asked for a Quick.
    pub quick: u64,
    /// Those that asked for a Full.
    pub full: u64,
    /// Those that asked for nothing.
    pub none: u64,
    /// Those that are held for a person.
    pub held: u64,
    pub begun: u64,
}

/// Why decisions were held, by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Hold {
    pub reason: Reason,
    pub rule: Option<String>,
    /// The protections that had a say.
    pub protections: Vec<String>,
}

/// Alerts that no rule matched, by their title.
#[derive(Clone, Debug, Default)]
pub(super) struct Titles {
    known: HashMap<String, u64>,
    /// Those beyond what is told apart.
    others: u64,
}

impl Titles {
    fn see(&mut self, title: Option<&str>) {
        let title = title.map_or_else(
            || "(no title)".to_owned(),
            |title| one_line(title.trim(), TITLE),
        );
        if let Some(count) = self.known.get_mut(&title) {
            *count += 1;
        } else if self.known.len() < TITLES {
            self.known.insert(title, 1);
        } else {
            self.others += 1;
        }
    }

    /// The most frequent, and how many alerts have another title.
    pub(super) fn top(self, most: usize) -> (Vec<(String, u64)>, u64) {
        let mut all: Vec<_> = self.known.into_iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let rest = all.iter().skip(most).map(|(_, count)| count).sum::<u64>() + self.others;
        all.truncate(most);
        (all, rest)
    }
}

/// All that is counted of a policy.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) decisions: u64,
    /// Decisions that have to ask the directory.
    pub(super) asked: u64,
    /// Those of them for which the journal knows what it said.
    pub(super) recorded: u64,
    pub(super) rules: BTreeMap<String, OfRule>,
    pub(super) outcomes: BTreeMap<(DecisionState, Reason), u64>,
    pub(super) holds: BTreeMap<Hold, u64>,
    pub(super) unmatched: u64,
    pub(super) titles: Titles,
}

impl Tally {
    /// Counts one decision.
    pub(super) fn decided(
        &mut self,
        verdict: &Verdict,
        scan: Option<Kind>,
        state: DecisionState,
        reason: Reason,
    ) {
        self.decisions += 1;
        *self.outcomes.entry((state, reason)).or_default() += 1;
        if let Some(rule) = &verdict.rule {
            // A name is copied once, not once a decision.
            if !self.rules.contains_key(rule) {
                self.rules.insert(rule.clone(), OfRule::default());
            }
            if let Some(of) = self.rules.get_mut(rule) {
                of.decisions += 1;
                of.held += u64::from(state == DecisionState::Held);
                of.begun += u64::from(reason == Reason::New);
                match scan {
                    Some(Kind::Quick) => of.quick += 1,
                    Some(Kind::Full) => of.full += 1,
                    None => of.none += 1,
                }
            }
        }
        if state == DecisionState::Held {
            let had_a_say = verdict
                .protections
                .iter()
                .filter(|guarded| guarded.how != Guard::Skipped);
            let protections = had_a_say.map(|guarded| guarded.name.clone()).collect();
            *self
                .holds
                .entry(Hold {
                    reason,
                    rule: verdict.rule.clone(),
                    protections,
                })
                .or_default() += 1;
        }
    }

    /// An alert for which no rule matched, for at least one of its devices.
    pub(super) fn unmatched(&mut self, title: Option<&str>) {
        self.unmatched += 1;
        self.titles.see(title);
    }
}

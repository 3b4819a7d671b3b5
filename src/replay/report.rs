//! The result of a replay, as programs read it; the command line writes it for people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::differences::{Differences, Group};
use super::load::Load;
use super::play::Play;
use super::queue::Queue;
use super::tally::{Hold, OfRule, Tally};
use super::{Assumed, Replay};
use scanhook_core::alert::{AlertReason, AlertState};
use scanhook_core::scan::{DecisionState, Reason};

/// Alerts by what became of them when they were read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Alerts {
    pub total: u64,
    /// By state, and where there is one, reason.
    pub by_state: BTreeMap<String, u64>,
}

impl Alerts {
    pub(super) fn see(&mut self, state: AlertState, reason: Option<AlertReason>) {
        self.total += 1;
        let reason = reason.filter(|_| state == AlertState::Parked);
        let name = reason.map_or_else(
            || state.code().to_owned(),
            |reason| format!("{state}: {reason}"),
        );
        *self.by_state.entry(name).or_default() += 1;
    }
}

/// Decisions that depend on what the directory says.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// How many have to ask it.
    pub needed: u64,
    /// For how many of them the journal tells what it said.
    pub from_journal: u64,
    /// For how many nobody knows.
    pub assumed: u64,
    /// What was assumed for them.
    pub assumption: Assumed,
}

/// One rule with what it did.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    pub rule: String,
    #[serde(flatten)]
    pub did: OfRule,
}

/// How many decisions are in a state for a reason.
#[derive(Clone, Debug, Serialize)]
pub struct StateCount {
    pub state: DecisionState,
    pub reason: Reason,
    pub count: u64,
}

/// How many decisions are held by the same.
#[derive(Clone, Debug, Serialize)]
pub struct HeldBy {
    #[serde(flatten)]
    pub by: Hold,
    pub count: u64,
}

/// How many alerts without a rule have this title.
#[derive(Clone, Debug, Serialize)]
pub struct Title {
    /// The title, on one line.
    pub title: String,
    pub count: u64,
}

/// How the decisions compare.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// `journal`: with what was decided. `against`: with the other policy. `nothing`.
    pub with: &'static str,
    pub compared: u64,
    /// How many are decided otherwise.
    pub different: u64,
    /// How many could not be: a person approved them, or they are not made yet.
    pub not_compared: u64,
    /// The differences, the most frequent first.
    pub groups: Vec<Group>,
}

/// All that a replay tells.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayReport {
    pub policy: String,
    /// That of the one it is compared with.
    pub against: Option<String>,
    /// When the first delivery came.
    pub from: Option<String>,
    /// When the last one did.
    pub to: Option<String>,
    pub deliveries: u64,
    pub alerts: Alerts,
    /// Alerts whose body is forgotten, so that conditions on it found nothing.
    pub bodies_forgotten: u64,
    pub decisions: u64,
    /// What each rule did, in file order.
    pub rules: Vec<RuleReport>,
    /// Decisions by state and reason.
    pub outcomes: Vec<StateCount>,
    /// What holds decisions, the most frequent first.
    pub holds: Vec<HeldBy>,
    /// Alerts that no rule matched.
    pub unmatched: u64,
    pub titles: Vec<Title>,
    /// How many of them have another.
    pub other_titles: u64,
    /// How much hangs on the directory.
    pub directory: Asked,
    /// What the scans of each tenant come to.
    pub tenants: BTreeMap<String, Load>,
    /// The same by the other policy.
    pub tenants_against: Option<BTreeMap<String, Load>>,
    pub differences: Compared,
}

impl Replay<'_> {
    /// Lets the last scans be sent and end, and sums up.
    #[must_use]
    pub fn finish(mut self, top: usize) -> ReplayReport {
        self.play.queues.values_mut().for_each(Queue::run_out);
        if let Some(against) = &mut self.against {
            against.queues.values_mut().for_each(Queue::run_out);
        }
        of(self, top)
    }
}

fn of(replay: Replay<'_>, top: usize) -> ReplayReport {
    let Replay {
        stage,
        play,
        against,
        differences,
        alerts,
        deliveries,
        bodiless,
        not_compared,
        from,
        now,
    } = replay;
    let rules = rules(&play);
    let Play {
        policy,
        queues,
        tally,
    } = play;
    let Tally {
        decisions,
        asked,
        recorded,
        outcomes,
        holds,
        unmatched,
        titles,
        ..
    } = tally;
    let (titles, other_titles) = titles.top(top);
    let differences = compared(differences, not_compared, against.is_some());
    ReplayReport {
        policy: policy.fingerprint().to_owned(),
        against: against
            .as_ref()
            .map(|play| play.policy.fingerprint().to_owned()),
        from: from.map(|at| at.to_string()),
        to: from.map(|_| now.to_string()),
        deliveries,
        alerts,
        bodies_forgotten: bodiless,
        decisions,
        rules,
        outcomes: outcomes
            .into_iter()
            .map(|((state, reason), count)| StateCount {
                state,
                reason,
                count,
            })
            .collect(),
        holds: held_by(holds),
        unmatched,
        titles: titles
            .into_iter()
            .map(|(title, count)| Title { title, count })
            .collect(),
        other_titles,
        directory: Asked {
            needed: asked,
            from_journal: recorded,
            assumed: asked - recorded,
            assumption: stage.assumed,
        },
        tenants: loads(queues),
        tenants_against: against.map(|play| loads(play.queues)),
        differences,
    }
}

/// What holds decisions, the most frequent first.
fn held_by(holds: BTreeMap<Hold, u64>) -> Vec<HeldBy> {
    let mut holds: Vec<HeldBy> = holds
        .into_iter()
        .map(|(by, count)| HeldBy { by, count })
        .collect();
    holds.sort_by_key(|held| std::cmp::Reverse(held.count));
    holds
}

/// What the scans of each tenant come to.
fn loads(queues: BTreeMap<String, Queue<'_>>) -> BTreeMap<String, Load> {
    queues
        .into_iter()
        .map(|(name, queue)| (name, queue.load))
        .collect()
}

/// How the decisions compare: with those of the other policy, where there is one, otherwise with those of the journal.
fn compared(differences: Differences, not_compared: u64, against: bool) -> Compared {
    let with = if against {
        "against"
    } else if differences.compared + not_compared > 0 {
        "journal"
    } else {
        "nothing"
    };
    Compared {
        with,
        compared: differences.compared,
        different: differences.different,
        not_compared,
        groups: differences.groups(),
    }
}

/// Every rule of the policy, those that decided nothing too.
fn rules(play: &Play<'_>) -> Vec<RuleReport> {
    let did = |name: &str| play.tally.rules.get(name).copied().unwrap_or_default();
    play.policy
        .rules()
        .names()
        .map(|name| RuleReport {
            rule: name.to_owned(),
            did: did(name),
        })
        .collect()
}

//! What the policy says of one (alert, device), before the history of the machine is looked at.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::scan::{Kind, Mode, Priority, Reason};
use super::time::Timestamp;

codes! {
    /// How far a scan may still go.
    pub enum AtMost {
        /// No scan.
        None = "none",
        /// A person decides.
        Hold = "hold",
        /// A Quick in place of a Full.
        Quick = "quick",
    }
}

/// The policy's answer, with what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The rule that won; `None` when no rule matched.
    pub rule: Option<String>,
    /// What it asks for.
    pub asks: Asks,
    /// The values the winning rule's conditions saw, or those that stayed unknown: for the decision record.
    pub seen: Vec<Seen>,
    /// The protections that were hit or could not be judged, in file order.
    pub protections: Vec<Guarded>,
}

/// What a verdict asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// No scan; [`Reason::Rule`], [`Reason::NoMatch`] or [`Reason::Protection`].
    Nothing(Reason),
    /// A person must decide first ([`Reason::Undecided`] or [`Reason::Protection`]); then this scan.
    Hold(Reason, Wanted),
    /// This scan.
    Scan(Wanted),
    /// What the directory says of the machine could change the outcome: it is asked, for at most this long, and the
    /// alert is decided anew.
    Resolve(Duration),
}

/// A scan as a rule wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Quick or Full.
    pub kind: Kind,
    /// Its place in the queue.
    pub priority: Priority,
    /// The strictest of process, tenant and rule.
    pub mode: Mode,
    /// How old a scan may be and still answer.
    pub cooldown: Cooldown,
    /// Scans the rule may begin in a sliding window; `None`: the rule removed its limit.
    pub limit: Option<Limit>,
    /// Scans the tenant may begin in a sliding window.
    pub tenant_limit: Option<Limit>,
    /// From receipt; older than this it is not sent.
    pub max_age: Duration,
    /// How long it may be held.
    pub hold_for: Duration,
    /// Not sent before this: the opening of the latest window that a rule or protection asks for.
    pub start: Option<Timestamp>,
    /// When it may leave at all: a window closes as well as it opens.
    pub openings: Openings,
}

/// When a scan may leave, by the names of windows: in any one of these cases. A case is a list of groups, of each of which
/// at least one window must be open. No case: at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Openings(Vec<Vec<Vec<String>>>);

/// Cases that are kept; of more than these the first.
const CASES: usize = 16;

impl Openings {
    /// At any time.
    #[must_use]
    pub const fn always() -> Openings {
        Openings(Vec::new())
    }

    /// At no time.
    #[must_use]
    pub fn never() -> Openings {
        Openings(vec![vec![Vec::new()]])
    }

    /// While of each of these groups at least one window is open.
    #[must_use]
    pub fn while_open(groups: Vec<Vec<String>>) -> Openings {
        if groups.is_empty() {
            Openings::always()
        } else {
            Openings(vec![groups])
        }
    }

    /// Whether it is at any time.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// When either is.
    #[must_use]
    pub fn or(self, other: Openings) -> Openings {
        if self.is_always() || other.is_always() {
            return Openings::always();
        }
        let Openings(mut cases) = self;
        for case in other.0 {
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases.truncate(CASES);
        Openings(cases)
    }

    /// The windows that are named in any case, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.0.iter().flatten().flatten().collect();
        names.into_iter().cloned().collect()
    }

    /// The cases.
    #[must_use]
    pub fn cases(&self) -> &[Vec<Vec<String>>] {
        &self.0
    }
}

/// A scan that a person asks for.
#[derive(Clone, Copy, Debug)]
pub struct AskedFor<'a> {
    /// The rule that wanted it.
    pub rule: Option<&'a str>,
    /// The protections that had a say in its decision.
    pub protections: &'a [Guarded],
    /// Quick or Full.
    pub kind: Kind,
    /// Its place in the queue.
    pub priority: Priority,
    /// The time of the order.
    pub now: Timestamp,
}

/// How old a scan of the same or stronger kind may be and still answer for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// For a wanted Quick.
    pub quick: Duration,
    /// For a wanted Full.
    pub full: Duration,
}

impl Cooldown {
    /// The one for this kind.
    #[must_use]
    pub const fn of(self, kind: Kind) -> Duration {
        match kind {
            Kind::Quick => self.quick,
            Kind::Full => self.full,
        }
    }
}

/// At most `scans` in any `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub scans: u32,
    /// The sliding window.
    pub per: Duration,
}

/// One value that a condition looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The field, as the rules name it.
    pub field: String,
    /// The value as text, shortened for display; `None`: absent; see `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value could not be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// A protection that had a say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Its name.
    pub name: String,
    /// What it came to.
    pub how: Guard,
    /// How far it let the scan go, where that is less than the rule asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<AtMost>,
    /// How many people have to approve what it holds, or what is held because it could not be judged.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub people: u8,
    /// Not before this, where it delays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The windows it waits for, of which one must be open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
}

const fn one() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_one(people: &u8) -> bool {
    *people == 1
}

impl Guarded {
    /// Whether it applies to the scan.
    #[must_use]
    pub const fn applies(&self) -> bool {
        matches!(self.how, Guard::Hit | Guard::Applied)
    }
}

/// How many people have to approve a decision in which these had a say: the most that any of them asks for.
#[must_use]
pub fn needed(protections: &[Guarded]) -> u8 {
    protections
        .iter()
        .map(|one| one.people)
        .max()
        .map_or(1, |most| most.max(1))
}

codes! {
    /// What a protection came to.
    pub enum Guard {
        /// It was hit.
        Hit = "hit",
        /// It could not be judged, so the decision is held.
        Unknown = "unknown",
        /// It could not be judged, and applies all the same.
        Applied = "applied",
        /// It could not be judged, and was left out.
        Skipped = "skipped",
    }
}

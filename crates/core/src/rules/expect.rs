//! The tests embedded in a rules file, and what they expect of the policy.

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use super::event::OwnedEvent;
use crate::scan::{DecisionState, Kind, Mode, Priority, Reason};
use crate::time::Timestamp;

/// The `start` of a scan that waits for no window.
pub(super) const AT_ONCE: &str = "at once";

/// One `[[test]]`.
#[derive(Clone, Debug)]
pub struct RuleTest {
    /// Its name, unique in the file.
    pub name: String,
    /// The mode it runs in; `None`: enforce.
    pub mode: Option<Mode>,
    /// The time of its first step; `None`: any.
    pub at: Option<Timestamp>,
    /// What happens, in order; at least one.
    pub steps: Vec<TestStep>,
    /// The bytes of its header in the file.
    pub span: Range<usize>,
}

/// One step of a test.
#[derive(Clone, Debug)]
pub struct TestStep {
    /// Time since the step before.
    pub after: Duration,
    /// What arrives.
    pub given: Given,
    /// What is expected.
    pub expect: Expect,
}

/// What arrives in a step.
#[derive(Clone, Debug)]
pub enum Given {
    /// An event written in the file.
    Event(Box<OwnedEvent>),
    /// A captured delivery, to be read through its source.
    Payload(Payload),
}

/// A captured delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// A configured source, else a preset.
    pub source: String,
    /// The file, relative to the rules file.
    pub file: String,
    /// The bytes of the file's name in the rules file.
    pub span: Range<usize>,
}

/// What a step expects; what is left out is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// The rule that wins.
    pub rule: Option<String>,
    /// The scan; `Some(None)`: no scan.
    pub scan: Option<Option<Kind>>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// When it may begin.
    pub start: Option<Begins>,
    /// The protections that apply.
    pub protect: Option<Protected>,
    /// How many people have to approve; it expects that the decision is held.
    pub people: Option<u8>,
    /// The decision's state.
    pub state: Option<DecisionState>,
    /// The decision's reason.
    pub reason: Option<Reason>,
    /// A part of the comment.
    pub comment_contains: Option<String>,
}

/// When a step expects its scan to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// When it is decided.
    AtOnce,
    /// When its windows open.
    At(Timestamp),
}

impl Begins {
    /// The same of a scan that may not leave before this.
    pub(super) fn of(start: Option<Timestamp>) -> Begins {
        start.map_or(Begins::AtOnce, Begins::At)
    }
}

impl fmt::Display for Begins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Begins::AtOnce => f.write_str(AT_ONCE),
            Begins::At(time) => time.fmt(f),
        }
    }
}

/// Which protections a step expects to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protected {
    /// This one, and perhaps others.
    By(String),
    /// Exactly these.
    Exactly(Vec<String>),
}

//! Whose move it is: who could change what becomes of a decision. The short form of the tables in docs/reasons.md.

use super::alert::AlertState;
use super::scan::{DecisionState, Reason, ScanState};

codes! {
    /// Who could change what becomes of something.
    pub enum Mover {
        /// Whoever may approve and deny.
        Person = "person",
        /// Whoever runs scanhook.
        Operator = "operator",
        /// scanhook itself; it goes on by itself.
        Scanhook = "scanhook",
        /// Nobody: it is over.
        Nobody = "nobody",
        /// Whoever writes the rules.
        Rules = "rules",
        /// Whoever sends the alert.
        Sender = "sender",
        /// Defender, which has the scan.
        Defender = "defender",
    }
}

impl Mover {
    /// Of a decision; one that a scan answers is moved by that.
    #[must_use]
    pub const fn of(state: DecisionState, reason: Reason) -> Mover {
        match (state, reason) {
            (DecisionState::None, _) => Mover::Rules,
            (DecisionState::Resolving, _) | (DecisionState::Scan, _) => Mover::Scanhook,
            (DecisionState::Held, Reason::SourceRemoved) => Mover::Operator,
            (DecisionState::Held, _) => Mover::Person,
            (DecisionState::Dropped, _) => Mover::Nobody,
        }
    }

    /// Of a scan in this state; one that failed may be tried again by a person.
    #[must_use]
    pub const fn of_scan(state: ScanState, failed: bool, kept_back: bool) -> Mover {
        match state {
            ScanState::Waiting if kept_back => Mover::Person,
            ScanState::Waiting | ScanState::Sending | ScanState::Unknown => Mover::Scanhook,
            ScanState::Running => Mover::Defender,
            ScanState::Finished | ScanState::Dropped if failed => Mover::Person,
            ScanState::Finished | ScanState::Dropped => Mover::Nobody,
        }
    }

    /// Of an alert about which nothing was decided.
    #[must_use]
    pub const fn of_alert(state: AlertState) -> Mover {
        match state {
            AlertState::Parked => Mover::Sender,
            AlertState::Decided => Mover::Scanhook,
            AlertState::Ignored | AlertState::Duplicate => Mover::Nobody,
        }
    }
}

/// Who, and by what.
#[must_use]
pub const fn whose_move(state: DecisionState, reason: Reason) -> &'static str {
    match (state, reason) {
        (DecisionState::None, _) => "the rules",
        (DecisionState::Resolving, _) => "scanhook: it asks the directory",
        (DecisionState::Held, Reason::UnresolvedDevice | Reason::AmbiguousDevice) => {
            "a person: approve with --machine, or deny"
        }
        (DecisionState::Held, Reason::SourceRemoved) => {
            "the operator: configure the source again, then retry"
        }
        (DecisionState::Held, _) => "a person: approve or deny",
        (DecisionState::Scan, _) => "see the scan",
        (DecisionState::Dropped, _) => "nobody",
    }
}

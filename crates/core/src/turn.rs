//! Whose move it is: who could change what becomes of a decision. The short form of the tables in docs/reasons.md.

use super::scan::{DecisionState, Reason};

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

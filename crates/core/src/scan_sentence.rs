//! How a scan stands, in one sentence. A scan that succeeded is not a verdict, and says so.

use crate::scan::{Outcome, ScanState};

/// How it stands; `detail` is what is known beyond that.
#[must_use]
pub fn scan_sentence(state: ScanState, outcome: Option<Outcome>, detail: Option<&str>) -> String {
    let sentence = match (state, outcome) {
        (ScanState::Waiting, _) => "it waits to be sent",
        (ScanState::Sending, _) => "it is being sent",
        (ScanState::Unknown, _) => {
            "the answer to its call was lost; Defender's list will tell whether it was begun"
        }
        (ScanState::Running, _) => "Defender has it",
        (_, Some(outcome)) => ended(outcome),
        (ScanState::Finished | ScanState::Dropped, None) => "it is over",
    };
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{sentence}: {detail}"),
        None => sentence.to_owned(),
    }
}

const fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => {
            "the device carried out the command; that is not a verdict: look for new alerts of the machine"
        }
        Outcome::Failed => "the device could not carry it out",
        Outcome::Timeout => "the device did not take the command in time",
        Outcome::Cancelled => "it was called off",
        Outcome::Lost => "no final status came within the give-up age",
        Outcome::DryRun => "nothing is sent in a dry run",
        Outcome::TooOld => "it became too old before its turn came",
        Outcome::Merged => "its decisions moved to a stronger scan",
        Outcome::NoSuchMachine => "Defender does not know the machine",
        Outcome::Unsupported => "Defender cannot scan this machine",
        Outcome::Refused => "Defender refused the call",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_outcome_has_a_sentence_of_its_own() {
        let of_states = ScanState::ALL
            .iter()
            .map(|state| scan_sentence(*state, None, None));
        let of_outcomes = Outcome::ALL
            .iter()
            .map(|outcome| scan_sentence(ScanState::Finished, Some(*outcome), None));
        let all: std::collections::BTreeSet<String> = of_states.chain(of_outcomes).collect();
        // Finished and dropped without an outcome are told alike.
        assert_eq!(all.len(), ScanState::ALL.len() + Outcome::ALL.len() - 1);
        let told = scan_sentence(ScanState::Finished, Some(Outcome::Refused), Some("405"));
        assert_eq!(told, "Defender refused the call: 405");
    }
}

//! How one alert about one device is decided: what each rule and protection saw, with an unremarkable machine and with
//! a directory that cannot answer side by side.

mod text;

use serde::Serialize;

use crate::api::DecisionReceipt;
use crate::journal::RememberedDecision;
use scanhook_core::rules::Explained;
use scanhook_core::scan::{DecisionState, Mode, Priority, Reason};
use scanhook_core::verdict::Guarded;

/// What came out.
#[derive(Serialize)]
pub(super) struct Judgement {
    pub(super) alert: String,
    pub(super) device: String,
    pub(super) tenant: String,
    /// As if received then.
    pub(super) at: String,
    /// The fingerprint of the policy.
    pub(super) policy: String,
    /// The decision of the journal that this explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stored: Option<Stored>,
    /// What happens at receipt, before the directory has been asked.
    pub(super) first: ExplainedOutcome,
    /// What happens then, by what the directory says.
    pub(super) worlds: Vec<World>,
}

/// A decision of the journal.
#[derive(Serialize)]
pub(super) struct Stored {
    at: String,
    policy: String,
    #[serde(flatten)]
    decision: DecisionReceipt,
    /// When the directory said what is shown as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
}

/// One thing that the directory may say.
#[derive(Serialize)]
pub(super) struct World {
    /// recorded, given, unremarkable or silent.
    pub(super) directory: &'static str,
    pub(super) outcome: ExplainedOutcome,
    pub(super) protections: Vec<Explained>,
    pub(super) rules: Vec<Explained>,
    #[serde(skip)]
    pub(super) guarded: Vec<Guarded>,
}

/// What becomes of it where no scan of that machine has been before.
#[derive(Serialize)]
pub(super) struct ExplainedOutcome {
    pub(super) state: DecisionState,
    pub(super) reason: Reason,
    pub(super) rule: Option<String>,
    /// quick, full or none.
    pub(super) scan: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<Mode>,
    /// Not sent before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    pub(super) why: String,
}

impl Judgement {
    /// The same as an explanation of what the journal holds.
    pub(super) fn stored(mut self, decision: &RememberedDecision) -> Judgement {
        self.stored = Some(Stored {
            at: decision.at.to_string(),
            policy: decision.policy.clone(),
            decision: decision.receipt.clone(),
            recorded_at: decision.machine.as_ref().map(|(at, _)| at.to_string()),
        });
        self
    }
}

//! How one alert about one device is decided: what each rule and protection saw, with an unremarkable machine and with
//! a directory that cannot answer side by side.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::DecisionReceipt;
use crate::api::mirrored::ExplainedShape;
use crate::journal::RememberedDecision;
use scanhook_core::rules::Explained;
use scanhook_core::scan::{DecisionState, Mode, Priority, Reason};
use scanhook_core::verdict::Guarded;

/// What came out.
#[derive(Serialize, ToSchema)]
pub(crate) struct Judgement {
    pub(crate) alert: String,
    pub(crate) device: String,
    pub(crate) tenant: String,
    /// As if received then.
    pub(crate) at: String,
    /// The fingerprint of the policy.
    pub(crate) policy: String,
    /// The decision of the journal that this explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<Stored>,
    /// What happens at receipt, before the directory has been asked.
    pub(crate) first: ExplainedOutcome,
    /// What happens then, by what the directory says.
    pub(crate) worlds: Vec<World>,
}

/// A decision of the journal.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stored {
    pub(crate) at: String,
    pub(crate) policy: String,
    #[serde(flatten)]
    pub(crate) decision: DecisionReceipt,
    /// When the directory said what is shown as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recorded_at: Option<String>,
}

/// One thing that the directory may say.
#[derive(Serialize, ToSchema)]
pub(crate) struct World {
    /// recorded, given, unremarkable or silent.
    pub(crate) directory: &'static str,
    pub(crate) outcome: ExplainedOutcome,
    #[schema(value_type = Vec<ExplainedShape>)]
    pub(crate) protections: Vec<Explained>,
    #[schema(value_type = Vec<ExplainedShape>)]
    pub(crate) rules: Vec<Explained>,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) guarded: Vec<Guarded>,
}

/// What becomes of it where no scan of that machine has been before.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainedOutcome {
    #[schema(value_type = String)]
    pub(crate) state: DecisionState,
    #[schema(value_type = String)]
    pub(crate) reason: Reason,
    pub(crate) rule: Option<String>,
    /// quick, full or none.
    pub(crate) scan: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>)]
    pub(crate) priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) mode: Option<Mode>,
    /// Not sent before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<String>,
    pub(crate) why: String,
}

impl Judgement {
    /// The same without rules and protections that name other tenants alone, and without the text of a condition that stands
    /// beside the name of a tenant: one customer is told nothing of what is done for another.
    pub(crate) fn for_its_tenant(mut self) -> Judgement {
        for world in &mut self.worlds {
            for told in [&mut world.rules, &mut world.protections] {
                told.retain(|one| one.concerns_tenant);
                let naming = told.iter_mut().filter(|one| one.names_tenants);
                naming.for_each(|one| one.failing = None);
            }
        }
        self
    }

    /// The same as an explanation of what the journal holds.
    pub(crate) fn stored(mut self, decision: &RememberedDecision) -> Judgement {
        self.stored = Some(Stored {
            at: decision.at.to_string(),
            policy: decision.policy.clone(),
            decision: decision.receipt.clone(),
            recorded_at: decision.machine.as_ref().map(|(at, _)| at.to_string()),
        });
        self
    }
}

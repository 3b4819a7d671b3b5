//! An approval of a decision that takes more than one person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use scanhook_core::person::Approval;

/// An approval of a decision that takes more than one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// Who.
    pub name: String,
    /// Why, as they say.
    pub reason: Option<String>,
    /// When.
    pub at: String,
}

impl ApprovalView {
    /// Those of a record.
    #[must_use]
    pub fn each(approvals: &[Approval]) -> Vec<ApprovalView> {
        let view = |one: &Approval| ApprovalView {
            name: one.by.who.clone(),
            reason: one.by.words.clone(),
            at: one.at.to_string(),
        };
        approvals.iter().map(view).collect()
    }
}

//! An approval of a decision that takes more than one person.

use serde::{Deserialize, Serialize};

/// An approval of a decision that takes more than one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Who.
    pub name: String,
    /// Why, as they say.
    pub reason: Option<String>,
    /// When.
    pub at: String,
}

//! Something that happened to a decision or a scan after its delivery was accepted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened after acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// When.
    pub at: String,
    /// What.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
    /// The person behind it, as they call themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

//! An alert as lists show it: its receipt, with what the sender says of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::device::DeviceView;
use super::receipt::AlertReceipt;

/// An alert in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertView {
    /// The delivery it came in.
    pub delivery: String,
    /// Its place in there, from 0.
    #[serde(default)]
    pub n: u32,
    /// When that was received.
    pub received_at: String,
    /// The source.
    pub source: String,
    /// The headline.
    pub title: Option<String>,
    /// Severity on the common scale.
    pub severity: Option<String>,
    /// The devices it names, whatever became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceView>,
    /// The names of the secrets its delivery was proved by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Where a person reads on; as the sender wrote it, never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other ids of the same thing, by what they are called.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub references: std::collections::BTreeMap<String, Vec<String>>,
    /// The sender gave no id, so it is derived from the body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub id_derived: bool,
    /// Several alerts of the sender may have this id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub id_shared: bool,
    /// Who acts for it, where something was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Who could change what becomes of it, as one word: of the decision that most needs somebody.
    #[serde(default, rename = "move")]
    pub mover: String,
    /// What became of it, in words: of that decision, or why nothing was decided.
    #[serde(default)]
    pub why: String,
    /// What became of it.
    #[serde(flatten)]
    pub receipt: AlertReceipt,
}

//! How the last reading of rules.toml and scanhook.toml went.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a reload, and a part of status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadView {
    /// When the files were last read.
    pub at: String,
    /// All that was read is in force, but for what takes a restart.
    pub successful: bool,
    /// Fingerprint of the policy in force.
    pub policy: String,
    /// Since when it is.
    pub policy_since: String,
    /// What this reading changed: rules, lists, settings.
    pub changed: Vec<String>,
    /// What is wrong, so that the old stays in force.
    pub faults: Vec<FaultView>,
    /// Faults beyond those.
    #[serde(default)]
    pub more_faults: usize,
    /// Keys of scanhook.toml whose new value takes a restart.
    pub needs_restart: Vec<String>,
}

/// One fault of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaultView {
    /// The file.
    pub file: String,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

//! A decision as lists show it, with the alert that it answers and what happened to it since.

use serde::{Deserialize, Serialize};

use super::event::EventView;
use super::receipt::DecisionReceipt;

/// A decision in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// When it was made.
    pub at: String,
    /// Who acts.
    pub tenant: String,
    /// The source of the alert.
    pub source: String,
    /// The alert.
    pub alert: String,
    /// Its headline.
    #[serde(default)]
    pub title: Option<String>,
    /// Its severity on the common scale.
    #[serde(default)]
    pub severity: Option<String>,
    /// Where a person reads on; as the sender wrote it, never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The machine, once known.
    pub machine: Option<String>,
    /// The device's name, as the directory or else the alert says it.
    #[serde(default)]
    pub name: Option<String>,
    /// When it is dropped, if nobody answers; only of one that is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ends: Option<String>,
    /// Who could change what becomes of it.
    #[serde(default)]
    pub whose_move: String,
    /// Fingerprint of the policy that decided.
    pub policy: String,
    /// What was decided.
    #[serde(flatten)]
    pub decision: DecisionReceipt,
    /// What happened to it since, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventView>,
}

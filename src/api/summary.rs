//! What happened in a span of time, in numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The alerts, decisions and scans of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SummaryView {
    /// From this time on.
    pub since: String,
    /// Up to this time.
    pub until: String,
    /// Deliveries accepted.
    pub deliveries: u64,
    /// Alerts by state and reason.
    pub alerts: Vec<CountView>,
    /// Alerts by source.
    pub sources: Vec<CountView>,
    /// Decisions by state and reason, as they stand now.
    pub decisions: Vec<CountView>,
    /// Decisions by rule; one without a name is for those that no rule matched.
    pub rules: Vec<CountView>,
    /// Scans that were begun, by state and outcome, as they stand now.
    pub scans: Vec<CountView>,
    /// Machines that these scans are of.
    pub machines: u64,
    /// Decisions that wait for a person now, whenever they were made.
    pub held: u64,
    /// What is to be known now, beside these.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub now: Option<super::now::NowView>,
}

/// How many there are of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountView {
    /// Its state, source or rule.
    pub name: String,
    /// Its reason or outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

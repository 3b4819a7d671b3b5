//! The receipt of a delivery: what became of its alerts, and what was decided for each device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wait::WaitView;

/// The body of 202 and 200: what became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The delivery's id.
    pub delivery: String,
    /// True: the same delivery was accepted before, and this is its receipt.
    pub duplicate: bool,
    /// Its alerts, in the order of the body.
    pub alerts: Vec<AlertReceipt>,
    /// What there is beside those that are listed, where it is too much for a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
}

/// How much of a delivery its receipt does not list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Truncated {
    /// Alerts.
    pub alerts: u32,
    /// Decisions, of alerts that are listed as well.
    pub decisions: u32,
    /// The alerts by state and reason, for the metrics; empty for a delivery that came again.
    #[serde(skip)]
    pub alert_counts: Vec<(String, Option<String>, u32)>,
    /// The decisions likewise.
    #[serde(skip)]
    pub decision_counts: Vec<DecisionCount>,
}

/// Decisions that the metrics count as the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionCount {
    /// Which of the delivery's alerts they are about.
    pub alert: usize,
    /// The rule that won.
    pub rule: Option<String>,
    /// Their state.
    pub state: String,
    /// Why.
    pub reason: String,
    /// A scan answers them.
    pub scanned: bool,
    /// How many.
    pub count: u32,
}

impl DecisionCount {
    /// One decision that is listed.
    #[must_use]
    pub fn of(alert: usize, decision: &DecisionReceipt) -> DecisionCount {
        let DecisionReceipt {
            rule,
            state,
            reason,
            scan_id,
            ..
        } = decision.clone();
        DecisionCount {
            alert,
            rule,
            state,
            reason,
            scanned: scan_id.is_some(),
            count: 1,
        }
    }
}

/// One alert of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertReceipt {
    /// The sender's id of it, or one derived from the body.
    pub id: String,
    /// decided, parked, ignored or duplicate.
    pub state: String,
    /// Why it is parked, ignored or a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is worth knowing about how it was read; see docs/reasons.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One per device.
    pub decisions: Vec<DecisionReceipt>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionReceipt {
    /// The decision's id.
    pub id: String,
    /// The device as the alert names it.
    pub device: String,
    /// The rule that won.
    pub rule: Option<String>,
    /// quick, full or none.
    pub scan: String,
    /// none, resolving, held, scan or dropped.
    pub state: String,
    /// Why; see docs/reasons.md.
    pub reason: String,
    /// The scan that answers.
    pub scan_id: Option<String>,
    /// The same in words.
    pub why: String,
    /// What it, or the scan that answers, waits for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
}

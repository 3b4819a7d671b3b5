//! A decision as lists show it, with the alert that it answers and what happened to it since.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approval::ApprovalView;
use super::device_row::DeviceRow;
use super::event::EventView;
use super::mirrored::PeopleNeededShape;
use super::wait::WaitView;
use scanhook_core::person::PeopleNeeded;

/// A decision in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub at: String,
    /// Who acts.
    pub tenant: String,
    /// The source of the alert.
    pub source: String,
    /// The alert.
    pub alert: String,
    /// The delivery that it came in.
    #[serde(default)]
    pub delivery: String,
    /// Its place in there, from 0.
    #[serde(default)]
    pub n: u32,
    /// Its headline.
    #[serde(default)]
    pub title: Option<String>,
    /// Its severity on the common scale.
    #[serde(default)]
    pub severity: Option<String>,
    /// Where a person reads on; as the sender wrote it, never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The device that it is about.
    pub device: DeviceRow,
    /// The machine, once known.
    pub machine: Option<String>,
    /// The device's name, as the directory or else the alert says it.
    #[serde(default)]
    pub name: Option<String>,
    /// The rule that won.
    pub rule: Option<String>,
    /// quick, full or none.
    pub scan: String,
    /// none, resolving, held, scan or dropped.
    pub state: String,
    /// Why; see docs/reasons.md.
    pub reason: String,
    /// The same in words.
    pub why: String,
    /// The scan that answers.
    pub scan_id: Option<String>,
    /// What it, or the scan that answers, waits for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
    /// When it is dropped, if nobody answers; only of one that is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ends: Option<String>,
    /// When its state ends by itself: what is held is dropped, what waits for the directory is decided without it.
    #[serde(default)]
    pub ends_at: Option<String>,
    /// Who could change what becomes of it, as one word.
    #[serde(default, rename = "move")]
    pub mover: String,
    /// The same in words.
    #[serde(default)]
    pub whose_move: String,
    /// How many people have to approve it, and who has; left out where one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PeopleNeededShape>)]
    pub people: Option<PeopleNeeded>,
    /// Who has approved it, where one person is not enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalView>,
    /// Fingerprint of the policy that decided.
    pub policy: String,
    /// What happened to it since, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventView>,
}

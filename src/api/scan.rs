//! A scan as lists show it, from its decision to its end.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::control::PauseView;
use super::device_row::DeviceRow;
use super::event::EventView;
use super::wait::WaitView;

/// A scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScanView {
    /// Its id, which Defender sees as `ExternalId`.
    pub id: String,
    /// Who acts.
    pub tenant: String,
    /// The machine.
    pub machine: String,
    /// The machine as rows show it.
    #[serde(default)]
    pub device: DeviceRow,
    /// Its name, as the directory or else an alert says it.
    #[serde(default)]
    pub name: Option<String>,
    /// quick or full.
    pub kind: String,
    /// 0 to 100.
    pub priority: u8,
    /// The rule that began it.
    pub rule: Option<String>,
    /// Decided and shown, never sent.
    pub dry_run: bool,
    /// waiting, sending, unknown, running, finished or dropped.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// More about that.
    pub detail: Option<String>,
    /// When it was decided.
    pub created_at: String,
    /// The opening of the window it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
    /// When it was last sent.
    pub sent_at: Option<String>,
    /// When it was over.
    pub ended_at: Option<String>,
    /// How often it was sent.
    pub tries: u32,
    /// Defender's id of the machine action.
    pub action: Option<String>,
    /// False: somebody else's machine action covers it.
    pub ours: bool,
    /// Until when new alerts about the machine are answered by it, by the rule that began it.
    #[serde(default)]
    pub cools_until: Option<String>,
    /// Who could change what becomes of it, as one word.
    #[serde(default, rename = "move")]
    pub mover: String,
    /// How it stands, in words.
    #[serde(default)]
    pub why: String,
    /// Why it is not sent yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
    /// The pause that keeps a waiting one from being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// Defender has refused to call it off for the last time, so it runs on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel_refused: bool,
    /// Who asked for it to be called off, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_off: Option<String>,
    /// The alerts it answers.
    pub alerts: Vec<String>,
    /// What happened to it since, oldest first; only in the view of a single scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventView>,
}

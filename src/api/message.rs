//! What others see of messages: the outbox and the receivers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A message to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// The same on every try: `webhook-id`.
    pub id: String,
    pub receiver: String,
    /// Its type, such as `decision.held`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Messages of one subject leave in order.
    pub subject: String,
    /// waiting, sent or dead.
    pub state: String,
    /// Further things that it tells.
    pub more: u32,
    /// When it was made.
    pub at: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// When it was taken or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// A receiver, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiverView {
    pub name: String,
    /// webhook, teams, slack, pagerduty or email.
    pub kind: String,
    /// Messages that wait for it.
    pub waiting: u32,
    /// When the oldest of them was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
    /// Messages that were given up.
    pub dead: u32,
    /// Messages that found no room.
    pub dropped: u32,
    /// When it last took one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent_at: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Since when it has been failing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Its last answer to a message that it did not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What came of bringing dead messages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevivedView {
    pub revived: usize,
}

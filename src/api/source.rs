//! How one source is, with what was refused of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A body that was authenticated and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadView {
    /// When it came.
    pub at: String,
    /// The names of the secrets it was proved by.
    pub credential: String,
    /// What is wrong with it: the code of the answer.
    pub code: String,
    /// The line, from 1; 0 where the whole body is meant.
    pub line: u32,
    /// The column in bytes, from 1; 0 where the whole body is meant.
    pub column: u32,
    /// How long it was.
    pub bytes: u32,
    /// SHA-256 of it.
    pub sha256: String,
    /// How it begins, a kilobyte at most: what nobody sees, and bytes that are no characters, as `\u{1b}` and `\xff`.
    /// Empty where a secret may stand in it.
    pub head: String,
}

/// Requests that were refused at the door, before anybody asked who sent them; those of one kind are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoorView {
    /// The code of the answer.
    pub code: String,
    /// Its status.
    pub status: u16,
    /// The name in the path, where no source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the sender was told: what came, and what is taken.
    pub detail: String,
    /// From which address the last one came.
    pub address: String,
    /// How many.
    pub count: u64,
    /// When the first one came.
    pub first_at: String,
    /// When the last one came.
    pub last_at: String,
}

/// A request that was not authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalView {
    /// When.
    pub at: String,
    /// From which address.
    pub address: String,
    /// Which check failed; never told to the sender.
    pub check: String,
    /// By how many seconds a signed time was ahead of our clock (negative: behind), where that is what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
}

/// How one source is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// The configured name.
    pub name: String,
    /// Deliveries accepted in all.
    pub deliveries: u32,
    /// When the last one was received.
    pub last_delivery_at: Option<String>,
    /// How long it may stay silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<String>,
    /// It is silent for longer than that: since its last delivery, or since the start where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<String>,
    /// The last refusals, newest first; only where one source was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalView>,
    /// The last bodies that were authenticated and could not be read, newest first; only where one source was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadView>,
    /// What was refused at the door since the start, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub door: Vec<DoorView>,
}

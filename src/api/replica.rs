//! The processes that have the same journal.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One life of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplicaView {
    /// No other life of any process on this journal has it.
    pub id: i64,
    /// The host it runs on.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// Fingerprint of its policy.
    pub policy: String,
    /// Fingerprint of the settings that all of them must have alike.
    pub settings: String,
    pub started_at: String,
    /// Its last sign of life.
    pub seen_at: String,
    /// How long a lease lasts; none where no other process can have the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}

impl ReplicaView {
    /// Whether they were told different things.
    #[must_use]
    pub fn differ(all: &[ReplicaView]) -> bool {
        let by = |replica: &ReplicaView| (replica.policy.clone(), replica.settings.clone());
        all.windows(2).any(|pair| by(&pair[0]) != by(&pair[1]))
    }
}

/// Who calls for a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HolderView {
    /// The replica's.
    pub id: i64,
}

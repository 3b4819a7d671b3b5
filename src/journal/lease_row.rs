//! Leases and replicas as they are written.

use super::keys::ReplicaId;
use scanhook_core::time::Timestamp;

/// What a replica says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaAbout {
    /// The host it runs on.
    pub name: String,
    pub version: String,
    /// Fingerprint of its policy.
    pub policy: String,
    /// Fingerprint of the settings that all of them must have alike.
    pub settings: String,
}

/// One life of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRow {
    pub id: ReplicaId,
    pub about: ReplicaAbout,
    pub started_at: Timestamp,
    /// By the clock of the database.
    pub seen_at: Timestamp,
}

/// Who holds an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    pub app: String,
    /// How often it was taken.
    pub fence: i64,
    pub holder: Option<ReplicaId>,
    /// By the clock of the database, in milliseconds.
    pub until: i64,
    /// What the worker last said of itself, as JSON.
    pub board: Option<String>,
}

//! How the responder is as a whole: what `/api/v1/status` answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::certificate::CertificateView;
use super::control::PauseView;
use super::lane::TenantView;
use super::message::ReceiverView;
use super::reload::ReloadView;
use super::replica::ReplicaView;
use super::source::{DoorView, SourceView};

/// How the responder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// When it started.
    pub started_at: String,
    /// The process that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<ReplicaView>,
    /// All that live and have the same journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<ReplicaView>,
    /// Accepting deliveries.
    pub ready: bool,
    /// Nothing is sent, whatever the rules say.
    pub dry_run: bool,
    /// enforce, approve, dry_run or simulated: how far what is decided goes.
    #[serde(default)]
    pub mode: String,
    /// The same in words.
    #[serde(default)]
    pub armed: String,
    /// Parked alerts; more than 10,000 are not counted.
    #[serde(default)]
    pub parked: u32,
    /// When the last of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<String>,
    /// Fingerprint of the policy in force.
    pub policy: String,
    /// How the last reading of the files went.
    #[serde(default)]
    pub reload: Option<ReloadView>,
    /// What the configuration makes worth saying.
    pub warnings: Vec<String>,
    /// The certificates of listeners and tenants, with their ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateView>,
    /// The pauses in force.
    pub pauses: Vec<PauseView>,
    /// Per tenant.
    pub tenants: Vec<TenantView>,
    /// Per source.
    pub sources: Vec<SourceView>,
    /// Per receiver of messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<ReceiverView>,
    /// What was refused at the door since the start and belongs to no source, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub door: Vec<DoorView>,
}

impl StatusView {
    /// Whether it is this replica that answers.
    #[must_use]
    pub fn is_answered_by(&self, replica: &ReplicaView) -> bool {
        let mine = self.replica.as_ref();
        mine.is_some_and(|mine| mine.id == replica.id)
    }

    /// For how many of the tenants a replica calls.
    #[must_use]
    pub fn calls_for(&self, replica: &ReplicaView) -> usize {
        let holders = self
            .tenants
            .iter()
            .filter_map(|tenant| tenant.holder.as_ref());
        holders.filter(|holder| holder.id == replica.id).count()
    }
}

//! How one tenant's lane is: its scans, its quota, its token and what stops it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::replica::HolderView;
use super::wait::OutageView;

/// Use of one API's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaView {
    /// Calls in the last minute.
    pub minute: u32,
    /// Our share of a minute.
    pub per_minute: u32,
    /// Calls in the last hour.
    pub hour: u32,
    /// Our share of an hour.
    pub per_hour: u32,
    /// What is left of it in a minute while others use the same quota.
    #[serde(default)]
    pub effective_per_minute: u32,
    /// What is left of it in an hour.
    #[serde(default)]
    pub effective_per_hour: u32,
    /// What others seem to use of it in a minute: our share without what is left.
    #[serde(default)]
    pub used_by_others_per_minute: u32,
    /// What others seem to use of it in an hour.
    #[serde(default)]
    pub used_by_others_per_hour: u32,
}

/// What proves a tenant's app to Entra ID. Names alone: no secret, no assertion, no token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialView {
    /// secret, certificate, federated_token, managed_identity, federated_identity or user.
    pub kind: String,
    /// The file or variable in use; of several secrets the one that Entra last took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<String>,
    /// Who is asked for a managed identity's token: vm, app-service or arc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The day the certificate ends, in UTC, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// The person who signed in, as Entra names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When that sign-in was last renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_at: Option<String>,
}

impl CredentialView {
    /// In words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut words = self.kind.replace('_', " ");
        for (before, part) in [
            (" ", &self.uses),
            (" by ", &self.platform),
            (", ends ", &self.ends),
            (", signed in as ", &self.account),
            (", renewed at ", &self.renewed_at),
        ] {
            if let Some(part) = part {
                words.push_str(&format!("{before}{part}"));
            }
        }
        words
    }
}

/// What a lane says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LaneView {
    /// What proves the app; none where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialView>,
    /// The token's audience.
    pub audience: Option<String>,
    /// The token's tenant id.
    pub tenant_id: Option<String>,
    /// The token's roles.
    pub roles: Vec<String>,
    /// When the token expires.
    pub token_expires_at: Option<String>,
    /// Whom it cannot reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<OutageView>,
    /// By operation, whether it can be reached.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub remote_up: std::collections::BTreeMap<String, bool>,
    /// No call before this (after a 429).
    pub paused_until: Option<String>,
    /// Why nothing is sent, in words.
    pub stopped: Option<String>,
    /// What is wrong with the token but does not stop it.
    pub notes: Vec<String>,
}

/// How one tenant's lane is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantView {
    /// The configured name.
    pub name: String,
    /// enforce, approve, dry_run or simulated: how far what is decided for it goes.
    #[serde(default)]
    pub mode: String,
    /// Why it cannot reach the far side, as a code; `lane.unreachable` has the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Scans by state.
    pub scans: std::collections::BTreeMap<String, u32>,
    /// Held decisions.
    pub held: u32,
    /// Decisions that wait for the directory.
    #[serde(default)]
    pub resolving: u32,
    /// When the oldest waiting scan was decided.
    pub waiting_since: Option<String>,
    /// When the oldest held decision was made.
    pub held_since: Option<String>,
    /// Calls of the last minute and hour that count against the share, by API.
    pub quota: std::collections::BTreeMap<String, QuotaView>,
    /// Which process calls for it; none while none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderView>,
    /// What the lane says of its token and of what stops it.
    pub lane: LaneView,
}

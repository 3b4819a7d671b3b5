//! Who asks, and what was ordered by whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mirrored::AuditLinkShape;
use scanhook_core::access::AuditLink;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeView {
    /// How they are shown.
    pub name: String,
    /// What tells them from everybody else.
    pub subject: String,
    /// What proved it: `loopback`, `token NAME`, `sign-in`, `jwt`.
    pub how: String,
    /// `viewer`, `approver`, `operator` or `admin`.
    pub role: String,
    /// The tenants that it is for; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// From here on they have to prove themselves anew; absent: no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A page of the audit, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// The rows, each with its place in the chain.
    #[schema(value_type = Vec<AuditLinkShape>)]
    pub items: Vec<AuditLink>,
    /// The hash of the newest row there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The number to ask for the next page with, as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// The newest row's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHeadView {
    /// Its hash; empty while nothing was recorded.
    pub hash: String,
}

//! A certificate in use, as status shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A certificate in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// `server`, `admin`, or `tenant/` and the tenant's name.
    #[serde(rename = "where")]
    pub place: String,
    /// The day it ends, in UTC, as YYYY-MM-DD.
    pub ends: String,
}

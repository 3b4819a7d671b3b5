//! What a token stands for.

use jiff::Timestamp;

use super::setup::Tenant;

/// What a token stands for. The tenant is spelt as in the token path.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) tenant: String,
    pub(super) app: String,
    pub(super) known: Tenant,
    pub(super) for_defender: bool,
    pub(super) expires: Timestamp,
}

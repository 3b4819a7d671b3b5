//! What a token stands for.

use jiff::Timestamp;

use super::setup::{Person, Tenant};

/// What a token stands for. The tenant is spelt as in the token path.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) tenant: String,
    pub(super) app: String,
    pub(super) known: Tenant,
    pub(super) for_defender: bool,
    /// For Azure's resource manager.
    pub(super) for_azure: bool,
    pub(super) expires: Timestamp,
    /// For whom it acts, if it is a person's.
    pub(super) person: Option<Person>,
    /// Of a person's: the sign-in that it came of, and its place there.
    pub(super) line: Option<(u64, u64)>,
}

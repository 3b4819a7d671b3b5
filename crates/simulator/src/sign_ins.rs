//! What is remembered of sign-ins: those that began, and the refresh tokens that came of them.

use jiff::Timestamp;

/// A sign-in that began, and what its code is worth.
pub(super) struct BegunSignIn {
    pub(super) tenant: String,
    pub(super) app: String,
    pub(super) scopes: String,
    pub(super) until: Timestamp,
    /// Of a device: how often was asked, and when last.
    pub(super) polls: (u32, Option<Timestamp>),
    /// Of a browser: where it came back to, and the challenge.
    pub(super) browser: Option<(String, String)>,
    pub(super) redeemed: bool,
}

/// A refresh token that was issued.
pub(super) struct Refresh {
    pub(super) tenant: String,
    pub(super) app: String,
    pub(super) scopes: String,
    /// The sign-in that it came of, and how many came of that before it.
    pub(super) line: (u64, u64),
}

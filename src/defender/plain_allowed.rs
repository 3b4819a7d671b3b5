//! The mark of a request that may leave this computer in plain http, because settings say so: it carries no secret.

/// Stands among the extensions of such a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainAllowed;

//! The mark of a request that goes to this computer or its platform, and never through a proxy.

/// Stands among the extensions of a request that no proxy may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct;

//! What those are told who ask about a policy.

pub(super) mod explain;
pub(super) mod outline;

//! What those are told who ask about a policy.

pub(super) mod explain;
mod in_force;
pub(super) mod outline;

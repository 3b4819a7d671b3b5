//! Rows that other rooms name: a tenant's, a policy's and a replica's.

/// A tenant's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub i64);

/// A policy's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyId(pub i64);

/// The row of one life of one process; no other has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub i64);

/// No tenant: whoever sends messages is woken by this name.
pub const MESSAGES: TenantId = TenantId(0);

/// What stands for an app where the lease of messages is asked for: a tenant and an app registration never look like it.
pub const MESSAGES_APP: &str = "messages";

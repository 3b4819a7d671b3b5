//! Rows that other rooms name: a tenant's and a policy's.

/// A tenant's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub i64);

/// A policy's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyId(pub i64);

/// No tenant: whoever sends messages is woken by this name.
pub const MESSAGES: TenantId = TenantId(0);

//! How a tenant is as a whole, as far as people hear of it.

/// What a tenant was last seen like, as far as people hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TenantCondition {
    pub(super) stopped: Option<String>,
    /// Its token is good, so whatever stopped it is over.
    pub(super) works: bool,
    pub(super) refused: bool,
    pub(super) shared: bool,
}

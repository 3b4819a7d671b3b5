//! What intake hands over: a delivery that was read and decided, ready to be stored.

use core::time::Duration;

use super::keys::{PolicyId, TenantId};
use super::packed::PackedBody;
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::mapping::Item;
use scanhook_core::verdict::Verdict;

/// A delivery that was read and decided, ready to be stored.
pub struct Acceptance {
    pub delivery: VerifiedDelivery,
    pub body: PackedBody,
    /// How long the source's deliveries and alerts count as the same.
    pub remember: Duration,
    pub policy: PolicyId,
    pub alerts: Vec<AcceptedAlert>,
    /// How many more the sender says it left out; not stored.
    pub left_out: Option<u64>,
}

/// One alert of a delivery.
pub struct AcceptedAlert {
    pub item: Item,
    /// What was decided about it; `None` for what cannot be.
    pub decided: Option<Decided>,
}

/// What was decided about an alert.
pub struct Decided {
    pub tenant: TenantId,
    pub verdicts: Vec<Verdict>,
}

//! How much of the far side's budget may be used, and when: two sliding windows per API that are never exceeded, a
//! reserve for urgent calls, and what is learnt of others who use the same budget.
//!
//! Everything scales: a share of a tenth behaves as the whole with a tenth of everything.

mod budget;
mod learnt;
mod ledger;
mod reserve;
#[cfg(test)]
mod tests;

use core::time::Duration;

pub use budget::Budget;
pub use learnt::Learnt;
pub use ledger::{Ledger, PastCall};

/// Our share of an API's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Calls in any 60 seconds.
    pub per_minute: u32,
    /// Calls in any 3,600 seconds.
    pub per_hour: u32,
}

impl Share {
    /// What Defender allows for one API of one app in one tenant (defender-api, throttling).
    pub const WHOLE: Share = Share {
        per_minute: 100,
        per_hour: 1500,
    };
}

/// How long a call counts after its answer: the window, and a second for clocks that are not quite one.
const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3601);

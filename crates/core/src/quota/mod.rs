//! How much of the far side's budget may be used, and when: two sliding windows per API that are never exceeded, a
//! reserve for urgent calls, and what is learnt of others who use the same budget.
//!
//! Everything scales: a share of a tenth behaves as the whole with a tenth of everything.
//!
//! Among waiting scans priority decides, then age; from priority 90 on a scan is urgent.
//!
//! **The ledger** holds two windows. A call counts from the moment it may leave until 61, or 3,601, seconds after its
//! answer, and always while it is under way. Entries are written with the intent, so a restart finds every call again.
//!
//! **The reserve.** An urgent scan may use all of the share. Any other lets the minute fill to four fifths only, leaves
//! one of the places under way free, and leaves only if for every span τ up to the window's length
//!
//! ```text
//! calls free after it + calls that come back within τ  ≥  floor + λτ + 3√(λτ)
//! ```
//!
//! with λ the forecast of urgent alerts. So 1,500 calls are not spent in the first quarter of an hour, and yet all are
//! spent by the end of the hour, because what is kept shrinks as the first calls come back. λ is the most that what was
//! seen allows to expect (Poisson's upper bound of 99 %), counted by when urgent alerts came:
//!
//! * for the hour over the last ten or the last thirty minutes, whichever says more; of the thirty no minute counts
//!   with more than a twentieth of the minute's share, so that a storm raises λ while it lasts and hardly after it;
//! * for the minute over the last twenty or the last sixty seconds, whichever says less.
//!
//! At the start of a rush the past says nothing of what is coming. As soon as a call that is not urgent follows another
//! within three seconds, the minute's forecast counts from there on: nothing is known, and nothing leaves. If no urgent
//! alert shows, the bound has fallen far enough after four seconds.
//!
//! **Others on the same quota.** One 429 says nothing. A second within ten minutes, for a call that left after the
//! first was answered, while our own count is below our share, lowers that API's share to what was let through in the
//! last minute and hour. It grows back by a tenth of the configured share a minute ([`Learnt`]).

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

//! After a 429: nobody calls before its time, then one call alone, then twice as many in each second as in the one
//! before, until the pace is the usual one again.
//!
//! 1. `reply::scan` reads `Retry-After` (seconds or a date; kept between 1 second and an hour; 60 seconds where it is
//!    missing). A 429 means: not executed.
//! 2. In one transaction the scan goes back to *waiting*, and the end of the pause is written into the tenant's row,
//!    with the mark that no call was let through since.
//! 3. Until then nothing leaves for this tenant: no scan, no list, no token. Calls under way come to their end; intake
//!    goes on. A restart changes nothing (`TenantWorker::load` reads the end of the pause), and a clock that is set
//!    moves it along.
//! 4. Then one call leaves, a scan or a list, and no other while it is under way (`Throttle::Probe`). Another 429
//!    begins at 1.
//! 5. Let through, it opens the way back (`Throttle::Ramp`): two calls within the next second, then four, eight and so
//!    on. After six seconds the quota alone decides. The refused call stays in the ledger, for it may count.
//! 6. A second 429 within ten minutes may mean that others use the same quota: `scanhook_core::quota`.

use core::time::Duration;

use scanhook_core::time::Timestamp;

/// From so many seconds on the quota alone decides: two calls in the first, 126 in all.
const SECONDS: u32 = 6;

/// How far the tenant has come back from its last 429.
#[derive(Debug, Default)]
pub(super) enum Throttle {
    #[default]
    Open,
    /// One call at a time, until one is let through.
    Probe,
    /// Since when, and how many calls have left since.
    Ramp { since: Timestamp, sent: u32 },
}

impl Throttle {
    /// Whether the pace is not yet the usual one. A worker that is loaded then begins with one call alone again.
    pub(super) fn holds_back(&self) -> bool {
        !matches!(self, Throttle::Open)
    }

    /// When the next call may leave while `under_way` are.
    pub(super) fn free_at(&self, under_way: usize, now: Timestamp) -> Timestamp {
        match self {
            Throttle::Probe if under_way > 0 => Timestamp::NEVER,
            Throttle::Open | Throttle::Probe => now,
            Throttle::Ramp { since, sent } => {
                let second = (0..SECONDS)
                    .find(|second| *sent < allowed(*second))
                    .unwrap_or(SECONDS);
                since.plus(Duration::from_secs(u64::from(second))).max(now)
            }
        }
    }

    /// A call leaves.
    pub(super) fn sent(&mut self, now: Timestamp) {
        if let Throttle::Ramp { since, sent } = self {
            *sent += 1;
            if now.since(*since) >= Duration::from_secs(u64::from(SECONDS)) {
                *self = Throttle::Open;
            }
        }
    }

    /// A call that left after the pause was let through.
    pub(super) fn let_through(&mut self, now: Timestamp) {
        if matches!(self, Throttle::Probe) {
            *self = Throttle::Ramp {
                since: now,
                sent: 0,
            };
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        if let Throttle::Ramp { since, .. } = self {
            *since = since.moved(by);
        }
    }
}

/// Calls that may have left by the end of a second: 2, 6, 14, …
fn allowed(second: u32) -> u32 {
    (1 << (second + 2)) - 2
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_probes_and_then_each_second_allows_twice_as_many() {
        let at = Timestamp::from_millis;
        let mut throttle = Throttle::Probe;
        assert_eq!(throttle.free_at(0, at(0)), at(0));
        assert_eq!(throttle.free_at(1, at(0)), Timestamp::NEVER);
        throttle.let_through(at(0));
        let (mut now, mut left) = (at(0), [0; 7]);
        while matches!(throttle, Throttle::Ramp { .. }) {
            assert!(
                throttle.holds_back(),
                "a worker that is loaded now probes again"
            );
            now = throttle.free_at(3, now);
            throttle.sent(now);
            left[usize::try_from(now.millis() / 1000).unwrap()] += 1;
        }
        assert_eq!(left, [2, 4, 8, 16, 32, 64, 1], "and then it is open");
        assert!(!throttle.holds_back());
    }
}

//! How long a replica may act on a lease. The journal decides who holds one, by its own clock; this is what follows for
//! those who hold it and for those who wait.
//!
//! A lease of length L is renewed by a transaction that began at B. From then on bytes may leave until B + L − T − margin,
//! by a clock of the replica's own computer that also counts while it sleeps ([`Trust`]). A call that leaves before is
//! over within T, so it is over before anybody else can have the lease. Nobody compares the end of a lease, which is on
//! the clock of the database, with a clock of their own: whoever waits asks the database, and [`LeaseWatch`] only says
//! when asking is worth it.

use core::time::Duration;

use super::time::Timestamp;

/// A call may take no longer, whatever the lease.
const LONGEST_CALL: Duration = Duration::from_secs(30);
/// A lease is renewed at least this often.
const RARELY: Duration = Duration::from_secs(10);
/// Whoever waits looks at least this often.
const SELDOM: Duration = Duration::from_secs(5);

/// How long a lease lasts, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    lasts: Duration,
}

impl Default for LeaseTerms {
    fn default() -> LeaseTerms {
        LeaseTerms {
            lasts: Duration::from_secs(60),
        }
    }
}

impl LeaseTerms {
    /// The shortest lease there may be: its calls have half a second each.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest: after a crash nothing is sent for so long.
    pub const LONGEST: Duration = Duration::from_secs(600);

    /// A lease of this length, or of the nearest that there may be.
    #[must_use]
    pub fn new(lasts: Duration) -> LeaseTerms {
        LeaseTerms {
            lasts: lasts.clamp(LeaseTerms::SHORTEST, LeaseTerms::LONGEST),
        }
    }

    /// From a renewal to the end, by the clock of the database.
    #[must_use]
    pub const fn lasts(self) -> Duration {
        self.lasts
    }

    /// The longest that a call may take from its begin to the last byte of its answer.
    #[must_use]
    pub fn call_timeout(self) -> Duration {
        LONGEST_CALL.min(self.lasts / 2)
    }

    /// What is kept for two clocks that do not run alike.
    #[must_use]
    pub fn margin(self) -> Duration {
        self.lasts / 30
    }

    /// For so long after the begin of a renewal bytes may leave.
    #[must_use]
    pub fn trusted_for(self) -> Duration {
        self.lasts - self.call_timeout() - self.margin()
    }

    /// The holder writes at least so often, which renews.
    #[must_use]
    pub fn renew_every(self) -> Duration {
        RARELY.min(self.lasts / 6)
    }

    /// How long whoever waits leaves the lease alone; `chance` spreads those who wait over half as long again.
    #[must_use]
    pub fn look_after(self, chance: u8) -> Duration {
        let look = SELDOM.min(self.lasts / 12);
        look + look * u32::from(chance) / 512
    }
}

/// What a transaction knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnTime {
    /// By the clock of the database, which alone says when a lease is over.
    pub database: Timestamp,
    /// By this computer's clock, read as soon as the database had told its time: what is done in the transaction takes long.
    pub wall: Timestamp,
    /// The time since this computer was started, before the transaction began.
    pub begun: Duration,
}

impl TurnTime {
    /// By how many milliseconds this computer's clock is ahead of the database's.
    #[must_use]
    pub fn ahead(self) -> i64 {
        self.wall.millis().saturating_sub(self.database.millis())
    }
}

/// Until when bytes may leave, by the time since the computer was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trust {
    until: Duration,
}

impl Trust {
    /// After a renewal whose transaction began at this time.
    #[must_use]
    pub fn after(begun: Duration, terms: LeaseTerms) -> Trust {
        Trust {
            until: begun + terms.trusted_for(),
        }
    }

    /// Where a lease that somebody else holds goes on for so long from a transaction on that began at this time.
    #[must_use]
    pub fn of_rest(begun: Duration, rest: Duration, terms: LeaseTerms) -> Trust {
        let kept = terms.call_timeout() + terms.margin();
        Trust {
            until: begun + rest.saturating_sub(kept),
        }
    }

    /// Whether bytes may leave now.
    #[must_use]
    pub fn holds(self, now: Duration) -> bool {
        now < self.until
    }
}

/// When it is worth it to ask for a lease that somebody else has: once it was freed, or has not been renewed for as long
/// as it lasts since it was last seen to be older.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaseWatch {
    /// The end that was last read, on the clock of the database, and when an earlier one was last read, on ours.
    seen: Option<(i64, Duration)>,
    looked: Duration,
}

impl LeaseWatch {
    /// Takes the end of the lease as it is written, read at this time since the computer was started. Whether to ask.
    pub fn look(&mut self, until: i64, terms: LeaseTerms, now: Duration) -> bool {
        let before = core::mem::replace(&mut self.looked, now);
        let since = match self.seen {
            Some((known, since)) if known == until => since,
            Some(_) => before,
            None => now,
        };
        self.seen = Some((until, since));
        until == 0 || now.saturating_sub(since) >= terms.lasts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms() -> impl Strategy<Value = LeaseTerms> {
        (0_u64..700_000).prop_map(|millis| LeaseTerms::new(Duration::from_millis(millis)))
    }

    #[test]
    fn a_lease_of_a_minute_lets_bytes_leave_for_28_seconds() {
        let seconds = |terms: LeaseTerms| {
            [
                terms.call_timeout(),
                terms.margin(),
                terms.trusted_for(),
                terms.renew_every(),
                terms.look_after(0),
            ]
            .map(|span| span.as_secs_f64())
        };
        assert_eq!(seconds(LeaseTerms::default()), [30.0, 2.0, 28.0, 10.0, 5.0]);
        let short = LeaseTerms::new(Duration::from_secs(4));
        assert!(short.trusted_for() < Duration::from_secs(2));
        assert!(short.look_after(255) < Duration::from_millis(500));
    }

    proptest! {
        /// Whatever is sent while the lease is trusted is over before anybody else can have it.
        #[test]
        fn a_call_that_left_in_time_is_over_before_the_lease_is(terms in terms(), begun in 0_u64..1 << 40, late in 0_u64..700_000) {
            let begun = Duration::from_millis(begun);
            let leaves = begun + Duration::from_millis(late);
            let trust = Trust::after(begun, terms);
            if trust.holds(leaves) {
                prop_assert!(leaves + terms.call_timeout() + terms.margin() <= begun + terms.lasts());
            }
        }

        /// A holder that writes as often as it should never has to stop, even if one renewal is late by as much again.
        #[test]
        fn who_renews_in_time_may_always_send(terms in terms()) {
            prop_assert!(terms.renew_every() * 2 < terms.trusted_for());
            prop_assert!(terms.look_after(255) <= terms.renew_every());
        }

        /// A holder that renews is left alone, and one that is gone is followed within the lease and two looks.
        #[test]
        fn whoever_waits_asks_soon_after_the_end_and_not_before(
            terms in terms(),
            renewals in 0_u32..20,
            chances in proptest::collection::vec(any::<u8>(), 64),
        ) {
            let mut watch = LeaseWatch::default();
            let last = terms.renew_every() * renewals;
            let mut now = Duration::ZERO;
            let mut chances = chances.into_iter().cycle();
            loop {
                now += terms.look_after(chances.next().unwrap());
                let renewed = (now.as_nanos() / terms.renew_every().as_nanos()).min(u128::from(renewals));
                let until = 1 + i64::try_from(renewed).unwrap();
                let over = last + terms.lasts();
                if watch.look(until, terms, now) {
                    prop_assert!(now + terms.look_after(255) >= over, "asked at {now:?} of {over:?}");
                    break;
                }
                prop_assert!(now < over + terms.look_after(255) * 2, "not asked at {now:?} of {over:?}");
            }
        }
    }

    #[test]
    fn a_lease_that_was_freed_is_asked_for_at_once() {
        let mut watch = LeaseWatch::default();
        assert!(!watch.look(7, LeaseTerms::default(), Duration::from_secs(1)));
        assert!(watch.look(0, LeaseTerms::default(), Duration::from_secs(2)));
    }
}

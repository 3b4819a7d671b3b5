//! How often an address may fail to prove anything before its bodies are no longer read. Spent by failures only, so
//! that an honest sender never pays, and answered 503 so that one behind the same address keeps retrying.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::address::share;
use super::refusal::HttpError;
use crate::settings::FailureBudget;

/// The addresses remembered in one window. Beyond them failures go uncounted: the other choice, refusing strangers,
/// would let a flood of forged requests shut honest senders out.
const REMEMBERED: usize = 65_536;

/// The failures of the present window; one window for all addresses, so that forgetting is one step.
pub(super) struct Failures {
    budget: FailureBudget,
    window: Mutex<FailureWindow>,
}

#[derive(Default)]
struct FailureWindow {
    opened: Duration,
    spent: HashMap<IpAddr, u32>,
}

impl Failures {
    pub(super) fn new(budget: FailureBudget) -> Self {
        Failures {
            budget,
            window: Mutex::new(FailureWindow::default()),
        }
    }

    /// The time until the window ends, if this address has spent its budget. `now` is monotonic.
    pub(super) fn spent(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        self.within(now, |window, left| {
            let spent = window
                .spent
                .get(&share(address))
                .is_some_and(|failures| *failures >= self.budget.count);
            spent.then_some(left)
        })
    }

    /// One more failure of this address.
    pub(super) fn spend(&self, address: IpAddr, now: Duration) {
        self.within(now, |window, _| {
            let address = share(address);
            if window.spent.len() < REMEMBERED || window.spent.contains_key(&address) {
                let failures = window.spent.entry(address).or_default();
                *failures = failures.saturating_add(1);
            }
        });
    }

    fn within<T>(&self, now: Duration, act: impl FnOnce(&mut FailureWindow, Duration) -> T) -> T {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(window.opened) >= self.budget.per {
            *window = FailureWindow {
                opened: now,
                spent: HashMap::new(),
            };
        }
        let left = (window.opened + self.budget.per)
            .saturating_sub(now)
            .max(Duration::from_millis(1));
        act(&mut window, left)
    }
}

/// One request on its way to a proof. It counts as a failure if it ends without one, also where nobody is left to be
/// told: a body that never ends, or breaks off, costs as much as a wrong signature.
pub(super) struct Attempt<'e> {
    failures: &'e Failures,
    mono: &'e (dyn Fn() -> Duration + Send + Sync),
    address: IpAddr,
    unproven: bool,
    /// Its body is on its way.
    reading: bool,
}

impl<'e> Attempt<'e> {
    pub(super) fn new(
        failures: &'e Failures,
        mono: &'e (dyn Fn() -> Duration + Send + Sync),
        address: IpAddr,
    ) -> Attempt<'e> {
        Attempt {
            failures,
            mono,
            address,
            unproven: true,
            reading: false,
        }
    }

    /// Its body is read next. One that is proved by its head has nothing to pay for.
    pub(super) fn reads_body(&mut self, unproven: bool) {
        (self.unproven, self.reading) = (unproven, true);
    }

    /// Its body is there, whole.
    pub(super) fn has_body(&mut self) {
        self.reading = false;
    }

    /// What came of it.
    pub(super) fn ends(mut self, refusal: Option<&HttpError>) {
        let counts = match refusal {
            Some(HttpError::Unauthenticated | HttpError::SigningKey | HttpError::Credential(_)) => {
                true
            }
            Some(
                HttpError::BodyTooLarge(_) | HttpError::BodyTimeout | HttpError::BodyUnreadable,
            ) => self.reading,
            _ => false,
        };
        self.reading = false;
        if self.unproven && counts {
            self.failures.spend(self.address, (self.mono)());
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.unproven && self.reading {
            self.failures.spend(self.address, (self.mono)());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use core::net::Ipv4Addr;

    const BUDGET: FailureBudget = FailureBudget {
        count: 2,
        per: Duration::from_secs(60),
    };

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_budget_is_spent_by_failures_and_back_after_the_window() {
        let failures = Failures::new(BUDGET);
        let forger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        failures.spend(forger, seconds(100));
        assert_eq!(failures.spent(forger, seconds(100)), None);
        failures.spend(forger, seconds(110));
        assert_eq!(failures.spent(forger, seconds(110)), Some(seconds(50)));
        assert_eq!(
            failures.spent(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), seconds(110)),
            None
        );
        assert_eq!(failures.spent(forger, seconds(160)), None);
    }

    #[test]
    fn a_request_that_ends_without_a_proof_is_paid_for_and_no_other() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mono = || seconds(1);
        let spent = |play: &dyn Fn(Attempt<'_>)| {
            let failures = Failures::new(BUDGET);
            play(Attempt::new(&failures, &mono, address));
            failures
                .window
                .lock()
                .unwrap()
                .spent
                .get(&address)
                .copied()
                .unwrap_or_default()
        };
        let reading = |unproven| move |mut attempt: Attempt<'_>| attempt.reads_body(unproven);
        assert_eq!(
            (
                spent(&reading(true)),
                spent(&reading(false)),
                spent(&|attempt| drop(attempt))
            ),
            (1, 0, 0),
            "the connection ended"
        );
        let ended = |unproven, whole: bool, refusal: HttpError| {
            spent(&move |mut attempt| {
                attempt.reads_body(unproven);
                if whole {
                    attempt.has_body();
                }
                attempt.ends(Some(&refusal));
            })
        };
        for refusal in [
            HttpError::BodyTimeout,
            HttpError::BodyUnreadable,
            HttpError::BodyTooLarge(1),
        ] {
            assert_eq!(
                (
                    ended(true, false, refusal.clone()),
                    ended(false, false, refusal)
                ),
                (1, 0)
            );
        }
        assert_eq!(ended(true, true, HttpError::Unauthenticated), 1);
        assert_eq!(ended(true, true, HttpError::SigningKey), 1);
        assert_eq!(
            ended(true, true, HttpError::BodyTooLarge(1)),
            0,
            "a signed body that unpacks to too much"
        );
        assert_eq!(
            (
                ended(true, false, HttpError::Overloaded),
                ended(true, true, HttpError::NotGzip)
            ),
            (0, 0)
        );
        assert_eq!(
            spent(&|attempt| attempt.ends(Some(&HttpError::Unauthenticated))),
            1,
            "refused before the body"
        );
        assert_eq!(spent(&|attempt| attempt.ends(None)), 0);
    }

    #[test]
    fn a_flood_from_many_addresses_takes_no_more_than_its_room_and_shuts_nobody_out() {
        let failures = Failures::new(BUDGET);
        let room = u32::try_from(REMEMBERED).unwrap();
        for n in 0..room + 10 {
            failures.spend(IpAddr::V4(Ipv4Addr::from_bits(n)), seconds(1));
            failures.spend(IpAddr::V4(Ipv4Addr::from_bits(n)), seconds(1));
        }
        assert_eq!(failures.window.lock().unwrap().spent.len(), REMEMBERED);
        assert!(
            failures
                .spent(IpAddr::V4(Ipv4Addr::from_bits(0)), seconds(1))
                .is_some()
        );
        assert_eq!(
            failures.spent(IpAddr::V4(Ipv4Addr::from_bits(room + 5)), seconds(1)),
            None
        );
    }
}

//! How often an address may fail to authenticate before its bodies are no longer read. Spent by failures only, so
//! that an honest sender never pays, and answered 503 so that one behind the same address keeps retrying.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::address::share;

/// The addresses remembered in one window. Beyond them failures go uncounted: the other choice, refusing strangers,
/// would let a flood of forged requests shut honest senders out.
const REMEMBERED: usize = 65_536;

/// `[server] auth_failures`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureBudget {
    /// Failures an address has in one window.
    pub count: u32,
    /// Length of the window.
    pub per: Duration,
}

impl Default for FailureBudget {
    fn default() -> Self {
        FailureBudget { count: 100, per: Duration::from_secs(60) }
    }
}

/// The failures of the present window; one window for all addresses, so that forgetting is one step.
pub(super) struct Failures {
    budget: FailureBudget,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    opened: Duration,
    spent: HashMap<IpAddr, u32>,
}

impl Failures {
    pub(super) fn new(budget: FailureBudget) -> Self {
        Failures { budget, window: Mutex::new(Window::default()) }
    }

    /// The time until the window ends, if this address has spent its budget. `now` is monotonic.
    pub(super) fn spent(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        self.within(now, |window, left| {
            let spent = window.spent.get(&share(address)).is_some_and(|failures| *failures >= self.budget.count);
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

    fn within<T>(&self, now: Duration, act: impl FnOnce(&mut Window, Duration) -> T) -> T {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(window.opened) >= self.budget.per {
            *window = Window { opened: now, spent: HashMap::new() };
        }
        let left = (window.opened + self.budget.per).saturating_sub(now).max(Duration::from_millis(1));
        act(&mut window, left)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use core::net::Ipv4Addr;

    const BUDGET: FailureBudget = FailureBudget { count: 2, per: Duration::from_secs(60) };

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
        assert_eq!(failures.spent(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), seconds(110)), None);
        assert_eq!(failures.spent(forger, seconds(160)), None);
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
        assert!(failures.spent(IpAddr::V4(Ipv4Addr::from_bits(0)), seconds(1)).is_some());
        assert_eq!(failures.spent(IpAddr::V4(Ipv4Addr::from_bits(room + 5)), seconds(1)), None);
    }
}

//! What is remembered of credentials for a minute: refusals by address, and the last use of each token.

use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::server::address::share;
use crate::server::failures::Failures;
use crate::settings::FailureBudget;

/// So often an address, or a token, is written down.
const EACH: Duration = Duration::from_secs(60);
/// Addresses whose refusals are told apart; beyond them one row stands for all the others.
const ADDRESSES: usize = 1_000;

/// What was refused lately, and which tokens were used.
pub struct RefusedCredentials {
    failures: Failures,
    state: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    /// By address: when its last row was written, and refusals since.
    refused: HashMap<IpAddr, (Duration, u64)>,
    /// By hash of a configured token: when its use was written down last.
    used: HashMap<String, Duration>,
}

impl RefusedCredentials {
    #[must_use]
    pub fn new(budget: FailureBudget) -> RefusedCredentials {
        RefusedCredentials {
            failures: Failures::new(budget),
            state: Mutex::default(),
        }
    }

    /// The time until this address may try again, if it has failed too often.
    pub(in crate::server) fn spent(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        self.failures.spent(address, now)
    }

    /// One more refusal; how many a row has to tell of now, if one is due.
    pub(super) fn refused(&self, address: IpAddr, now: Duration) -> Option<u64> {
        self.failures.spend(address, now);
        let mut address = share(address);
        let mut recent = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.refused.len() >= ADDRESSES && !recent.refused.contains_key(&address) {
            recent
                .refused
                .retain(|_, (at, _)| now.saturating_sub(*at) < EACH);
            if recent.refused.len() >= ADDRESSES {
                address = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        match recent.refused.get_mut(&address) {
            Some((at, since)) if now.saturating_sub(*at) < EACH => {
                *since += 1;
                None
            }
            Some((at, since)) => {
                let count = *since + 1;
                (*at, *since) = (now, 0);
                Some(count)
            }
            None => {
                recent.refused.insert(address, (now, 0));
                Some(1)
            }
        }
    }

    /// Whether the use of this token is to be written down.
    pub(super) fn is_use_due(&self, hash: &str, now: Duration) -> bool {
        let mut recent = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = recent
            .used
            .get(hash)
            .is_none_or(|at| now.saturating_sub(*at) >= EACH);
        if due {
            recent.used.insert(hash.to_owned(), now);
        }
        due
    }
}

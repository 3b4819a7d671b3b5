//! Settings that a listener is held to.

use core::net::IpAddr;
use core::time::Duration;

use scanhook_core::network::Network;

/// `[server] auth_failures`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureBudget {
    /// Failures an address has in one window.
    pub count: u32,
    pub per: Duration,
}

impl Default for FailureBudget {
    fn default() -> Self {
        FailureBudget {
            count: 100,
            per: Duration::from_secs(60),
        }
    }
}

/// The proxies whose `X-Forwarded-For` or `Forwarded` is believed; none by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Whether this far end is one of ours.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

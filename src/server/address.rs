//! Whose request is it? The socket's address, unless a proxy the operator trusts names another.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

use crate::domain::network::Network;

/// The sender of a request; the accept loop puts one into the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The far end of the connection.
    pub socket: SocketAddr,
    /// The sender: the socket's address, or what trusted proxies say it is.
    pub address: IpAddr,
}

/// The proxies whose `X-Forwarded-For` is believed; none by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Whether this far end is one of ours.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The sender's address: from the right, the first that is not a trusted proxy. What stands further left was
    /// written by the sender and proves nothing; an entry that is no address ends the walk at the proxy before it.
    #[must_use]
    pub fn sender(&self, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = socket.to_canonical();
        let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for hop in hops {
            if !self.trust(nearest) {
                break;
            }
            match hop_address(hop.trim()) {
                Some(address) => nearest = address,
                None => break,
            }
        }
        nearest
    }
}

/// Some gateways append the port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let plain = text.parse::<IpAddr>().ok();
    plain.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|address| address.to_canonical())
}

/// What limits per address are counted by: an IPv4 address, or the /64 that one IPv6 host commonly has to itself.
#[must_use]
pub(super) fn share(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (axum::http::HeaderName::from_static("x-forwarded-for"), line.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_a_trusted_proxy_can_name_the_sender() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let claim = forwarded(&["198.51.100.7"]);
        assert_eq!(proxies.sender(ip("203.0.113.5"), &claim), ip("203.0.113.5"));
        assert_eq!(proxies.sender(ip("10.0.0.1"), &claim), ip("198.51.100.7"));
        assert_eq!(TrustedProxies::default().sender(ip("10.0.0.1"), &claim), ip("10.0.0.1"));
    }

    #[test]
    fn what_a_sender_puts_in_front_of_the_list_is_not_believed() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let lists: [&[&str]; 4] = [
            &["1.1.1.1, 198.51.100.7, 10.0.0.2"],
            &["1.1.1.1", "198.51.100.7:443 , 10.0.0.2"],
            &["10.0.0.9, 198.51.100.7"],
            &["198.51.100.7"],
        ];
        for lines in lists {
            assert_eq!(proxies.sender(ip("10.0.0.1"), &forwarded(lines)), ip("198.51.100.7"), "{lines:?}");
        }
        assert_eq!(proxies.sender(ip("10.0.0.1"), &forwarded(&["198.51.100.7, unknown"])), ip("10.0.0.1"));
    }

    #[test]
    fn one_ipv6_host_cannot_pass_for_many() {
        assert_eq!(share(ip("2001:db8::1")), share(ip("2001:db8::ffff:1")));
        assert_ne!(share(ip("2001:db8::1")), share(ip("2001:db8:0:1::1")));
        assert_eq!(share(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_ne!(share(ip("192.0.2.1")), share(ip("192.0.2.2")));
    }
}

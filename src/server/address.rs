//! Whose request is it? The socket's address, unless a proxy the operator trusts names another.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use axum::http::HeaderMap;

/// The sender of a request; the accept loop puts one into the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The far end of the connection.
    pub socket: SocketAddr,
    /// The sender: the socket's address, or what trusted proxies say it is.
    pub address: IpAddr,
}

/// A range of addresses in CIDR notation; a bare address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The first address, in the form `number` gives it.
    base: u128,
    /// The bits that must agree.
    mask: u128,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an IPv4 or IPv6 address.
    #[error("not an IP address")]
    Address,
    /// Not a prefix length, or one longer than the address.
    #[error("not a prefix length for this address")]
    Prefix,
    /// Bits behind the prefix are set: most likely a typing error that would trust another range than meant.
    #[error("the address has bits behind the prefix")]
    HostBits,
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let (width, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|bits| *bits <= width).ok_or(NetworkError::Prefix)?
            }
            Some(_) => return Err(NetworkError::Prefix),
        };
        let mask = u128::MAX.checked_shl(128 - (prefix + offset)).unwrap_or(0);
        let base = number(address);
        if base & !mask != 0 { Err(NetworkError::HostBits) } else { Ok(Network { base, mask }) }
    }
}

impl Network {
    /// Whether the address lies in the range. An IPv4 address and its IPv6-mapped form are the same.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        number(address) & self.mask == self.base
    }
}

/// An address as 128 bits; IPv4 in its IPv6-mapped form.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
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
    fn a_network_holds_its_range_and_nothing_beside_it() {
        let ten: Network = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains(ip("10.255.0.1")) && ten.contains(ip("::ffff:10.1.2.3")));
        assert!(!ten.contains(ip("11.0.0.1")) && !ten.contains(ip("::1")));
        let one: Network = "2001:db8::1".parse().unwrap();
        assert!(one.contains(ip("2001:db8::1")) && !one.contains(ip("2001:db8::2")));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(ip("203.0.113.9")) && !all.contains(ip("2001:db8::1")));
        assert!("::/0".parse::<Network>().unwrap().contains(ip("2001:db8::1")));
    }

    #[test]
    fn a_network_with_a_typing_error_is_refused() {
        for (text, error) in [
            ("10.0.0.1/8", NetworkError::HostBits),
            ("10.0.0.0/33", NetworkError::Prefix),
            ("10.0.0.0/", NetworkError::Prefix),
            ("10.0.0.0/+8", NetworkError::Prefix),
            ("proxy", NetworkError::Address),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
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

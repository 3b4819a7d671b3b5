//! Networks in CIDR notation: whose word is believed, from where a sender may speak, which addresses a list holds.
//!
//! `ipnet` has the arithmetic. It is not asked to read the text, because it would take an address with bits behind the
//! prefix, and such a typing error trusts another range than its writer meant.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use ipnet::IpNet;

/// A range of addresses in CIDR notation; a bare address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an IPv4 or IPv6 address.
    #[error("not an IP address")]
    Address,
    /// Not a prefix length, or one longer than the address.
    #[error("not a prefix length for this address")]
    Prefix {
        /// The length of the address itself.
        most: u8,
    },
    /// Bits behind the prefix are set: most likely a typing error that would trust another range than meant.
    #[error("the address has bits behind the prefix")]
    HostBits {
        /// The range without those bits.
        meant: Network,
    },
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = Network::parts(text);
        let address = address.parse().map_err(|_| NetworkError::Address)?;
        Network::new(address, length)
    }
}

impl Network {
    /// The address and the length of the prefix, as they are written.
    pub(crate) fn parts(text: &str) -> (&str, Option<&str>) {
        text.split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)))
    }

    /// The network of an address and what is written as the length of its prefix.
    pub(crate) fn new(address: IpAddr, length: Option<&str>) -> Result<Network, NetworkError> {
        let one = IpNet::from(address);
        let most = one.max_prefix_len();
        let length = match length {
            None => most,
            // `u8` would take `+8` as well.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Prefix { most })?
            }
            Some(_) => return Err(NetworkError::Prefix { most }),
        };
        let meant = Network::around(address, length).ok_or(NetworkError::Prefix { most })?;
        if meant.0.addr() == address {
            Ok(meant)
        } else {
            Err(NetworkError::HostBits { meant })
        }
    }

    /// The network of this length that an address lies in; `None`: the address is not as long.
    pub(crate) fn around(address: IpAddr, length: u8) -> Option<Network> {
        IpNet::new(address, length)
            .ok()
            .map(|network| Network(network.trunc()))
    }

    /// Whether it is one of IPv4, and the length of its prefix.
    pub(crate) fn size(&self) -> (bool, u8) {
        (self.0.addr().is_ipv4(), self.0.prefix_len())
    }

    /// Whether the address lies in the range. An IPv4 address and its IPv6-mapped form are the same: a socket that
    /// listens on `::` shows the mapped one, and whoever writes `::/0` there means everybody.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let mapped = match address {
            IpAddr::V4(four) => IpAddr::V6(four.to_ipv6_mapped()),
            six => six,
        };
        self.contains_of_its_version(address) || self.0.contains(&mapped)
    }

    /// The same where IPv4 and IPv6 are kept apart, as in rules: there `::/0` holds no address of IPv4.
    pub(crate) fn contains_of_its_version(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
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
        let everybody: Network = "::/0".parse().unwrap();
        assert!(everybody.contains(ip("2001:db8::1")) && everybody.contains(ip("203.0.113.9")));
        let mapped: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(mapped.contains(ip("10.1.2.3")) && mapped.contains(ip("::ffff:10.1.2.3")));
        assert!(!mapped.contains(ip("11.0.0.1")) && !mapped.contains(ip("::1")));
    }

    #[test]
    fn a_network_with_a_typing_error_is_refused() {
        let meant = "10.0.0.0/8".parse().unwrap();
        for (text, error) in [
            ("10.0.0.1/8", NetworkError::HostBits { meant }),
            ("10.0.0.0/33", NetworkError::Prefix { most: 32 }),
            ("10.0.0.0/", NetworkError::Prefix { most: 32 }),
            ("10.0.0.0/+8", NetworkError::Prefix { most: 32 }),
            ("::/129", NetworkError::Prefix { most: 128 }),
            ("::/1000", NetworkError::Prefix { most: 128 }),
            (" 10.0.0.0/8", NetworkError::Address),
            ("010.0.0.0/8", NetworkError::Address),
            ("proxy", NetworkError::Address),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}

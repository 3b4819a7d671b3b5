//! Ranges of addresses: whose word is believed, and from where a sender may speak.

use core::net::IpAddr;
use core::str::FromStr;

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
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let (width, offset) = if address.is_ipv4() {
            (32, 96)
        } else {
            (128, 0)
        };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or(NetworkError::Prefix)?,
            Some(_) => return Err(NetworkError::Prefix),
        };
        let mask = u128::MAX.checked_shl(128 - (prefix + offset)).unwrap_or(0);
        let base = number(address);
        if base & !mask != 0 {
            Err(NetworkError::HostBits)
        } else {
            Ok(Network { base, mask })
        }
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
        assert!(
            "::/0"
                .parse::<Network>()
                .unwrap()
                .contains(ip("2001:db8::1"))
        );
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
}

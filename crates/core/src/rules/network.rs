//! Networks in CIDR notation, and sets of them that are asked as one.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::time::Timestamp;

/// One network; a single address is one of full length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ListNetwork {
    four: bool,
    length: u8,
    bits: u128,
}

impl ListNetwork {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address.
    ///
    /// # Errors
    /// A sentence; bits set behind the prefix are one, because the writer meant another network.
    pub(super) fn parse(text: &str) -> Result<ListNetwork, String> {
        let (address, length) = text
            .split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address
            .trim()
            .parse()
            .map_err(|_| "it is not an IP address".to_owned())?;
        let (four, bits) = number(address);
        let most = if four { 32 } else { 128 };
        let length = match length {
            None => most,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().unwrap_or(u8::MAX)
            }
            Some(_) => u8::MAX,
        };
        if length > most {
            return Err(format!("the prefix is a number from 0 to {most}"));
        }
        let masked = ListNetwork {
            four,
            length,
            bits: mask(four, length, bits),
        };
        if masked.bits != bits {
            return Err(format!(
                "it has bits set behind its prefix; did you mean `{masked}`?"
            ));
        }
        Ok(masked)
    }

    pub(super) fn holds(self, address: IpAddr) -> bool {
        let (four, bits) = number(address);
        four == self.four && mask(four, self.length, bits) == self.bits
    }
}

impl core::fmt::Display for ListNetwork {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match u32::try_from(self.bits) {
            Ok(bits) if self.four => {
                write!(f, "{}/{}", core::net::Ipv4Addr::from(bits), self.length)
            }
            _ => write!(
                f,
                "{}/{}",
                core::net::Ipv6Addr::from(self.bits),
                self.length
            ),
        }
    }
}

/// An address as a number; one of version 4 in the clothes of version 6 is one of version 4.
fn number(address: IpAddr) -> (bool, u128) {
    match address.to_canonical() {
        IpAddr::V4(four) => (true, u128::from(u32::from(four))),
        IpAddr::V6(six) => (false, u128::from(six)),
    }
}

fn mask(four: bool, length: u8, bits: u128) -> u128 {
    let host = u32::from(if four { 32 } else { 128 } - length);
    bits.checked_shr(host)
        .unwrap_or(0)
        .checked_shl(host)
        .unwrap_or(0)
}

/// Many networks, each until its time: one look-up for each length of prefix that occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks(BTreeMap<(bool, u8), HashMap<u128, Option<Timestamp>>>);

impl Networks {
    /// Adds one; `until` is when it ends, `None`: never. The longer of two times counts.
    pub(super) fn add(&mut self, network: ListNetwork, until: Option<Timestamp>) {
        let place = self
            .0
            .entry((network.four, network.length))
            .or_default()
            .entry(network.bits)
            .or_insert(until);
        *place = place.zip(until).map(|(one, other)| one.max(other));
    }

    pub(super) fn hold(&self, address: IpAddr, at: Timestamp) -> bool {
        let (four, bits) = number(address);
        self.0.iter().any(|((family, length), networks)| {
            *family == four
                && networks
                    .get(&mask(four, *length, bits))
                    .is_some_and(|until| until.is_none_or(|until| at < until))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn networks_of_both_versions_hold_their_own_addresses() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("10.1.2.128/25", "10.1.2.200", "10.1.2.127"),
        ] {
            let parsed = ListNetwork::parse(network).unwrap();
            let (inside, outside) = (inside.parse().unwrap(), outside.parse().unwrap());
            assert!(parsed.holds(inside) && !parsed.holds(outside), "{network}");
            let mut set = Networks::default();
            set.add(parsed, None);
            assert!(
                set.hold(inside, Timestamp::default()) && !set.hold(outside, Timestamp::default()),
                "{network}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_the_reason() {
        for (text, why) in [
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0.0.0/+8", "0 to 32"),
            ("::/129", "0 to 128"),
            ("10.0.0/8", "not an IP address"),
            ("lab", "not an IP address"),
            ("10.1.2.3/8", "did you mean `10.0.0.0/8`?"),
            ("2001:db8::1/32", "did you mean `2001:db8::/32`?"),
        ] {
            assert!(
                ListNetwork::parse(text).unwrap_err().contains(why),
                "{text}"
            );
        }
    }

    #[test]
    fn a_network_leaves_the_set_at_its_time_and_the_longer_time_counts() {
        let (one, two) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        let network = ListNetwork::parse("10.0.0.0/8").unwrap();
        let mut set = Networks::default();
        set.add(network, Some(two));
        set.add(network, Some(one));
        let address = "10.0.0.1".parse().unwrap();
        assert!(set.hold(address, one) && !set.hold(address, two));
        set.add(network, None);
        assert!(set.hold(address, two));
    }
}

//! Networks as lists and `cidr` write them, and sets of them that are asked as one.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::network::{Network, NetworkError};
use crate::time::Timestamp;

/// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. An IPv6-mapped address is read as the IPv4 address that it
/// maps, so that the length counts in bits of that.
///
/// # Errors
/// A sentence; bits set behind the prefix are one, because the writer meant another network.
pub(super) fn read_network(text: &str) -> Result<Network, String> {
    let (address, length) = Network::parts(text);
    let network = match address.trim().parse::<IpAddr>() {
        Ok(address) => Network::new(address.to_canonical(), length),
        Err(_) => Err(NetworkError::Address),
    };
    network.map_err(|why| match why {
        NetworkError::Address => "it is not an IP address".to_owned(),
        NetworkError::Prefix { most } => format!("the prefix is a number from 0 to {most}"),
        NetworkError::HostBits { meant } => {
            format!("it has bits set behind its prefix; did you mean `{meant}`?")
        }
    })
}

/// Many networks, each until its time: one look-up for each length of prefix that occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks(BTreeMap<(bool, u8), HashMap<Network, Option<Timestamp>>>);

impl Networks {
    /// Adds one; `until` is when it ends, `None`: never. The longer of two times counts.
    pub(super) fn add(&mut self, network: Network, until: Option<Timestamp>) {
        let place = self
            .0
            .entry(network.size())
            .or_default()
            .entry(network)
            .or_insert(until);
        *place = place.zip(until).map(|(one, other)| one.max(other));
    }

    pub(super) fn hold(&self, address: IpAddr, at: Timestamp) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|((four, length), networks)| {
            *four == address.is_ipv4()
                && Network::around(address, *length)
                    .and_then(|around| networks.get(&around))
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
            (" ::ffff:10.0.0.0 /8", "10.1.2.3", "::ffff:11.0.0.0"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("10.1.2.128/25", "10.1.2.200", "10.1.2.127"),
        ] {
            let parsed = read_network(network).unwrap();
            let (inside, outside) = (inside.parse().unwrap(), outside.parse().unwrap());
            assert!(
                parsed.contains_of_its_version(inside) && !parsed.contains_of_its_version(outside),
                "{network}"
            );
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
            ("::ffff:10.0.0.0/104", "0 to 32"),
            ("10.0.0/8", "not an IP address"),
            ("lab", "not an IP address"),
            ("10.1.2.3/8", "did you mean `10.0.0.0/8`?"),
            ("2001:db8::1/32", "did you mean `2001:db8::/32`?"),
        ] {
            assert!(read_network(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn a_network_leaves_the_set_at_its_time_and_the_longer_time_counts() {
        let (one, two) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        let network = read_network("10.0.0.0/8").unwrap();
        let mut set = Networks::default();
        set.add(network, Some(two));
        set.add(network, Some(one));
        let address = "10.0.0.1".parse().unwrap();
        assert!(set.hold(address, one) && !set.hold(address, two));
        set.add(network, None);
        assert!(set.hold(address, two));
    }
}

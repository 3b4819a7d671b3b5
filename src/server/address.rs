//! Whose request is it? The socket's address, unless a proxy the operator trusts names another.

use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};

use super::words::word_of;
use crate::settings::TrustedProxies;

/// The sender of a request; the accept loop puts one into the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The far end of the connection.
    pub socket: SocketAddr,
    /// The sender: the socket's address, or what trusted proxies say it is.
    pub address: IpAddr,
    /// The far end names another sender, but is no trusted proxy.
    pub unheard: bool,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl TrustedProxies {
    /// Who sent what comes with these headers from this far end.
    #[must_use]
    pub fn peer(&self, socket: SocketAddr, headers: &HeaderMap) -> Peer {
        let names = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
        let unheard = names && !self.trust(socket.ip());
        Peer {
            socket,
            address: self.sender(socket.ip(), headers),
            unheard,
        }
    }

    /// The sender's address. A proxy writes one of the two headers and passes the other one on as it came, from anybody:
    /// where both are there and do not name the same sender, neither is believed.
    fn sender(&self, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
        let socket = socket.to_canonical();
        let lines = |name: HeaderName| {
            headers
                .get_all(name)
                .into_iter()
                .map(|line| line.to_str().unwrap_or("?"))
        };
        let by = |name: HeaderName, hops: fn(&str) -> Vec<Option<IpAddr>>| {
            headers
                .contains_key(&name)
                .then(|| self.walk(socket, lines(name).flat_map(hops).collect()))
        };
        match (by(X_FORWARDED_FOR, listed), by(FORWARDED, elements)) {
            (Some(one), Some(other)) if one != other => socket,
            (one, other) => one.or(other).unwrap_or(socket),
        }
    }

    /// From the right, the first hop that is not a trusted proxy. What stands further left was written by the sender and
    /// proves nothing; an entry that is no address ends the walk at the proxy before it.
    fn walk(&self, socket: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut nearest = socket;
        for hop in hops.into_iter().rev() {
            match hop {
                Some(address) if self.trust(nearest) => nearest = address,
                _ => break,
            }
        }
        nearest
    }
}

/// The hops of a line of `X-Forwarded-For`.
fn listed(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(hop_address).collect()
}

/// The hops of a line of `Forwarded` (RFC 7239): what each element says `for` whom it was forwarded.
fn elements(line: &str) -> Vec<Option<IpAddr>> {
    let mut hops = vec![None];
    let mut rest = line;
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, behind) = word_of(behind);
        if name.trim().eq_ignore_ascii_case("for")
            && let Some(hop) = hops.last_mut()
        {
            *hop = hop_address(&value);
        }
        let behind = behind.trim_start();
        if behind.starts_with(',') {
            hops.push(None);
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    hops
}

/// An address, with or without port, brackets, quotes and the zone of a link: gateways write it in all these ways.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(inside) => inside
            .split_once(']')
            .filter(|(_, port)| is_port(port))
            .map(|(address, _)| address)?,
        None => text
            .parse::<SocketAddrV4>()
            .is_ok()
            .then(|| text.split(':').next())
            .flatten()
            .unwrap_or(text),
    };
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
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
            .map(|line| {
                (
                    axum::http::HeaderName::from_static("x-forwarded-for"),
                    line.parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn only_a_trusted_proxy_can_name_the_sender() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let claim = forwarded(&["198.51.100.7"]);
        assert_eq!(proxies.sender(ip("203.0.113.5"), &claim), ip("203.0.113.5"));
        assert_eq!(proxies.sender(ip("10.0.0.1"), &claim), ip("198.51.100.7"));
        assert_eq!(
            TrustedProxies::default().sender(ip("10.0.0.1"), &claim),
            ip("10.0.0.1")
        );
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
            assert_eq!(
                proxies.sender(ip("10.0.0.1"), &forwarded(lines)),
                ip("198.51.100.7"),
                "{lines:?}"
            );
        }
        assert_eq!(
            proxies.sender(ip("10.0.0.1"), &forwarded(&["198.51.100.7, unknown"])),
            ip("10.0.0.1")
        );
    }

    fn with(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn an_address_is_read_in_every_form_that_gateways_write() {
        for text in [
            "2001:db8::7",
            "[2001:db8::7]",
            "[2001:db8::7]:4711",
            " \"[2001:db8::7]:4711\"",
            "2001:DB8:0::7",
            "[2001:db8::7%eth0]",
        ] {
            assert_eq!(hop_address(text), Some(ip("2001:db8::7")), "{text}");
        }
        for text in [
            "192.0.2.7",
            "192.0.2.7:443",
            "[192.0.2.7]:443",
            "::ffff:192.0.2.7",
            "[::ffff:192.0.2.7]:1",
        ] {
            assert_eq!(hop_address(text), Some(ip("192.0.2.7")), "{text}");
        }
        for text in [
            "",
            "unknown",
            "_hidden",
            "host",
            "[2001:db8::7",
            "2001:db8::7]",
            "[2001:db8::7]x",
            "192.0.2.7:x",
            "[]",
            "1.2.3",
        ] {
            assert_eq!(hop_address(text), None, "{text}");
        }
    }

    #[test]
    fn the_standard_header_is_read_like_the_usual_one() {
        let proxies = TrustedProxies(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:1::/48".parse().unwrap(),
        ]);
        let sender = |lines: &[(&'static str, &str)]| proxies.sender(ip("10.0.0.1"), &with(lines));
        for value in [
            "for=198.51.100.7",
            "For=\"198.51.100.7:4711\";proto=https;by=10.0.0.1",
            "by=_a;for=198.51.100.7;host=\"a,b;for=1.1.1.1\"",
            "for=1.1.1.1, for=198.51.100.7;proto=http , for=\"[2001:db8:1::5]:80\"",
        ] {
            assert_eq!(
                sender(&[("forwarded", value)]),
                ip("198.51.100.7"),
                "{value}"
            );
        }
        assert_eq!(
            sender(&[("forwarded", "for=\"[2001:db8::7]:4711\"")]),
            ip("2001:db8::7")
        );
        for value in [
            "for=198.51.100.7, for=unknown",
            "for=198.51.100.7, for=_x",
            "proto=https",
            "for=198.51.100.7, by=x",
            "",
        ] {
            assert_eq!(sender(&[("forwarded", value)]), ip("10.0.0.1"), "{value}");
        }
        assert_eq!(
            sender(&[
                ("forwarded", "for=1.1.1.1"),
                ("forwarded", "for=198.51.100.7")
            ]),
            ip("198.51.100.7"),
            "two lines are one list"
        );
    }

    #[test]
    fn of_two_headers_that_name_two_senders_neither_is_believed() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let sender = |usual, standard| {
            proxies.sender(
                ip("10.0.0.1"),
                &with(&[("x-forwarded-for", usual), ("forwarded", standard)]),
            )
        };
        assert_eq!(
            sender("198.51.100.7, 10.0.0.2", "for=198.51.100.7"),
            ip("198.51.100.7")
        );
        assert_eq!(sender("198.51.100.7", "for=203.0.113.9"), ip("10.0.0.1"));
        assert_eq!(sender("198.51.100.7", "proto=https"), ip("10.0.0.1"));
    }

    #[test]
    fn a_forwarded_sender_that_nobody_vouches_for_is_noticed() {
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let peer = |socket: &str, lines| proxies.peer(SocketAddr::new(ip(socket), 1), &with(lines));
        assert!(peer("127.0.0.1", &[("x-forwarded-for", "198.51.100.7")]).unheard);
        assert!(peer("127.0.0.1", &[("forwarded", "for=198.51.100.7")]).unheard);
        assert!(!peer("10.0.0.1", &[("forwarded", "for=198.51.100.7")]).unheard);
        assert!(!peer("127.0.0.1", &[]).unheard);
    }

    #[test]
    fn one_ipv6_host_cannot_pass_for_many() {
        assert_eq!(share(ip("2001:db8::1")), share(ip("2001:db8::ffff:1")));
        assert_ne!(share(ip("2001:db8::1")), share(ip("2001:db8:0:1::1")));
        assert_eq!(share(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_ne!(share(ip("192.0.2.1")), share(ip("192.0.2.2")));
    }
}

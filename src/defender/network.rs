//! How calls leave this computer: through a proxy or directly, and whose certificates are believed beside the system's.

use core::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::hosts::{is_loopback, is_metadata};
use scanhook_core::network::Network;

/// How calls leave this computer. Without `Debug`: it may hold the proxy's password.
#[derive(Clone, Default)]
pub struct NetworkSettings {
    /// `None`: every host is called directly.
    pub proxy: Option<HttpProxy>,
    /// Certificates of authorities that are believed beside the system's, as DER.
    pub roots: Vec<Vec<u8>>,
}

/// A proxy that opens tunnels (`CONNECT`).
#[derive(Clone)]
pub struct HttpProxy {
    /// Without user info: it is shown.
    pub url: String,
    pub login: Option<ProxyLogin>,
    /// Hosts that are called without it.
    pub direct: Vec<DirectHosts>,
}

/// What the proxy is shown.
#[derive(Clone)]
pub struct ProxyLogin {
    /// Without a colon, which would end it.
    pub username: String,
    pub password: SecretString,
}

/// Hosts that are called without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectHosts {
    /// A pattern in which `*` stands for any characters, in lower case.
    Glob(String),
    /// A domain and all below it, in lower case: `NO_PROXY` is read so.
    Domain(String),
    /// Hosts that are named by an address of this range.
    Range(Network),
}

impl NetworkSettings {
    /// The proxy for this host, if there is one. This computer and the metadata service of a cloud's machine are never
    /// asked for through one.
    #[must_use]
    pub fn proxy_for(&self, host: &str) -> Option<&HttpProxy> {
        let proxy = self.proxy.as_ref()?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let direct = is_loopback(&host)
            || is_metadata(&host)
            || proxy.direct.iter().any(|hosts| hosts.hold(&host));
        (!direct).then_some(proxy)
    }

    /// Whether it makes no difference which of the two is in force.
    #[must_use]
    pub fn is_same(&self, other: &NetworkSettings) -> bool {
        let proxies = match (&self.proxy, &other.proxy) {
            (Some(one), Some(other)) => {
                let shown = |proxy: &HttpProxy| proxy.login.as_ref().map(ProxyLogin::basic);
                one.url == other.url && one.direct == other.direct && shown(one) == shown(other)
            }
            (None, None) => true,
            _ => false,
        };
        proxies && self.roots == other.roots
    }
}

impl ProxyLogin {
    /// The header that shows it, by the Basic scheme. Nothing prints it.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_str(self.basic().expose_secret()).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn basic(&self) -> SecretText {
        let pair = format!("{}:{}", self.username, self.password.expose_secret());
        SecretText(format!("Basic {}", STANDARD.encode(pair)))
    }
}

/// A secret that can be compared and not printed.
#[derive(PartialEq, Eq)]
struct SecretText(String);

impl SecretText {
    fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl DirectHosts {
    /// Whether this host, in lower case, is one of them.
    fn hold(&self, host: &str) -> bool {
        match self {
            DirectHosts::Glob(pattern) => is_like(pattern, host),
            DirectHosts::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            DirectHosts::Range(range) => {
                let address = host.trim_start_matches('[').trim_end_matches(']');
                address
                    .parse::<IpAddr>()
                    .is_ok_and(|address| range.contains(address))
            }
        }
    }
}

/// Whether a text is like a pattern in which `*` stands for any characters.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(direct: Vec<DirectHosts>) -> NetworkSettings {
        NetworkSettings {
            proxy: Some(HttpProxy {
                url: "http://proxy.example:3128".to_owned(),
                login: None,
                direct,
            }),
            roots: Vec::new(),
        }
    }

    #[test]
    fn this_computer_and_the_metadata_service_are_always_direct() {
        let network = with(Vec::new());
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "169.254.169.254",
        ] {
            assert!(network.proxy_for(host).is_none(), "{host}");
        }
        for host in ["login.microsoftonline.com", "10.0.0.1", "169.254.169.253"] {
            assert!(network.proxy_for(host).is_some(), "{host}");
            assert!(NetworkSettings::default().proxy_for(host).is_none());
        }
    }

    #[test]
    fn globs_match_whole_names_in_any_letter_case() {
        let glob = |text: &str| with(vec![DirectHosts::Glob(text.to_owned())]);
        for (pattern, direct, not) in [
            ("*.corp.example", "a.b.CORP.example", "corp.example"),
            ("api.corp.example", "api.corp.example.", "xapi.corp.example"),
            ("a*c*e", "abcde", "abcd"),
            ("10.*", "10.2.3.4", "110.2.3.4"),
            ("a*a", "aa", "a"),
            ("*", "anything", ""),
        ] {
            let network = glob(pattern);
            assert!(network.proxy_for(direct).is_none(), "{pattern} {direct}");
            assert_eq!(
                network.proxy_for(not).is_some(),
                !not.is_empty(),
                "{pattern} {not}"
            );
        }
    }

    #[test]
    fn a_domain_holds_all_below_it_and_a_range_its_addresses() {
        let network = with(vec![
            DirectHosts::Domain("corp.example".to_owned()),
            DirectHosts::Range("10.0.0.0/8".parse().unwrap()),
            DirectHosts::Range("fd00::/8".parse().unwrap()),
        ]);
        for host in ["corp.example", "a.corp.example", "10.1.2.3", "[fd00::7]"] {
            assert!(network.proxy_for(host).is_none(), "{host}");
        }
        for host in ["xcorp.example", "corp.example.org", "11.1.2.3", "[fe80::1]"] {
            assert!(network.proxy_for(host).is_some(), "{host}");
        }
    }

    #[test]
    fn another_password_is_another_network() {
        let login = |password: &str| {
            let mut network = with(Vec::new());
            network.proxy.as_mut().unwrap().login = Some(ProxyLogin {
                username: "svc".to_owned(),
                password: password.into(),
            });
            network
        };
        assert!(login("one").is_same(&login("one")));
        assert!(!login("one").is_same(&login("two")));
        assert!(!login("one").is_same(&with(Vec::new())));
        let header = login("pass:word").proxy.unwrap().login.unwrap().header();
        let header = header.unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header, "Basic c3ZjOnBhc3M6d29yZA==");
    }
}

//! Where a tenant's calls go, and which hosts a token may be sent to. A wrong host is a leaked token, so what settings
//! say is checked here and nowhere else.

use core::net::IpAddr;

/// Hosts of the API itself, in every cloud that has one (defender-api, clouds and hosts).
const API_HOSTS: &[&str] = &[
    "api.security.microsoft.com",
    "us.api.security.microsoft.com",
    "eu.api.security.microsoft.com",
    "uk.api.security.microsoft.com",
    "au.api.security.microsoft.com",
    "swa.api.security.microsoft.com",
    "ina.api.security.microsoft.com",
    "api.securitycenter.microsoft.com",
    "api-us.securitycenter.microsoft.com",
    "api-eu.securitycenter.microsoft.com",
    "api-uk.securitycenter.microsoft.com",
    "api.securitycenter.windows.com",
    "api-us.securitycenter.windows.com",
    "api-eu.securitycenter.windows.com",
    "api-uk.securitycenter.windows.com",
    "api-gcc.securitycenter.microsoft.us",
    "api-gov.securitycenter.microsoft.us",
];

/// Hosts that issue tokens for those clouds.
const LOGIN_HOSTS: &[&str] = &[
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoftonline.us",
];

/// Where a tenant's calls go. Three separate settings: the host of the API and the audience of its token differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Scheme, host and perhaps a path, without a trailing slash: `{api_base}/api/machines/…`.
    pub api_base: String,
    /// The login authority, without a trailing slash: `{authority}/{tenant}/oauth2/v2.0/token`.
    pub authority: String,
    /// The `scope` of the token request, as a rule ending in `/.default`.
    pub token_scope: String,
}

impl Endpoints {
    /// The public cloud. The audience stays on the older name; other scopes answer 403 (defender-api, audience).
    #[must_use]
    pub fn commercial() -> Endpoints {
        Endpoints::preset(
            "https://api.security.microsoft.com",
            "https://login.microsoftonline.com",
            "https://api.securitycenter.microsoft.com/.default",
        )
    }

    /// US Government GCC: its own API host, the public login.
    #[must_use]
    pub fn gcc() -> Endpoints {
        Endpoints::preset(
            "https://api-gcc.securitycenter.microsoft.us",
            "https://login.microsoftonline.com",
            "https://api-gcc.securitycenter.microsoft.us/.default",
        )
    }

    /// US Government GCC High and DoD.
    #[must_use]
    pub fn gcc_high() -> Endpoints {
        Endpoints::preset(
            "https://api-gov.securitycenter.microsoft.us",
            "https://login.microsoftonline.us",
            "https://api-gov.securitycenter.microsoft.us/.default",
        )
    }

    fn preset(api_base: &str, authority: &str, token_scope: &str) -> Endpoints {
        Endpoints {
            api_base: api_base.into(),
            authority: authority.into(),
            token_scope: token_scope.into(),
        }
    }

    /// Endpoints from settings. Loopback is free, plain http included; other hosts must be known ones unless
    /// `allow_any_host`, and never go over plain http.
    ///
    /// # Errors
    /// The setting that is wrong, and why; never its text, which may hold a password.
    pub fn custom(
        api_base: &str,
        authority: &str,
        token_scope: &str,
        allow_any_host: bool,
    ) -> Result<Endpoints, BadEndpoint> {
        let known =
            |hosts: &'static [&'static str]| if allow_any_host { None } else { Some(hosts) };
        let api_base = base("api_base", api_base, known(API_HOSTS))?;
        let authority = base("authority", authority, known(LOGIN_HOSTS))?;
        if token_scope.is_empty()
            || token_scope.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(BadEndpoint::Scope);
        }
        Ok(Endpoints {
            api_base,
            authority,
            token_scope: token_scope.to_owned(),
        })
    }

    /// What the token's `aud` must be: the scope without `/.default`.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.token_scope
            .strip_suffix("/.default")
            .unwrap_or(&self.token_scope)
    }

    /// Scheme and authority of the API, and the path its calls stand below (mostly empty).
    pub(super) fn api_parts(&self) -> (&str, &str) {
        let host = self.api_base.find("://").map_or(0, |at| at + 3);
        let end = self.api_base[host..]
            .find('/')
            .map_or(self.api_base.len(), |at| host + at);
        self.api_base.split_at(end)
    }
}

/// A login authority from settings, as [`Endpoints::custom`] takes it: a known one, or loopback.
///
/// # Errors
/// Why not; never its text.
pub fn login_authority(text: &str) -> Result<String, BadEndpoint> {
    base("authority", text, Some(LOGIN_HOSTS))
}

/// Why a configured endpoint is refused. `setting` is the name of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Not an absolute http or https URL, or one with a query or a fragment.
    #[error("{setting} must be a plain https URL such as https://api.security.microsoft.com")]
    NotAUrl {
        /// The key.
        setting: &'static str,
    },
    /// A name or password stands in the URL.
    #[error("{setting} must not contain a user name or password")]
    UserInfo {
        /// The key.
        setting: &'static str,
    },
    /// Plain http to another host than this one.
    #[error("{setting} must use https: plain http is for loopback addresses only")]
    PlainHttp {
        /// The key.
        setting: &'static str,
    },
    /// A host that belongs to no preset.
    #[error(
        "{setting}: {host} is not a known host of this product; set cloud = \"custom\" if the token may go there"
    )]
    UnknownHost {
        /// The key.
        setting: &'static str,
        /// The host.
        host: String,
    },
    /// The scope is empty or names more than one resource.
    #[error(
        "token_scope must name exactly one resource, such as https://api.securitycenter.microsoft.com/.default"
    )]
    Scope,
}

/// Checks one configured URL and takes its trailing slash away.
fn base(setting: &'static str, text: &str, known: Option<&[&str]>) -> Result<String, BadEndpoint> {
    let text = text.trim_end_matches('/');
    let uri: http::Uri = text.parse().map_err(|_| BadEndpoint::NotAUrl { setting })?;
    let authority = uri.authority().ok_or(BadEndpoint::NotAUrl { setting })?;
    if authority.as_str().contains('@') {
        return Err(BadEndpoint::UserInfo { setting });
    }
    let plain = match uri.scheme_str() {
        Some("https") => false,
        Some("http") => true,
        _ => return Err(BadEndpoint::NotAUrl { setting }),
    };
    if authority.host().is_empty() || text.contains(['#', '?']) {
        return Err(BadEndpoint::NotAUrl { setting });
    }
    let host = authority.host().to_ascii_lowercase();
    if is_loopback(&host) {
        return Ok(text.to_owned());
    }
    if plain {
        return Err(BadEndpoint::PlainHttp { setting });
    }
    if known.is_some_and(|hosts| !hosts.contains(&host.as_str())) {
        return Err(BadEndpoint::UnknownHost { setting, host });
    }
    Ok(text.to_owned())
}

/// This computer, by name or address; an IPv6 address stands in brackets as in a URL.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SCOPE: &str = "https://api.securitycenter.microsoft.com/.default";
    const LOGIN: &str = "https://login.microsoftonline.com";

    fn custom(api_base: &str, any: bool) -> Result<Endpoints, BadEndpoint> {
        Endpoints::custom(api_base, LOGIN, SCOPE, any)
    }

    #[test]
    fn the_presets_pass_their_own_check() {
        for e in [
            Endpoints::commercial(),
            Endpoints::gcc(),
            Endpoints::gcc_high(),
        ] {
            assert_eq!(
                Endpoints::custom(&e.api_base, &e.authority, &e.token_scope, false),
                Ok(e)
            );
        }
    }

    #[test]
    fn the_audience_is_not_the_host() {
        assert_eq!(
            Endpoints::commercial().audience(),
            "https://api.securitycenter.microsoft.com"
        );
        let moved = custom("https://eu.api.security.microsoft.com/", false).unwrap();
        assert_eq!(moved.api_base, "https://eu.api.security.microsoft.com");
        assert_eq!(moved.audience(), "https://api.securitycenter.microsoft.com");
    }

    #[test]
    fn a_token_goes_to_known_hosts_only() {
        let setting = "api_base";
        for unknown in [
            "https://api.security.microsoft.com.evil.example",
            "https://evil.example/api.security.microsoft.com",
            "https://10.0.0.7",
            "https://login.chinacloudapi.cn",
        ] {
            assert!(
                matches!(custom(unknown, false), Err(BadEndpoint::UnknownHost { .. })),
                "{unknown}"
            );
            assert!(custom(unknown, true).is_ok(), "{unknown}");
        }
        for any in [false, true] {
            assert_eq!(
                custom("https://u:p@api.security.microsoft.com", any),
                Err(BadEndpoint::UserInfo { setting })
            );
            assert_eq!(
                custom("http://api.security.microsoft.com", any),
                Err(BadEndpoint::PlainHttp { setting })
            );
            assert_eq!(
                custom("http://localhost.example", any),
                Err(BadEndpoint::PlainHttp { setting })
            );
            for bad in [
                "",
                "api.security.microsoft.com",
                "ftp://127.0.0.1",
                "https://h/?q",
                "https://h/#f",
                "https://",
            ] {
                assert_eq!(
                    custom(bad, any),
                    Err(BadEndpoint::NotAUrl { setting }),
                    "{bad}"
                );
            }
        }
        let swapped = Endpoints::custom(
            "https://api.security.microsoft.com",
            "https://evil.example",
            SCOPE,
            false,
        );
        assert!(matches!(
            swapped,
            Err(BadEndpoint::UnknownHost {
                setting: "authority",
                ..
            })
        ));
    }

    #[test]
    fn loopback_is_free() {
        for base in [
            "http://127.0.0.1:8443",
            "http://localhost:1",
            "http://[::1]:9/sub",
            "https://127.8.8.8",
        ] {
            assert_eq!(custom(base, false).unwrap().api_base, base);
        }
    }

    #[test]
    fn a_scope_names_one_resource() {
        for bad in ["", "a/.default b/.default", "a\n"] {
            let refused = Endpoints::custom("http://127.0.0.1", LOGIN, bad, true);
            assert_eq!(refused, Err(BadEndpoint::Scope), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_password() {
        let refused = custom("https://user:hunter2@h", true).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}

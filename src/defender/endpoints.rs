//! Where a tenant's calls go: the clouds that are known, and what settings say. Hosts are checked in `hosts`.

use super::hosts::{API_HOSTS, BadEndpoint, LOGIN_HOSTS, base};

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
    /// Where people look at a device: the portal that goes with the API's host; `None` where the settings name other hosts.
    #[must_use]
    pub fn portal(&self) -> Option<&'static str> {
        let host = self.api_base.strip_prefix("https://")?;
        let host = host.split(['/', ':']).next()?;
        match host {
            "api-gov.securitycenter.microsoft.us" => Some("https://security.microsoft.us"),
            "api-gcc.securitycenter.microsoft.us" => Some("https://security.microsoft.com"),
            _ if host == "api.security.microsoft.com"
                || host.ends_with(".api.security.microsoft.com") =>
            {
                Some("https://security.microsoft.com")
            }
            _ => None,
        }
    }

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

    /// Azure's resource manager in the cloud of these addresses, and the same addresses for a token to it.
    #[must_use]
    pub fn of_azure(&self) -> (&'static str, Endpoints) {
        let base = match self.authority.ends_with(".us") {
            true => "https://management.usgovcloudapi.net",
            false => "https://management.azure.com",
        };
        let azure = Endpoints {
            token_scope: format!("{base}/.default"),
            ..self.clone()
        };
        (base, azure)
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

/// An address of Azure from settings: https, or this computer.
///
/// # Errors
/// Why not; never its text.
pub fn azure_base(text: &str) -> Result<String, BadEndpoint> {
    base("arm_base", text, None)
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
    fn azure_is_that_of_the_cloud() {
        for (e, base) in [
            (Endpoints::commercial(), "https://management.azure.com"),
            (Endpoints::gcc(), "https://management.azure.com"),
            (
                Endpoints::gcc_high(),
                "https://management.usgovcloudapi.net",
            ),
        ] {
            let (found, azure) = e.of_azure();
            assert_eq!((found, azure.audience()), (base, base));
            assert_eq!(azure.authority, e.authority);
        }
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

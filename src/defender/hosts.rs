//! Which hosts a token may be sent to: the known ones of every cloud, and this computer. A wrong host is a leaked
//! token, so an address from settings is checked here and nowhere else.

use core::net::IpAddr;

/// Hosts of the API itself, in every cloud that has one (defender-api, clouds and hosts).
pub(super) const API_HOSTS: &[&str] = &[
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
pub(super) const LOGIN_HOSTS: &[&str] = &[
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoftonline.us",
];

/// Why a configured endpoint is refused. `setting` is the name of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Not an absolute http or https URL, or one with a query or a fragment.
    #[error("{setting} must be a plain https URL such as https://api.security.microsoft.com")]
    NotAUrl { setting: &'static str },
    /// A name or password stands in the URL.
    #[error("{setting} must not contain a user name or password")]
    UserInfo { setting: &'static str },
    /// Plain http to another host than this one.
    #[error("{setting} must use https: plain http is for loopback addresses only")]
    PlainHttp { setting: &'static str },
    /// A host that belongs to no preset.
    #[error(
        "{setting}: {host} is not a known host of this product; set cloud = \"custom\" if the token may go there"
    )]
    UnknownHost { setting: &'static str, host: String },
    /// The scope is empty or names more than one resource.
    #[error(
        "token_scope must name exactly one resource, such as https://api.securitycenter.microsoft.com/.default"
    )]
    Scope,
}

/// Checks one configured URL and takes its trailing slash away.
pub(super) fn base(
    setting: &'static str,
    text: &str,
    known: Option<&[&str]>,
) -> Result<String, BadEndpoint> {
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

/// Whether this is a plain http URL of this computer or of a link-local address, where no proxy has a part.
#[must_use]
pub fn is_near(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let plain = uri.scheme_str() == Some("http") && !authority.contains('@');
    plain && !url.contains(['#', '?']) && uri.host().is_some_and(is_near_host)
}

/// This computer, or a link-local address.
pub(super) fn is_near_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let link_local = match address.unwrap_or(host).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_unicast_link_local(),
        Err(_) => false,
    };
    link_local || is_loopback(host)
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

/// The metadata service of a cloud's machine, which only the machine itself can ask.
#[must_use]
pub(super) fn is_metadata(host: &str) -> bool {
    host == "169.254.169.254"
}

//! `[network]`: the proxy and the authorities beside the system's. Nothing is taken from the environment unless it says so.

use std::collections::BTreeMap;

use super::authorities::bundle;
use super::place::{Context, Section};
use super::secret;
use crate::defender::network::{DirectHosts, HttpProxy, NetworkSettings, ProxyLogin};
use scanhook_core::network::NetworkError;

const URL: &str =
    "must be a URL of http or https, such as \"http://proxy.corp.example:3128\", without a path";
const USER_INFO: &str =
    "must not hold a user name or a password: name them with `username` and `password_file`";
const DIRECT: &str = "must name hosts, such as \"*.corp.example\": no scheme, no port, no path";

pub(super) fn read<'i>(mut section: Section<'i>, ctx: &mut Context<'i>) -> Option<NetworkSettings> {
    let faults = ctx.faults.len();
    let proxy = if section.is_text(ctx, "proxy") {
        of_environment(&mut section, ctx)
    } else if section.has(ctx, "proxy") {
        section
            .section(ctx, "proxy")
            .and_then(|table| of_table(table, ctx))
    } else {
        section.offer(&["proxy"]);
        None
    };
    let roots = bundle(&mut section, ctx, "ca_file");
    section.finish(ctx);
    (ctx.faults.len() == faults).then_some(NetworkSettings { proxy, roots })
}

fn of_table<'i>(mut table: Section<'i>, ctx: &mut Context<'i>) -> Option<HttpProxy> {
    let url = table.take::<String>(ctx, "url");
    let url = match url.as_deref().map(proxy_url) {
        Some(Ok(url)) => Some(url),
        Some(Err(message)) => {
            table.fault(ctx, "url", "bad-value", message);
            None
        }
        None => {
            if !table.knows("url") {
                table.missing(ctx, "url", URL);
            }
            None
        }
    };
    let username = table.parse(ctx, "username", "a name without a colon", |text| {
        let whole = !text.is_empty() && !text.contains(|c: char| c == ':' || c.is_control());
        whole.then(|| text.to_owned())
    });
    table.offer(&["password_file"]);
    let password = table
        .has(ctx, "password_file")
        .then(|| secret::text_in(&mut table, ctx, "password_file"));
    match (table.knows("username"), &password) {
        (true, None) => table.missing(ctx, "password_file", "must stand beside `username`"),
        (false, Some(_)) => table.missing(ctx, "username", "must stand beside `password_file`"),
        _ => {}
    }
    let mut direct = Vec::new();
    for pattern in table.texts(ctx, "direct").unwrap_or_default() {
        let pattern = pattern.trim_end_matches('.').to_lowercase();
        let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | ',' | '?');
        let port = pattern.contains(':') && !pattern.starts_with('[');
        if pattern.is_empty() || port || pattern.contains(odd) {
            table.fault(ctx, "direct", "bad-value", DIRECT);
        } else {
            direct.push(DirectHosts::Glob(pattern));
        }
    }
    table.finish(ctx);
    Some(HttpProxy {
        url: url?,
        login: username
            .zip(password.flatten())
            .map(|(username, password)| ProxyLogin { username, password }),
        direct,
    })
}

/// `proxy = "environment"`: the variables that other programs go by.
fn of_environment<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<HttpProxy> {
    section.parse(ctx, "proxy", "a table, or \"environment\"", |text| {
        (text == "environment").then_some(())
    })?;
    let Some(url) = variable(ctx.env, "HTTPS_PROXY") else {
        ctx.notes.push(
            "[network] proxy = \"environment\", but HTTPS_PROXY is not set: no proxy is used"
                .to_owned(),
        );
        return None;
    };
    // Other programs take a host and a port as well.
    let url = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let url = match proxy_url(&url) {
        Ok(url) => url,
        Err(message) => {
            section.fault(ctx, "proxy", "bad-value", format!("HTTPS_PROXY {message}"));
            return None;
        }
    };
    let direct = variable(ctx.env, "NO_PROXY").map_or_else(Vec::new, no_proxy);
    Some(HttpProxy {
        url,
        login: None,
        direct,
    })
}

/// A variable in capitals, or in small letters, as other programs take it.
fn variable<'e>(env: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    let set = |name: &str| {
        env.get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    set(name).or_else(|| set(&name.to_lowercase()))
}

/// `NO_PROXY`: names with all below them, addresses and ranges, `*` for every host; a port is not looked at.
fn no_proxy(text: &str) -> Vec<DirectHosts> {
    let entries = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let entry = entry.to_lowercase();
            // Other programs take 10.1.2.3/8 for the range that it lies in.
            match entry.trim_matches(['[', ']']).parse() {
                Ok(range) | Err(NetworkError::HostBits { meant: range }) => {
                    return DirectHosts::Range(range);
                }
                Err(_) => {}
            }
            let name = match entry.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
                _ => &entry,
            };
            let name = name.trim_end_matches('.');
            if name.contains('*') {
                DirectHosts::Glob(name.to_owned())
            } else {
                DirectHosts::Domain(name.trim_start_matches('.').to_owned())
            }
        })
        .collect()
}

/// The address of a proxy, without anything secret in it.
fn proxy_url(text: &str) -> Result<String, &'static str> {
    if text.contains('@') {
        return Err(USER_INFO);
    }
    let uri: http::Uri = text.parse().map_err(|_| URL)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
    match uri.host() {
        Some(host) if known && plain && !host.is_empty() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(URL),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_proxy_is_read_as_other_programs_read_it() {
        let domain = |text: &str| DirectHosts::Domain(text.to_owned());
        assert_eq!(
            no_proxy(" .corp.example, Host.Example:8443,10.0.0.0/8 ,::1,*,*.lab.example "),
            [
                domain("corp.example"),
                domain("host.example"),
                DirectHosts::Range("10.0.0.0/8".parse().unwrap()),
                DirectHosts::Range("::1".parse().unwrap()),
                DirectHosts::Glob("*".to_owned()),
                DirectHosts::Glob("*.lab.example".to_owned()),
            ]
        );
        assert_eq!(no_proxy(" , "), []);
    }

    #[test]
    fn the_address_of_a_proxy_is_a_plain_url_of_http() {
        for text in [
            "http://proxy.example:3128",
            "https://proxy.example/",
            "http://[::1]:3128",
        ] {
            assert_eq!(proxy_url(text), Ok(text.trim_end_matches('/').to_owned()));
        }
        assert_eq!(proxy_url("http://u:p@proxy.example"), Err(USER_INFO));
        for text in [
            "",
            "proxy.example:3128",
            "socks5://proxy.example",
            "http://proxy.example/path",
            "http://proxy.example/?q",
            "http://",
        ] {
            assert_eq!(proxy_url(text), Err(URL), "{text}");
        }
    }
}

//! A browser on this computer speaks for pages from anywhere. So a request must be
//! for a name that no page of others can be served from: a loopback name, or that of `[admin] public_url`. It must not come
//! from a page of another origin, and an order must be of a media type that no form can send. Browsers say with each POST where
//! it comes from; one that could be theirs and does not say so is refused, too.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core::net::IpAddr;

use super::access::cookie::has_cookie;
use super::content::{FORM, content_type, only};
use super::refusal::{CommandError, HttpError};
use crate::in_force::door::SourceDoor;

/// Whether a request is for this listener, and not from a page of somebody else. `scheme` is that of this listener.
pub(super) fn check(
    method: &Method,
    headers: &HeaderMap,
    scheme: &str,
    public_url: Option<&str>,
) -> Result<(), HttpError> {
    let public_host = public_url.and_then(|url| Some(url.split_once("://")?.1));
    let host = only(headers, header::HOST)
        .filter(|host| {
            is_loopback(host) || public_host.is_some_and(|own| own.eq_ignore_ascii_case(host))
        })
        .ok_or(CommandError::ForeignHost)?;
    if headers.contains_key(header::ORIGIN) {
        // Whatever this listener speaks itself, people reach its public name by the scheme of that.
        let own = |origin: &str| {
            let is_here = origin
                .strip_prefix(scheme)
                .is_some_and(|own| own.eq_ignore_ascii_case(host));
            let is_public = public_host.is_some_and(|own| own.eq_ignore_ascii_case(host))
                && public_url.is_some_and(|url| url.eq_ignore_ascii_case(origin));
            is_here || is_public
        };
        if !only(headers, header::ORIGIN).is_some_and(own) {
            return Err(CommandError::ForeignOrigin.into());
        }
    } else if has_cookie(headers) {
        named(method, headers)?;
    }
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if changes(method) && site.is_some_and(|site| site != b"same-origin") {
        return Err(CommandError::ForeignOrigin.into());
    }
    Ok(())
}

/// Whether a request that could be that of any page says which one it comes from: browsers do so with each form.
pub(super) fn named(method: &Method, headers: &HeaderMap) -> Result<(), HttpError> {
    match changes(method) && !headers.contains_key(header::ORIGIN) {
        true => Err(CommandError::ForeignOrigin.into()),
        false => Ok(()),
    }
}

/// Whether a request of this method may change anything.
fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Lets pass orders of a media type that no form can send; and those without a body, which a page of another origin cannot send
/// without saying where it is from.
pub(super) async fn typed(request: Request, next: Next) -> Response {
    match check_type(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check_type(method: &Method, headers: &HeaderMap) -> Result<(), HttpError> {
    let empty = || {
        !headers.contains_key(header::TRANSFER_ENCODING)
            && only(headers, header::CONTENT_LENGTH).is_none_or(|n| n == "0")
    };
    // Nothing is ordered by another method, which is answered 405.
    if *method != Method::POST || (!headers.contains_key(header::CONTENT_TYPE) && empty()) {
        return Ok(());
    }
    content_type(&SourceDoor::default(), headers).map(|_| ())
}

/// Lets pass forms that a page of this listener sends. Browsers say with every POST where it comes from; what does not say so
/// may come from anywhere.
pub(super) async fn from_here(request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let checked = match *method == Method::POST {
        true => is_form(headers).and_then(|()| named(method, headers)),
        false => Ok(()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Whether a body is what a form sends.
fn is_form(headers: &HeaderMap) -> Result<(), HttpError> {
    let door = SourceDoor {
        content_types: vec![FORM.to_owned()],
        ..SourceDoor::default()
    };
    content_type(&door, headers).map(|_| ())
}

/// A name that only this computer can answer to. The port is free, for it may be that of a tunnel.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    // `Authority::host` skips a user before an `@`, and no Host has one.
    let plain = !host.contains('@');
    plain
        && (name.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::http::HeaderName;

    fn asked(method: Method, lines: &[(&str, &str)]) -> Result<(), &'static str> {
        let lines = lines
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        lines.for_each(|(name, value): (HeaderName, axum::http::HeaderValue)| {
            headers.append(name, value);
        });
        check(
            &method,
            &headers,
            "http://",
            Some("https://scanhook.example"),
        )
        .and_then(|()| check_type(&method, &headers))
        .map_err(|refusal| refusal.code())
    }

    #[test]
    fn only_a_loopback_name_is_answered() {
        for host in [
            "127.0.0.1:9090",
            "localhost:9090",
            "LOCALHOST",
            "[::1]:9090",
            "127.8.8.8:1",
            "localhost:19090",
            "Scanhook.example",
        ] {
            assert_eq!(asked(Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "rebound.example:9090",
            "127.0.0.1.rebound.example",
            "10.0.0.7:9090",
            "[::2]:9090",
            "",
            "u@localhost",
        ] {
            assert_eq!(
                asked(Method::GET, &[("host", host)]),
                Err("foreign-host"),
                "{host}"
            );
        }
        assert_eq!(asked(Method::GET, &[]), Err("foreign-host"));
        assert_eq!(
            asked(Method::GET, &[("host", "localhost"), ("host", "x")]),
            Err("foreign-host")
        );
    }

    #[test]
    fn a_page_of_another_origin_gives_no_orders_and_reads_nothing() {
        let from = |method, origin| {
            let json = ("content-type", "application/json");
            asked(
                method,
                &[("host", "localhost:9090"), ("origin", origin), json],
            )
        };
        for method in [Method::GET, Method::POST] {
            assert_eq!(from(method.clone(), "http://localhost:9090"), Ok(()));
            for origin in [
                "null",
                "https://localhost:9090",
                "http://localhost:3000",
                "http://evil.example",
                "",
            ] {
                assert_eq!(
                    from(method.clone(), origin),
                    Err("foreign-origin"),
                    "{origin}"
                );
            }
        }
    }

    #[test]
    fn what_a_browser_could_have_sent_says_where_it_comes_from() {
        let json = ("content-type", "application/json");
        let cookie = ("cookie", "a=b; __Host-scanhook=x");
        let host = ("host", "localhost:9090");
        let own = ("origin", "http://localhost:9090");
        let site = |site| ("sec-fetch-site", site);
        let (post, get) = (Method::POST, Method::GET);
        assert_eq!(asked(post.clone(), &[host, json]), Ok(()), "a program");
        assert_eq!(asked(post.clone(), &[host, json, cookie, own]), Ok(()));
        assert_eq!(asked(get.clone(), &[host, cookie]), Ok(()));
        assert_eq!(asked(get, &[host, cookie, site("cross-site")]), Ok(()));
        let refused = Err("foreign-origin");
        assert_eq!(asked(post.clone(), &[host, json, cookie]), refused);
        for from in ["cross-site", "same-site", "none", ""] {
            let lines = [host, json, own, site(from)];
            assert_eq!(asked(post.clone(), &lines), refused, "{from}");
        }
        assert_eq!(asked(post, &[host, json, own, site("same-origin")]), Ok(()));
    }

    #[test]
    fn an_order_is_of_a_type_that_no_form_sends() {
        let typed = |kind| {
            asked(
                Method::POST,
                &[("host", "localhost"), ("content-type", kind)],
            )
        };
        assert_eq!(typed("application/json; charset=utf-8"), Ok(()));
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(typed(kind), Err("media-type"), "{kind}");
        }
        let untyped = |length| {
            asked(
                Method::POST,
                &[("host", "localhost"), ("content-length", length)],
            )
        };
        assert_eq!((untyped("2"), untyped("0")), (Err("media-type"), Ok(())));
        assert_eq!(
            asked(Method::POST, &[("host", "localhost")]),
            Ok(()),
            "there is no body"
        );
        assert_eq!(
            asked(
                Method::POST,
                &[("host", "localhost"), ("transfer-encoding", "chunked")]
            ),
            Err("media-type")
        );
    }
}

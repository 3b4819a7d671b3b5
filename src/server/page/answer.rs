//! Every answer to a browser: how a page is written, the headers that keep it to itself, and a page in place of a problem.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem;
use crate::server::access::AskedBy;
use crate::server::handshake::OverTls;
use crate::server::refusal::RefusedWith;
use crate::server::sign_in::page::PageBehind;
use crate::server::state::Admin;

/// What a page may load, run and do: what this listener serves and nothing else, and markup by our own policy alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types scanhook";
/// What a page asks of the computer: nothing.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` the forms of a page would say that they come from nowhere.
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// Whether this path is one of the API.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/-/")
}

/// Whether this path is one that programs call.
fn is_for_programs(path: &str) -> bool {
    is_api(path) || ["/metrics", "/livez", "/readyz"].contains(&path)
}

/// Gives the answers to browsers their headers, and tells them of a problem in a page.
pub(in crate::server) async fn dress(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let asks_for_html = request
        .headers()
        .get_all(ACCEPT)
        .iter()
        .any(|line| line.to_str().is_ok_and(|line| line.contains("text/html")));
    let is_page = request.extensions().get::<MatchedPath>().is_some() || asks_for_html;
    let over_tls = request.extensions().get::<OverTls>().is_some();
    let behind = PageBehind::of(&request);
    let response = next.run(request).await;
    let refused = response.extensions().get::<RefusedWith>().cloned();
    let refused = refused.filter(|_| asks_for_html);
    let mut response = match refused {
        // Whoever is not known, or not any more, is asked to sign in, whatever a browser asks for.
        Some(RefusedWith(refused))
            if refused.status() == StatusCode::UNAUTHORIZED && !is_api(&path) =>
        {
            let page = behind.sign_in_first(&admin.settings(), &refused);
            in_place_of(&response, page)
        }
        _ if is_for_programs(&path) || !is_page => return response,
        Some(RefusedWith(refused)) => {
            let asked = response.extensions().get::<AskedBy>();
            let page = problem::page(asked, &refused);
            page.map_or_else(
                |_| refused.into_response(),
                |page| in_place_of(&response, page),
            )
        }
        None => response,
    };
    protect(response.headers_mut(), over_tls);
    response
}

/// A page that says what this answer says.
fn in_place_of(response: &Response, mut page: Response) -> Response {
    for name in [RETRY_AFTER, WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn protect(headers: &mut HeaderMap, over_tls: bool) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if over_tls {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }
}

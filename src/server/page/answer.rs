//! Every answer to a browser: how a page is written, the headers that keep it to itself, and a page in place of a problem.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem;
use crate::server::access::AskedBy;
use crate::server::handshake::OverTls;
use crate::server::refusal::{HttpError, RefusedWith};
use crate::server::sign_in::page::SignInPage;
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

/// Whether this path is one that programs call.
fn is_for_programs(path: &str) -> bool {
    let others = ["/metrics", "/livez", "/readyz"];
    path.starts_with("/api/") || path.starts_with("/-/") || others.contains(&path)
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
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
    // What a form sends is not asked for once more.
    let asked_for = match *request.method() == Method::GET {
        true => request.uri().path_and_query().map(ToString::to_string),
        false => None,
    };
    let response = next.run(request).await;
    // The form for signing in stands in place of whatever a browser asks for.
    if (is_for_programs(&path) || !is_page) && !is_html(&response) {
        return response;
    }
    let mut response = match response.extensions().get::<RefusedWith>().cloned() {
        Some(RefusedWith(refused))
            if asks_for_html && refused.status() == StatusCode::UNAUTHORIZED =>
        {
            // Whoever is not known, or not any more, is asked to sign in.
            SignInPage::new(&admin.settings(), asked_for.as_deref()).refused(&refused)
        }
        Some(RefusedWith(refused)) if asks_for_html => in_words(&response, &refused),
        _ => response,
    };
    protect(response.headers_mut(), over_tls);
    response
}

fn in_words(response: &Response, refused: &HttpError) -> Response {
    let asked = response.extensions().get::<AskedBy>();
    let Ok(mut page) = problem::page(asked, refused) else {
        return refused.clone().into_response();
    };
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

//! The page with the form for signing in. It stands in place of every page that somebody asks for who is not known yet.

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::back::WayBack;
use crate::server::access::session::key;
use crate::server::page::sign_in::{again, form};
use crate::server::refusal::{AccessError, HttpError};
use crate::settings::{OpenIdSettings, Settings};

/// What was asked for, as far as it comes after the page for signing in.
pub(in crate::server) struct PageBehind {
    way: WayBack,
    /// Whether a page of another site led the browser here, so that it has not sent its cookie.
    is_led_here: bool,
}

/// The issuer, if people are sent there.
pub(super) fn offered(settings: &Settings) -> Option<&OpenIdSettings> {
    let sign_in = settings.admin.sign_in.as_ref();
    sign_in.filter(|sign_in| sign_in.is_offered())
}

/// The page with the form, and the way from there; after an attempt that failed it says why.
pub(super) fn sign_in_page(
    settings: &Settings,
    way: &WayBack,
    refused: Option<&HttpError>,
) -> Response {
    let issuer = offered(settings).map(|sign_in| (way.in_query(), sign_in.shown()));
    let failed = refused.filter(|refused| !is_unknown(refused));
    let failed = failed.map(|refused| (refused.code(), refused.detail()));
    let status = refused.map_or(StatusCode::OK, HttpError::status);
    let mut response = form(status, way.path(), issuer.as_ref(), failed.as_ref());
    if let Some(seconds) = refused.and_then(HttpError::retry_after) {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Whether somebody has only not said yet who they are.
fn is_unknown(refused: &HttpError) -> bool {
    *refused == HttpError::Access(AccessError::SignInRequired)
}

fn says(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|line| line == value)
}

impl PageBehind {
    pub(in crate::server) fn of(request: &Request) -> PageBehind {
        let headers = request.headers();
        // What a form sends is not asked for once more.
        let asked = match *request.method() == Method::GET {
            true => request.uri().path_and_query(),
            false => None,
        };
        PageBehind {
            way: WayBack::of(asked.map(PathAndQuery::as_str)),
            is_led_here: says(headers, "sec-fetch-site", "cross-site")
                && says(headers, "sec-fetch-mode", "navigate")
                && key(headers).is_none(),
        }
    }

    /// The form in its place; or a page that asks for the same once more, from here, so that the cookie comes along.
    pub(in crate::server) fn sign_in_first(
        &self,
        settings: &Settings,
        refused: &HttpError,
    ) -> Response {
        if self.is_led_here && is_unknown(refused) {
            again("")
        } else {
            sign_in_page(settings, &self.way, Some(refused))
        }
    }
}

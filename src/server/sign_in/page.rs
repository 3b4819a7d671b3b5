//! The page with the form for signing in. It stands in place of every page that somebody asks for who is not known yet.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::back::WayBack;
use crate::server::access::session::key;
use crate::server::page::sign_in::{FailedAttempt, IssuerLink, again, form};
use crate::server::refusal::HttpError;
use crate::settings::Settings;

/// The page with the form.
pub(in crate::server) struct SignInPage {
    next: String,
    issuer: Option<IssuerLink>,
    refused: Option<FailedAttempt>,
}

/// Whether whoever asks would rather be shown the form than an error: a browser that asks for a page.
pub(in crate::server) fn is_wanted(request: &Request) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT).iter();
    let path = request.uri().path();
    *request.method() == Method::GET
        && !path.starts_with("/api/")
        && accepted.any(|line| line.to_str().is_ok_and(|line| line.contains("text/html")))
}

/// The form in place of the page that was asked for, which comes after it. A browser that was led here by a page of another
/// site does not send its cookie: it is shown a page that asks for the same once more, from here.
pub(in crate::server) fn in_place_of(request: &Request, settings: &Settings) -> Response {
    let headers = request.headers();
    if says(headers, "sec-fetch-site", "cross-site")
        && says(headers, "sec-fetch-mode", "navigate")
        && key(headers).is_none()
    {
        return again("");
    }
    let asked = request.uri().path_and_query();
    let page = SignInPage::new(settings, asked.map(|path| path.as_str()));
    let mut response = page.answer(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"scanhook\""),
    );
    response
}

fn says(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|line| line == value)
}

impl SignInPage {
    /// The form, and behind it the page that was asked for.
    pub(in crate::server) fn new(settings: &Settings, asked_for: Option<&str>) -> SignInPage {
        let way = WayBack::of(asked_for);
        let sign_in = settings.admin.sign_in.as_ref();
        let offered = sign_in.filter(|sign_in| sign_in.is_offered());
        SignInPage {
            next: way.path().to_owned(),
            issuer: offered.map(|sign_in| (way.in_query(), sign_in.shown())),
            refused: None,
        }
    }

    /// The page after an attempt that failed.
    pub(in crate::server) fn refused(mut self, refused: &HttpError) -> Response {
        if refused.code() != "sign-in-required" {
            self.refused = Some((refused.code(), refused.detail()));
        }
        let mut response = self.answer(refused.status());
        if let Some(seconds) = refused.retry_after() {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(super) fn answer(&self, status: StatusCode) -> Response {
        form(
            status,
            &self.next,
            self.issuer.as_ref(),
            self.refused.as_ref(),
        )
    }
}

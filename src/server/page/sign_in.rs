//! The page with the form for signing in, and the one that leads on at once.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::filters;
use super::shell::{NavPage, PageShell};
use super::written::html;
use crate::clock;

/// Where and with whose help people sign in at an issuer: a query, and a name.
pub(in crate::server) type IssuerLink = (String, String);
/// What was wrong with the last attempt: a code and a sentence.
pub(in crate::server) type FailedAttempt = (&'static str, String);

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInForm<'p> {
    shell: PageShell,
    next: &'p str,
    issuer: Option<&'p IssuerLink>,
    refused: Option<&'p FailedAttempt>,
}

#[derive(Template)]
#[template(path = "again.html")]
struct AgainPage<'p> {
    path: &'p str,
}

/// The form; `next` is the page that was asked for.
pub(in crate::server) fn form(
    status: StatusCode,
    next: &str,
    issuer: Option<&IssuerLink>,
    refused: Option<&FailedAttempt>,
) -> Response {
    let title = "Sign in".to_owned();
    let page = SignInForm {
        shell: PageShell::around(None, title, NavPage::Elsewhere, clock::now()),
        next,
        issuer,
        refused,
    };
    html(status, &page).unwrap_or_else(IntoResponse::into_response)
}

/// A page that leads on at once: to this path, or to itself where there is none.
pub(in crate::server) fn again(path: &str) -> Response {
    html(StatusCode::OK, &AgainPage { path }).unwrap_or_else(IntoResponse::into_response)
}

//! A problem as a page: its code, its sentence and what to do, by the table that docs/errors.md shows as well. Whoever is not
//! known yet is asked to sign in.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::filters;
use super::shell::{NavPage, PageShell};
use super::written::html;
use crate::clock;
use crate::server::access::AskedBy;
use crate::server::refusal::HttpError;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    shell: PageShell,
    status: u16,
    code: &'static str,
    sentence: String,
    remedy: &'static str,
    /// What the answer says beyond that, as a name and a value.
    more: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInForm {
    shell: PageShell,
    /// Why the last attempt failed.
    refused: Option<String>,
    /// Where it goes on.
    next: String,
}

/// The page that tells of a problem.
pub(super) fn page(
    asked: Option<&AskedBy>,
    refused: &HttpError,
    asked_for: Option<String>,
) -> Result<Response, HttpError> {
    let row = refused.entry();
    if row.status == StatusCode::UNAUTHORIZED {
        return sign_in(refused, asked_for);
    }
    let title = row.status.canonical_reason().unwrap_or("Problem");
    let page = ProblemPage {
        shell: PageShell::around(asked, title.to_owned(), NavPage::Elsewhere, clock::now()),
        status: row.status.as_u16(),
        code: row.code,
        sentence: refused.detail(),
        remedy: row.remedy,
        more: more(refused),
    };
    html(row.status, &page)
}

/// The form for signing in, in place of a page that asks who looks.
fn sign_in(refused: &HttpError, asked_for: Option<String>) -> Result<Response, HttpError> {
    let shell = PageShell::around(None, "Sign in".to_owned(), NavPage::Elsewhere, clock::now());
    let told = refused.code() != "sign-in-required";
    let page = SignInForm {
        shell,
        refused: told.then(|| refused.detail()),
        next: asked_for.unwrap_or_else(|| "/".to_owned()),
    };
    html(refused.status(), &page)
}

/// Members of the answer that are words or numbers.
fn more(refused: &HttpError) -> Vec<(String, String)> {
    let members = refused.members().into_iter();
    let words = members.filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        _ => None,
    });
    words.collect()
}

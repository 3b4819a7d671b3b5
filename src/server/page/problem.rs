//! A problem as a page: its code, its sentence and what to do, by the table that docs/errors.md shows as well.

use askama::Template;
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

/// The page that tells of a problem.
pub(super) fn page(asked: Option<&AskedBy>, refused: &HttpError) -> Result<Response, HttpError> {
    let row = refused.entry();
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

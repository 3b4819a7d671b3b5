//! Scans: those that wait, run and are over.

use askama::Template;
use axum::response::Response;

use super::filters;
use super::lists::{FilterField, ListFrame, choice, text};
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::ScanView;
use crate::journal::ListKind;
use crate::server::refusal::HttpError;
use scanhook_core::scan::Kind;

/// Alerts of one scan that a list shows.
const ALERTS: usize = 3;

#[derive(Template)]
#[template(path = "scans.html")]
struct ScansPage {
    shell: PageShell,
    frame: ListFrame,
    scans: Vec<ScanView>,
}

pub(super) async fn list(visit: Visit) -> Result<Response, HttpError> {
    let page = visit.admin.scans_view(&visit.asked, visit.pairs()).await?;
    let frame = ListFrame::new(&visit, fields(), &page);
    let shown = ScansPage {
        shell: visit.shell("Scans", NavPage::Scans).await?,
        frame,
        scans: page.items,
    };
    visit.shown(&shown.shell, &shown)
}

fn fields() -> Vec<FilterField> {
    vec![
        text("device", "Device", "lt-042, dc-*"),
        choice("state", "State", ListKind::Scans.states()),
        choice("outcome", "Outcome", ListKind::Scans.reasons()),
        choice("kind", "Scan", Kind::ALL.iter().map(|kind| kind.code())),
        choice("paused", "Paused", ["true", "false"]),
        text("rule", "Rule", ""),
        text("alert", "Alert id", ""),
        text("source", "Source", ""),
        text("since", "Since", "24h"),
        text("until", "Until", ""),
    ]
}

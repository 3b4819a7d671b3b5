//! Alerts: each with what was decided for its devices.

use askama::Template;
use axum::response::Response;

use super::filters;
use super::lists::{FilterField, ListFrame, choice, text};
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::AlertView;
use crate::journal::ListKind;
use crate::server::refusal::HttpError;
use scanhook_core::alert::Severity;

/// Devices of one alert that a list shows.
pub(super) const DEVICES: usize = 10;

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    shell: PageShell,
    frame: ListFrame,
    alerts: Vec<AlertView>,
}

pub(super) async fn list(visit: Visit) -> Result<Response, HttpError> {
    let page = visit.admin.alerts_view(&visit.asked, visit.pairs()).await?;
    let frame = ListFrame::new(&visit, fields(), &page);
    let shown = AlertsPage {
        shell: visit.shell("Alerts", NavPage::Alerts).await?,
        frame,
        alerts: page.items,
    };
    visit.shown(&shown.shell, &shown)
}

fn fields() -> Vec<FilterField> {
    vec![
        text("device", "Device", "lt-042, dc-*"),
        text("alert", "Alert id", ""),
        text("source", "Source", ""),
        choice(
            "severity",
            "Severity",
            Severity::ALL.iter().map(|one| one.code()),
        ),
        choice("state", "Alert", ListKind::Alerts.states()),
        choice("decision_state", "Decision", ListKind::Decisions.states()),
        text("reason", "Reason", ""),
        text("rule", "Rule", ""),
        text("title", "Title contains", ""),
        text("since", "Since", "24h"),
        text("until", "Until", ""),
    ]
}

//! Who ordered what, newest first, and the hash that proves that nothing was changed in between.

use askama::Template;
use axum::response::Response;

use super::filters;
use super::lists::{ListFrame, text};
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::Page;
use crate::server::refusal::HttpError;
use scanhook_core::access::AuditEntry;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: PageShell,
    frame: ListFrame,
    rows: Vec<AuditRow>,
    head: Option<String>,
}

/// A row with its time as people read it.
struct AuditRow {
    at: String,
    entry: AuditEntry,
}

pub(super) async fn list(visit: Visit) -> Result<Response, HttpError> {
    let view = visit.admin.audit_view(visit.pairs(), false).await?;
    let rows = view.items.into_iter().map(|link| AuditRow {
        at: scanhook_core::time::Timestamp::from_millis(link.entry.at).to_string(),
        entry: link.entry,
    });
    let page = Page {
        items: rows.collect(),
        next: view.next.map(|next| next.to_string()),
        total: None,
    };
    let fields = vec![
        text("subject", "Who", "token:xsoar"),
        text("what", "What", "approve"),
        text("since", "Since", "24h"),
        text("until", "Until", ""),
    ];
    let shown = AuditPage {
        shell: visit.shell("Audit", NavPage::System).await?,
        frame: ListFrame::new(&visit, fields, &page),
        rows: page.items,
        head: view.head,
    };
    visit.shown(&shown.shell, &shown)
}

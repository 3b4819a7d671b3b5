//! One scan: how it came about, what happened to it, and what it says.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::filters;
use super::portal::{device_page, timeline_page};
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::{DecisionView, ScanView};
use crate::journal::{Filter, Selector, Wants};
use crate::server::refusal::HttpError;
use scanhook_core::time::Timestamp;

/// Alerts of a scan that are shown.
const ALERTS: u16 = 100;

#[derive(Template)]
#[template(path = "scan.html")]
struct ScanPage {
    shell: PageShell,
    scan: ScanView,
    /// The decisions that it answers.
    decisions: Vec<DecisionView>,
    device_url: Option<String>,
    /// What happened on the device while it ran.
    timeline_url: Option<String>,
    /// Whether it may be called off, and whether it may be tried again.
    can_cancel: bool,
    can_retry: bool,
}

pub(super) async fn show(Path(id): Path<String>, visit: Visit) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let scan = admin.scan_view(&visit.asked, &id, visit.pairs()).await?;
    let filter = Filter {
        scan: scan.id.parse().ok(),
        limit: Some(ALERTS),
        ..Filter::default()
    };
    let decisions = admin.decisions_of(&visit.asked, filter).await?.items;
    let sent = scan.sent_at.as_deref().and_then(Timestamp::parse);
    let ended = scan.ended_at.as_deref().and_then(Timestamp::parse);
    let name = scan.device.called().to_owned();
    let may_be = |wants, word: &str| Selector::words(wants).contains(&word);
    let page = ScanPage {
        can_cancel: may_be(Wants::Open, &scan.state) && scan.ours && scan.called_off.is_none(),
        can_retry: scan
            .outcome
            .as_deref()
            .is_some_and(|outcome| may_be(Wants::Failed, outcome)),
        device_url: device_page(admin, &scan.tenant, &scan.machine),
        timeline_url: sent.and_then(|sent| {
            timeline_page(
                admin,
                &scan.tenant,
                &scan.machine,
                sent,
                ended.unwrap_or(visit.now),
            )
        }),
        shell: visit
            .shell(format!("Scan of {name}"), NavPage::Scans)
            .await?,
        scan,
        decisions,
    };
    visit.shown(&page.shell, &page)
}

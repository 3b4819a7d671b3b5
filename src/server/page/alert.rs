//! One alert: its story, what was decided for each device, and why this rule and no other.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::filters;
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::{AlertView, DecisionReceipt, DecisionView, ScanView};
use crate::explain::Judgement;
use crate::server::refusal::HttpError;
use scanhook_core::alert::AlertState;
use scanhook_core::percent::encoded;
use scanhook_core::scan::DecisionState;

/// Devices that are explained: each takes the policy that decided to be tried once more.
const EXPLAINED: usize = 5;

/// One sentence of the story.
struct StoryLine {
    at: Option<String>,
    text: String,
    /// Where it leads, and what that is called.
    link: Option<(String, String)>,
}

/// A device with what was decided for it, and why.
struct DecidedDevice {
    decision: DecisionView,
    judged: Option<Judgement>,
}

#[derive(Template)]
#[template(path = "alert.html")]
struct AlertPage {
    shell: PageShell,
    alert: AlertView,
    story: Vec<StoryLine>,
    devices: Vec<DecidedDevice>,
    /// Devices that are not explained here.
    others: Vec<DecisionReceipt>,
    /// What of it came to nothing and may be tried again: its delivery, or decisions.
    failed: Vec<String>,
}

pub(super) async fn show(
    Path((delivery, n)): Path<(String, String)>,
    visit: Visit,
) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let alert = admin
        .alert_view(&visit.asked, (&delivery, &n), visit.pairs())
        .await?;
    let decided = &alert.receipt.decisions;
    let nothing = || Ok(axum::extract::Query(Vec::new()));
    let mut devices = Vec::new();
    for one in decided.iter().take(EXPLAINED) {
        let decision = admin
            .decision_view(&visit.asked, &one.id, nothing())
            .await?;
        // What was stored by another version may not be explained by this one; the decision stands all the same.
        let judged = admin.explain_view(&visit.asked, &one.id, nothing()).await;
        devices.push(DecidedDevice {
            decision,
            judged: judged.ok(),
        });
    }
    let scan = match decided.iter().find_map(|one| one.scan_id.clone()) {
        Some(id) => Some(admin.scan_view(&visit.asked, &id, nothing()).await?),
        None => None,
    };
    let title = format!("Alert {}", alert.receipt.id);
    let shell = visit.shell(title, NavPage::Alerts).await?;
    let page = AlertPage {
        story: story(&alert, scan.as_ref(), shell.may.read_all),
        shell,
        failed: failed(&alert),
        others: decided.iter().skip(EXPLAINED).cloned().collect(),
        devices,
        alert,
    };
    visit.shown(&page.shell, &page)
}

/// What of an alert came to nothing: all of it, if it could not be read, or decisions that were dropped.
fn failed(alert: &AlertView) -> Vec<String> {
    if alert.receipt.state == AlertState::Parked.code() {
        return vec![alert.delivery.clone()];
    }
    let decisions = alert.receipt.decisions.iter();
    let dropped = decisions.filter(|one| one.state == DecisionState::Dropped.code());
    dropped.map(|one| one.id.clone()).collect()
}

/// Received, read, decided, scanned, ended.
fn story(alert: &AlertView, scan: Option<&ScanView>, reads_all: bool) -> Vec<StoryLine> {
    let line = |at: Option<&String>, text: String| StoryLine {
        at: at.cloned(),
        text,
        link: None,
    };
    let mut story = vec![line(
        Some(&alert.received_at),
        format!("Received from source {}.", alert.source),
    )];
    let severity = alert.severity.as_deref().unwrap_or("unknown");
    let devices = match alert.devices.len() {
        0 => "no device".to_owned(),
        1 => "one device".to_owned(),
        many => format!("{many} devices"),
    };
    story.push(line(
        None,
        format!("Read as an alert of severity {severity} about {devices}."),
    ));
    let mut decided = line(None, alert.why.clone());
    let rule = alert
        .receipt
        .decisions
        .iter()
        .find_map(|one| one.rule.clone())
        .filter(|_| reads_all);
    decided.link = rule.map(|rule| (format!("/rules/{}", encoded(&rule)), rule));
    story.push(decided);
    let Some(scan) = scan else {
        return story;
    };
    let sent = match &scan.sent_at {
        Some(_) => format!("A {} scan was sent to Defender.", scan.kind),
        None => format!("A {} scan waits to be sent.", scan.kind),
    };
    let mut sent = line(scan.sent_at.as_ref(), sent);
    sent.link = Some((format!("/scans/{}", scan.id), "the scan".to_owned()));
    story.push(sent);
    if scan.ended_at.is_some() {
        story.push(line(scan.ended_at.as_ref(), scan.why.clone()));
    }
    story
}

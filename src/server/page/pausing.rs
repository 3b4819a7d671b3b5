//! To keep scans from being sent, and to let them go on: what is paused, the page that asks, and the order.

use askama::Template;
use axum::response::{Redirect, Response};

use super::filters;
use super::sent::SentForm;
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::PauseView;
use crate::server::fields::body;
use crate::server::query as asked_for;
use crate::server::refusal::HttpError;
use scanhook_core::percent::query;

/// What a pause is for.
const SCOPE: &[&str] = &["tenant", "rule", "device"];

#[derive(Template)]
#[template(path = "pause.html")]
struct PausePage {
    shell: PageShell,
    /// The pauses in force, each with the link to the page that asks about ending it.
    pauses: Vec<(PauseView, String)>,
    tenants: Vec<String>,
    /// Whether everything may be paused.
    all: bool,
    rules: Vec<String>,
}

#[derive(Template)]
#[template(path = "pause-confirm.html")]
struct PauseConfirmPage {
    shell: PageShell,
    ends: bool,
    scope: String,
    /// The fields of the form, to be sent again.
    fields: Vec<(String, String)>,
    reason: String,
    waiting: u64,
}

/// What is paused, and the form for one more.
pub(super) async fn show(visit: Visit) -> Result<Response, HttpError> {
    asked_for::nothing(visit.pairs())?;
    let admin = &visit.admin;
    let pauses = admin.pauses_for(&visit.asked).await?.into_iter();
    let in_force = admin.intake.in_force();
    let named = in_force.tenants.iter().map(|tenant| tenant.name.clone());
    let rules = in_force.policy.rules().names().map(str::to_owned);
    let page = PausePage {
        shell: visit.shell("Pause", NavPage::Elsewhere).await?,
        pauses: pauses
            .map(|pause| (pause.clone(), resume_link(&pause)))
            .collect(),
        tenants: named.filter(|name| visit.asked.sees(name)).collect(),
        all: visit.asked.sees_all(),
        rules: if visit.asked.sees_all() {
            rules.collect()
        } else {
            Vec::new()
        },
    };
    visit.shown(&page.shell, &page)
}

fn resume_link(pause: &PauseView) -> String {
    let parts = [
        ("tenant", &pause.tenant),
        ("rule", &pause.rule),
        ("device", &pause.device),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?)));
    format!("/resume?{}", query(parts))
}

/// Asks about a pause.
pub(super) async fn confirm(visit: Visit) -> Result<Response, HttpError> {
    ask(visit, false).await
}

/// Asks about ending one.
pub(super) async fn confirm_end(visit: Visit) -> Result<Response, HttpError> {
    ask(visit, true).await
}

async fn ask(visit: Visit, ends: bool) -> Result<Response, HttpError> {
    let keys: &'static [&'static str] = if ends {
        &["tenant", "rule", "device", "reason"]
    } else {
        &["tenant", "rule", "device", "until", "reason"]
    };
    let fields = asked_for::known(keys, visit.pairs())?;
    let value = |wanted: &str| {
        let found = fields.iter().find(|(key, _)| *key == wanted);
        found.map(|(_, value)| value.clone())
    };
    let scope = PauseView {
        tenant: value("tenant"),
        rule: value("rule"),
        device: value("device"),
        at: String::new(),
        by: String::new(),
        reason: None,
        until: None,
        note: None,
    };
    let now = visit.admin.now_view(&visit.asked, visit.tenant()).await?;
    let title = if ends { "Resume" } else { "Pause" };
    let shell = PageShell {
        live: false,
        ..visit.shell_with(title, NavPage::Elsewhere, &now)
    };
    let sent_again = fields.iter().filter(|(key, _)| *key != "reason");
    let page = PauseConfirmPage {
        ends,
        scope: scope.scope(),
        fields: sent_again
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
        reason: value("reason").unwrap_or_default(),
        waiting: now.flow.waiting,
        shell,
    };
    visit.shown(&page.shell, &page)
}

pub(super) async fn pause(form: SentForm) -> Result<Redirect, HttpError> {
    let members = form.values.members(&[SCOPE, &["until", "reason"]].concat());
    form.admin.pause(&form.asked, &body(members)).await?;
    Ok(back())
}

pub(super) async fn resume(form: SentForm) -> Result<Redirect, HttpError> {
    let members = form.values.members(&[SCOPE, &["reason"]].concat());
    form.admin.resume(&form.asked, &body(members)).await?;
    Ok(back())
}

/// To the pauses in force: what is loaded again orders nothing again.
fn back() -> Redirect {
    Redirect::to("/pause")
}

//! The page that says what would come of an order, and asks. The preview is that of the API.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::fates::{Fate, foreseen};
use super::filters;
use super::order_home::{home, is_answer};
use super::order_words::{button, heading};
use super::picks::{ids, takes_now, text};
use super::sent::SentForm;
use super::shell::PageShell;
use super::times;
use super::written::html;
use crate::api::OrderView;
use crate::clock;
use crate::journal::TenantId;
use crate::server::control::OrderVerb;
use crate::server::fields::body;
use crate::server::refusal::{HttpError, Meant};
use crate::server::state::Admin;
use scanhook_core::time::Timestamp;

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    shell: PageShell,
    heading: String,
    button: String,
    /// The path of the page it comes from, below which the order has its own.
    home: &'static str,
    verb: &'static str,
    /// Whether it answers what is held.
    answers: bool,
    order: OrderView,
    fates: Vec<Fate>,
    /// What is meant: the key of a group, or ids.
    group: Option<String>,
    picks: Vec<String>,
    machine: Option<String>,
    reason: String,
    /// Whether it may be sent whatever the windows say, and whether it is.
    takes_now: bool,
    at_once: bool,
    /// What it meant when it was looked at before.
    changed: Option<Meant>,
    /// Scans that it takes of the quota, and when the last would leave.
    scans: usize,
    leaves: Option<String>,
    /// Devices that need a machine first.
    lacking: usize,
    /// Whether another person has to approve as well.
    is_first: bool,
    /// Whether anything would come of it.
    is_possible: bool,
}

/// The page that asks. `changed`: what was asked about before means something else by now.
pub(super) async fn ask(
    form: &SentForm,
    verb: OrderVerb,
    changed: Option<Meant>,
) -> Result<Response, HttpError> {
    let members = form.spelled_out(verb).await?;
    let mut preview = members.clone();
    preview.insert("preview".to_owned(), json!(true));
    let order = form.admin.order(&form.asked, verb, &body(preview)).await?;
    let fates = foreseen(verb, &order.items);
    let many = |code: &str| fates.iter().filter(|fate| fate.will(code)).count();
    let (scans, lacking) = (many("new"), many("machine-needed"));
    let about = if is_answer(verb) {
        order
            .machines
            .saturating_sub(lacking + many("second-person-needed"))
    } else {
        fates.iter().filter(|fate| fate.is_able()).count()
    };
    let now = clock::now();
    let leaves = leaves(&form.admin, &fates).await?;
    let (here, home) = home(verb);
    let page = ConfirmPage {
        shell: PageShell::around(Some(&form.asked), "Confirm".to_owned(), here, now),
        heading: heading(verb, &order, about),
        button: button(verb, &order, about),
        home,
        verb: verb.name(),
        answers: is_answer(verb),
        group: text(&members, "group"),
        picks: ids(&members),
        machine: text(&members, "machine"),
        reason: text(&members, "reason").unwrap_or_default(),
        takes_now: takes_now(verb),
        at_once: members.contains_key("now"),
        is_first: many("approved_once") > 0,
        is_possible: verb == OrderVerb::Deny || about > 0,
        leaves: leaves.map(|leaves| times::ahead(leaves.since(now))),
        scans,
        lacking,
        fates,
        order,
        changed,
    };
    html(StatusCode::OK, &page)
}

/// When the last of the scans that would be begun could leave.
async fn leaves(admin: &Admin, fates: &[Fate]) -> Result<Option<Timestamp>, HttpError> {
    let mut more: BTreeMap<TenantId, u64> = BTreeMap::new();
    for fate in fates.iter().filter(|fate| fate.will("new")) {
        let tenant = fate.item.tenant.as_deref();
        if let Some(tenant) = tenant.and_then(|name| admin.tenant_called(name)) {
            *more.entry(tenant).or_default() += 1;
        }
    }
    if more.is_empty() {
        return Ok(None);
    }
    admin.leaves_with(more).await
}

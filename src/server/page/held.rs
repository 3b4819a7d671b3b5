//! What waits for a person: in groups, a group machine by machine, and one decision.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::filters;
use super::lists::{FilterField, FilterForm, choice, text};
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::{DecisionView, DeviceRow, HeldMembersView, HeldView};
use crate::journal::{GroupBy, GroupKey, Selector, Wants};
use crate::server::query;
use crate::server::refusal::HttpError;

/// How groups are made, in words.
const BY: [(GroupBy, &str); 3] = [
    (GroupBy::Alert, "rule, reason and title"),
    (GroupBy::Rule, "rule and reason"),
    (GroupBy::Machine, "machine"),
];

#[derive(Template)]
#[template(path = "held.html")]
struct HeldPage {
    shell: PageShell,
    held: HeldView,
    filter: FilterForm,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "held-group.html")]
struct HeldGroupPage {
    shell: PageShell,
    members: HeldMembersView,
    next: Option<String>,
    /// Its machines that can be answered as they are.
    ready: usize,
}

#[derive(Template)]
#[template(path = "held-one.html")]
struct HeldOnePage {
    shell: PageShell,
    one: DecisionView,
    candidates: Vec<DeviceRow>,
    is_held: bool,
}

/// What is held, in groups.
pub(super) async fn show(visit: Visit) -> Result<Response, HttpError> {
    let held = visit.admin.held_view(&visit.asked, visit.pairs()).await?;
    let page = HeldPage {
        shell: visit.shell("Held for a person", NavPage::Held).await?,
        next: held.next.as_deref().map(|next| visit.link_to(next)),
        filter: FilterForm::new(&visit, fields(&held)),
        held,
    };
    visit.shown(&page.shell, &page)
}

fn fields(held: &HeldView) -> Vec<FilterField> {
    vec![
        FilterField {
            value: held.group.clone(),
            choices: BY.map(|(by, words)| (by.code(), words)).into(),
            narrows: false,
            ..text("group", "Group by", "")
        },
        choice("reason", "Reason", Selector::words(Wants::Held)),
        text("rule", "Rule", ""),
        text("device", "Device", "dc-*"),
        text("since", "Since", "1h"),
    ]
}

/// A group of what is held, or one decision.
pub(super) async fn show_one(visit: Visit, Path(id): Path<String>) -> Result<Response, HttpError> {
    if GroupKey::parse(&id).is_some() {
        return show_group(visit, &id).await;
    }
    query::nothing(visit.pairs())?;
    let admin = &visit.admin;
    let one = admin
        .decision_view(&visit.asked, &id, visit.pairs())
        .await?;
    let candidates = admin.candidates_view(&one.id).await?;
    let title = format!("Decision about {}", one.device.called());
    let page = HeldOnePage {
        shell: visit.shell(title, NavPage::Held).await?,
        is_held: one.state == "held",
        one,
        candidates,
    };
    visit.shown(&page.shell, &page)
}

async fn show_group(visit: Visit, key: &str) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let members = admin
        .held_members_view(&visit.asked, key, visit.pairs())
        .await?;
    let ready = members.items.iter();
    let ready = ready.filter(|one| one.decision.machine.is_some()).count();
    let page = HeldGroupPage {
        shell: visit
            .shell("Held for a person: a group", NavPage::Held)
            .await?,
        next: members.next.as_deref().map(|next| visit.link_to(next)),
        ready,
        members,
    };
    visit.shown(&page.shell, &page)
}

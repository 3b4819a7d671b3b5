//! Answers to what is held: the page that says what would happen and asks, and the page that says what did. Both the preview
//! and the order are those of the API.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fields::{FormValues, body};
use super::filters;
use super::shell::{NavPage, PageShell};
use super::times;
use super::written::html;
use crate::api::{ItemView, OrderView};
use crate::clock;
use crate::journal::TenantId;
use crate::server::access::AskedBy;
use crate::server::control::OrderVerb;
use crate::server::refusal::{CommandError, HttpError, Meant, ToldInPage};
use crate::server::state::{Admin, SharedAdmin};

/// What the fields of these forms are about beside what is picked.
const OWN: &[&str] = &["reason"];

/// A machine, with what would become of its decisions, or has.
struct Fate {
    item: ItemView,
    /// What will happen, or did, in words.
    words: &'static str,
    decisions: usize,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    shell: PageShell,
    heading: String,
    button: String,
    verb: &'static str,
    order: OrderView,
    machines: Vec<Fate>,
    /// What is answered: the key of a group, or ids.
    group: Option<String>,
    picks: Vec<String>,
    machine: Option<String>,
    reason: String,
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

#[derive(Template)]
#[template(path = "answered.html")]
struct AnsweredPage {
    shell: PageShell,
    heading: String,
    verb: &'static str,
    machines: Vec<Fate>,
    order: OrderView,
    group: Option<String>,
    reason: String,
    at_once: bool,
}

/// What would happen. Nothing is changed.
pub(super) async fn look(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    sent: Body,
) -> Result<Response, HttpError> {
    let values = FormValues::read(sent).await?;
    let verb = match values.get("verb") {
        Some("approve") => OrderVerb::Approve,
        Some("deny") => OrderVerb::Deny,
        _ => return Err(CommandError::BadValue("verb", "approve or deny").into()),
    };
    ask(&admin, &asked, verb, &values, None).await
}

pub(super) async fn approve(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    sent: Body,
) -> Result<Response, HttpError> {
    answer(&admin, &asked, OrderVerb::Approve, sent).await
}

pub(super) async fn deny(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    sent: Body,
) -> Result<Response, HttpError> {
    answer(&admin, &asked, OrderVerb::Deny, sent).await
}

/// The members of an order about what is picked.
fn members(verb: OrderVerb, values: &FormValues) -> Map<String, Value> {
    let mut members = values.members(OWN);
    let picks = picked(values);
    let groups: Vec<&String> = picks.iter().filter(|pick| is_group(pick)).collect();
    match (groups.as_slice(), picks.is_empty()) {
        ([group], _) if picks.len() == 1 => {
            members.insert("group".to_owned(), json!(group));
        }
        (_, false) => {
            members.insert("ids".to_owned(), json!(picks));
        }
        (_, true) => members.extend(values.members(&["group"])),
    }
    if verb == OrderVerb::Approve {
        let machine = values.get("machine_other").or(values.get("machine"));
        members.extend(machine.map(|machine| ("machine".to_owned(), json!(machine))));
        if values.get("now").is_some() {
            members.insert("now".to_owned(), json!(true));
        }
    }
    members
}

fn is_group(pick: &str) -> bool {
    crate::journal::GroupKey::parse(pick).is_some()
}

/// What is picked, each once.
fn picked(values: &FormValues) -> Vec<String> {
    let mut picks: Vec<String> = Vec::new();
    for pick in values.all("pick").flat_map(|picks| picks.split(',')) {
        if !picks.iter().any(|known| known == pick) {
            picks.push(pick.to_owned());
        }
    }
    picks
}

impl Admin {
    /// Several groups as what is in them, because an order takes one.
    async fn spelled_out(
        &self,
        asked: &AskedBy,
        verb: OrderVerb,
        values: &FormValues,
    ) -> Result<Map<String, Value>, HttpError> {
        let mut members = members(verb, values);
        let picks = picked(values);
        if members.contains_key("group") || !picks.iter().any(|pick| is_group(pick)) {
            return Ok(members);
        }
        let mut ids = Vec::new();
        for pick in picks {
            if is_group(&pick) {
                let preview = body(Map::from_iter([
                    ("group".to_owned(), json!(pick)),
                    ("preview".to_owned(), json!(true)),
                ]));
                let items = self.order(asked, verb, &preview).await?.items;
                ids.extend(items.into_iter().map(|item| item.id));
            } else {
                ids.push(pick);
            }
        }
        members.insert("ids".to_owned(), json!(ids));
        Ok(members)
    }
}

/// The page that asks.
async fn ask(
    admin: &Admin,
    asked: &AskedBy,
    verb: OrderVerb,
    values: &FormValues,
    changed: Option<Meant>,
) -> Result<Response, HttpError> {
    let members = admin.spelled_out(asked, verb, values).await?;
    let mut preview = members.clone();
    preview.insert("preview".to_owned(), json!(true));
    let order = admin.order(asked, verb, &body(preview)).await?;
    let machines = by_machine(&order.items, will);
    let lacking = lacking(&machines);
    let begun: Vec<&Fate> = machines
        .iter()
        .filter(|fate| fate.item.will.as_deref() == Some("new"))
        .collect();
    let scans = begun.len();
    let mut more: BTreeMap<TenantId, u64> = BTreeMap::new();
    for fate in &begun {
        let tenant = fate.item.tenant.as_deref();
        if let Some(tenant) = tenant.and_then(|name| admin.tenant_called(name)) {
            *more.entry(tenant).or_default() += 1;
        }
    }
    let now = clock::now();
    let leaves = if more.is_empty() {
        None
    } else {
        admin.leaves_with(more).await?
    };
    let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
    let waits = |fate: &&Fate| fate.item.will.as_deref() == Some("second-person-needed");
    let waiting = machines.iter().filter(waits).count();
    let about = order.machines.saturating_sub(lacking + waiting);
    let once = |fate: &Fate| fate.item.will.as_deref() == Some("approved_once");
    let is_first = machines.iter().any(once);
    let page = ConfirmPage {
        shell: PageShell::around(Some(asked), "Confirm".to_owned(), NavPage::Held, now),
        heading: heading(verb, &order, about),
        button: button(verb, &order, about),
        verb: verb.name(),
        group: text("group"),
        picks: ids(&members),
        machine: text("machine"),
        reason: text("reason").unwrap_or_default(),
        at_once: members.contains_key("now"),
        is_first,
        is_possible: verb != OrderVerb::Approve || about > 0,
        leaves: leaves.map(|leaves| times::ahead(leaves.since(now))),
        scans,
        lacking,
        machines,
        order,
        changed,
    };
    html(StatusCode::OK, &page)
}

/// Gives the order, if it still means what was shown.
async fn answer(
    admin: &Admin,
    asked: &AskedBy,
    verb: OrderVerb,
    sent: Body,
) -> Result<Response, HttpError> {
    let values = FormValues::read(sent).await?;
    let mut members = members(verb, &values);
    let number = |key: &str| values.get(key).and_then(|text| text.parse::<u64>().ok());
    let expect = json!({
        "machines": number("machines"),
        "decisions": number("decisions"),
        "digest": values.get("digest"),
    });
    if values.get("after").is_some() {
        members.extend(values.members(&["after"]));
    } else if let Value::Object(mut expect) = expect {
        expect.retain(|_, value| !value.is_null());
        if expect.len() < 3 {
            let takes = "the numbers and the digest of the page that asks";
            return Err(CommandError::BadValue("expect", takes).into());
        }
        members.insert("expect".to_owned(), Value::Object(expect));
    }
    let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
    let (group, reason) = (text("group"), text("reason").unwrap_or_default());
    let at_once = members.contains_key("now");
    let order = match admin.order(asked, verb, &body(members)).await {
        Ok(order) => order,
        Err(HttpError::Order(CommandError::ChangedSince(meant))) => {
            let refused = HttpError::Order(CommandError::ChangedSince(meant.clone()));
            let mut response = ask(admin, asked, verb, &values, Some(meant)).await?;
            *response.status_mut() = StatusCode::CONFLICT;
            response.extensions_mut().insert(ToldInPage(refused));
            return Ok(response);
        }
        Err(refused) => return Err(refused),
    };
    let page = AnsweredPage {
        shell: PageShell::around(Some(asked), "Done".to_owned(), NavPage::Held, clock::now()),
        heading: told(verb, &order),
        verb: verb.name(),
        machines: by_machine(&order.items, came),
        group: group.filter(|_| order.next.is_some()),
        order,
        reason,
        at_once,
    };
    html(StatusCode::OK, &page)
}

fn ids(members: &Map<String, Value>) -> Vec<String> {
    let ids = members.get("ids").and_then(Value::as_array);
    let texts = ids.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// One line for each machine: the first of its decisions, which tells most.
fn by_machine(items: &[ItemView], words: fn(&ItemView) -> &'static str) -> Vec<Fate> {
    let mut machines: Vec<Fate> = Vec::new();
    let about = |item: &ItemView| {
        let device = item.machine.clone().or_else(|| item.device.clone());
        (item.tenant.clone(), device, item.reason.clone())
    };
    for item in items {
        let known = machines
            .iter_mut()
            .find(|fate| about(&fate.item) == about(item));
        match known {
            Some(fate) => fate.decisions += 1,
            None => machines.push(Fate {
                words: words(item),
                item: item.clone(),
                decisions: 1,
            }),
        }
    }
    machines
}

fn lacking(machines: &[Fate]) -> usize {
    let lack = |fate: &&Fate| fate.item.will.as_deref() == Some("machine-needed");
    machines.iter().filter(lack).count()
}

/// What would become of it.
fn will(item: &ItemView) -> &'static str {
    match item.will.as_deref() {
        Some("new") => "a new scan begins",
        Some("merged") => "joins the scan that waits",
        Some("running") => "answered by the running scan",
        Some("foreign") => "answered by a scan that somebody else began",
        Some("cooldown") => "answered by the last scan, which still counts",
        Some("approved_once") => "is approved once: one more person has to approve",
        Some("second-person-needed") => "waits for another person: you have approved it",
        Some("machine-needed") => "needs a machine: nothing happens to it",
        Some("not-configured") => "its tenant is not configured any more: nothing happens to it",
        Some("not-held") => "is not held any more: nothing happens to it",
        Some(_) => "stays held",
        None if item.kind == "decision" => "is denied: no scan",
        None => "nothing has this id",
    }
}

/// What became of it.
fn came(item: &ItemView) -> &'static str {
    match (item.result.as_deref(), item.reason.as_deref()) {
        (Some("approved"), Some("new")) => "approved: a scan was begun",
        (Some("approved"), Some("merged")) => "approved: joined the scan that waits",
        (Some("approved"), Some("running")) => "approved: answered by the running scan",
        (Some("approved"), Some("cooldown")) => "approved: answered by the last scan",
        (Some("approved"), _) => "approved",
        (Some("approved_once"), _) => "approved once: one more person has to approve",
        (Some("second-person-needed"), _) => "waits for another person: you have approved it",
        (Some("denied"), _) => "denied",
        (Some("already"), _) => "was answered so before",
        (Some("machine-needed"), _) => "needs a machine: choose it first",
        (Some("not-held"), _) => "was not held any more",
        (Some("not-configured"), _) => "its tenant is not configured any more",
        _ => "nothing was done",
    }
}

fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

/// The kind of all of them, if it is one.
fn kind(order: &OrderView) -> Option<&str> {
    let mut kinds = order.items.iter().filter_map(|item| item.scan.as_deref());
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

fn heading(verb: OrderVerb, order: &OrderView, machines: usize) -> String {
    let of = counted(machines, "machine");
    if verb != OrderVerb::Approve {
        let decisions = counted(order.decisions, "decision");
        return format!(
            "Deny {decisions} about {}?",
            counted(order.machines, "machine")
        );
    }
    match kind(order) {
        Some(kind) => format!("Begin a {kind} scan of {of}?"),
        None => format!("Begin scans of {of}?"),
    }
}

fn button(verb: OrderVerb, order: &OrderView, machines: usize) -> String {
    if verb == OrderVerb::Approve {
        format!("Begin {}", counted(machines, "scan"))
    } else {
        format!("Deny {}", counted(order.decisions, "decision"))
    }
}

fn told(verb: OrderVerb, order: &OrderView) -> String {
    let done = order.items.iter().filter_map(|item| item.result.as_deref());
    let done = done
        .filter(|result| matches!(*result, "approved" | "approved_once" | "denied"))
        .count();
    let word = if verb == OrderVerb::Approve {
        "approved"
    } else {
        "denied"
    };
    let verb = if done == 1 { "was" } else { "were" };
    format!("{} {verb} {word}", counted(done, "decision"))
}

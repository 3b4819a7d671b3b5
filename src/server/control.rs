//! The orders of people: approve, deny, cancel, retry, pause, resume. Each is one transaction or a few, and is
//! answered once it is on disk; what has to be said to Defender is the worker's business.
//!
//! A transaction takes at most 100 things. The methods of `Tx` that carry an order out are in the journal (`held`,
//! `retry`, `cancel`, `pauses`); they note who did it in `event` and `touch` the tenant, so the worker is woken like
//! for anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use tokio::time::timeout;
use uuid::Uuid;

use super::bodies::whole;
use super::order::{self, MOST, OrderBody};
use super::refusal::{CommandError, HttpError, not_taken};
use super::same_site;
use super::state::{Admin, SharedAdmin};
use crate::api::{ItemView, OrderView, PauseView, PausesView, ReloadView};
use crate::clock;
use crate::intake::NotAccepted;
use crate::journal::{Done, IdPrefix, JournalError, PauseScope, Reader, TenantId, Tx, Wants, Word};
use crate::logs::about;
use crate::policy::{Ceiling, Policy, Terms};
use scanhook_core::about::About;
use scanhook_core::mapping::Headers;
use scanhook_core::person::By;
use scanhook_core::scan::Mode;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Wanted};

/// Bytes of an order, and how long it may take to arrive.
const LARGEST: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// Ids that one transaction takes along, so that no sender waits for a long order.
const STEP: usize = 100;

/// The routes of the orders.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/api/v1/decisions/{id}/approve", post(approve_one))
        .route("/api/v1/decisions/{id}/deny", post(deny_one))
        .route("/api/v1/scans/{id}/cancel", post(cancel_one))
        .route("/api/v1/decisions/approve", post(approve))
        .route("/api/v1/decisions/deny", post(deny))
        .route("/api/v1/scans/cancel", post(cancel))
        .route("/api/v1/retry", post(retry))
        .route("/api/v1/pause", post(pause))
        .route("/api/v1/resume", post(resume))
        .route("/-/reload", post(reload))
        .method_not_allowed_fallback(async |method: Method| not_taken(&method, "POST"))
        .route_layer(axum::middleware::from_fn(same_site::typed))
}

/// The verbs that are about single things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderVerb {
    Approve,
    Deny,
    Cancel,
    Retry,
}

impl OrderVerb {
    const fn name(self) -> &'static str {
        match self {
            OrderVerb::Approve => "approve",
            OrderVerb::Deny => "deny",
            OrderVerb::Cancel => "cancel",
            OrderVerb::Retry => "retry",
        }
    }

    const fn wants(self) -> Wants {
        match self {
            OrderVerb::Approve | OrderVerb::Deny => Wants::Held,
            OrderVerb::Cancel => Wants::Open,
            OrderVerb::Retry => Wants::Failed,
        }
    }

    /// The keys of an order about one thing.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            OrderVerb::Approve => &["machine", "now", "reason", "by"],
            OrderVerb::Retry => &["now", "reason", "by"],
            OrderVerb::Deny | OrderVerb::Cancel => &["reason", "by"],
        }
    }

    /// The keys of an order about several, beside these.
    const fn selecting(self) -> &'static [&'static str] {
        match self {
            OrderVerb::Approve | OrderVerb::Deny => &[
                "ids", "preview", "rule", "tenant", "device", "since", "held",
            ],
            OrderVerb::Cancel | OrderVerb::Retry => &[
                "ids", "preview", "rule", "tenant", "device", "since", "state",
            ],
        }
    }
}

type OrderReply = Result<Json<OrderView>, HttpError>;

async fn approve_one(State(admin): SharedAdmin, Path(id): Path<String>, body: Body) -> OrderReply {
    admin.order_one(OrderVerb::Approve, &id, body).await
}

async fn deny_one(State(admin): SharedAdmin, Path(id): Path<String>, body: Body) -> OrderReply {
    admin.order_one(OrderVerb::Deny, &id, body).await
}

async fn cancel_one(State(admin): SharedAdmin, Path(id): Path<String>, body: Body) -> OrderReply {
    admin.order_one(OrderVerb::Cancel, &id, body).await
}

async fn approve(State(admin): SharedAdmin, body: Body) -> OrderReply {
    admin.order(OrderVerb::Approve, body).await
}

async fn deny(State(admin): SharedAdmin, body: Body) -> OrderReply {
    admin.order(OrderVerb::Deny, body).await
}

async fn cancel(State(admin): SharedAdmin, body: Body) -> OrderReply {
    admin.order(OrderVerb::Cancel, body).await
}

async fn retry(State(admin): SharedAdmin, body: Body) -> OrderReply {
    admin.order(OrderVerb::Retry, body).await
}

async fn pause(State(admin): SharedAdmin, body: Body) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    let now = clock::now();
    let members = order::read(
        &body,
        &["tenant", "rule", "device", "until", "reason", "by"],
    )?;
    let (scope, by, until) = (admin.scope(&members)?, members.by()?, members.until(now)?);
    // A misspelt rule would be a pause that pauses nothing.
    let known = |rule: &String| {
        admin
            .intake
            .in_force()
            .policy
            .rules()
            .names()
            .any(|name| name == rule)
    };
    if scope.rule.as_ref().is_some_and(|rule| !known(rule)) {
        return Err(CommandError::BadValue("rule", "the name of a rule that is in force").into());
    }
    let who = by.who.clone();
    let set = admin
        .write(move |tx| tx.pause(&scope, &by, until, now))
        .await?;
    let PauseView {
        tenant,
        rule,
        device: pattern,
        until,
        reason: words,
        ..
    } = &set;
    tracing::warn!(
        who,
        tenant,
        rule,
        pattern,
        until,
        words,
        scope = set.scope(),
        "paused"
    );
    Ok(Json(PausesView {
        items: vec![set],
        in_force: admin.pauses().await?,
    }))
}

async fn resume(State(admin): SharedAdmin, body: Body) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    let members = order::read(&body, &["tenant", "rule", "device", "reason", "by"])?;
    let (which, by) = (admin.scope(&members)?, members.by()?);
    let who = by.who.clone();
    let items = admin
        .write(move |tx| tx.resume(&which, &by, clock::now()))
        .await?;
    for ended in &items {
        let PauseView {
            tenant,
            rule,
            device: pattern,
            ..
        } = ended;
        tracing::warn!(who, tenant, rule, pattern, scope = ended.scope(), "resumed");
    }
    Ok(Json(PausesView {
        items,
        in_force: admin.pauses().await?,
    }))
}

/// Reads rules.toml and scanhook.toml now. What is faulty is not put in force, and is the answer.
async fn reload(State(admin): SharedAdmin, body: Body) -> Result<Json<ReloadView>, HttpError> {
    let body = received(body).await?;
    order::read(&body, &[])?;
    let Some(view) = admin.reloads.order("an order").await else {
        return Err(if *admin.ready.borrow() {
            HttpError::NotFound
        } else {
            HttpError::ShuttingDown
        });
    };
    if view.faults.is_empty() {
        Ok(Json(view))
    } else {
        Err(CommandError::NotReloaded(Box::new(view)).into())
    }
}

async fn received(body: Body) -> Result<Bytes, HttpError> {
    timeout(PATIENCE, whole(body, LARGEST, |_| Ok(())))
        .await
        .map_err(|_| HttpError::BodyTimeout)?
}

/// What a scan that a person asks for is begun on.
struct OrderContext {
    /// Whatever the windows say.
    at_once: bool,
    policy: Arc<Policy>,
    terms: BTreeMap<TenantId, Terms>,
}

impl OrderContext {
    fn wanted(&self, tenant: TenantId, asked: AskedFor<'_>) -> Option<Wanted> {
        Some(self.policy.wanted(*self.terms.get(&tenant)?, asked))
    }

    fn may_call(&self, tenant: TenantId) -> bool {
        self.terms
            .get(&tenant)
            .is_some_and(|terms| terms.ceiling != Ceiling::AtMost(Mode::DryRun))
    }
}

impl Admin {
    fn tenant_called(&self, name: &str) -> Option<TenantId> {
        self.intake
            .in_force()
            .tenants
            .iter()
            .find(|tenant| tenant.name == name)
            .map(|tenant| tenant.id)
    }

    fn scope(&self, members: &OrderBody<'_>) -> Result<PauseScope, HttpError> {
        let named = |name: &str| {
            let unknown = || CommandError::BadValue("tenant", "the name of a configured tenant");
            self.tenant_called(name).ok_or_else(unknown)
        };
        let tenant = members.tenant()?.map(named).transpose()?;
        Ok(PauseScope {
            tenant,
            rule: members.rule()?,
            device: members.device()?,
        })
    }

    /// An order about one thing: what stands in the way is the answer's status.
    async fn order_one(&self, verb: OrderVerb, id: &str, body: Body) -> OrderReply {
        let body = received(body).await?;
        let members = order::read(&body, verb.keys())?;
        let unknown = || ItemView {
            id: scanhook_core::plain::one_line(id, 80),
            ..ItemView::default()
        };
        let Some(named) = IdPrefix::parse(id) else {
            return Err(CommandError::NotDone(Done::UnknownId, Box::new(unknown())).into());
        };
        let wants = verb.wants();
        let id = match self
            .read(move |reader| reader.identify(wants, &named))
            .await?
        {
            Ok(id) => id,
            Err(item) => {
                let why = item
                    .result
                    .as_deref()
                    .and_then(Done::of_code)
                    .unwrap_or(Done::UnknownId);
                return Err(CommandError::NotDone(why, Box::new(item)).into());
            }
        };
        let items = self.carry_out(verb, &members, vec![id]).await?;
        let objection = items.iter().find_map(|item| {
            let done = item
                .result
                .as_deref()
                .and_then(Done::of_code)
                .filter(|done| !done.is_done())?;
            Some(CommandError::NotDone(done, Box::new(item.clone())))
        });
        match objection {
            Some(objection) => Err(objection.into()),
            None => Ok(Json(told(false, items))),
        }
    }

    /// An order about several things, by their ids or by what they have in common.
    async fn order(&self, verb: OrderVerb, body: Body) -> OrderReply {
        let body = received(body).await?;
        let members = order::read(&body, &[verb.keys(), verb.selecting(), &["after"]].concat())?;
        let wants = verb.wants();
        let selector = members.selector(wants, |name| self.tenant_called(name), clock::now())?;
        let (preview, after) = (members.flag("preview")?, members.after()?);
        let (ids, mut items, selected) = match (members.ids()?, selector) {
            (Some(named), None) if after.is_none() => {
                let found = self.read(move |reader| {
                    named
                        .iter()
                        .map(|named| reader.identify(wants, named))
                        .collect::<Result<Vec<_>, _>>()
                });
                let (found, not): (Vec<_>, Vec<_>) =
                    found.await?.into_iter().partition(Result::is_ok);
                (
                    found.into_iter().flatten().collect(),
                    not.into_iter().filter_map(Result::err).collect(),
                    None,
                )
            }
            (None, Some(selector)) => {
                let look = move |reader: &Reader<'_>| {
                    reader.select(wants, &selector, MOST, after.as_deref())
                };
                let mut selected = self.read(look).await?;
                (
                    core::mem::take(&mut selected.ids),
                    Vec::new(),
                    Some(selected),
                )
            }
            _ => return Err(CommandError::NothingSelected.into()),
        };
        items.extend(if preview {
            self.read(move |reader| reader.items(wants, &ids)).await?
        } else {
            self.carry_out(verb, &members, ids).await?
        });
        let mut view = told(preview, items);
        if let Some(selected) = selected {
            view.next = selected.next;
            // What a preview counts is all of the selection; what is done is what this answer is about.
            if preview {
                (view.count, view.machines) = (selected.count, selected.machines);
            }
        }
        Ok(Json(view))
    }

    async fn carry_out(
        &self,
        verb: OrderVerb,
        members: &OrderBody<'_>,
        ids: Vec<Uuid>,
    ) -> Result<Vec<ItemView>, HttpError> {
        let by = members.by()?;
        let machine = if verb == OrderVerb::Approve {
            members.machine()?
        } else {
            None
        };
        if machine.is_some() && ids.len() > 1 {
            return Err(CommandError::BadValue(
                "machine",
                "a machine for one decision, not for several",
            )
            .into());
        }
        let at_once = members.flag("now")?;
        let in_force = self.intake.in_force();
        let now = Arc::new(OrderContext {
            at_once,
            policy: in_force.policy.clone(),
            terms: in_force
                .tenants
                .iter()
                .map(|tenant| (tenant.id, tenant.terms))
                .collect(),
        });
        let (mut items, mut done) = (Vec::new(), BTreeSet::new());
        let (ids, deliveries) = if verb == OrderVerb::Retry {
            let sorted = self.read(move |reader| reader.sort_out(&ids)).await?;
            (sorted.others, sorted.deliveries)
        } else {
            (ids, Vec::new())
        };
        for step in ids.chunks(STEP) {
            // Those that came along with an earlier one have their line already.
            let step: Vec<Uuid> = step
                .iter()
                .filter(|id| !done.contains(&id.to_string()))
                .copied()
                .collect();
            let (by, now, machine) = (by.clone(), now.clone(), machine.clone());
            let told = self
                .write(move |tx| step_of(tx, verb, &step, machine, &by, &now, clock::now()))
                .await?;
            done.extend(told.iter().map(|item| item.id.clone()));
            items.extend(told);
        }
        for row in deliveries {
            items.push(self.read_again(row, &by).await?);
        }
        self.tell(verb, &by, &items);
        Ok(items)
    }

    /// A delivery with parked alerts, read with the map and the rules of today.
    async fn read_again(&self, row: i64, by: &By) -> Result<ItemView, HttpError> {
        let recalled = self.read(move |reader| reader.recall(row)).await?;
        let in_force = self.intake.in_force();
        let desk = in_force.desks.get(&recalled.source);
        let delivery = match (desk, recalled.delivery) {
            (Some(_), Some(delivery)) => delivery,
            (_, None) => {
                return self
                    .read(move |reader| reader.not_read_again(row, Done::BodyGone))
                    .await;
            }
            (None, _) => {
                return self
                    .read(move |reader| reader.not_read_again(row, Done::NotConfigured))
                    .await;
            }
        };
        let acceptance = match self
            .intake
            .read(in_force.clone(), delivery, Headers::new())
            .await
        {
            Ok(acceptance) => acceptance,
            Err(NotAccepted::Overloaded) => return Err(HttpError::Overloaded),
            // It was strict JSON when it came, and is the same bytes.
            Err(_) => return Err(HttpError::Internal),
        };
        let by = by.clone();
        self.write(move |tx| tx.read_again(row, &acceptance, &by, clock::now()))
            .await
    }

    fn tell(&self, verb: OrderVerb, by: &By, items: &[ItemView]) {
        let mut results: BTreeMap<&str, usize> = BTreeMap::new();
        for result in items.iter().filter_map(|item| item.result.as_deref()) {
            *results.entry(result).or_default() += 1;
        }
        self.metrics
            .not_scanned("denied", results.get("denied").copied().unwrap_or(0));
        let (who, verb, words) = (&by.who, verb.name(), by.words.as_ref());
        for item in items {
            let ItemView {
                state,
                reason,
                why,
                result,
                ..
            } = item;
            let delivery = (item.kind == "delivery").then_some(&item.id);
            about!(
                info,
                &subject(item),
                who,
                verb,
                words,
                result,
                state,
                reason,
                why,
                delivery,
                "ordered"
            );
        }
        tracing::info!(who, verb, ?results, "an order was carried out");
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, HttpError> {
        self.journal.write(work).await.map_err(|error| {
            tracing::error!(code = error.code(), %error, "an order could not be stored");
            HttpError::JournalUnavailable
        })
    }
}

/// The answer about these, of which it tells as many as it may: first those with which something is wrong.
fn told(preview: bool, mut items: Vec<ItemView>) -> OrderView {
    let count = items.len();
    let about = items.iter().filter_map(|item| {
        Some((
            &item.tenant,
            item.machine.as_ref().or(item.device.as_ref())?,
        ))
    });
    let machines = about.collect::<BTreeSet<_>>().len();
    if count > MOST {
        items.sort_by_key(|item| {
            item.result
                .as_deref()
                .and_then(Done::of_code)
                .is_none_or(Done::is_done)
        });
        items.truncate(MOST);
    }
    OrderView {
        preview,
        count,
        machines,
        items,
        next: None,
    }
}

/// What the log says of it beside what became of the order.
fn subject(item: &ItemView) -> About {
    let decision = (item.kind == "decision").then(|| item.id.clone());
    let named = item.device.clone().filter(|_| decision.is_some());
    About {
        tenant: item.tenant.clone(),
        alerts: item.alerts.clone(),
        decisions: decision.into_iter().collect(),
        devices: named.into_iter().collect(),
        name: item.name.clone(),
        machine: item.machine.clone(),
        scan: item.scan_id.clone(),
        rule: item.rule.clone(),
        ..About::default()
    }
}

fn step_of(
    tx: &mut Tx<'_>,
    verb: OrderVerb,
    ids: &[Uuid],
    machine: Option<scanhook_core::alert::MachineId>,
    by: &By,
    now: &OrderContext,
    at: Timestamp,
) -> Result<Vec<ItemView>, JournalError> {
    let terms = |tenant: TenantId, asked: AskedFor<'_>| now.wanted(tenant, asked);
    let at_once = now.at_once;
    match verb {
        OrderVerb::Approve => {
            tx.answer_held(ids, &Word::Approve { machine, at_once }, by, &terms, at)
        }
        OrderVerb::Deny => tx.answer_held(ids, &Word::Deny, by, &terms, at),
        OrderVerb::Cancel => tx.call_off(ids, by, &|tenant| now.may_call(tenant), at),
        OrderVerb::Retry => tx.retry(ids, by, at_once, &terms, at),
    }
}

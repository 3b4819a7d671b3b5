//! The orders of people: approve, deny, cancel, retry, pause, resume. Each is one transaction or a few, and is
//! answered once it is on disk; what has to be said to Defender is the worker's business.
//!
//! A transaction takes at most 100 things. The methods of `Tx` that carry an order out are in the journal (`held`,
//! `retry`, `cancel`, `pauses`); they note who did it in `event` and `touch` the tenant, so the worker is woken like
//! for anything else.

mod again;
mod expect;
mod given;
mod outcome;
mod step;
mod verb;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::post;
use axum::{Json, Router};
use uuid::Uuid;

use super::order::received;
use super::order::{self, OrderBody};
use super::refusal::{CommandError, HttpError, not_taken};
use super::same_site;
use super::state::{Admin, SharedAdmin};
use crate::api::{ItemView, OrderView, PauseView, PausesView, ReloadView};
use crate::clock;
use crate::journal::{JournalError, PauseScope, Tx};
use crate::logs::about;
use outcome::subject;
use scanhook_core::person::By;
use step::{OrderContext, step_of};
use verb::OrderVerb;

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

impl Admin {
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

    async fn carry_out(
        &self,
        verb: OrderVerb,
        members: &OrderBody<'_>,
        ids: Vec<Uuid>,
        only: Option<BTreeSet<i64>>,
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
            only,
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

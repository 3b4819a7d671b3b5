//! The orders of people: approve, deny, cancel, retry, pause, resume. Each is one transaction or a few, and is
//! answered once it is on disk; what has to be said to Defender is the worker's business.
//!
//! A transaction takes at most 100 things. The methods of `Tx` that carry an order out are in the journal (`held`,
//! `retry`, `cancel`, `pauses`); they note who did it in `event` and `touch` the tenant, so the worker is woken like
//! for anything else.

mod again;
mod carry_out;
mod expect;
mod given;
mod orderer;
mod outcome;
mod receivers;
mod step;
mod verb;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::post;
use axum::{Extension, Json, Router};

use super::access::AskedBy;
use super::order;
use super::order::received;
use super::refusal::{CommandError, HttpError, not_taken};
use super::same_site;
use super::state::{Admin, SharedAdmin};
use crate::api::{OrderView, PauseView, PausesView, ReloadView};
use crate::clock;
use crate::journal::Tx;
use orderer::{Act, DONE};
use scanhook_core::person::By;
use verb::OrderVerb;

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
        .route("/api/v1/outbox/retry", post(receivers::revive))
        .route("/api/v1/receivers/{name}/test", post(receivers::attempt))
        .method_not_allowed_fallback(async |method: Method| not_taken(&method, "POST"))
        .route_layer(axum::middleware::from_fn(same_site::typed))
}

type OrderReply = Result<Json<OrderView>, HttpError>;

async fn approve_one(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    body: Body,
) -> OrderReply {
    admin.order_one(&asked, OrderVerb::Approve, &id, body).await
}

async fn deny_one(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    body: Body,
) -> OrderReply {
    admin.order_one(&asked, OrderVerb::Deny, &id, body).await
}

async fn cancel_one(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    body: Body,
) -> OrderReply {
    admin.order_one(&asked, OrderVerb::Cancel, &id, body).await
}

async fn approve(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    admin.order(&asked, OrderVerb::Approve, body).await
}

async fn deny(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    admin.order(&asked, OrderVerb::Deny, body).await
}

async fn cancel(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    admin.order(&asked, OrderVerb::Cancel, body).await
}

async fn retry(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    admin.order(&asked, OrderVerb::Retry, body).await
}

async fn pause(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    let now = clock::now();
    let members = order::read(
        &body,
        &["tenant", "rule", "device", "until", "reason", "by"],
    )?;
    let (scope, until) = (admin.scope(&asked, &members)?, members.until(now)?);
    let orderer = admin.orderer(&asked, &members)?;
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
    let who = orderer.by.who.clone();
    let set = admin
        .ordered(&orderer, move |tx, by| {
            let set = tx.pause(&scope, by, until, now)?;
            let act = Act {
                what: "pause",
                scope: set.scope(),
                count: 1,
                ids: Vec::new(),
                result: DONE.to_owned(),
            };
            Ok((set, act))
        })
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
        in_force: admin.pauses_for(&asked).await?,
    }))
}

async fn resume(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    let members = order::read(&body, &["tenant", "rule", "device", "reason", "by"])?;
    let (which, orderer) = (
        admin.scope(&asked, &members)?,
        admin.orderer(&asked, &members)?,
    );
    let who = orderer.by.who.clone();
    let items = admin
        .ordered(&orderer, move |tx, by| {
            let items = tx.resume(&which, by, clock::now())?;
            let scopes: Vec<String> = items.iter().map(PauseView::scope).collect();
            let act = Act {
                what: "resume",
                scope: scopes.join("; "),
                count: items.len(),
                ids: Vec::new(),
                result: DONE.to_owned(),
            };
            Ok((items, act))
        })
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
        in_force: admin.pauses_for(&asked).await?,
    }))
}

/// Reads rules.toml and scanhook.toml now. What is faulty is not put in force, and is the answer.
async fn reload(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<ReloadView>, HttpError> {
    let body = received(body).await?;
    let members = order::read(&body, &[])?;
    let orderer = admin.orderer(&asked, &members)?;
    let Some(view) = admin.reloads.order("an order").await else {
        return Err(if *admin.ready.borrow() {
            HttpError::NotFound
        } else {
            HttpError::ShuttingDown
        });
    };
    if view.faults.is_empty() {
        let scope = view.policy.clone();
        let act = move |_: &mut Tx<'_>, _: &By| {
            let act = Act {
                what: "reload",
                scope,
                count: 1,
                ids: Vec::new(),
                result: DONE.to_owned(),
            };
            Ok(((), act))
        };
        admin.ordered(&orderer, act).await?;
        Ok(Json(view))
    } else {
        Err(CommandError::NotReloaded(Box::new(view)).into())
    }
}

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
mod pauses;
mod receivers;
mod reloading;
mod step;
mod verb;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};

use super::access::AskedBy;
use super::order::received;
use super::refusal::{HttpError, not_taken};
use super::same_site;
use super::state::{Admin, SharedAdmin};
use crate::api::{OrderView, PausesView, ReloadView};
pub(super) use verb::OrderVerb;

/// The routes of the orders.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route(
            "/api/v1/decisions/{id}/approve",
            post_one(OrderVerb::Approve),
        )
        .route("/api/v1/decisions/{id}/deny", post_one(OrderVerb::Deny))
        .route("/api/v1/scans/{id}/cancel", post_one(OrderVerb::Cancel))
        .route(
            "/api/v1/decisions/approve",
            post_several(OrderVerb::Approve),
        )
        .route("/api/v1/decisions/deny", post_several(OrderVerb::Deny))
        .route("/api/v1/scans/cancel", post_several(OrderVerb::Cancel))
        .route("/api/v1/retry", post_several(OrderVerb::Retry))
        .route("/api/v1/pause", post(pause))
        .route("/api/v1/resume", post(resume))
        .route("/-/reload", post(reload))
        .route("/api/v1/outbox/retry", post(receivers::revive))
        .route("/api/v1/receivers/{name}/test", post(receivers::attempt))
        .method_not_allowed_fallback(async |method: Method| not_taken(&method, "POST"))
        .route_layer(axum::middleware::from_fn(same_site::typed))
}

type OrderReply = Result<Json<OrderView>, HttpError>;

/// An order about one thing.
fn post_one(verb: OrderVerb) -> MethodRouter<Arc<Admin>> {
    let order = async move |State(admin): SharedAdmin,
                            asked: AskedBy,
                            Path(id): Path<String>,
                            body: Body|
                -> OrderReply { admin.order_one(&asked, verb, &id, body).await };
    post(order)
}

/// An order about several.
fn post_several(verb: OrderVerb) -> MethodRouter<Arc<Admin>> {
    let order = async move |State(admin): SharedAdmin, asked: AskedBy, body: Body| -> OrderReply {
        let body = received(body).await?;
        Ok(Json(admin.order(&asked, verb, &body).await?))
    };
    post(order)
}

async fn pause(
    State(admin): SharedAdmin,
    asked: AskedBy,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.pause(&asked, &body).await?))
}

async fn resume(
    State(admin): SharedAdmin,
    asked: AskedBy,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.resume(&asked, &body).await?))
}

async fn reload(
    State(admin): SharedAdmin,
    asked: AskedBy,
    body: Body,
) -> Result<Json<ReloadView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.reload(&asked, &body).await?))
}

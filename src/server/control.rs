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
use axum::routing::post;
use axum::{Extension, Json, Router};

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
    let body = received(body).await?;
    let told = admin.order(&asked, OrderVerb::Approve, &body).await?;
    Ok(Json(told))
}

async fn deny(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    let body = received(body).await?;
    let told = admin.order(&asked, OrderVerb::Deny, &body).await?;
    Ok(Json(told))
}

async fn cancel(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    let body = received(body).await?;
    let told = admin.order(&asked, OrderVerb::Cancel, &body).await?;
    Ok(Json(told))
}

async fn retry(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> OrderReply {
    let body = received(body).await?;
    let told = admin.order(&asked, OrderVerb::Retry, &body).await?;
    Ok(Json(told))
}

async fn pause(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.pause(&asked, &body).await?))
}

async fn resume(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<PausesView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.resume(&asked, &body).await?))
}

async fn reload(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<ReloadView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.reload(&asked, &body).await?))
}

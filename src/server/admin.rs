//! The admin listener: status, metrics, and what leads to lists and orders. JSON, loopback by default.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::access::guard::guard;
use super::access::{AskedBy, ROUTES, is_verbose};
use super::query::{self, Pairs};
use super::refusal::{HttpError, not_taken};
use super::state::{Admin, SharedAdmin};
use super::{audit, control, delivery_body, events, messages, openapi, page, rows, sign_in};
use crate::api::{LaneView, MeView, StatusView};
use crate::metrics::Exposition;

pub fn router(admin: Admin) -> Router {
    let routes = ROUTES.iter().map(|route| match route.method {
        "POST" => (route.path, route.what),
        _ => (route.path, ""),
    });
    admin.metrics.access.expect_routes(routes);
    let admin = Arc::new(admin);
    Router::new()
        .route("/api/v1/me", get(me))
        .route("/api/v1/openapi.json", get(openapi::answer))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/audit/head", get(audit::head))
        .route("/api/v1/status", get(status))
        .merge(messages::views())
        .merge(events::views())
        .merge(delivery_body::views())
        .route("/metrics", get(metrics))
        .route("/livez", get(async || StatusCode::OK))
        .route("/readyz", get(readyz))
        .merge(rows::routes())
        .merge(sign_in::routes())
        .merge(page::routes())
        .method_not_allowed_fallback(async |method: Method| not_taken(&method, "GET, HEAD"))
        .merge(control::routes())
        .merge(page::forms())
        .fallback(async || HttpError::NotFound)
        .layer(axum::middleware::from_fn_with_state(admin.clone(), guard))
        .layer(axum::middleware::from_fn_with_state(
            admin.clone(),
            page::answer::dress,
        ))
        .with_state(admin)
}

/// Who asks, as far as this listener knows.
async fn me(asked: AskedBy, pairs: Pairs) -> Result<Json<MeView>, HttpError> {
    query::nothing(pairs)?;
    Ok(Json(asked.view()))
}

async fn status(
    State(admin): SharedAdmin,
    asked: AskedBy,
    pairs: Pairs,
) -> Result<Json<StatusView>, HttpError> {
    Ok(Json(admin.status_view(&asked, pairs).await?))
}

async fn metrics(State(admin): SharedAdmin, headers: HeaderMap) -> Result<Response, HttpError> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let format = Exposition::accepted(accept);
    let text = admin.exposition(format).await?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

/// A probe is answered whatever its query says.
async fn readyz(State(admin): SharedAdmin, RawQuery(query): RawQuery) -> Response {
    let ready = *admin.ready.borrow();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if !is_verbose(query.as_deref()) {
        return status.into_response();
    }
    let in_force = admin.intake.in_force();
    let lanes: BTreeMap<&str, LaneView> = in_force
        .tenants
        .iter()
        .map(|tenant| (tenant.name.as_str(), tenant.board.borrow().0.clone()))
        .collect();
    let (journal, reload) = (admin.journal.is_open(), admin.reloads.last());
    let armed = in_force.armed();
    let body = serde_json::json!({
        "ready": ready, "mode": armed.mode, "armed": armed.sentence, "journal": journal, "lanes": lanes, "reload": reload,
    });
    (status, Json(body)).into_response()
}

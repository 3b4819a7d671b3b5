//! What people look at before they decide, as JSON: lists, single things, what is held in groups, machines, and what rules
//! came to. The views themselves are made in `views`; the page shows the very same.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::access::AskedBy;
use super::formats::{ListRequest, listed, rows as rows_of};
use super::query::{self, Pairs};
use super::refusal::HttpError;
use super::state::{Admin, SharedAdmin};
use crate::api::{
    AlertView, DecisionView, HeldMembersView, LiveView, MachineName, MachineView, Page, PolicyView,
    RulesView, ScanView, SummaryView, Total,
};
use crate::explain::Judgement;

/// The routes of all that is only looked at.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/api/v1/live", get(live))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/held", get(held))
        .route("/api/v1/held/{key}", get(held_members))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/alerts/{delivery}/{n}", get(alert))
        .route("/api/v1/decisions", get(decisions))
        .route("/api/v1/decisions/{id}", get(decision))
        .route("/api/v1/decisions/{id}/explain", get(explain))
        .route("/api/v1/scans", get(scans))
        .route("/api/v1/scans/{id}", get(scan))
        .route("/api/v1/machines", get(machines))
        .route("/api/v1/machines/{tenant}/{id}", get(machine))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/policies", get(policies))
        .route("/api/v1/policies/{hash}", get(policy))
}

type Viewed<T> = Result<Json<T>, HttpError>;

/// From memory: asking often costs nothing.
async fn live(State(admin): SharedAdmin, pairs: Pairs) -> Viewed<LiveView> {
    query::nothing(pairs)?;
    let seq = admin.journal.pulse().seq();
    Ok(Json(LiveView { seq }))
}

async fn summary(State(admin): SharedAdmin, asked: AskedBy, pairs: Pairs) -> Viewed<SummaryView> {
    Ok(Json(admin.summary_view(&asked, pairs).await?))
}

async fn held(request: ListRequest) -> Result<Response, HttpError> {
    let Some(format) = request.format else {
        let ListRequest { admin, asked, .. } = request;
        return Ok(Json(admin.held_view(&asked, request.pairs).await?).into_response());
    };
    rows_of(request, format, "held", async |admin, asked, pairs| {
        let view = admin.held_view(&asked, pairs).await?;
        Ok(Page {
            total: Some(Total::Exact(view.total as u64)),
            next: view.next,
            items: view.items,
        })
    })
    .await
}

async fn held_members(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(key): Path<String>,
    pairs: Pairs,
) -> Viewed<HeldMembersView> {
    Ok(Json(admin.held_members_view(&asked, &key, pairs).await?))
}

async fn alerts(request: ListRequest) -> Result<Response, HttpError> {
    listed(request, "alerts", async |admin, asked, pairs| {
        admin.alerts_view(&asked, pairs).await
    })
    .await
}

async fn alert(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path((delivery, n)): Path<(String, String)>,
    pairs: Pairs,
) -> Viewed<AlertView> {
    Ok(Json(
        admin.alert_view(&asked, (&delivery, &n), pairs).await?,
    ))
}

async fn decisions(request: ListRequest) -> Result<Response, HttpError> {
    listed(request, "decisions", async |admin, asked, pairs| {
        admin.decisions_view(&asked, pairs).await
    })
    .await
}

async fn decision(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<DecisionView> {
    Ok(Json(admin.decision_view(&asked, &id, pairs).await?))
}

async fn explain(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<Judgement> {
    Ok(Json(admin.explain_view(&asked, &id, pairs).await?))
}

async fn scans(request: ListRequest) -> Result<Response, HttpError> {
    listed(request, "scans", async |admin, asked, pairs| {
        admin.scans_view(&asked, pairs).await
    })
    .await
}

async fn scan(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<ScanView> {
    Ok(Json(admin.scan_view(&asked, &id, pairs).await?))
}

async fn machines(
    State(admin): SharedAdmin,
    asked: AskedBy,
    pairs: Pairs,
) -> Viewed<Vec<MachineName>> {
    Ok(Json(admin.machines_view(&asked, pairs).await?))
}

async fn machine(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path((tenant, id)): Path<(String, String)>,
    pairs: Pairs,
) -> Viewed<MachineView> {
    Ok(Json(
        admin.machine_view(&asked, (tenant, &id), pairs).await?,
    ))
}

async fn rules(State(admin): SharedAdmin, pairs: Pairs) -> Viewed<RulesView> {
    Ok(Json(admin.rules_view(pairs).await?))
}

async fn policies(State(admin): SharedAdmin, pairs: Pairs) -> Viewed<Vec<PolicyView>> {
    Ok(Json(admin.policies_view(pairs).await?))
}

async fn policy(
    State(admin): SharedAdmin,
    Path(hash): Path<String>,
    pairs: Pairs,
) -> Viewed<PolicyView> {
    Ok(Json(admin.policy_view(hash, pairs).await?))
}

//! What people look at before they decide: lists, single things, what is held in groups, machines, and what rules came to.
//! Each is a view of the journal, to which is added here what only the policy and the lanes know.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use uuid::Uuid;

use super::access::AskedBy;
use super::query::{self, Pairs};
use super::refusal::{AccessError, CommandError, HttpError};
use super::state::{Admin, SharedAdmin};
use crate::api::{
    AlertView, DecisionView, HeldView, LiveView, MachineName, MachineView, Page, PolicyView,
    RulesView, ScanView, SummaryView,
};
use crate::clock;
use crate::explain::Judgement;
use crate::journal::{Done, IdPrefix, ListKind, Wants};
use crate::policy::Policy;
use scanhook_core::alert::MachineId;

/// The routes of all that is only looked at.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/api/v1/live", get(live))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/held", get(held))
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

async fn summary(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<SummaryView> {
    let (since, until, tenant) = query::span(pairs, clock::now())?;
    if tenant.is_none() && !asked.sees_all() {
        return Err(AccessError::ForAllTenants.into());
    }
    if tenant.as_deref().is_some_and(|name| !asked.sees(name)) {
        return Err(unknown_id());
    }
    let about = tenant
        .as_deref()
        .map(|name| admin.tenant_called(name).into_iter().collect());
    let mut view = admin
        .read(move |reader| reader.summary(since, until, tenant.as_deref()))
        .await?;
    let mut now = admin.now(about).await?;
    // What keeps back everybody's scans is the business of those who see everybody.
    now.banners
        .retain(|banner| asked.sees_all() || banner.tenant.is_some());
    view.now = Some(now);
    Ok(Json(view))
}

async fn held(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<HeldView> {
    let mut wanted = query::held(pairs, |name| admin.tenant_for(&asked, name), clock::now())?;
    wanted.selector.tenants = asked.tenants(&admin.intake.in_force());
    Ok(Json(
        admin
            .read(move |reader| reader.held_groups(wanted.by, &wanted.selector, wanted.page))
            .await?,
    ))
}

async fn alerts(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<Page<AlertView>> {
    let mut filter = query::filter(ListKind::Alerts, pairs, clock::now())?;
    filter.tenants = asked.tenants(&admin.intake.in_force());
    Ok(Json(
        admin.read(move |reader| reader.alerts(&filter)).await?,
    ))
}

async fn alert(
    State(admin): SharedAdmin,
    Path((delivery, n)): Path<(String, String)>,
    pairs: Pairs,
) -> Viewed<AlertView> {
    query::nothing(pairs)?;
    let (Ok(delivery), Ok(n)) = (delivery.parse::<Uuid>(), n.parse()) else {
        return Err(unknown_id());
    };
    let found = admin.read(move |reader| reader.alert(delivery, n)).await?;
    found.map(Json).ok_or_else(unknown_id)
}

async fn decisions(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<Page<DecisionView>> {
    let mut filter = query::filter(ListKind::Decisions, pairs, clock::now())?;
    filter.tenants = asked.tenants(&admin.intake.in_force());
    let mut page = admin.read(move |reader| reader.decisions(&filter)).await?;
    page.items
        .iter_mut()
        .for_each(|one| admin.orphaned(&one.tenant, &mut one.waits));
    Ok(Json(page))
}

async fn decision(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<DecisionView> {
    query::nothing(pairs)?;
    let id = admin.identified(&asked, Wants::Held, &id).await?;
    let mut found = admin.read(move |reader| reader.decision(id)).await?;
    found = found.filter(|one| asked.sees(&one.tenant));
    if let Some(one) = &mut found {
        admin.orphaned(&one.tenant, &mut one.waits);
    }
    found.map(Json).ok_or_else(unknown_id)
}

async fn explain(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<Judgement> {
    query::nothing(pairs)?;
    let id = admin.identified(&asked, Wants::Held, &id).await?;
    Ok(Json(admin.explained(id).await?))
}

async fn scans(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<Page<ScanView>> {
    let mut filter = query::filter(ListKind::Scans, pairs, clock::now())?;
    filter.tenants = asked.tenants(&admin.intake.in_force());
    let mut page = admin.read(move |reader| reader.scans(&filter)).await?;
    page.items.iter_mut().for_each(|one| admin.complete(one));
    Ok(Json(page))
}

async fn scan(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Viewed<ScanView> {
    query::nothing(pairs)?;
    let id = admin.identified(&asked, Wants::Open, &id).await?;
    let mut found = admin.read(move |reader| reader.scan(id)).await?;
    found = found.filter(|one| asked.sees(&one.tenant));
    if let Some(scan) = &mut found {
        admin.complete(scan);
    }
    found.map(Json).ok_or(HttpError::NotFound)
}

async fn machines(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Viewed<Vec<MachineName>> {
    let device = query::device(pairs)?;
    let tenants = asked.tenants(&admin.intake.in_force());
    let found = admin
        .read(move |reader| reader.machines_called(&device, tenants.as_deref()))
        .await?;
    let narrower = || CommandError::BadParameter {
        key: "device",
        takes: "a name, or a pattern that means 200 devices at most".to_owned(),
    };
    Ok(Json(found.ok_or_else(narrower)?))
}

async fn machine(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path((tenant, id)): Path<(String, String)>,
    pairs: Pairs,
) -> Viewed<MachineView> {
    query::nothing(pairs)?;
    let id = MachineId::parse(&id)
        .filter(|_| asked.sees(&tenant))
        .ok_or_else(unknown_id)?;
    let found = admin
        .read(move |reader| match reader.tenant_named(&tenant)? {
            Some(tenant) => reader.machine(tenant, &id),
            None => Ok(None),
        })
        .await?;
    let mut view = found.ok_or_else(unknown_id)?;
    for scan in &mut view.scans {
        admin.complete(scan);
    }
    for one in &mut view.decisions {
        admin.orphaned(&one.tenant, &mut one.waits);
    }
    view.pauses.retain(|pause| asked.sees_pause(pause));
    view.cooling = view.scans.iter().find_map(Admin::cooling);
    Ok(Json(view))
}

async fn rules(State(admin): SharedAdmin, pairs: Pairs) -> Viewed<RulesView> {
    let (since, policy) = query::window(pairs, clock::now())?;
    Ok(Json(admin.rule_rows(since, policy).await?))
}

async fn policies(State(admin): SharedAdmin, pairs: Pairs) -> Viewed<Vec<PolicyView>> {
    query::nothing(pairs)?;
    let mut all = admin.read(|reader| reader.policies()).await?;
    all.iter_mut().for_each(|one| admin.mark(one));
    Ok(Json(all))
}

async fn policy(
    State(admin): SharedAdmin,
    Path(hash): Path<String>,
    pairs: Pairs,
) -> Viewed<PolicyView> {
    query::nothing(pairs)?;
    let mut found = admin.read(move |reader| reader.policy(&hash)).await?;
    if let Some(one) = &mut found {
        admin.mark(one);
        // What is stored is the rules with all lists; people read the rules.
        let recalled = one.text.as_deref().map(Policy::recall);
        if let Some(Ok(checked)) = recalled {
            one.text = Some(checked.policy.text().to_owned());
        }
    }
    found.map(Json).ok_or_else(unknown_id)
}

fn unknown_id() -> HttpError {
    CommandError::NotDone(Done::UnknownId, Box::default()).into()
}

impl Admin {
    /// The id of the one thing that a path names, whole or by its beginning.
    async fn identified(&self, asked: &AskedBy, wants: Wants, id: &str) -> Result<Uuid, HttpError> {
        let not = || match wants {
            Wants::Open => HttpError::NotFound,
            _ => unknown_id(),
        };
        let named = IdPrefix::parse(id).ok_or_else(not)?;
        let found = self.read(move |reader| reader.identify(wants, &named));
        match found.await? {
            Ok(id) => Ok(id),
            // Candidates may be of tenants outside the grant.
            Err(item) if item.candidates.is_empty() || !asked.sees_all() => Err(not()),
            Err(item) => Err(CommandError::NotDone(Done::AmbiguousId, Box::new(item)).into()),
        }
    }
}

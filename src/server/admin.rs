//! The admin listener: status, metrics, and what leads to lists and orders. JSON, loopback by default.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::access::guard::guard;
use super::access::{AskedBy, ROUTES};
use super::query::{self, Pairs};
use super::refusal::{AccessError, HttpError, not_taken};
use super::state::{Admin, SharedAdmin};
use super::{audit, control, messages, rows, sign_in};
use crate::api::{CertificateView, LaneView, MeView, StatusView};
use crate::certificate::{PlacedCertificate, concerns};
use crate::clock;
use crate::metrics::Exposition;
use scanhook_core::access::Permission;

pub fn router(admin: Admin) -> Router {
    let routes = ROUTES.iter().map(|route| match route.method {
        "POST" => (route.path, route.what),
        _ => (route.path, ""),
    });
    admin.metrics.access.expect_routes(routes);
    let admin = Arc::new(admin);
    Router::new()
        .route("/api/v1/me", get(me))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/audit/head", get(audit::head))
        .route("/api/v1/status", get(status))
        .merge(messages::views())
        .route("/metrics", get(metrics))
        .route("/livez", get(async || StatusCode::OK))
        .route("/readyz", get(readyz))
        .merge(rows::routes())
        .merge(sign_in::routes())
        .method_not_allowed_fallback(async |method: Method| not_taken(&method, "GET, HEAD"))
        .merge(control::routes())
        .fallback(async || HttpError::NotFound)
        .layer(axum::middleware::from_fn_with_state(admin.clone(), guard))
        .with_state(admin)
}

/// Who asks, as far as this listener knows.
async fn me(Extension(asked): Extension<AskedBy>, pairs: Pairs) -> Result<Json<MeView>, HttpError> {
    query::nothing(pairs)?;
    let caller = &asked.caller;
    Ok(Json(MeView {
        name: caller.name.clone(),
        subject: caller.subject.clone(),
        how: caller.how.shown(),
        role: caller.grant.role.code().to_owned(),
        until: caller.until.map(|until| until.to_string()),
        tenants: caller
            .grant
            .tenants
            .names()
            .map(|names| names.iter().cloned().collect()),
    }))
}

async fn status(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    pairs: Pairs,
) -> Result<Json<StatusView>, HttpError> {
    let source = query::source(pairs)?;
    let in_force = admin.intake.in_force();
    if source.is_some() && !asked.sees_all() {
        return Err(AccessError::ForAllTenants.into());
    }
    if source
        .as_ref()
        .is_some_and(|source| !in_force.bindings.contains_key(source))
    {
        return Err(HttpError::UnknownSource);
    }
    let tenants = admin.tenants().await?;
    let names: Vec<String> = match &source {
        Some(source) => vec![source.clone()],
        None => in_force.bindings.keys().cloned().collect(),
    };
    let mut sources = admin
        .read(move |reader| {
            names
                .iter()
                .map(|name| reader.source(name))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    for source in &mut sources {
        admin.silence(source);
        source.door = admin.traces.of(Some(&source.name));
    }
    // What was refused tells of the senders' secrets, and bodies that could not be read may hold anything.
    if source.is_some() && asked.caller.grant.allows(Permission::Administer) {
        for source in &mut sources {
            source.refusals = admin.refusals.of(&source.name);
            let name = source.name.clone();
            source.unread = admin.read(move |reader| reader.unread(&name)).await?;
        }
    }
    let pauses = admin.pauses().await?;
    let certificates = in_force.settings.certificates();
    let mut warnings = in_force.settings.warnings.clone();
    warnings.extend(concerns(&certificates, clock::now()));
    warnings.extend(admin.traces.warnings());
    warnings.extend(admin.journal.space().room().warning());
    let (parked, parked_at) = admin.read(|reader| reader.parked()).await?;
    let receivers = admin.receivers().await?;
    let armed = in_force.armed_for(|tenant| asked.sees(tenant));
    let view = StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: admin.started.to_string(),
        ready: *admin.ready.borrow(),
        dry_run: in_force.settings.dry_run,
        mode: armed.mode.to_owned(),
        armed: armed.sentence,
        parked,
        parked_at: parked_at.map(|at| at.to_string()),
        policy: in_force.policy.fingerprint().to_owned(),
        reload: Some(admin.reloads.last()),
        warnings,
        certificates: certificates.iter().map(shown).collect(),
        pauses,
        tenants,
        sources,
        receivers,
        door: admin.traces.of(None),
    };
    Ok(Json(within(view, &asked)))
}

/// What a grant for some tenants sees of it: rows of those, and nothing that belongs to all.
fn within(mut view: StatusView, asked: &AskedBy) -> StatusView {
    if asked.sees_all() {
        return view;
    }
    view.tenants.retain(|tenant| asked.sees(&tenant.name));
    view.pauses.retain(|pause| asked.sees_pause(pause));
    view.sources.clear();
    view.receivers.clear();
    view.warnings.clear();
    view.certificates.clear();
    (view.reload, view.parked, view.parked_at) = (None, 0, None);
    view.door = Default::default();
    view
}

fn shown((place, valid): &PlacedCertificate) -> CertificateView {
    CertificateView {
        place: place.clone(),
        ends: valid.last_day(),
    }
}

async fn metrics(State(admin): SharedAdmin, headers: HeaderMap) -> Result<Response, HttpError> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let format = Exposition::accepted(accept);
    let tenants = admin.tenants().await?;
    let pauses = admin.read(|reader| reader.pauses()).await?.len();
    let now = clock::now();
    let ending = admin.read(move |reader| reader.holds_ending(now)).await?;
    let receivers = admin.receivers().await?;
    admin.metrics.receivers(&receivers, now);
    let idle = admin.settings().admin.session.idle;
    let (sessions, head) = admin
        .read(move |reader| {
            Ok((
                reader.sessions(now.minus(idle), now)?,
                reader.audit_head_at()?,
            ))
        })
        .await?;
    admin.metrics.access.gauge(sessions, head);
    let text = admin
        .metrics
        .render(format, &tenants, pauses, &ending, &admin.journal, now);
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

/// A probe is answered whatever its query says.
async fn readyz(State(admin): SharedAdmin, RawQuery(query): RawQuery) -> Response {
    let keys = query
        .as_deref()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split('=').next());
    let verbose = keys.flatten().any(|key| key == "verbose");
    let ready = *admin.ready.borrow();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if !verbose {
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

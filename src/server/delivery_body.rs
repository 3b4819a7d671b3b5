//! The stored body of a delivery, as it was sent. Whoever reads one is recorded before it leaves.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use scanhook_core::access::AuditEntry;
use uuid::Uuid;

use super::access::AskedBy;
use super::query::{self, Pairs};
use super::refusal::{CommandError, HttpError};
use super::state::{Admin, SharedAdmin};
use crate::journal::Done;

pub(super) fn views() -> Router<Arc<Admin>> {
    Router::new().route("/api/v1/deliveries/{id}/body", get(body))
}

async fn body(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(id): Path<String>,
    pairs: Pairs,
) -> Result<Response, HttpError> {
    query::nothing(pairs)?;
    let refused = |done| HttpError::from(CommandError::NotDone(done, Box::default()));
    let id: Uuid = id.parse().map_err(|_| refused(Done::UnknownId))?;
    let found = admin.read(move |reader| reader.delivery_body(id)).await?;
    let in_force = admin.intake.in_force();
    // One body may hold alerts of several tenants: it is seen by those who see all of it.
    let found = found
        .filter(|found| {
            let source = in_force.bindings.get(&found.source);
            let delivers_for = source.map_or(&[][..], |binding| &binding.source.tenants);
            asked.sees_all()
                || (asked.sees_source(delivers_for)
                    && found.tenants.iter().all(|tenant| asked.sees(tenant)))
        })
        .ok_or_else(|| refused(Done::UnknownId))?;
    let bytes = found.body.ok_or_else(|| refused(Done::BodyGone))?;
    let entry = AuditEntry {
        scope: found.source,
        count: 1,
        ids: vec![id.to_string()],
        result: "done".to_owned(),
        ..asked.entry("body", in_force.policy.fingerprint())
    };
    admin.audited(entry).await?;
    // It is whatever a sender wrote: no browser shows it, and none guesses what it may be.
    let attached = format!("attachment; filename=\"{id}.bin\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, attached),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

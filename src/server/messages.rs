//! Messages and events: the outbox, its receivers, and the stream of what happened.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::order::words;
use super::query::{self, Pairs};
use super::refusal::{CommandError, HttpError};
use super::state::{Admin, SharedAdmin};
use crate::api::{MessageView, Page, ReceiverView};
use crate::journal::{ListKind, OutboxFilter};
use scanhook_core::message::body as event_body;

/// Their routes. The orders about them are in `control`.
pub(super) fn views() -> Router<Arc<Admin>> {
    Router::new()
        .route("/api/v1/outbox", get(outbox))
        .route("/api/v1/events", get(events))
}

async fn outbox(
    State(admin): SharedAdmin,
    pairs: Pairs,
) -> Result<Json<Page<MessageView>>, HttpError> {
    Ok(Json(admin.outbox_view(pairs).await?))
}

/// A page of the stream, one event a line, oldest first.
async fn events(State(admin): SharedAdmin, pairs: Pairs) -> Result<Response, HttpError> {
    let (after, limit) = events_from(pairs)?;
    let (oldest, newest) = admin.read(|reader| reader.event_bounds()).await?;
    let kept_from = if oldest > 0 { oldest } else { newest + 1 };
    if after.is_some_and(|after| after < kept_from - 1) {
        return Err(CommandError::EventsGone(kept_from).into());
    }
    let after = after.unwrap_or(0);
    let public = admin.intake.in_force().settings.admin.public_url.clone();
    let found = admin
        .read(move |reader| reader.events_after(after, limit))
        .await?;
    let lines: String = found
        .iter()
        .map(|notice| format!("{}\n", event_body(notice, public.as_ref())))
        .collect();
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// Which messages of the outbox are asked for.
fn outbox_filter(pairs: Pairs) -> Result<OutboxFilter, CommandError> {
    const KEYS: &[&str] = &["receiver", "state", "limit", "after"];
    const STATES: &[&str] = &["waiting", "sent", "dead"];
    let mut filter = OutboxFilter::default();
    for (key, value) in query::known(KEYS, ListKind::Decisions, pairs)? {
        match key {
            "receiver" => filter.receiver = Some(value),
            "state" if STATES.contains(&value.as_str()) => filter.state = Some(value),
            "state" => {
                return Err(CommandError::BadParameter {
                    key,
                    takes: words(STATES),
                });
            }
            "limit" => filter.limit = Some(query::limit(key, &value)?),
            _ => filter.after = Some(number(key, &value)?),
        }
    }
    Ok(filter)
}

/// After which event, and how many.
fn events_from(pairs: Pairs) -> Result<(Option<i64>, usize), CommandError> {
    let (mut after, mut most) = (None, 100);
    for (key, value) in query::known(&["after", "limit"], ListKind::Decisions, pairs)? {
        match key {
            "after" => after = Some(number(key, &value)?),
            _ => most = query::limit(key, &value)?,
        }
    }
    Ok((after, usize::from(most)))
}

fn number(key: &'static str, value: &str) -> Result<i64, CommandError> {
    let number = value.parse().ok().filter(|number: &i64| *number >= 0);
    number.ok_or_else(|| CommandError::BadParameter {
        key,
        takes: "the number of a row or an event".to_owned(),
    })
}

impl Admin {
    /// A page of the outbox.
    pub(super) async fn outbox_view(&self, pairs: Pairs) -> Result<Page<MessageView>, HttpError> {
        let filter = outbox_filter(pairs)?;
        self.known_receiver(filter.receiver.as_deref())?;
        self.read(move |reader| reader.outbox(&filter)).await
    }

    /// How each configured receiver is.
    pub(super) async fn receivers(&self) -> Result<Vec<ReceiverView>, HttpError> {
        let in_force = self.intake.in_force();
        let named: Vec<_> = in_force
            .settings
            .receivers
            .iter()
            .map(|receiver| (receiver.name.clone(), receiver.channel.kind()))
            .collect();
        self.read(move |reader| {
            named
                .iter()
                .map(|(name, kind)| reader.receiver_view(name, kind))
                .collect()
        })
        .await
    }

    pub(super) fn known_receiver(&self, name: Option<&str>) -> Result<(), HttpError> {
        let in_force = self.intake.in_force();
        let known = |name: &str| {
            in_force
                .settings
                .receivers
                .iter()
                .any(|receiver| receiver.name == name)
        };
        match name {
            Some(name) if !known(name) => Err(CommandError::UnknownReceiver.into()),
            _ => Ok(()),
        }
    }
}

//! Messages: the outbox and its receivers.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::formats::{ListRequest, listed};
use super::order::words;
use super::query::{self, Pairs};
use super::refusal::{CommandError, HttpError};
use super::state::Admin;
use crate::api::{MessageView, Page, ReceiverView};
use crate::journal::OutboxFilter;

/// Its route. The orders about them are in `control`.
pub(super) fn views() -> Router<Arc<Admin>> {
    Router::new().route("/api/v1/outbox", get(outbox))
}

async fn outbox(request: ListRequest) -> Result<Response, HttpError> {
    listed(request, "outbox", async |admin, _, pairs| {
        admin.outbox_view(pairs).await
    })
    .await
}

/// The keys of its list.
pub(super) const KEYS: &[&str] = &["receiver", "state", "limit", "after", "format"];

/// Which messages of the outbox are asked for.
fn outbox_filter(pairs: Pairs) -> Result<OutboxFilter, CommandError> {
    const STATES: &[&str] = &["waiting", "sent", "dead"];
    let mut filter = OutboxFilter::default();
    for (key, value) in query::known(KEYS, pairs)? {
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
            "after" => filter.after = Some(number(key, &value)?),
            _ => {}
        }
    }
    Ok(filter)
}

/// The number of a row or of an event.
pub(super) fn number(key: &'static str, value: &str) -> Result<i64, CommandError> {
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

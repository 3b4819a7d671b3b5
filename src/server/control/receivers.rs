//! Orders about messages: to bring back those that were given up, and to try a receiver.

use core::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::orderer::{Act, DONE};
use crate::api::{MessageView, RevivedView};
use crate::clock;
use crate::server::access::AskedBy;
use crate::server::order::{self, received};
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::SharedAdmin;

/// How long a person who tries a receiver waits for its answer: a little longer than a try may take.
const TRIED_FOR: Duration = Duration::from_secs(12);
/// How often it is looked whether the answer has come.
const LOOK: Duration = Duration::from_millis(50);

/// Lets messages that were given up wait again. They may tell of any tenant.
pub(super) async fn revive(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    body: Body,
) -> Result<Json<RevivedView>, HttpError> {
    if !asked.sees_all() {
        return Err(AccessError::ForAllTenants.into());
    }
    let body = received(body).await?;
    let members = order::read(&body, &["receiver", "reason", "by"])?;
    let (receiver, orderer) = (members.receiver()?, admin.orderer(&asked, &members)?);
    admin.known_receiver(receiver.as_deref())?;
    let named = receiver.clone();
    let revived = admin
        .ordered(&orderer, move |tx, _| {
            let revived = tx.revive_messages(named.as_deref(), clock::now())?;
            let act = Act {
                what: "outbox retry",
                scope: named.map_or_else(String::new, |name| format!("receiver {name}")),
                count: revived,
                ids: Vec::new(),
                result: DONE.to_owned(),
            };
            Ok((revived, act))
        })
        .await?;
    let who = &orderer.by.who;
    tracing::info!(who, receiver, revived, "dead messages wait again");
    Ok(Json(RevivedView { revived }))
}

/// Sends a message that says nothing, and waits for what becomes of it.
pub(super) async fn attempt(
    State(admin): SharedAdmin,
    Extension(asked): Extension<AskedBy>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<MessageView>, HttpError> {
    let body = received(body).await?;
    let members = order::read(&body, &["reason", "by"])?;
    let orderer = admin.orderer(&asked, &members)?;
    admin.known_receiver(Some(&name))?;
    let named = name.clone();
    let id = admin
        .ordered(&orderer, move |tx, _| {
            let id = tx.enqueue_test(&named, clock::now())?;
            let act = Act {
                what: "receiver test",
                scope: format!("receiver {named}"),
                count: 1,
                ids: Vec::new(),
                result: DONE.to_owned(),
            };
            Ok((id, act))
        })
        .await?;
    let who = &orderer.by.who;
    tracing::info!(who, receiver = name, "a receiver is tried");
    let until = clock::mono() + TRIED_FOR;
    loop {
        let found = admin.read(move |reader| reader.message(id)).await?;
        let message = found.ok_or(HttpError::NotFound)?;
        if message.state != "waiting" || clock::mono() >= until {
            return Ok(Json(message));
        }
        tokio::time::sleep(LOOK).await;
    }
}

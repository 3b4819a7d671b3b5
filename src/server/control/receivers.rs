//! Orders about messages: to bring back those that were given up, and to try a receiver.

use core::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};

use super::orderer::{Act, DONE};
use crate::api::{MessageView, RevivedView};
use crate::clock;
use crate::server::access::AskedBy;
use crate::server::order::{self, received};
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::{Admin, SharedAdmin};

/// How long a person who tries a receiver waits for its answer: a little longer than a try may take.
const TRIED_FOR: Duration = Duration::from_secs(12);
/// How often it is looked whether the answer has come.
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn revive(
    State(admin): SharedAdmin,
    asked: AskedBy,
    body: Body,
) -> Result<Json<RevivedView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.revive_messages(&asked, &body).await?))
}

pub(super) async fn attempt(
    State(admin): SharedAdmin,
    asked: AskedBy,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<MessageView>, HttpError> {
    let body = received(body).await?;
    Ok(Json(admin.try_receiver(&asked, &name, &body).await?))
}

impl Admin {
    /// Lets messages that were given up wait again. They may tell of any tenant.
    pub(in crate::server) async fn revive_messages(
        &self,
        asked: &AskedBy,
        body: &[u8],
    ) -> Result<RevivedView, HttpError> {
        if !asked.sees_all() {
            return Err(AccessError::ForAllTenants.into());
        }
        let members = order::read(body, &["receiver", "reason", "by"])?;
        let (receiver, orderer) = (members.receiver()?, self.orderer(asked, &members)?);
        self.known_receiver(receiver.as_deref())?;
        let named = receiver.clone();
        let revived = self
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
        Ok(RevivedView { revived })
    }

    /// Sends a message that says nothing, and waits for what becomes of it.
    pub(in crate::server) async fn try_receiver(
        &self,
        asked: &AskedBy,
        name: &str,
        body: &[u8],
    ) -> Result<MessageView, HttpError> {
        let members = order::read(body, &["reason", "by"])?;
        let orderer = self.orderer(asked, &members)?;
        self.known_receiver(Some(name))?;
        let named = name.to_owned();
        let id = self
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
            let found = self.read(move |reader| reader.message(id)).await?;
            let message = found.ok_or(HttpError::NotFound)?;
            if message.state != "waiting" || clock::mono() >= until {
                return Ok(message);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

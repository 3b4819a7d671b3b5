//! Signing in and out: a token of a program is taken by the form as well, so that somebody who has one can use the pages.
//! What the browser keeps then is a session (`access::session`), which counts at the API too.

mod back;
mod issuer;
pub(super) mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::access::cookie::SESSION;
use super::access::session::key;
use super::access::{AskedBy, RefusedAttempt, Wire, of_token};
use super::fields::FormValues;
use super::refusal::{AccessError, HttpError};
use super::same_site::from_here;
use super::state::{Admin, SharedAdmin};
use crate::clock;
use crate::journal::SessionProof;
use crate::settings::Settings;
use back::WayBack;
use page::sign_in_page;
use scanhook_core::access::SessionKey;

/// The routes by which people come and leave.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/sign-in", get(form))
        .route("/sign-in", post(by_token).route_layer(from_fn(from_here)))
        .route("/sign-in/start", get(issuer::begin))
        .route("/sign-in/callback", get(issuer::came_back))
        .route("/sign-out", post(leave))
}

/// The form; whoever is signed in already goes on.
async fn form(State(admin): SharedAdmin, request: Request) -> Response {
    let settings = admin.settings();
    let way = WayBack::of_query(request.uri().query());
    let headers = request.headers().clone();
    match admin.known(&settings, headers, Wire::of(&request)).await {
        Ok(_) => way.taken(),
        Err(HttpError::Access(AccessError::SignInRequired)) => sign_in_page(&settings, &way, None),
        Err(refused) => sign_in_page(&settings, &way, Some(&refused)),
    }
}

/// A token, as the form sends it.
async fn by_token(State(admin): SharedAdmin, request: Request) -> Response {
    let settings = admin.settings();
    let wire = Wire::of(&request);
    let (head, body) = request.into_parts();
    let fields = match FormValues::read(body).await {
        Ok(fields) => fields,
        Err(refused) => return refused.into_response(),
    };
    let way = WayBack::of(fields.get("next"));
    let begun = admin.session_by_token(&settings, &head.headers, &fields, wire);
    match begun.await {
        Ok(key) => SESSION.kept(way.taken(), key.expose()),
        Err(refused) => sign_in_page(&settings, &way, Some(&refused)),
    }
}

/// Ends the session of this browser.
async fn leave(State(admin): SharedAdmin, headers: HeaderMap, request: Request) -> Response {
    let settings = admin.settings();
    if let Some(key) = key(&headers) {
        let known = admin.known(&settings, headers, Wire::of(&request)).await;
        let ended = match known {
            Ok(asked) => admin.sign_out(&asked, &key).await,
            // It is over already.
            Err(HttpError::Access(_)) => Ok(()),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = ended {
            return refused.into_response();
        }
    }
    SESSION.forgotten(Redirect::to("/sign-in").into_response())
}

impl Admin {
    /// Begins a session of whoever has this token.
    async fn session_by_token(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        fields: &FormValues,
        wire: Wire,
    ) -> Result<SessionKey, HttpError> {
        if let Some(left) = self.credentials.spent(wire.address, clock::mono()) {
            return Err(HttpError::FailureBudget(left));
        }
        let now = clock::now();
        let found = wire.keeps_secrets(settings).and_then(|()| {
            let token = fields.get("token").unwrap_or_default().trim();
            of_token(settings, token, now).ok_or(AccessError::CredentialRefused)
        });
        let (caller, token) = match found {
            Ok(found) => found,
            Err(refused) => {
                let attempt = RefusedAttempt {
                    address: wire.address,
                    how: "token",
                    person: None,
                    refused,
                };
                self.attempt_refused(&attempt).await;
                return Err(refused.into());
            }
        };
        let asked = AskedBy::new(caller, wire.address);
        self.note_use(&asked, settings, now).await;
        let proof = SessionProof::Token(token.hash.to_string());
        let begun = self.sign_in(&asked, proof, key(headers)).await?;
        self.metrics.access.signed_in("token", "done");
        Ok(begun)
    }
}

//! Signing in and out: a token of a program is taken by the form as well, so that somebody who has one can use the pages.
//! What the browser keeps then is a session (`access::session`), which counts at the API too.

mod back;
mod issuer;
pub(super) mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::access::session::{forgotten, kept, key, with_cookie};
use super::access::{AskedBy, RefusedAttempt, Wire, of_token};
use super::page::fields::{FormValues, is_form};
use super::refusal::{AccessError, HttpError};
use super::state::{Admin, SharedAdmin};
use crate::clock;
use crate::journal::SessionProof;
use crate::settings::Settings;
use back::WayBack;
use page::SignInPage;

/// The routes by which people come and leave.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/sign-in", get(form))
        .route("/sign-in", post(by_token))
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
        Err(HttpError::Access(AccessError::SignInRequired)) => {
            SignInPage::new(&settings, Some(way.path())).answer(StatusCode::OK)
        }
        Err(refused) => SignInPage::new(&settings, Some(way.path())).refused(&refused),
    }
}

/// A token, as the form sends it.
async fn by_token(State(admin): SharedAdmin, request: Request) -> Response {
    let settings = admin.settings();
    let wire = Wire::of(&request);
    let (head, body) = request.into_parts();
    let fields = match is_form(&head.headers) {
        Ok(()) => FormValues::read(body).await,
        Err(refused) => Err(refused),
    };
    let fields = match fields {
        Ok(fields) => fields,
        Err(refused) => return refused.into_response(),
    };
    let way = WayBack::of(fields.get("next"));
    let begun = admin.session_by_token(&settings, &head.headers, &fields, wire);
    match begun.await {
        Ok(cookie) => with_cookie(way.taken(), cookie),
        Err(refused) => SignInPage::new(&settings, Some(way.path())).refused(&refused),
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
    let to = [(header::LOCATION, "/sign-in")];
    with_cookie((StatusCode::SEE_OTHER, to).into_response(), forgotten())
}

impl Admin {
    /// Begins a session of whoever has this token; the cookie that the browser keeps.
    async fn session_by_token(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        fields: &FormValues,
        wire: Wire,
    ) -> Result<HeaderValue, HttpError> {
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
        kept(&begun).ok_or(HttpError::Internal)
    }
}

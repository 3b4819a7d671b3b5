//! The middleware of the admin listener: who asks, whether they may, and what is recorded of a refusal.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::asked::AskedBy;
use super::identify::kind;
use super::refusals::RefusedAttempt;
use super::routes::{RouteAccess, RouteNeeds, methods_of, route};
use super::wire::Wire;
use crate::clock;
use crate::server::refusal::{AccessError, HttpError, RefusedWith, ToldInPage, not_taken};
use crate::server::same_site;
use crate::server::state::{Admin, SharedAdmin};
use crate::settings::Settings;
use scanhook_core::message::PublicUrl;

/// Lets pass whoever may ask for this, and counts what was answered.
pub(in crate::server) async fn guard(
    State(admin): SharedAdmin,
    request: Request,
    next: Next,
) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let matched = matched.map(|path| path.as_str().to_owned());
    let response = admin.let_in(matched.as_deref(), request, next).await;
    // What is asked for at random must not become a label.
    let path = matched.as_deref().unwrap_or("other");
    let status = response.status().as_u16();
    admin.metrics.access.answered(path, status);
    response
}

impl Admin {
    /// Lets pass whoever may ask for this, and says to the handler who it is.
    async fn let_in(&self, matched: Option<&str>, mut request: Request, next: Next) -> Response {
        let path = matched.unwrap_or(request.uri().path()).to_owned();
        let method = request.method().clone();
        let wire = Wire::of(&request);
        let found = match route(&method, &path, request.uri().query()) {
            Some(RouteNeeds::Nothing) => return next.run(request).await,
            found => found,
        };
        let scheme = if wire.over_tls { "https://" } else { "http://" };
        let settings = self.settings();
        let public_url = settings.admin.public_url.as_ref().map(PublicUrl::as_str);
        if let Err(refused) = same_site::check(&method, request.headers(), scheme, public_url) {
            return refused.into_response();
        }
        let found = match found {
            Some(RouteNeeds::Permission(found)) => found,
            // Their forms are such as any page could send.
            Some(_) => {
                return match same_site::named(&method, request.headers()) {
                    Ok(()) => next.run(request).await,
                    Err(refused) => refused.into_response(),
                };
            }
            // A path of ours that does not take this method; or one that somebody serves and nobody has put into the table,
            // which answers nobody. Of all others the router itself says that there is nothing.
            None => {
                return match methods_of(&path) {
                    Some(taken) => not_taken(&method, &taken).into_response(),
                    None if matched.is_some() => HttpError::NotFound.into_response(),
                    None => next.run(request).await,
                };
            }
        };
        let headers = request.headers().clone();
        let asked = match self.known(&settings, headers, wire).await {
            Ok(asked) => asked,
            Err(refused) => return refused.into_response(),
        };
        if !asked.caller.grant.allows(found.takes) {
            let refused = HttpError::from(too_small(&asked, found));
            if method == Method::POST {
                self.refused(&asked, found, refused.code()).await;
            }
            return refused.into_response();
        }
        request.extensions_mut().insert(asked.clone());
        let mut response = next.run(request).await;
        // The page says on every answer whom it sees.
        response.extensions_mut().insert(asked.clone());
        if method == Method::POST {
            let told = response.extensions().get::<ToldInPage>().cloned();
            let told = told.map(|ToldInPage(refused)| refused);
            let refused = response.extensions().get::<RefusedWith>().cloned();
            let refused = refused.map(|RefusedWith(refused)| refused);
            match refused.or(told) {
                Some(refused) => self.refused(&asked, found, refused.code()).await,
                None => self.metrics.access.ordered(found.what, "done"),
            }
        }
        response
    }

    /// An order that was not carried out.
    async fn refused(&self, asked: &AskedBy, found: &RouteAccess, code: &'static str) {
        self.metrics.access.ordered(found.what, code);
        self.audit_refused(asked, found, code).await;
    }

    /// Who asks; a refused credential is counted and goes into the audit.
    pub(in crate::server) async fn known(
        &self,
        settings: &Settings,
        headers: HeaderMap,
        wire: Wire,
    ) -> Result<AskedBy, HttpError> {
        let address = wire.address;
        if let Some(left) = self.credentials.spent(address, clock::mono()) {
            return Err(HttpError::FailureBudget(left));
        }
        let now = clock::now();
        match self.caller(settings, &headers, wire, now).await {
            Ok(caller) => {
                let asked = AskedBy::new(caller, address);
                self.note_use(&asked, settings, now).await;
                Ok(asked)
            }
            Err(HttpError::Access(refused)) if refused != AccessError::SignInRequired => {
                let attempt = RefusedAttempt {
                    address,
                    how: kind(settings, &headers),
                    person: None,
                    refused,
                };
                self.attempt_refused(&attempt).await;
                Err(refused.into())
            }
            Err(refused) => Err(refused),
        }
    }

    /// The settings in force.
    pub(in crate::server) fn settings(&self) -> Arc<Settings> {
        self.intake.in_force().settings.clone()
    }
}

fn too_small(asked: &AskedBy, found: &RouteAccess) -> AccessError {
    let least = found.takes.least();
    if asked.caller.grant.role < least {
        AccessError::RoleTooSmall(least)
    } else {
        AccessError::ForAllTenants
    }
}

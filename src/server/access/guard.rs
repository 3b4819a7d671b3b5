//! The middleware of the admin listener: who asks, whether they may, and what is recorded of a refusal.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::asked::AskedBy;
use super::identify::caller;
use super::routes::{RouteAccess, RouteNeeds, methods_of, route};
use super::wire::Wire;
use crate::clock;
use crate::server::refusal::{AccessError, HttpError, RefusedWith, ToldInPage, not_taken};
use crate::server::same_site;
use crate::server::state::{Admin, SharedAdmin};
use crate::settings::Settings;
use scanhook_core::message::PublicUrl;

/// Lets pass whoever may ask for this, and says to the handler who it is.
pub(in crate::server) async fn guard(
    State(admin): SharedAdmin,
    mut request: Request,
    next: Next,
) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let is_served = matched.is_some();
    let path = matched.map_or_else(
        || request.uri().path().to_owned(),
        |path| path.as_str().to_owned(),
    );
    let method = request.method().clone();
    let wire = Wire::of(&request);
    let found = match route(&method, &path, request.uri().query()) {
        Some(RouteNeeds::Nothing) => return next.run(request).await,
        Some(RouteNeeds::Permission(found)) => Some(found),
        None => None,
    };
    let scheme = if wire.over_tls { "https://" } else { "http://" };
    let settings = admin.settings();
    if let Err(refused) = same_site::check(
        request.headers(),
        scheme,
        settings.admin.public_url.as_ref().map(PublicUrl::as_str),
    ) {
        return refused.into_response();
    }
    let Some(found) = found else {
        // A path of ours that does not take this method; or one that somebody serves and nobody has put into the table, which
        // answers nobody. Of all others the router itself says that there is nothing.
        return match methods_of(&path) {
            Some(taken) => not_taken(&method, &taken).into_response(),
            None if is_served => HttpError::NotFound.into_response(),
            None => next.run(request).await,
        };
    };
    let asked = match admin
        .known(&settings, request.headers().clone(), wire)
        .await
    {
        Ok(asked) => asked,
        Err(refused) => return refused.into_response(),
    };
    if !asked.caller.grant.allows(found.takes) {
        let refused = HttpError::from(admin.too_small(&asked, found));
        if method == Method::POST {
            admin.audit_refused(&asked, found, refused.code()).await;
        }
        return refused.into_response();
    }
    request.extensions_mut().insert(asked.clone());
    let mut response = next.run(request).await;
    // The page says on every answer whom it sees.
    response.extensions_mut().insert(asked.clone());
    let told = response.extensions().get::<ToldInPage>().cloned();
    let told = told.map(|ToldInPage(refused)| refused);
    let refused = response.extensions().get::<RefusedWith>().cloned();
    let refused = refused.map(|RefusedWith(refused)| refused);
    if method == Method::POST
        && let Some(refused) = refused.or(told)
    {
        admin.audit_refused(&asked, found, refused.code()).await;
    }
    response
}

impl Admin {
    /// Who asks; a refused credential is counted and goes into the audit.
    async fn known(
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
        match caller(settings, &headers, wire, now) {
            Ok(caller) => {
                let asked = AskedBy::new(caller, address);
                self.note_use(&asked, settings, now).await;
                Ok(asked)
            }
            Err(refused) => {
                if refused != AccessError::SignInRequired {
                    self.credential_refused(address, refused).await;
                }
                Err(refused.into())
            }
        }
    }

    fn too_small(&self, asked: &AskedBy, found: &RouteAccess) -> AccessError {
        let least = found.takes.least();
        if asked.caller.grant.role < least {
            AccessError::RoleTooSmall(least)
        } else {
            AccessError::ForAllTenants
        }
    }

    /// `[admin]` of the settings in force.
    pub(in crate::server) fn settings(&self) -> Arc<Settings> {
        self.intake.in_force().settings.clone()
    }
}

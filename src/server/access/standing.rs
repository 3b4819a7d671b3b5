//! Whether somebody who was let in still is, for an answer that outlasts the moment in which they were: a token may be
//! removed, a session ended or a grant changed while it is written.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::asked::AskedBy;
use super::wire::Wire;
use crate::clock;
use crate::server::state::Admin;

/// How a request proved who sent it.
pub(in crate::server) struct CallerStanding {
    headers: HeaderMap,
    wire: Wire,
}

impl CallerStanding {
    /// Whether the same proof still gives the same grant.
    pub(in crate::server) async fn holds(&self, admin: &Admin, asked: &AskedBy) -> bool {
        let (settings, known) = (admin.settings(), &asked.caller);
        let caller = admin.caller(&settings, &self.headers, self.wire, clock::now());
        caller
            .await
            .is_ok_and(|caller| caller.subject == known.subject && caller.grant == known.grant)
    }
}

impl FromRequestParts<Arc<Admin>> for CallerStanding {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &Arc<Admin>,
    ) -> Result<CallerStanding, Infallible> {
        Ok(CallerStanding {
            headers: parts.headers.clone(),
            wire: Wire::of_extensions(&parts.extensions),
        })
    }
}

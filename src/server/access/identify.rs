//! Who sends a request: a configured token, a session, or this computer where it is let in. A request that a proxy says it
//! passed on is never this computer, whatever its address.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, FORWARDED, VIA};

use super::session;
use super::wire::Wire;
use crate::server::content::only;
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::Admin;
use crate::settings::Settings;
use scanhook_core::access::{AccessToken, Caller, SignedInBy, find};
use scanhook_core::time::Timestamp;

impl Admin {
    /// Who sent a request with these headers.
    pub(super) async fn caller(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        wire: Wire,
        now: Timestamp,
    ) -> Result<Caller, HttpError> {
        let session = session::key(headers);
        if headers.contains_key(AUTHORIZATION) || session.is_some() {
            wire.keeps_secrets(settings)?;
        }
        if headers.contains_key(AUTHORIZATION) {
            return Ok(presented(settings, headers, now)?);
        }
        if let Some(key) = session
            && let Some(caller) = self.session(settings, &key, now).await?
        {
            return Ok(caller);
        }
        match &settings.admin.loopback {
            Some(grant) if wire.is_local() && !was_passed_on(headers) => {
                let mut caller = Caller::on_this_computer(grant.clone());
                // Where nobody else is let in, a name is all there is to tell two people at this computer apart.
                caller.for_others = !settings.admin.has_accounts();
                Ok(caller)
            }
            _ => Err(AccessError::SignInRequired.into()),
        }
    }
}

/// Whoever presents a token as `Authorization: Bearer`.
fn presented(
    settings: &Settings,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Caller, AccessError> {
    only(headers, AUTHORIZATION)
        .and_then(|line| line.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, presented)| of_token(settings, presented.trim(), now))
        .map(|(caller, _)| caller)
        .ok_or(AccessError::CredentialRefused)
}

/// Whose token this is, with the table that lets it in.
pub(in crate::server) fn of_token<'s>(
    settings: &'s Settings,
    presented: &str,
    now: Timestamp,
) -> Option<(Caller, &'s AccessToken)> {
    let token = find(&settings.admin.tokens, presented, now)?;
    let caller = Caller {
        subject: format!("token:{}", token.name),
        name: token.name.clone(),
        how: SignedInBy::Token(token.name.clone()),
        grant: token.grant.clone(),
        for_others: token.for_others,
        until: token.until,
    };
    Some((caller, token))
}

/// Whether a proxy says that it passed the request on.
fn was_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("x-forwarded-") || name == "x-real-ip"
        })
}

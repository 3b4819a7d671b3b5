//! Who sends a request: a configured token, a session, a signed token of the issuer, or this computer where it is let in. A request that a proxy says it
//! passed on is never this computer, whatever its address.

use axum::http::header::{AUTHORIZATION, FORWARDED, VIA};
use axum::http::{HeaderMap, HeaderName};

use super::session;
use super::wire::Wire;
use crate::server::content::only;
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::Admin;
use crate::settings::{OpenIdSettings, Settings};
use scanhook_core::access::{
    AccessToken, Caller, KnownPerson, SignedInBy, TokenPurpose, find, is_token,
};
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
            let presented = bearer(headers).ok_or(AccessError::CredentialRefused)?;
            return match jwt_in(settings, AUTHORIZATION) {
                Some(sign_in) if !is_token(presented) => self.of_jwt(sign_in, presented).await,
                _ => of_token(settings, presented, now)
                    .map(|(caller, _)| caller)
                    .ok_or(AccessError::CredentialRefused.into()),
            };
        }
        if let Some(key) = session
            && let Some(caller) = self.session(settings, &key, now).await?
        {
            return Ok(caller);
        }
        if let Some((sign_in, name)) = jwt_header(settings)
            && headers.contains_key(name)
        {
            wire.keeps_secrets(settings)?;
            let presented = only(headers, name.clone()).ok_or(AccessError::CredentialRefused)?;
            return self.of_jwt(sign_in, presented.trim()).await;
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

    /// Of whom a signed token of the issuer tells.
    async fn of_jwt(&self, sign_in: &OpenIdSettings, presented: &str) -> Result<Caller, HttpError> {
        let told = self
            .openid
            .person(sign_in, presented, TokenPurpose::Request);
        let person = told.await.map_err(AccessError::from)?;
        let mut caller = of_person(sign_in, &person, SignedInBy::Jwt)?;
        caller.until = Some(person.until);
        Ok(caller)
    }
}

/// What stands in `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, presented) = only(headers, AUTHORIZATION)?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| presented.trim())
}

/// The issuer whose signed tokens are taken, and the header that they stand in.
fn jwt_header(settings: &Settings) -> Option<(&OpenIdSettings, &HeaderName)> {
    let sign_in = settings.admin.sign_in.as_ref()?;
    Some((sign_in, sign_in.header.as_ref()?))
}

/// The issuer whose signed tokens are taken in this header.
fn jwt_in(settings: &Settings, name: HeaderName) -> Option<&OpenIdSettings> {
    let (sign_in, known) = jwt_header(settings)?;
    (*known == name).then_some(sign_in)
}

/// By what somebody tried to come in, as it is counted.
pub(super) fn kind(settings: &Settings, headers: &HeaderMap) -> &'static str {
    match bearer(headers) {
        Some(presented) if is_token(presented) => "token",
        _ => match jwt_header(settings) {
            Some((_, name)) if headers.contains_key(name) => "jwt",
            _ => "token",
        },
    }
}

/// Somebody of whom the issuer has told, with what their roles are worth here.
pub(in crate::server) fn of_person(
    sign_in: &OpenIdSettings,
    person: &KnownPerson,
    how: SignedInBy,
) -> Result<Caller, AccessError> {
    Ok(Caller {
        subject: person.subject.clone(),
        name: person.name.clone(),
        how,
        grant: sign_in.grant(&person.roles).ok_or(AccessError::NoRole)?,
        for_others: false,
        until: None,
    })
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

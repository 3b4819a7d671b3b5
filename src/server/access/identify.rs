//! Who asks: a token, or this computer while it is let in without one. A request that a proxy passed on never counts as this
//! computer, whatever its address: a reverse proxy on loopback would otherwise open the listener to everybody behind it.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, FORWARDED, VIA};

use super::wire::Wire;
use crate::server::content::only;
use crate::server::refusal::AccessError;
use crate::settings::Settings;
use scanhook_core::access::{Caller, SignedInBy, find};
use scanhook_core::time::Timestamp;

/// Who sent a request with these headers.
pub(super) fn caller(
    settings: &Settings,
    headers: &HeaderMap,
    wire: Wire,
    now: Timestamp,
) -> Result<Caller, AccessError> {
    let admin = &settings.admin;
    if headers.contains_key(AUTHORIZATION) {
        if !wire.is_private(settings) {
            return Err(AccessError::PlainHttp);
        }
        let token = only(headers, AUTHORIZATION)
            .and_then(|line| line.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, presented)| find(&admin.tokens, presented.trim(), now))
            .ok_or(AccessError::CredentialRefused)?;
        return Ok(Caller {
            subject: format!("token:{}", token.name),
            name: token.name.clone(),
            how: SignedInBy::Token(token.name.clone()),
            grant: token.grant.clone(),
            for_others: token.for_others,
        });
    }
    match &admin.loopback {
        Some(grant) if wire.is_local() && !was_passed_on(headers) => {
            let mut caller = Caller::on_this_computer(grant.clone());
            // Where nobody else is let in, a name is all there is to tell two people at this computer apart.
            caller.for_others = !admin.has_accounts();
            Ok(caller)
        }
        _ => Err(AccessError::SignInRequired),
    }
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

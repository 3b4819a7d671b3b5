//! Why the admin listener does not let somebody do what they ask.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::api::refusals::{Code, row};
use crate::openid::NotSignedIn;
use scanhook_core::access::AdminRole;

/// Why somebody may not do what they ask. Which credential was wrong, and how, is never said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Nothing says who asks.
    SignInRequired,
    /// A token that is unknown, wrong or over.
    CredentialRefused,
    /// The grant does not reach so far; this role would.
    RoleTooSmall(AdminRole),
    /// A grant for some tenants, and a thing that belongs to all.
    ForAllTenants,
    /// A credential came over plain http from another computer.
    PlainHttp,
    /// Somebody who is known at the issuer, and has no role that is let in here.
    NoRole,
    /// A sign-in at the issuer that proves nobody.
    SignInFailed,
    /// The issuer does not answer.
    IssuerUnavailable,
}

impl From<NotSignedIn> for AccessError {
    fn from(why: NotSignedIn) -> AccessError {
        match why {
            NotSignedIn::IssuerUnavailable => AccessError::IssuerUnavailable,
            NotSignedIn::NotProved => AccessError::CredentialRefused,
        }
    }
}

const SIGN_IN_REQUIRED: Code = row(
    StatusCode::UNAUTHORIZED,
    "sign-in-required",
    "This listener asks who you are.",
    "Send a token as `Authorization: Bearer`, or with `--token-file` from the verbs.",
);
const TOKEN_REFUSED: Code = row(
    StatusCode::UNAUTHORIZED,
    "token-refused",
    "The token is not known here, or it is over.",
    "Compare the token with its `[admin.tokens.*]` table and its `until`.",
);
const ROLE_TOO_SMALL: Code = row(
    StatusCode::FORBIDDEN,
    "role-too-small",
    "Your role may not do this; `needs` names one that may.",
    "Ask whoever keeps scanhook.toml for that role, or ask somebody who has it.",
);
const FOR_ALL_TENANTS: Code = row(
    StatusCode::FORBIDDEN,
    "for-all-tenants",
    "Your grant is for some tenants, and this belongs to all of them.",
    "Name one of your tenants, or ask somebody whose grant has no `tenants`.",
);
const PLAIN_HTTP: Code = row(
    StatusCode::FORBIDDEN,
    "plain-http",
    "A token came over plain http from another computer, where others could have read it.",
    "Set `[admin.tls]`, call it by https, and make a new token: this one may be known to others.",
);

const NO_ROLE: Code = row(
    StatusCode::FORBIDDEN,
    "no-role",
    "You are known, but none of your roles is let in here.",
    "Ask for one of the roles of `[admin.sign_in.grants]` at the issuer; it counts at the next sign-in.",
);
const SIGN_IN_FAILED: Code = row(
    StatusCode::UNAUTHORIZED,
    "sign-in-failed",
    "Nobody was signed in: it took too long, was begun elsewhere, or the issuer refused it.",
    "Begin it again in the same browser; the log says what was wrong.",
);
const ISSUER_UNAVAILABLE: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "issuer-unavailable",
    "The issuer at which people sign in does not answer as it should.",
    "Look into the log for what it answered; a token works meanwhile.",
);

impl AccessError {
    /// Every code, for docs/errors.md.
    pub const ALL: &'static [Code] = &[
        SIGN_IN_REQUIRED,
        TOKEN_REFUSED,
        ROLE_TOO_SMALL,
        FOR_ALL_TENANTS,
        PLAIN_HTTP,
        NO_ROLE,
        SIGN_IN_FAILED,
        ISSUER_UNAVAILABLE,
    ];

    /// The row of this refusal.
    pub(super) const fn entry(self) -> Code {
        match self {
            AccessError::SignInRequired => SIGN_IN_REQUIRED,
            AccessError::CredentialRefused => TOKEN_REFUSED,
            AccessError::RoleTooSmall(_) => ROLE_TOO_SMALL,
            AccessError::ForAllTenants => FOR_ALL_TENANTS,
            AccessError::PlainHttp => PLAIN_HTTP,
            AccessError::NoRole => NO_ROLE,
            AccessError::SignInFailed => SIGN_IN_FAILED,
            AccessError::IssuerUnavailable => ISSUER_UNAVAILABLE,
        }
    }

    /// What the answer says beyond its code.
    pub(super) fn members(self) -> Map<String, Value> {
        match self {
            AccessError::RoleTooSmall(needs) => {
                Map::from_iter([("needs".to_owned(), needs.code().into())])
            }
            _ => Map::new(),
        }
    }
}

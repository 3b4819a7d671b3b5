//! Why the admin listener does not let somebody do what they ask.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::api::refusals::{Code, row};
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

impl AccessError {
    /// Every code, for docs/errors.md.
    pub const ALL: &'static [Code] = &[
        SIGN_IN_REQUIRED,
        TOKEN_REFUSED,
        ROLE_TOO_SMALL,
        FOR_ALL_TENANTS,
        PLAIN_HTTP,
    ];

    /// The row of this refusal.
    pub(super) const fn entry(self) -> Code {
        match self {
            AccessError::SignInRequired => SIGN_IN_REQUIRED,
            AccessError::CredentialRefused => TOKEN_REFUSED,
            AccessError::RoleTooSmall(_) => ROLE_TOO_SMALL,
            AccessError::ForAllTenants => FOR_ALL_TENANTS,
            AccessError::PlainHttp => PLAIN_HTTP,
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

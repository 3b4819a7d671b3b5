//! What an access token says of itself, and whether that fits the tenant it is meant for.
//!
//! The claims are decoded without checking the signature: it is our own token and they are for diagnosis; the API
//! is the one that trusts it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use uuid::Uuid;

use super::Endpoints;
use super::header;

/// The claims looked at; all `None` or empty where the token could not be decoded. Safe to log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenClaims {
    /// The API it is for.
    pub aud: Option<String>,
    /// The tenant it is for.
    pub tid: Option<String>,
    /// App roles, and the delegated scopes of `scp` beside them; Entra leaves the list out when nothing was consented.
    pub roles: Vec<String>,
    /// When it ends, by Entra's clock, in Unix seconds.
    pub exp: Option<i64>,
    /// It acts for a person, with the scopes of `scp`.
    pub delegated: bool,
    /// The name by which that person signed in.
    pub account: Option<String>,
}

impl TokenClaims {
    /// Decodes the payload of a JWT; anything else gives no claims.
    pub(super) fn read(token: &str) -> TokenClaims {
        let payload = token.split('.').nth(1).unwrap_or("").trim_end_matches('=');
        let json: Value = URL_SAFE_NO_PAD
            .decode(payload)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let text = |key: &str| {
            json.get(key)
                .and_then(Value::as_str)
                .map(|t| header::shown(t, 200))
        };
        let roles = json
            .get("roles")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let scopes_text = json.get("scp").and_then(Value::as_str).unwrap_or("");
        let scopes = scopes_text.split_whitespace();
        TokenClaims {
            aud: text("aud"),
            tid: text("tid"),
            roles: roles
                .chain(scopes)
                .take(64)
                .map(|r| header::shown(r, 100))
                .collect(),
            exp: json.get("exp").and_then(Value::as_i64),
            delegated: !scopes_text.is_empty(),
            account: ["preferred_username", "upn", "unique_name", "name"]
                .into_iter()
                .find_map(text),
        }
    }

    fn has_any(&self, wanted: &[&str]) -> bool {
        self.roles
            .iter()
            .any(|role| wanted.contains(&role.as_str()))
    }
}

/// What is wrong with a token that was granted. The sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// For another API: it will answer 403.
    #[error("the token is for {found}, not for {wanted}; check cloud and token_scope")]
    WrongAudience {
        /// The audience of the configured scope.
        wanted: String,
        found: String,
    },
    /// For another tenant: a scan would reach somebody else's machines.
    #[error(
        "the token belongs to tenant {found}, not to {wanted}; check tenant_id and the app registration"
    )]
    WrongTenant { wanted: String, found: String },
    /// No scan can be started.
    #[error(
        "the app may not start scans: give it the application permission Machine.Scan of WindowsDefenderATP, and admin consent (it has: {found})"
    )]
    NoScanRole { found: String },
    /// The same of a person's token.
    #[error(
        "whoever signed in may not start scans with this app: give the app the delegated permission Machine.Scan of WindowsDefenderATP, and consent (it has: {found}); then sign in again"
    )]
    NoScanScope { found: String },
    /// Scans can be started but not followed, and an unclear answer cannot be cleared up. A warning.
    #[error(
        "the app may read neither machines nor machine actions, so devices that are only named are held and scans are not followed: give it Machine.Read.All (or Machine.ReadWrite.All), and admin consent"
    )]
    NoReadRole,
    /// The same of a person's token. A warning.
    #[error(
        "whoever signed in may read neither machines nor machine actions with this app, so devices that are only named are held and scans are not followed: give the app the delegated permission Machine.Read (or Machine.ReadWrite), and consent; then sign in again"
    )]
    NoReadScope,
    /// Comments cannot be written on alerts. A warning.
    #[error(
        "the app may not write comments on alerts, which `write_back` asks for: give it the application permission Alert.ReadWrite.All of WindowsDefenderATP, and admin consent"
    )]
    NoAlertRole,
    /// The token tells nothing about itself, so nothing could be checked. A warning: the API will judge.
    #[error("the token's claims cannot be read, so audience, tenant and roles were not checked")]
    Unreadable,
}

impl ClaimFault {
    /// Whether the tenant must not be scanned with this token; the others are warnings.
    #[must_use]
    pub fn stops(&self) -> bool {
        let warns = matches!(self, ClaimFault::Unreadable | ClaimFault::NoAlertRole);
        !self.blinds() && !warns
    }

    /// Whether nothing can be read with this token.
    #[must_use]
    pub fn blinds(&self) -> bool {
        matches!(self, ClaimFault::NoReadRole | ClaimFault::NoReadScope)
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ClaimFault::WrongAudience { .. } => "wrong-audience",
            ClaimFault::WrongTenant { .. } => "wrong-tenant",
            ClaimFault::NoScanRole { .. } | ClaimFault::NoScanScope { .. } => "no-scan-role",
            ClaimFault::NoReadRole | ClaimFault::NoReadScope => "no-read-role",
            ClaimFault::NoAlertRole => "no-alert-role",
            ClaimFault::Unreadable => "claims-unreadable",
        }
    }
}

/// What a token lacks to write comments on alerts; nothing where it tells nothing of itself.
#[must_use]
pub fn check_comments(claims: &TokenClaims) -> Option<ClaimFault> {
    let may = *claims == TokenClaims::default() || claims.has_any(&["Alert.ReadWrite.All"]);
    (!may).then_some(ClaimFault::NoAlertRole)
}

/// Compares a token's claims with the tenant it is meant for. A tenant configured by its domain cannot be compared;
/// nor can an audience that is the API's app id.
#[must_use]
pub fn check(claims: &TokenClaims, e: &Endpoints, tenant_id: &str) -> Vec<ClaimFault> {
    if *claims == TokenClaims::default() {
        return vec![ClaimFault::Unreadable];
    }
    let mut faults = Vec::new();
    let wanted = e.audience();
    let found = claims.aud.as_deref().unwrap_or("nothing");
    let same = found
        .trim_end_matches('/')
        .eq_ignore_ascii_case(wanted.trim_end_matches('/'));
    if !same && Uuid::parse_str(found).is_err() {
        faults.push(ClaimFault::WrongAudience {
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        });
    }
    if let Ok(ours) = Uuid::parse_str(tenant_id) {
        let found = claims.tid.as_deref().unwrap_or("none");
        if Uuid::parse_str(found) != Ok(ours) {
            faults.push(ClaimFault::WrongTenant {
                wanted: tenant_id.to_owned(),
                found: found.to_owned(),
            });
        }
    }
    if !claims.has_any(&["Machine.Scan"]) {
        let found = if claims.roles.is_empty() {
            "none".to_owned()
        } else {
            claims.roles.join(", ")
        };
        faults.push(match claims.delegated {
            true => ClaimFault::NoScanScope { found },
            false => ClaimFault::NoScanRole { found },
        });
    }
    if !claims.has_any(&[
        "Machine.Read.All",
        "Machine.ReadWrite.All",
        "Machine.Read",
        "Machine.ReadWrite",
    ]) {
        faults.push(match claims.delegated {
            true => ClaimFault::NoReadScope,
            false => ClaimFault::NoReadRole,
        });
    }
    faults
}

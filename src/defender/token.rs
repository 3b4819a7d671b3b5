//! Access tokens: reading Entra's answer, when to ask again, and whether the token fits the tenant.
//!
//! The claims are decoded without checking the signature: it is our own token and they are for diagnosis; the API
//! is the one that trusts it.

use core::fmt;
use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use http::header::HeaderValue;
use serde_json::Value;
use uuid::Uuid;

use super::Endpoints;
use super::reply;
use crate::domain::time::Timestamp;

/// The pause after a transient refusal that names none (defender-api, token errors).
const PAUSE: Duration = Duration::from_secs(5);
/// After "too many identical requests": only a long silence helps.
const LOOP_PAUSE: Duration = Duration::from_secs(15 * 60);
/// No token is believed to live longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a token without a sensible lifetime is used: for the calls at hand.
const ONCE: Duration = Duration::from_secs(60);

/// An access token, as the header it travels in. Nothing prints it; only [`read`] makes one.
#[derive(Clone)]
pub struct Bearer(HeaderValue);

impl Bearer {
    fn read(token: &str) -> Option<Bearer> {
        let visible = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| visible)?;
        header.set_sensitive(true);
        Some(Bearer(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// A token and its times, by our clock.
#[derive(Clone)]
pub struct Token {
    /// The token.
    pub bearer: Bearer,
    /// Not to be used from here on.
    pub expires: Timestamp,
    /// From here on a new one is to be asked for, while this one stays in use until it expires. May be at once: the
    /// one who asks keeps the distance between two requests.
    pub refresh: Timestamp,
    /// What it says of itself.
    pub claims: Claims,
}

/// The claims looked at; all `None` or empty where the token could not be decoded. Safe to log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The API it is for.
    pub aud: Option<String>,
    /// The tenant it is for.
    pub tid: Option<String>,
    /// App roles, and the delegated scopes of `scp` beside them; Entra leaves the list out when nothing was consented.
    pub roles: Vec<String>,
    /// When it ends, by Entra's clock, in Unix seconds.
    pub exp: Option<i64>,
}

impl Claims {
    /// Decodes the payload of a JWT; anything else gives no claims.
    fn read(token: &str) -> Claims {
        let payload = token.split('.').nth(1).unwrap_or("").trim_end_matches('=');
        let json: Value = URL_SAFE_NO_PAD
            .decode(payload)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(|t| reply::shown(t, 200));
        let roles = json.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let scopes = json.get("scp").and_then(Value::as_str).unwrap_or("").split_whitespace();
        Claims {
            aud: text("aud"),
            tid: text("tid"),
            roles: roles.chain(scopes).take(64).map(|r| reply::shown(r, 100)).collect(),
            exp: json.get("exp").and_then(Value::as_i64),
        }
    }

    fn has_any(&self, wanted: &[&str]) -> bool {
        self.roles.iter().any(|role| wanted.contains(&role.as_str()))
    }
}

/// What the token endpoint's answer means.
#[derive(Clone)]
pub enum TokenReply {
    /// A token.
    Granted(Token),
    /// No token until somebody changes something; asked again at most once a minute.
    Refused(TokenRefusal),
    /// Not now: the least wait, and a stable code. While it goes on failing, the one who asks waits longer.
    Later(Duration, String),
}

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Somebody must change something at Entra: secret, app, consent.
    Operator,
    /// A setting of this program is wrong: cloud, scope, tenant.
    Configuration,
    /// The request was wrong: a fault of this program.
    Ours,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// `AADSTS…`, else the `error` word, else `http-` and the status.
    pub code: String,
    /// Whose move it is.
    pub whose: Whose,
    /// What it means and what helps, in our words.
    pub meaning: &'static str,
    /// Entra's id of this answer, for its support.
    pub trace: Option<String>,
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.meaning)?;
        self.trace.as_ref().map_or(Ok(()), |trace| write!(f, " (trace {trace})"))
    }
}

/// Reads the token endpoint's answer. `now` is when it came, by our clock.
#[must_use]
pub fn read(answer: &Response<Bytes>, now: Timestamp) -> TokenReply {
    let status = answer.status();
    let wait = reply::pause(answer.headers(), PAUSE);
    let later = |code: &str| TokenReply::Later(wait, code.to_owned());
    if reply::is_busy(status) {
        return TokenReply::Later(wait, format!("http-{}", status.as_u16()));
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if status.is_client_error() {
        return refused(status.as_u16(), &body, wait);
    }
    if !status.is_success() {
        return later("redirect");
    }
    let Some(token) = body.get("access_token").and_then(Value::as_str) else {
        return later("token-unreadable");
    };
    let Some(bearer) = Bearer::read(token) else {
        return later("token-unreadable");
    };
    let (expires, refresh) = times(seconds(body.get("expires_in")), seconds(body.get("refresh_in")), now);
    TokenReply::Granted(Token { bearer, expires, refresh, claims: Claims::read(token) })
}

/// A lifetime in milliseconds: a number or a string of one, above zero and at most [`LONGEST`].
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // NaN compares as false and infinity is cut like any other absurd length.
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.clamp(1.0, LONGEST.as_secs_f64())))
}

/// When a token ends and when to ask for the next: the earliest of Entra's own wish, 80 % of its life and 5 minutes
/// before its end; of a life under 10 minutes, the half.
fn times(life: Option<Duration>, wish: Option<Duration>, now: Timestamp) -> (Timestamp, Timestamp) {
    let Some(life) = life else {
        return (now.plus(ONCE), now);
    };
    let due =
        if life < Duration::from_secs(600) { life / 2 } else { (life * 4 / 5).min(life - Duration::from_secs(300)) };
    (now.plus(life), now.plus(wish.map_or(due, |wish| due.min(wish))))
}

/// What a code asks for.
enum Handling {
    Stop(Whose, &'static str),
    Retry,
    Loop,
}

fn refused(status: u16, body: &Value, wait: Duration) -> TokenReply {
    let numbers = body.get("error_codes").and_then(Value::as_array).into_iter().flatten();
    let numbers: Vec<u64> = numbers.filter_map(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok())).collect();
    let word = body.get("error").and_then(Value::as_str).filter(|w| !w.is_empty());
    let known = numbers.iter().find_map(|n| of_number(*n).map(|handling| (*n, handling)));
    let (code, handling) = match (known, numbers.first(), word) {
        (Some((number, handling)), ..) => (format!("AADSTS{number}"), handling),
        (None, Some(number), word) => (format!("AADSTS{number}"), of_word(word.unwrap_or(""))),
        (None, None, Some(word)) => (reply::shown(word, 64), of_word(word)),
        (None, None, None) => (format!("http-{status}"), of_word("")),
    };
    match handling {
        Handling::Retry => TokenReply::Later(wait, code),
        Handling::Loop => TokenReply::Later(wait.max(LOOP_PAUSE), code),
        Handling::Stop(whose, meaning) => {
            let trace = body.get("trace_id").and_then(Value::as_str).map(|t| reply::shown(t, 64));
            TokenReply::Refused(TokenRefusal { code, whose, meaning, trace })
        }
    }
}

/// The published codes (defender-api, token errors).
fn of_number(number: u64) -> Option<Handling> {
    use Handling::{Loop, Retry, Stop};
    use Whose::{Configuration, Operator, Ours};
    Some(match number {
        7_000_215 => {
            Stop(Operator, "the client secret is wrong; often the secret's id was copied instead of its value")
        }
        7_000_222 => Stop(Operator, "the client secret has expired; create a new one"),
        7_000_218 => Stop(Ours, "the request carried no credential"),
        700_016 => {
            Stop(Operator, "the app is not known in this tenant: wrong tenant_id, or no consent was given there")
        }
        90_002 => Stop(Operator, "the tenant does not exist in this cloud; check tenant_id"),
        500_011 => Stop(
            Operator,
            "the Defender API is not known in this tenant: Defender is not set up there, or cloud or token_scope is wrong",
        ),
        70_011 | 28_002 => Stop(Configuration, "the scope is not valid; check token_scope"),
        700_022 => Stop(Ours, "the scope named more than one resource"),
        700_027 => {
            Stop(Operator, "the certificate's signature was not accepted; check that it is registered for the app")
        }
        50_012 | 50_013 | 500_133 => Stop(
            Operator,
            "the certificate or its assertion is not valid or outside its time; check it, and the clock of this computer",
        ),
        700_024 => Stop(Operator, "the assertion is outside its time; check the clock of this computer"),
        700_011 | 7_000_112 | 70_001 => Stop(Operator, "the app is missing or disabled"),
        53_003 => Stop(Operator, "Conditional Access blocks this app"),
        90_038 | 900_382 => Stop(Configuration, "the tenant belongs to another national cloud; check cloud"),
        9_001_023 | 50_194 => Stop(Configuration, "tenant_id must be one tenant, not `common`"),
        50_196 => Loop,
        90_055 | 90_006 | 90_012 | 90_024 | 90_033 => Retry,
        _ => return None,
    })
}

/// What is left where no number is known: the word of OAuth 2.0.
fn of_word(word: &str) -> Handling {
    use Handling::{Retry, Stop};
    match word {
        "temporarily_unavailable" | "server_error" => Retry,
        "invalid_scope" => Stop(Whose::Configuration, "the scope is not valid; check token_scope"),
        "invalid_client" => Stop(Whose::Operator, "the credential or the app was refused; check both at Entra"),
        _ => Stop(Whose::Operator, "Entra refused the token; look the code up at login.microsoftonline.com/error"),
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
        /// What the token says.
        found: String,
    },
    /// For another tenant: a scan would reach somebody else's machines.
    #[error("the token belongs to tenant {found}, not to {wanted}; check tenant_id and the app registration")]
    WrongTenant {
        /// The configured tenant.
        wanted: String,
        /// What the token says.
        found: String,
    },
    /// No scan can be started.
    #[error(
        "the app may not start scans: give it the application permission Machine.Scan of WindowsDefenderATP, and admin consent (it has: {found})"
    )]
    NoScanRole {
        /// The roles there are.
        found: String,
    },
    /// Scans can be started but not followed, and an unclear answer cannot be cleared up. A warning.
    #[error(
        "the app may not read machine actions, so scans are not followed: give it Machine.Read.All (or Machine.ReadWrite.All), and admin consent"
    )]
    NoReadRole,
    /// The token tells nothing about itself, so nothing could be checked. A warning: the API will judge.
    #[error("the token's claims cannot be read, so audience, tenant and roles were not checked")]
    Unreadable,
}

impl ClaimFault {
    /// Whether the tenant must not be scanned with this token; the others are warnings.
    #[must_use]
    pub fn stops(&self) -> bool {
        !matches!(self, ClaimFault::NoReadRole | ClaimFault::Unreadable)
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ClaimFault::WrongAudience { .. } => "wrong-audience",
            ClaimFault::WrongTenant { .. } => "wrong-tenant",
            ClaimFault::NoScanRole { .. } => "no-scan-role",
            ClaimFault::NoReadRole => "no-read-role",
            ClaimFault::Unreadable => "claims-unreadable",
        }
    }
}

/// Compares a token's claims with the tenant it is meant for. A tenant configured by its domain cannot be compared;
/// nor can an audience that is the API's app id.
#[must_use]
pub fn check(claims: &Claims, e: &Endpoints, tenant_id: &str) -> Vec<ClaimFault> {
    if *claims == Claims::default() {
        return vec![ClaimFault::Unreadable];
    }
    let mut faults = Vec::new();
    let wanted = e.audience();
    let found = claims.aud.as_deref().unwrap_or("nothing");
    let same = found.trim_end_matches('/').eq_ignore_ascii_case(wanted.trim_end_matches('/'));
    if !same && Uuid::parse_str(found).is_err() {
        faults.push(ClaimFault::WrongAudience { wanted: wanted.to_owned(), found: found.to_owned() });
    }
    if let Ok(ours) = Uuid::parse_str(tenant_id) {
        let found = claims.tid.as_deref().unwrap_or("none");
        if Uuid::parse_str(found) != Ok(ours) {
            faults.push(ClaimFault::WrongTenant { wanted: tenant_id.to_owned(), found: found.to_owned() });
        }
    }
    if !claims.has_any(&["Machine.Scan"]) {
        let found = if claims.roles.is_empty() { "none".to_owned() } else { claims.roles.join(", ") };
        faults.push(ClaimFault::NoScanRole { found });
    }
    if !claims.has_any(&["Machine.Read.All", "Machine.ReadWrite.All", "Machine.Read", "Machine.ReadWrite"]) {
        faults.push(ClaimFault::NoReadRole);
    }
    faults
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(in crate::defender) fn bearer(token: &str) -> Bearer {
        Bearer::read(token).unwrap()
    }
}

//! The requests of a sign-in, as values: where the browser is sent, how its code becomes an id token, and what the answers
//! mean.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::metadata::IssuerMetadata;
use crate::defender::Answer;
use crate::settings::OpenIdSettings;
use scanhook_core::access::RolesClaim;
use scanhook_core::percent::{encoded, query};
use scanhook_core::plain::one_line;

/// What one sign-in is known by. Without `Debug`: it holds a secret.
pub struct SignInTrip {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the id token.
    pub nonce: String,
    /// What the browser has to have had at the begin: PKCE.
    pub verifier: SecretString,
    /// Where the browser comes back to.
    pub redirect: String,
}

/// What came of a code.
pub(super) enum CodeReply {
    /// The id token.
    Token(SecretString),
    /// The issuer does not take the secret.
    BadClient(String),
    /// It does not take the code, or what came along with it.
    Refused(String),
    /// It does not answer as it should.
    Unavailable(String),
}

#[derive(Deserialize)]
struct Granted {
    id_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodeRefusal {
    error: String,
    error_description: String,
}

/// Where the browser is sent.
pub(super) fn address(
    metadata: &IssuerMetadata,
    settings: &OpenIdSettings,
    trip: &SignInTrip,
) -> String {
    let roles = match &settings.of.roles {
        RolesClaim::Named(name) => name.as_str(),
        RolesClaim::At(_) => "",
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(trip.verifier.expose_secret()));
    let query = query([
        ("response_type", "code"),
        ("client_id", &settings.of.client_id),
        ("redirect_uri", &trip.redirect),
        ("scope", &metadata.scopes(roles)),
        ("state", &trip.state),
        ("nonce", &trip.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let at = &metadata.authorization_endpoint;
    let joint = if at.contains('?') { '&' } else { '?' };
    format!("{at}{joint}{query}")
}

/// Asks for the id token.
pub(super) fn request(
    metadata: &IssuerMetadata,
    settings: &OpenIdSettings,
    secret: &SecretString,
    (code, trip): (&str, &SignInTrip),
) -> Option<Request<Bytes>> {
    let id = &settings.of.client_id;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", trip.redirect.as_str()),
        ("code_verifier", trip.verifier.expose_secret()),
    ];
    let secret = secret.expose_secret();
    let mut login = None;
    if metadata.takes_secret_in_form() {
        pairs.extend([("client_id", id.as_str()), ("client_secret", secret)]);
    } else {
        // RFC 6749 has both encoded before they are joined.
        let pair = format!("{}:{}", encoded(id), encoded(secret));
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        login = Some(value);
    }
    let mut request = Request::post(&metadata.token_endpoint)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from(query(pairs)))
        .ok()?;
    if let Some(login) = login {
        request.headers_mut().insert(AUTHORIZATION, login);
    }
    Some(request)
}

/// What the answer means.
pub(super) fn reply(answer: Answer) -> CodeReply {
    let answer = match answer {
        Answer::Http(answer) => answer,
        Answer::NotSent(unsent) => return CodeReply::Unavailable(unsent.code.to_owned()),
        Answer::Unknown(code) => return CodeReply::Unavailable(code),
    };
    if answer.status() == StatusCode::OK {
        let granted: Option<Granted> = serde_json::from_slice(answer.body()).ok();
        return match granted.and_then(|granted| granted.id_token) {
            Some(token) => CodeReply::Token(token.into()),
            None => CodeReply::Unavailable("the answer holds no id token".to_owned()),
        };
    }
    if !answer.status().is_client_error() {
        return CodeReply::Unavailable(format!("http-{}", answer.status().as_u16()));
    }
    let said: CodeRefusal = serde_json::from_slice(answer.body()).unwrap_or_default();
    let why = one_line(&format!("{}: {}", said.error, said.error_description), 300);
    match said.error.as_str() {
        "invalid_client" | "unauthorized_client" => CodeReply::BadClient(why),
        _ => CodeReply::Refused(why),
    }
}

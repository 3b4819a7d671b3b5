//! The form of every answer: ids, instants, headers, and the error bodies of Defender and of Entra.

use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An answer before it becomes HTTP. `executed`: whether the call took effect.
pub(super) struct Crafted {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) retry_after: Option<String>,
    /// `WWW-Authenticate`.
    pub(super) challenge: Option<String>,
    pub(super) location: Option<String>,
    pub(super) executed: bool,
}

pub(super) type Reply = Result<Crafted, Crafted>;

pub(super) fn served(status: u16, body: Value, executed: bool) -> Crafted {
    Crafted {
        status,
        body,
        retry_after: None,
        challenge: None,
        location: None,
        executed,
    }
}

/// An error of the API. Empty parts are left out of the envelope.
pub(super) fn refused(status: u16, code: &str, message: &str) -> Crafted {
    let parts = [("code", code), ("message", message)]
        .into_iter()
        .filter(|(_, part)| !part.is_empty());
    served(
        status,
        json!({ "error": parts.collect::<BTreeMap<_, _>>() }),
        false,
    )
}

/// Status, word and text of an AADSTS number.
fn meaning(code: &str) -> (u16, &'static str, &'static str) {
    match code {
        "7000215" => (401, "invalid_client", "Invalid client secret provided."),
        "7000218" => (
            401,
            "invalid_client",
            "The body must contain 'client_assertion' or 'client_secret'.",
        ),
        "7000222" => (401, "invalid_client", "The client secret has expired."),
        "700027" => (
            401,
            "invalid_client",
            "The signature of the client assertion could not be verified.",
        ),
        "50013" => (401, "invalid_client", "The client assertion is not valid."),
        "700024" => (
            401,
            "invalid_client",
            "The client assertion is not within its valid time range.",
        ),
        "700211" | "700212" | "700213" => (
            401,
            "invalid_client",
            "No matching federated identity record was found.",
        ),
        "700016" => (
            400,
            "unauthorized_client",
            "The application was not found in the directory.",
        ),
        "90002" => (400, "invalid_request", "The tenant was not found."),
        "50194" => (
            400,
            "invalid_request",
            "The application needs a tenant-specific endpoint.",
        ),
        "900144" => (
            400,
            "invalid_request",
            "A required parameter is missing from the form.",
        ),
        "70003" => (
            400,
            "unsupported_grant_type",
            "The grant type is not supported.",
        ),
        "70011" => (400, "invalid_scope", "The parameter 'scope' is not valid."),
        "700022" => (
            400,
            "invalid_scope",
            "The scope names more than one resource.",
        ),
        "500011" => (
            400,
            "invalid_resource",
            "The resource principal was not found in the tenant.",
        ),
        _ => of_sign_in(code),
    }
}

/// The same for the sign-ins of people.
fn of_sign_in(code: &str) -> (u16, &'static str, &'static str) {
    match code {
        "70000" | "70008" | "700005" | "700082" | "700084" | "54005" => (
            400,
            "invalid_grant",
            "The provided authorization code or refresh token is not valid, or has expired.",
        ),
        "501481" | "500112" => (
            400,
            "invalid_grant",
            "The code_verifier or the reply address does not match the authorization request.",
        ),
        "50173" | "50132" | "50133" | "50055" | "50057" | "53003" => (
            400,
            "invalid_grant",
            "The grant was revoked: the user has to sign in again.",
        ),
        "50072" | "50074" | "50076" | "50078" | "50079" | "50158" => (
            400,
            "invalid_grant",
            "The user has to use multi-factor authentication.",
        ),
        "65001" => (
            400,
            "invalid_grant",
            "The user or administrator has not consented to use the application.",
        ),
        "50034" => (
            400,
            "invalid_grant",
            "The user account does not exist in the directory.",
        ),
        _ => (400, "invalid_request", "The request was refused."),
    }
}

/// An error of the token endpoint by its AADSTS number (reference-error-codes), or by the text of `error` alone.
pub(super) fn aadsts(code: &str) -> Crafted {
    let (status, error, text) = meaning(code);
    let number: Option<u32> = code.parse().ok();
    let error = if number.is_some() { error } else { code };
    let (text, uri) = (
        format!("AADSTS{code}: {text}"),
        format!("https://login.microsoftonline.com/error?code={code}"),
    );
    let codes = Vec::from_iter(number);
    served(
        status,
        json!({ "error": error, "error_description": text, "error_codes": codes, "error_uri": uri }),
        false,
    )
}

/// An error of what hands out tokens of managed identities.
pub(super) fn no_identity(status: u16, error: &str, text: &str) -> Crafted {
    served(
        status,
        json!({ "error": error, "error_description": text }),
        false,
    )
}

/// The GUIDs of one far side, from seed and counter: the same seed draws the same ones.
pub(super) struct Guids(pub(super) u64, pub(super) u64);

impl Guids {
    pub(super) fn draw(&mut self) -> String {
        self.1 += 1;
        guid_of(&format!("{}/{}", self.0, self.1))
    }
}

/// The form of a GUID, filled from a digest.
pub(super) fn guid_of(source: &str) -> String {
    let hex: String = Sha256::digest(source)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

pub(super) fn is_guid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// An instant as Defender prints it: UTC, seven fraction digits, so that the order of texts is that of time.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.7}")
}

/// The HTTP answer, with the ids and the stamp that every error carries.
pub(super) fn written(now: Timestamp, mut answer: Crafted, ids: &mut Guids) -> Response<Bytes> {
    if answer.body.get("error_codes").is_some() {
        answer.body["timestamp"] = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string().into();
        answer.body["trace_id"] = ids.draw().into();
        answer.body["correlation_id"] = ids.draw().into();
    } else if answer.body.pointer("/error/message").is_some() {
        answer.body["error"]["target"] = ids.draw().into();
    }
    let mut response = raw(
        now,
        answer.status,
        Some("application/json; charset=utf-8"),
        answer.body.to_string(),
    );
    put(
        &mut response,
        header::RETRY_AFTER,
        answer.retry_after.as_deref(),
    );
    put(
        &mut response,
        header::WWW_AUTHENTICATE,
        answer.challenge.as_deref(),
    );
    put(&mut response, header::LOCATION, answer.location.as_deref());
    response
}

/// Any text as an answer, with the far side's own `Date`.
pub(super) fn raw(
    now: Timestamp,
    status: u16,
    content_type: Option<&str>,
    body: String,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(
        &mut response,
        header::DATE,
        Some(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    );
    put(&mut response, header::CONTENT_TYPE, content_type);
    response
}

fn put(response: &mut Response<Bytes>, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(name, value);
    }
}

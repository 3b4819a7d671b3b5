//! The one place that maps errors to statuses. A refusal never carries text from inside: its code is stable, its
//! sentence is fixed, and the reason behind a failed authentication stays with the operator.

mod access;
mod objection;

use crate::api::refusals::{
    BODY_TIMEOUT, BODY_TOO_LARGE, BODY_UNREADABLE, CONTENT_ENCODING, CREDENTIAL_CERTIFICATE,
    CREDENTIAL_ID, CREDENTIAL_REPEATED, CREDENTIAL_TOO_MANY, Code, FAILURE_BUDGET, INTERNAL,
    JOURNAL_UNAVAILABLE, MEDIA_TYPE, METHOD, MISSING_HOST, NO_PAYLOAD, NOT_FOUND, NOT_GZIP,
    OVERLOADED, REPEATED_HOST, SHUTTING_DOWN, SIGNING_KEY, UNAUTHENTICATED, UNKNOWN_SOURCE,
    VIEW_TOO_SLOW, row,
};
use core::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub use access::AccessError;
pub use objection::{CommandError, Meant};

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.entry().code)]
pub enum HttpError {
    /// No such path here.
    NotFound,
    /// No source of that name is configured.
    UnknownSource,
    /// The path exists, the method does not; what is taken is what `Allow` lists.
    Method(Mismatch),
    /// A content type the source does not take.
    MediaType(Mismatch),
    /// A compression the source does not take.
    ContentEncoding(Mismatch),
    /// A body over this cap in bytes, declared, sent or unpacked.
    BodyTooLarge(usize),
    /// A body that did not arrive whole within its deadline.
    BodyTimeout,
    /// A body whose framing broke off.
    BodyUnreadable,
    /// No `Host`.
    MissingHost,
    /// More than one `Host`.
    RepeatedHost,
    /// A body that is not one gzip stream, though its head says so.
    NotGzip,
    /// A form without exactly one field `payload`.
    NoPayload,
    /// A credential header that no honest sender writes.
    Credential(CredentialDefect),
    /// Authentication failed; the answer never says how.
    Unauthenticated,
    /// A token that may be right, signed with a key that is not known yet.
    SigningKey,
    /// The body is not strict JSON: the reader's own stable code and sentence.
    NotStrictJson {
        code: &'static str,
        /// The reader's sentence; fixed text, nothing from the body.
        detail: &'static str,
    },
    /// The queue to the journal is full.
    Overloaded,
    /// The journal cannot take it: disk full, locked, failing.
    JournalUnavailable,
    /// The process is on its way down.
    ShuttingDown,
    /// A view of the page that took too long.
    ViewTooSlow,
    /// Too many failed authentications from this address; the time until the next may be tried.
    FailureBudget(Duration),
    Internal,
    /// An operator's order that is not carried out; never the answer to a sender.
    Order(CommandError),
    /// Who asks at the admin listener may not; never the answer to a sender.
    Access(AccessError),
}

impl From<AccessError> for HttpError {
    fn from(refused: AccessError) -> HttpError {
        HttpError::Access(refused)
    }
}

/// What was refused, beside the answer that says so: for the audit, and for the page, which tells it to people.
#[derive(Clone, Debug)]
pub(super) struct RefusedWith(pub(super) HttpError);

/// A refusal that a page tells in its own way. It is what the audit records all the same.
#[derive(Clone, Debug)]
pub(super) struct ToldInPage(pub(super) HttpError);

impl From<CommandError> for HttpError {
    fn from(objection: CommandError) -> HttpError {
        HttpError::Order(objection)
    }
}

/// What came in place of what is taken; both fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub came: String,
    pub taken: String,
}

/// Characters of a sender's text that an answer repeats.
const QUOTED: usize = 80;

/// A sender's text between backticks: short, printable ASCII only, so that it is harmless wherever it is shown.
pub(super) fn quoted(text: &[u8]) -> String {
    let plain = |b: &u8| {
        if matches!(b, b' '..=b'~') && *b != b'`' {
            char::from(*b)
        } else {
            '?'
        }
    };
    let shown: String = text.iter().take(QUOTED).map(plain).collect();
    if text.len() > QUOTED {
        format!("`{shown}...`")
    } else {
        format!("`{shown}`")
    }
}

/// How a credential header is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialDefect {
    /// It occurs more than once.
    Repeated,
    /// It lists more signatures than are tried.
    TooManySignatures,
    /// A trusted proxy's `Client-Cert` holds no certificate.
    ClientCertificate,
    /// Its id is too long or has characters that could blur what was signed.
    Id,
}

/// What to do about a body that is not strict JSON, whatever the reader's code.
const NOT_STRICT_JSON: &str =
    "Look at what the sender's template writes: one JSON value in UTF-8, no key twice.";

impl HttpError {
    /// The row of this refusal.
    #[must_use]
    pub const fn entry(&self) -> Code {
        match self {
            HttpError::NotFound => NOT_FOUND,
            HttpError::UnknownSource => UNKNOWN_SOURCE,
            HttpError::Method(_) => METHOD,
            HttpError::MediaType(_) => MEDIA_TYPE,
            HttpError::ContentEncoding(_) => CONTENT_ENCODING,
            HttpError::BodyTooLarge(_) => BODY_TOO_LARGE,
            HttpError::BodyTimeout => BODY_TIMEOUT,
            HttpError::BodyUnreadable => BODY_UNREADABLE,
            HttpError::NotGzip => NOT_GZIP,
            HttpError::NoPayload => NO_PAYLOAD,
            HttpError::MissingHost => MISSING_HOST,
            HttpError::RepeatedHost => REPEATED_HOST,
            HttpError::Credential(CredentialDefect::Repeated) => CREDENTIAL_REPEATED,
            HttpError::Credential(CredentialDefect::TooManySignatures) => CREDENTIAL_TOO_MANY,
            HttpError::Credential(CredentialDefect::ClientCertificate) => CREDENTIAL_CERTIFICATE,
            HttpError::Credential(CredentialDefect::Id) => CREDENTIAL_ID,
            HttpError::Unauthenticated => UNAUTHENTICATED,
            HttpError::SigningKey => SIGNING_KEY,
            HttpError::NotStrictJson { code, detail } => {
                row(StatusCode::BAD_REQUEST, code, detail, NOT_STRICT_JSON)
            }
            HttpError::Overloaded => OVERLOADED,
            HttpError::JournalUnavailable => JOURNAL_UNAVAILABLE,
            HttpError::ShuttingDown => SHUTTING_DOWN,
            HttpError::FailureBudget(_) => FAILURE_BUDGET,
            HttpError::ViewTooSlow => VIEW_TOO_SLOW,
            HttpError::Internal => INTERNAL,
            HttpError::Order(objection) => objection.entry(),
            HttpError::Access(refused) => refused.entry(),
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.entry().code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.entry().status
    }

    /// What happened, in a sentence; and where something else is taken than what came, both of them.
    #[must_use]
    pub fn detail(&self) -> String {
        let meaning = self.entry().meaning;
        match self {
            HttpError::Method(mismatch)
            | HttpError::MediaType(mismatch)
            | HttpError::ContentEncoding(mismatch) => {
                format!(
                    "{meaning} Sent: {}. Taken: {}.",
                    mismatch.came, mismatch.taken
                )
            }
            HttpError::BodyTooLarge(cap) => format!("{meaning} Taken: {cap} bytes."),
            _ => meaning.to_owned(),
        }
    }

    /// What its answer says beyond the code.
    pub(super) fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        match self {
            HttpError::Order(objection) => objection.members(),
            HttpError::Access(refused) => refused.members(),
            _ => serde_json::Map::default(),
        }
    }

    /// When the sender may try again, in whole seconds; every 503 says so, because senders that are told nothing
    /// either storm or give up.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            HttpError::Overloaded | HttpError::ViewTooSlow => Some(2),
            HttpError::JournalUnavailable
            | HttpError::ShuttingDown
            | HttpError::Order(CommandError::TooManyListeners) => Some(5),
            HttpError::SigningKey | HttpError::Access(AccessError::IssuerUnavailable) => Some(15),
            HttpError::FailureBudget(left) => {
                Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
            }
            _ => None,
        }
    }
}

/// The ways to prove oneself that HTTP has words for.
const CHALLENGE: &str = "Bearer realm=\"scanhook\", Basic realm=\"scanhook\"";

/// RFC 9457, with our stable code beside its own members.
#[derive(serde::Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(flatten)]
    members: serde_json::Map<String, serde_json::Value>,
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let Code { status, code, .. } = self.entry();
        // Of a sender's failed authentication nothing is said beyond the status.
        let detail = (!matches!(self, HttpError::Unauthenticated)).then(|| self.detail());
        let title = status.canonical_reason().unwrap_or_default();
        let members = self.members();
        let problem = Problem {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail,
            members,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response();
        response.extensions_mut().insert(RefusedWith(self.clone()));
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match &self {
            // The same for every source, so that it tells nobody which one is configured. Some clients send nothing before
            // they are asked.
            HttpError::Access(_) if status == StatusCode::UNAUTHORIZED => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"scanhook\""),
                );
            }
            HttpError::Unauthenticated => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(CHALLENGE),
                );
            }
            HttpError::Method(Mismatch { taken, .. }) => {
                if let Ok(allow) = HeaderValue::from_str(taken) {
                    headers.insert(header::ALLOW, allow);
                }
            }
            // The rest of the body is still on its way, and nobody will read it.
            HttpError::BodyTooLarge(_) | HttpError::BodyTimeout | HttpError::BodyUnreadable => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// A method that a path does not take.
pub(super) fn not_taken(method: &Method, taken: &str) -> HttpError {
    HttpError::Method(Mismatch {
        came: quoted(method.as_str().as_bytes()),
        taken: taken.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::refusals;
    use http_body_util::BodyExt;

    async fn answer(refusal: HttpError) -> (axum::http::HeaderMap, serde_json::Value) {
        let (head, body) = refusal.into_response().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.headers, serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn codes_are_distinct_and_in_kebab_case() {
        let mut codes: Vec<_> = refusals::ALL.iter().map(|row| row.code).collect();
        assert!(codes.iter().all(|code| {
            code.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        }));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), refusals::ALL.len());
    }

    #[test]
    fn overload_is_never_answered_429_and_always_says_when_to_return() {
        let statuses: Vec<_> = refusals::ALL.iter().map(|row| row.status).collect();
        assert!(!statuses.contains(&StatusCode::TOO_MANY_REQUESTS));
        for refusal in [
            HttpError::Overloaded,
            HttpError::JournalUnavailable,
            HttpError::ShuttingDown,
            HttpError::SigningKey,
            HttpError::FailureBudget(Duration::from_millis(1)),
            HttpError::Order(CommandError::TooManyListeners),
        ] {
            assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(refusal.retry_after().unwrap() >= 1, "{refusal}");
        }
    }

    #[tokio::test]
    async fn a_failed_authentication_is_answered_without_a_reason() {
        let (headers, problem) = answer(HttpError::Unauthenticated).await;
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthenticated"
        });
        assert_eq!(problem, expected);
    }

    #[test]
    fn what_came_is_quoted_in_few_harmless_characters() {
        assert_eq!(quoted(b"text/csv"), "`text/csv`");
        assert_eq!(quoted("a\u{1b}[31m`\u{e4}\r\n".as_bytes()), "`a?[31m?????`");
        assert_eq!(quoted(&[b'x'; 81]), format!("`{}...`", "x".repeat(80)));
    }

    #[tokio::test]
    async fn a_body_that_is_not_strict_json_is_named_by_the_readers_code() {
        let refusal = HttpError::NotStrictJson {
            code: "json-trailing",
            detail: "Something follows the value.",
        };
        let (_, problem) = answer(refusal).await;
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&400.into(), &"json-trailing".into())
        );
        assert_eq!(problem["detail"], "Something follows the value.");
    }
}

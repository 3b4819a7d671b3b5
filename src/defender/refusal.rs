//! Defender's error envelope, fit to be shown and compared with the codes that are known.

use core::fmt;

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::header::shown;

/// What the far side said no with, fit to be shown: shortened, control characters replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefenderError {
    pub status: u16,
    /// The API's code, if the answer had one.
    pub code: Option<String>,
    /// Its text, for people; never matched on but for the one documented fallback.
    pub message: Option<String>,
    /// The id of this answer, which Microsoft's support asks for.
    pub target: Option<String>,
    /// The request was malformed: a fault of this program, worth an alarm.
    pub ours: bool,
}

impl DefenderError {
    /// Reads the error envelope, or as much of it as there is.
    pub(super) fn read(answer: &Response<Bytes>) -> DefenderError {
        let error = error_of(answer);
        let text = |key: &str, most| {
            error
                .get(key)
                .and_then(Value::as_str)
                .map(|t| shown(t, most))
                .filter(|t| !t.is_empty())
        };
        DefenderError {
            status: answer.status().as_u16(),
            code: text("code", 64),
            message: text("message", 300),
            target: text("target", 64),
            ours: false,
        }
    }

    /// Whether this is its code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether Defender itself says that what the path names does not exist. A 404 without its code comes from a
    /// gateway, or from an address where no Defender is, and says nothing about a machine or an action.
    pub(super) fn says_not_found(&self) -> bool {
        self.is("NotFound") || self.is("ResourceNotFound")
    }
}

impl fmt::Display for DefenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(target) = &self.target {
            write!(f, " (target {target})")?;
        }
        Ok(())
    }
}

/// The error envelope's inside; `Null` where there is none.
fn error_of(answer: &Response<Bytes>) -> Value {
    if !answer.status().is_client_error() {
        return Value::Null;
    }
    let mut envelope: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    envelope
        .get_mut("error")
        .map_or_else(Value::default, Value::take)
}

/// The code is the sure sign, but no official table holds it; the message, documented, may stand inside HTML.
pub(super) fn says_busy(answer: &Response<Bytes>) -> bool {
    let error = error_of(answer);
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("");
    text("code") == "ActiveRequestAlreadyExists"
        || text("message")
            .to_ascii_lowercase()
            .contains("action is already in progress")
}

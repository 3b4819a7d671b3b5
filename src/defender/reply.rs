//! What the API's answers mean: one row of the reply table a line. Never panics, whatever the bytes are.
//!
//! The rule behind the table: *refused* ends a decision, *not executed* leaves the scan where it was, and everything
//! that does not say which of the two it is stays *unknown*, so that the list is asked before anything is sent again.

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Endpoints;
use super::header::{pause, shown};
use super::request::NextPage;
use scanhook_core::alert::MachineId;
use scanhook_core::scan::{Kind, Outcome};
use scanhook_core::time::Timestamp;

/// The pause when the far side does not say how long, or says it unreadably.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// The code of a 404 that lacks Defender's own error code.
pub(super) const NOT_DEFENDER: &str = "not-from-defender";

/// What was sent, to tell our action from somebody else's.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The machine in the call's path.
    pub machine: &'a MachineId,
    /// The `ExternalId` in the call's body; `None` if it was left out.
    pub external_id: Option<Uuid>,
    /// The 12 hex digits of the `[sh-…]` token that ends our comment.
    pub tail: &'a str,
    /// When the scan was first sent, minus the allowance for clocks that differ.
    pub since: Timestamp,
}

/// Where a machine action stands. An open set: a word nobody knows is not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The device has not taken it yet; an offline device may leave it so for days.
    Pending,
    /// The device has it.
    InProgress,
    /// The device carried out the command; says neither "clean" nor "the scan has ended".
    Succeeded,
    /// The device could not.
    Failed,
    /// The device did not take the command in time.
    TimeOut,
    /// Somebody called it off; also written `Canceled`.
    Cancelled,
    /// Another word, as written.
    Other(String),
}

impl Status {
    /// Reads the word in any letter case and either spelling.
    #[must_use]
    pub fn read(word: &str) -> Status {
        match word.to_ascii_lowercase().as_str() {
            "pending" => Status::Pending,
            "inprogress" => Status::InProgress,
            "succeeded" => Status::Succeeded,
            "failed" => Status::Failed,
            "timeout" => Status::TimeOut,
            "cancelled" | "canceled" => Status::Cancelled,
            _ => Status::Other(word.to_owned()),
        }
    }

    /// How the scan ended; `None` while it has not, or nobody knows the word.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Status::Succeeded => Some(Outcome::Succeeded),
            Status::Failed => Some(Outcome::Failed),
            Status::TimeOut => Some(Outcome::Timeout),
            Status::Cancelled => Some(Outcome::Cancelled),
            Status::Pending | Status::InProgress | Status::Other(_) => None,
        }
    }

    /// The word, in the API's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Status::Pending => "Pending",
            Status::InProgress => "InProgress",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::TimeOut => "TimeOut",
            Status::Cancelled => "Cancelled",
            Status::Other(word) => word,
        }
    }
}

/// A machine action, as far as it could be read. All texts are the far side's, as data: they may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionView {
    /// The handle; letters, digits, `-` and `_` only, so that it can stand in a path.
    pub id: String,
    /// From `scope`; `None`: unknown, which must never be taken for Full.
    pub kind: Option<Kind>,
    /// Where it stands.
    pub status: Status,
    /// The machine; `null` occurs.
    pub machine: Option<MachineId>,
    /// The machine's name; `null` occurs.
    pub machine_name: Option<String>,
    /// What its requestor sent for correlation: ours is a uuid.
    pub external_id: Option<String>,
    /// The requestor's comment.
    pub comment: Option<String>,
    /// App id, app name or user name: no stable key.
    pub requestor: Option<String>,
    /// `PublicApi`, `Portal` and others; an open set.
    pub request_source: Option<String>,
    /// When it was created, by the far side's clock.
    pub created: Option<Timestamp>,
    /// When it last changed, under either of the two names the documentation prints.
    pub updated: Option<Timestamp>,
    /// Signed; 0 for none. Meanings are not documented: shown, not interpreted.
    pub hresult: i64,
    /// Who called it off.
    pub cancellation_requestor: Option<String>,
    /// And what they said.
    pub cancellation_comment: Option<String>,
    /// `RunAntiVirusScan` for scans; an open set.
    pub action_type: Option<String>,
}

impl ActionView {
    /// Whether it is a scan; an action that does not say is taken for one, as only scans are asked for.
    #[must_use]
    pub fn is_scan(&self) -> bool {
        self.action_type
            .as_deref()
            .is_none_or(|t| t.eq_ignore_ascii_case("RunAntiVirusScan"))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<ActionView, &'static str> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| "unreadable-answer")?;
        if !value.is_object() {
            return Err("unreadable-answer");
        }
        let text = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let time = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .and_then(Timestamp::parse)
        };
        let id = text("id")
            .filter(|id| is_handle(id))
            .ok_or("no-action-id")?;
        let status = text("status").ok_or("no-action-status")?;
        let machine = match text("machineId") {
            None => None,
            Some(id) => Some(MachineId::parse(&id).ok_or("another-machine")?),
        };
        Ok(ActionView {
            id,
            kind: text("scope").and_then(|s| Kind::of_code(&s.to_ascii_lowercase())),
            status: Status::read(&status),
            machine,
            machine_name: text("computerDnsName"),
            external_id: text("externalId"),
            comment: text("requestorComment"),
            requestor: text("requestor"),
            request_source: text("requestSource"),
            created: time("creationDateTimeUtc"),
            updated: time("lastUpdateDateTimeUtc").or_else(|| time("lastUpdateTimeUtc")),
            hresult: value
                .get("errorHResult")
                .and_then(Value::as_i64)
                .unwrap_or(0),
            cancellation_requestor: text("cancellationRequestor"),
            cancellation_comment: text("cancellationComment"),
            action_type: text("type"),
        })
    }
}

/// An action id is documented as a GUID; anything that is safe in a path will do.
fn is_handle(id: &str) -> bool {
    id.len() <= 128
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What the far side said no with, fit to be shown: shortened, control characters replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefenderError {
    /// The HTTP status.
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

/// What the answer to a scan call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanReply {
    /// Executed: this action is ours.
    Ours(ActionView),
    /// Not executed: somebody else's scan of the machine was open, and this is it.
    Foreign(ActionView),
    /// Not executed: a scan of the machine is open; the list will tell whose.
    Busy,
    /// Not executed: the body was refused while it held `ExternalId`; once more without it.
    ExternalIdRefused,
    /// The machine id is not known here.
    NoSuchMachine(DefenderError),
    /// The machine's system or agent cannot be scanned this way.
    Unsupported(DefenderError),
    /// Refused for this machine for another reason.
    Refused(DefenderError),
    /// Not executed: the token, or the tenant's licence. A new token once, then the tenant stops.
    Unauthorized(DefenderError),
    /// Not executed: a role is missing, the audience is wrong or a feature is off. The tenant stops.
    Forbidden(DefenderError),
    /// Not executed: no call of this tenant for so long.
    Throttled(Duration),
    /// Executed or not, the answer does not tell: list first, never send again first.
    Unknown {
        /// A stable code.
        code: &'static str,
        /// Something that cannot happen by itself: worth an alarm.
        alarm: bool,
    },
}

/// Reads the answer to a scan call.
#[must_use]
pub fn scan(answer: &Response<Bytes>, sent: &Sent<'_>) -> ScanReply {
    let unknown = |code| ScanReply::Unknown { code, alarm: false };
    let status = answer.status();
    let mut refusal = DefenderError::read(answer);
    match status.as_u16() {
        200..=299 => scan_accepted(answer.body(), sent),
        300..=399 => ScanReply::Unknown {
            code: "redirect",
            alarm: true,
        },
        400 => scan_bad_request(refusal, says_busy(answer), sent),
        401 => ScanReply::Unauthorized(refusal),
        403 if refusal.is("DisallowedOperation") => ScanReply::Refused(refusal),
        403 => ScanReply::Forbidden(refusal),
        404 if refusal.says_not_found() => ScanReply::NoSuchMachine(refusal),
        404 => ScanReply::Unknown {
            code: NOT_DEFENDER,
            alarm: true,
        },
        // Whether the other end saw the request is exactly what this status leaves open.
        408 => unknown("request-timeout"),
        409 if says_busy(answer) => ScanReply::Busy,
        409 => unknown("conflict"),
        429 => ScanReply::Throttled(pause(answer.headers(), PAUSE)),
        405 | 411 | 413 | 415 => {
            refusal.ours = true;
            ScanReply::Refused(refusal)
        }
        _ if status.is_client_error() => ScanReply::Refused(refusal),
        500..=599 => unknown("server-error"),
        _ => unknown("odd-status"),
    }
}

/// Any 2xx: the code of the "already running" success is not documented.
fn scan_accepted(body: &[u8], sent: &Sent<'_>) -> ScanReply {
    let unknown = |code, alarm| ScanReply::Unknown { code, alarm };
    if body.trim_ascii().is_empty() {
        return unknown("empty-answer", false);
    }
    let action = match ActionView::read(body) {
        Ok(action) => action,
        Err(code) => return unknown(code, matches!(code, "another-machine" | "no-action-id")),
    };
    if !action.is_scan() {
        return unknown("not-a-scan", true);
    }
    if action.machine.as_ref().is_some_and(|m| m != sent.machine) {
        return unknown("another-machine", true);
    }
    // An answer that names neither correlation id nor comment is told apart by its age alone.
    let bare = action.external_id.is_none() && action.comment.is_none();
    if is_ours(&action, sent) || (bare && action.created.is_some_and(|c| c >= sent.since)) {
        ScanReply::Ours(action)
    } else {
        ScanReply::Foreign(action)
    }
}

fn scan_bad_request(mut refusal: DefenderError, busy: bool, sent: &Sent<'_>) -> ScanReply {
    match refusal.code.as_deref() {
        Some("InvalidRequestBody") if sent.external_id.is_some() => ScanReply::ExternalIdRefused,
        Some("InvalidRequestBody" | "MissingRequiredParameter" | "ODataError") => {
            refusal.ours = true;
            ScanReply::Refused(refusal)
        }
        Some("OsPlatformNotSupported" | "ClientVersionNotSupported") => {
            ScanReply::Unsupported(refusal)
        }
        _ if busy => ScanReply::Busy,
        _ => ScanReply::Refused(refusal),
    }
}

/// Whether this action came from what was sent. The correlation id decides where there is one: the uuid is of this
/// one scan, so even an old action that carries it is ours. Without it, the comment must end with our token and the
/// action must not be older than the sending, since a comment is the weaker proof.
#[must_use]
pub fn is_ours(action: &ActionView, sent: &Sent<'_>) -> bool {
    if !action.is_scan() || action.machine.as_ref().is_some_and(|m| m != sent.machine) {
        return false;
    }
    if let Some(id) = &action.external_id {
        return sent
            .external_id
            .is_some_and(|ours| id.trim().parse::<Uuid>().is_ok_and(|theirs| theirs == ours));
    }
    let signed = action
        .comment
        .as_deref()
        .is_some_and(|c| ends_with_tail(c, sent.tail));
    signed && action.created.is_none_or(|c| c >= sent.since)
}

fn ends_with_tail(comment: &str, tail: &str) -> bool {
    tail_of(comment) == Some(tail)
}

/// The 12 characters of the token that ends a comment of ours.
pub(super) fn tail_of(comment: &str) -> Option<&str> {
    let token = comment.trim_end().strip_suffix(']')?;
    let (before, tail) = token.split_at_checked(token.len().checked_sub(12)?)?;
    before.ends_with("[sh-").then_some(tail)
}

/// What the answer to calling an action off means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelReply {
    /// Taken; the action as it stands now, which may still be open.
    Taken(Box<ActionView>),
    /// Refused: most often because the action is over, which the list will tell.
    Refused(DefenderError),
    /// As for the scan call.
    Unauthorized(DefenderError),
    /// No call of this tenant for so long.
    Throttled(Duration),
    /// Taken or not, the answer does not tell; a stable code.
    Unknown(&'static str),
}

/// Reads the answer to calling `action` off. What an action that is over answers is not documented, so any other
/// refusal means no more than that the action must be read again (defender-api, cancel).
#[must_use]
pub fn cancel(answer: &Response<Bytes>, action: &str) -> CancelReply {
    let status = answer.status();
    match status.as_u16() {
        200..=299 => match ActionView::read(answer.body()) {
            Ok(view) if view.id == action => CancelReply::Taken(Box::new(view)),
            Ok(_) => CancelReply::Unknown("another-action"),
            Err(code) => CancelReply::Unknown(code),
        },
        300..=399 => CancelReply::Unknown("redirect"),
        401 => CancelReply::Unauthorized(DefenderError::read(answer)),
        404 if !DefenderError::read(answer).says_not_found() => CancelReply::Unknown(NOT_DEFENDER),
        408 => CancelReply::Unknown("request-timeout"),
        429 => CancelReply::Throttled(pause(answer.headers(), PAUSE)),
        _ if status.is_client_error() => CancelReply::Refused(DefenderError::read(answer)),
        500..=599 => CancelReply::Unknown("server-error"),
        _ => CancelReply::Unknown("odd-status"),
    }
}

/// What the answer to reading one machine action means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionReply {
    /// It is there.
    Action(Box<ActionView>),
    /// Not known, or not yet: a new action may answer so for its first seconds.
    Gone,
    /// As for the scan call.
    Unauthorized(DefenderError),
    /// Reading is not allowed.
    Forbidden(DefenderError),
    /// No call of this tenant for so long.
    Throttled(Duration),
    /// Ask again later; a stable code.
    Failed(&'static str),
}

/// Reads the answer to reading one machine action.
#[must_use]
pub fn action(answer: &Response<Bytes>) -> ActionReply {
    match answer.status().as_u16() {
        200..=299 => match ActionView::read(answer.body()) {
            Ok(action) => ActionReply::Action(Box::new(action)),
            Err(code) => ActionReply::Failed(code),
        },
        401 => ActionReply::Unauthorized(DefenderError::read(answer)),
        403 => ActionReply::Forbidden(DefenderError::read(answer)),
        404 if DefenderError::read(answer).says_not_found() => ActionReply::Gone,
        404 => ActionReply::Failed(NOT_DEFENDER),
        429 => ActionReply::Throttled(pause(answer.headers(), PAUSE)),
        500..=599 => ActionReply::Failed("server-error"),
        _ => ActionReply::Failed("odd-status"),
    }
}

/// A page of any list.
#[derive(Deserialize)]
pub(super) struct ListPage<'a> {
    #[serde(borrow)]
    pub(super) value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Value,
}

/// What a page says of the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// It names none.
    #[default]
    None,
    /// This one, on the origin and path that were asked.
    Page(NextPage),
    /// There is one, but what it says of it cannot be used.
    Unusable,
}

impl ListPage<'_> {
    /// The next page after the one that was `asked` for, of the list that ends in this name.
    pub(super) fn next(&self, asked: &NextPage, e: &Endpoints, list: &str) -> Next {
        match &self.next {
            Value::Null => Next::None,
            Value::String(link) if link.is_empty() => Next::None,
            Value::String(link) => {
                NextPage::of(link, asked, e, list).map_or(Next::Unusable, Next::Page)
            }
            _ => Next::Unusable,
        }
    }
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
fn says_busy(answer: &Response<Bytes>) -> bool {
    let error = error_of(answer);
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("");
    text("code") == "ActiveRequestAlreadyExists"
        || text("message")
            .to_ascii_lowercase()
            .contains("action is already in progress")
}

/// Whether an answer says that it is JSON, as all of Defender's and Entra's are.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let said = headers
        .get(CONTENT_TYPE)
        .and_then(|said| said.to_str().ok())
        .unwrap_or_default();
    said.trim_start()
        .to_ascii_lowercase()
        .starts_with("application/json")
}

#[cfg(test)]
pub(super) mod tests;

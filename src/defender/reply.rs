//! What the API's answers mean: one row of the reply table a line. Never panics, whatever the bytes are.
//!
//! The rule behind the table: *refused* ends a decision, *not executed* leaves the scan where it was, and everything
//! that does not say which of the two it is stays *unknown*, so that the list is asked before anything is sent again.

use core::time::Duration;

use bytes::Bytes;
use http::Response;

use super::header::pause;
use super::refusal::says_busy;

pub use super::action::{ActionView, Status};
pub use super::header::is_json;
pub use super::ours::{SentScan, is_ours};
pub use super::page::Next;
pub use super::refusal::DefenderError;

/// The pause when the far side does not say how long, or says it unreadably.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// The code of a 404 that lacks Defender's own error code.
pub(super) const NOT_DEFENDER: &str = "not-from-defender";

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
        code: &'static str,
        /// Something that cannot happen by itself: worth an alarm.
        alarm: bool,
    },
}

/// Reads the answer to a scan call.
#[must_use]
pub fn scan(answer: &Response<Bytes>, sent: &SentScan<'_>) -> ScanReply {
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
fn scan_accepted(body: &[u8], sent: &SentScan<'_>) -> ScanReply {
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

fn scan_bad_request(mut refusal: DefenderError, busy: bool, sent: &SentScan<'_>) -> ScanReply {
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

#[cfg(test)]
pub(super) mod tests;

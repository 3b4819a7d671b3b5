//! What happens in a worker, for logs and metrics.

use core::time::Duration;

use crate::journal::Api;
use scanhook_core::about::About;
use scanhook_core::obstacles::{FarSide, TlsFault};
use scanhook_core::scan::{DecisionState, Kind, Outcome, Reason};
use scanhook_core::time::Timestamp;

/// What happened in a worker. No token; of alerts only what identifies them.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerEvent {
    /// A call ended with this status or word.
    Called {
        api: Api,
        /// HTTP status, or what came instead.
        answer: String,
        /// From leaving to the answer.
        took: Duration,
    },
    Sent {
        /// The scan and its decisions.
        about: Box<About>,
        kind: Kind,
        /// How long its oldest alert waited.
        waited: Duration,
    },
    /// What came of sending a scan, as a code.
    Answered {
        /// The scan and its decisions.
        about: Box<About>,
        kind: Kind,
        /// running, foreign, busy, refused, throttled, …
        what: &'static str,
    },
    Ended {
        /// The scan and its decisions.
        about: Box<About>,
        kind: Kind,
        outcome: Outcome,
        /// From sending to the end.
        took: Duration,
    },
    /// Decisions were held for too long, and are dropped.
    Expired { count: usize, decisions: Vec<About> },
    /// A person's wish to call a scan off came so far, as a code.
    CalledOff {
        /// The scan and its decisions.
        about: Box<About>,
        /// taken, refused, unknown, not_sent, throttled, unauthorized, over.
        what: &'static str,
    },
    /// A decision that had waited for the directory was made.
    Decided {
        /// The decision, its alert and its device.
        about: Box<About>,
        state: DecisionState,
        reason: Reason,
        why: String,
        /// The directory has answered; otherwise it is decided without.
        answered: bool,
    },
    /// A far side cannot be reached, the first of the two.
    Unreachable {
        side: FarSide,
        address: String,
        /// What came instead of an answer.
        code: String,
        /// The proxy that the call was to go through.
        proxy: Option<String>,
        /// What is known of a handshake that failed.
        tls: Option<TlsFault>,
    },
    /// Both can be reached again; this one was the last.
    Reached {
        side: FarSide,
        address: String,
        /// How long it could not.
        after: Duration,
    },
    Token {
        audience: String,
        tenant_id: String,
        roles: Vec<String>,
        expires: Timestamp,
    },
    /// There is no token yet, because a file or the platform has not what it is made with.
    Awaited { code: String, why: String },
    /// No call before this.
    Paused {
        /// The end of the pause.
        until: Timestamp,
    },
    /// The far side refuses below our own count: others use the same quota, and our share is this for a while.
    Lowered {
        api: Api,
        per_minute: u32,
        per_hour: u32,
    },
    /// The computer's clock was set: what waits for a span of time was moved along.
    ClockSet {
        /// By so many milliseconds.
        by: i64,
        /// Or the computer was restarted, and this is what has passed by its clock.
        restarted: bool,
    },
    /// The far side's clock and ours have come too far apart.
    ClocksDiffer {
        /// Milliseconds by which the far side's is ahead of ours.
        ahead: i64,
    },
    /// Nothing is sent until an operator mends this.
    Stopped { code: String, why: String },
    /// The far side did what it should not.
    Alarm {
        code: &'static str,
        /// The scan it is about, if it is about one.
        about: Option<Box<About>>,
    },
}

/// What can come of a scan call, as [`WorkerEvent::Answered`] tells it.
pub const ANSWERS: &[&str] = &[
    "running",
    "foreign",
    "blocked",
    "busy",
    "refused",
    "throttled",
    "unauthorized",
    "forbidden",
    "unknown",
    "not_sent",
    "external_id_refused",
    "called_off",
];

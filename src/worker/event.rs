//! What happens in a lane, for logs and metrics.

use core::time::Duration;

use crate::journal::Api;
use scanhook_core::about::About;
use scanhook_core::obstacles::FarSide;
use scanhook_core::scan::{DecisionState, Kind, Outcome, Reason};
use scanhook_core::time::Timestamp;

/// What happened in a lane. No token; of alerts only what identifies them.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerEvent {
    /// A call ended with this status or word.
    Called {
        /// Which budget.
        api: Api,
        /// HTTP status, or what came instead.
        answer: String,
        /// From leaving to the answer.
        took: Duration,
    },
    /// A scan was sent.
    Sent {
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// How long its oldest alert waited.
        waited: Duration,
    },
    /// What came of sending a scan, as a code.
    Answered {
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// running, foreign, busy, refused, throttled, …
        what: &'static str,
    },
    /// A scan is over.
    Ended {
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// How.
        outcome: Outcome,
        /// From sending to the end.
        took: Duration,
    },
    /// Decisions were held for too long, and are dropped.
    Expired {
        /// How many.
        count: usize,
        /// The first of them.
        decisions: Vec<About>,
    },
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
        /// What became of it.
        state: DecisionState,
        /// Why.
        reason: Reason,
        /// The same in words.
        why: String,
        /// The directory has answered; otherwise it is decided without.
        answered: bool,
    },
    /// A far side cannot be reached.
    Unreachable {
        /// Which.
        side: FarSide,
        /// Its address.
        address: String,
        /// What came instead of an answer.
        code: String,
    },
    /// It can be reached again.
    Reached {
        /// Which.
        side: FarSide,
        /// Its address.
        address: String,
        /// How long it could not.
        after: Duration,
    },
    /// A token was granted.
    Token {
        /// Its audience.
        audience: String,
        /// Its tenant.
        tenant_id: String,
        /// Its roles.
        roles: Vec<String>,
        /// Its end.
        expires: Timestamp,
    },
    /// No call before this.
    Paused {
        /// The end of the pause.
        until: Timestamp,
    },
    /// The far side refuses below our own count: others use the same quota, and our share is this for a while.
    Lowered {
        /// Which budget.
        api: Api,
        /// Calls in a minute.
        per_minute: u32,
        /// Calls in an hour.
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
    Stopped {
        /// A stable code.
        code: String,
        /// What to do.
        why: String,
    },
    /// The far side did what it should not.
    Alarm {
        /// A stable code.
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

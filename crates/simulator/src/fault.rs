//! Faults on order: which call of which route goes wrong, and how.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One planned fault. Calls are counted per fault, from when it was added; of several that are due the oldest acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A route as in [`super::CallRecord::route`], or `*` for every call.
    pub route: String,
    /// The first call of that route that goes wrong, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many calls in a row go wrong.
    #[serde(default = "one")]
    pub times: u32,
    pub how: How,
}

fn one() -> u32 {
    1
}

/// What goes wrong with a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum How {
    /// An error in the usual form; not carried out.
    Status {
        status: u16,
        /// `error.code`; for the token route an AADSTS number or the text of `error`.
        code: String,
        /// `error.message`; none leaves message and target out. The token route has texts of its own.
        message: Option<String>,
        /// Verbatim `Retry-After`.
        retry_after: Option<String>,
    },
    /// Any body, such as a proxy's page of HTML; not carried out.
    Raw {
        status: u16,
        /// Verbatim `Content-Type`.
        content_type: Option<String>,
        body: String,
    },
    /// The connection breaks before the request arrives: not carried out.
    LostRequest,
    /// Carried out, then the connection breaks before the answer.
    LostAnswer,
    /// No answer ever.
    Silence {
        /// Whether it is carried out all the same.
        executed: bool,
    },
    /// Carried out at once, answered late.
    Delay {
        /// Milliseconds on top of the usual latency.
        ms: u64,
    },
    /// Carried out, but answered otherwise: an error 500, an empty 201, JSON cut short.
    Executed {
        /// `Status` or `Raw`.
        answer: Box<How>,
    },
    /// Carried out and answered, but with a `Date` that is wrong, as something in between may write it.
    Dated {
        /// Seconds by which it is ahead.
        ahead_s: i64,
    },
    /// Carried out and answered, but with other values in the JSON body: another `machineId`, an unknown status.
    Edited {
        /// Top-level keys to write over or to add.
        set: Map<String, Value>,
    },
}

impl How {
    /// Whether the call is carried out, as far as token, quota and roles let it.
    pub(super) fn executes(&self) -> bool {
        !matches!(
            self,
            How::Status { .. }
                | How::Raw { .. }
                | How::LostRequest
                | How::Silence { executed: false }
        )
    }
}

/// A fault and how many calls of its route were seen since it was added.
pub(super) struct Planned(pub(super) Fault, pub(super) u32);

/// Lets every planned fault count this call, and returns the first that is due.
pub(super) fn pick(planned: &mut [Planned], route: &str) -> Option<How> {
    let mut due = None;
    for Planned(fault, seen) in planned
        .iter_mut()
        .filter(|plan| plan.0.route == "*" || plan.0.route == route)
    {
        *seen = seen.saturating_add(1);
        if due.is_none() && *seen >= fault.nth && *seen - fault.nth < fault.times {
            due = Some(fault.how.clone());
        }
    }
    due
}

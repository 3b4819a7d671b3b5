//! What the queue keeps of a scan and of a machine, and what will happen to them when.

use core::time::Duration;
use std::rc::Rc;

use scanhook_core::plan::Past;
use scanhook_core::scan::{Kind, Priority};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Openings;

/// How long scans are assumed to take.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    pub quick: Duration,
    pub full: Duration,
}

impl Takes {
    pub(super) const fn of(self, kind: Kind) -> Duration {
        match kind {
            Kind::Quick => self.quick,
            Kind::Full => self.full,
        }
    }
}

/// A scan that waits or is under way.
pub(super) struct Scan {
    pub(super) machine: Rc<str>,
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    pub(super) created: Timestamp,
    pub(super) not_after: Timestamp,
    /// The opening of the window it waits for.
    pub(super) start: Option<Timestamp>,
    /// When it may leave at all.
    pub(super) openings: Openings,
    pub(super) max_age: Duration,
    /// A weaker scan of its machine must end first.
    pub(super) behind: bool,
    /// Since when nothing but the quota stands in its way.
    pub(super) due: Option<Timestamp>,
}

/// What is known of a machine.
#[derive(Default)]
pub(super) struct MachineState {
    pub(super) waiting: Option<i64>,
    pub(super) open: Option<i64>,
    pub(super) quick: Option<Past>,
    pub(super) full: Option<Past>,
}

pub(super) enum ReplayEvent {
    /// A window opens for this scan.
    Due(i64),
    Answer(i64),
    End(i64),
    /// A call may be free.
    Poll,
}

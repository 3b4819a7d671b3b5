//! What a worker remembers of single actions that it reads.

use core::time::Duration;

use super::backoff::Backoff;
use scanhook_core::time::Timestamp;

/// What is read of machine actions: a page of the list, one of ours, one that occupies a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ActionRead {
    List,
    Ours,
    #[default]
    Blocking,
}

/// What a worker remembers of reading single actions.
#[derive(Default)]
pub(super) struct Gets {
    /// Reads that failed in a row, whichever action they were for, and until when none is made.
    pub(super) failures: u32,
    pub(super) until: Timestamp,
    /// How often it was forbidden with which token.
    pub(super) forbidden: (u64, u32),
    pub(super) last: ActionRead,
}

impl Gets {
    /// Whether single actions may be read, as far as is known. Lists may be allowed where that is not.
    pub(super) fn are_allowed(&self, backoff: &Backoff) -> bool {
        self.forbidden.0 != backoff.generation() || self.forbidden.1 < FORBIDDEN
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        self.until = self.until.moved(by);
    }

    pub(super) fn worked(&mut self) {
        (self.failures, self.until) = (0, Timestamp::default());
    }

    pub(super) fn failed(&mut self, now: Timestamp) {
        let rest = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_REST);
        self.failures = self.failures.saturating_add(1);
        self.until = now.plus(rest);
    }
}

/// So often in a row reading must be forbidden with one token before it is believed.
pub(super) const FORBIDDEN: u32 = 2;

/// The longest rest after reads that failed.
const LONGEST_REST: Duration = Duration::from_secs(60);

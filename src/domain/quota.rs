//! The call ledger of one API of one tenant: two sliding windows that are never exceeded.
//! A call counts from the moment it may leave until the window plus a second after its answer, because nobody
//! knows at which moment in between the far side counted it.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use super::time::Timestamp;

/// Our share of an API's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Calls in any 60 seconds.
    pub per_minute: u32,
    /// Calls in any 3,600 seconds.
    pub per_hour: u32,
}

impl Share {
    /// What Defender allows for one API of one app in one tenant (defender-api, throttling).
    pub const WHOLE: Share = Share { per_minute: 100, per_hour: 1500 };
}

const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3601);

/// The calls of the last hour. `Id` is the call's row in the journal.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    leaving: BTreeSet<i64>,
    ended: VecDeque<Timestamp>,
}

impl Ledger {
    /// A call that may leave from now on.
    pub fn sent(&mut self, id: i64) {
        self.leaving.insert(id);
    }

    /// The answer of a call, or the end of waiting for one.
    pub fn ended(&mut self, id: i64, at: Timestamp) {
        if self.leaving.remove(&id) {
            self.recall(at);
        }
    }

    /// A call of the past, as the journal knows it.
    pub fn recall(&mut self, ended: Timestamp) {
        let place = self.ended.partition_point(|t| *t <= ended);
        self.ended.insert(place, ended);
        while self.ended.front().is_some_and(|t| t.plus(HOUR) < ended) {
            self.ended.pop_front();
        }
    }

    /// When the next call may leave: `now`, a later instant, or [`Timestamp::NEVER`] until an answer comes.
    #[must_use]
    pub fn free_at(&self, share: Share, now: Timestamp) -> Timestamp {
        self.window(share.per_minute, MINUTE, now).max(self.window(share.per_hour, HOUR, now))
    }

    /// Calls that count against the minute and the hour.
    #[must_use]
    pub fn used(&self, now: Timestamp) -> (u32, u32) {
        let within = |window| {
            let live = self.ended.iter().rev().take_while(|t| t.plus(window) > now).count();
            u32::try_from(live + self.leaving.len()).unwrap_or(u32::MAX)
        };
        (within(MINUTE), within(HOUR))
    }

    fn window(&self, limit: u32, window: Duration, now: Timestamp) -> Timestamp {
        let Some(free) = (limit as usize).checked_sub(self.leaving.len()).filter(|free| *free > 0) else {
            return Timestamp::NEVER;
        };
        match self.ended.len().checked_sub(free) {
            None => now,
            Some(place) => self.ended[place].plus(window).max(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_minute_frees_a_call_after_its_answer_has_left_the_window() {
        let share = Share { per_minute: 2, per_hour: 100 };
        let mut ledger = Ledger::default();
        ledger.sent(1);
        ledger.sent(2);
        assert_eq!(ledger.free_at(share, at(0)), Timestamp::NEVER, "both may still be counted at any moment");
        ledger.ended(1, at(5));
        ledger.ended(2, at(7));
        assert_eq!(ledger.free_at(share, at(7)), at(66));
        assert_eq!(ledger.free_at(share, at(66)), at(66));
        assert_eq!(ledger.used(at(66)), (1, 2));
    }

    #[test]
    fn the_hour_binds_when_the_minute_does_not() {
        let share = Share { per_minute: 2, per_hour: 3 };
        let mut ledger = Ledger::default();
        for second in [0, 100, 200] {
            ledger.recall(at(second));
        }
        assert_eq!(ledger.free_at(share, at(300)), at(3601));
    }
}

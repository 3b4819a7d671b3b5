//! The call ledger of one API of one tenant. A call counts from the moment it may leave until the window plus a second
//! after its answer, because nobody knows at which moment in between the far side counted it.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use super::reserve::UrgentReserve;
use super::{HOUR, MINUTE, Share};
use crate::time::Timestamp;

/// A call of the past, as the journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// When it left.
    pub sent: Timestamp,
    /// When its answer came, or nobody waited for one any longer.
    pub ended: Timestamp,
    /// When the urgent scan was wanted that it was for; none: it was for no urgent one.
    pub urgent: Option<Timestamp>,
    /// Whether the answer was a 429.
    pub refused: bool,
}

/// The calls of the last hour. An id is the call's row in the journal. Every question is answered in the time it takes
/// to find a place in a sorted row, but for those about the reserve, which look at each call of the window.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    leaving: BTreeSet<i64>,
    ended: VecDeque<Timestamp>,
    /// Those that were answered with 429.
    refused: VecDeque<Timestamp>,
    /// When the urgent ones were wanted, however long they waited then.
    urgent: VecDeque<Timestamp>,
    /// When the last one left that was not urgent.
    ordinary: Option<Timestamp>,
}

impl Ledger {
    /// A call that may leave from now on, and if it is urgent, when it was wanted.
    pub fn sent(&mut self, id: i64, urgent: Option<Timestamp>, now: Timestamp) {
        self.leaving.insert(id);
        self.left(urgent, now);
    }

    /// The answer of a call, or the end of waiting for one.
    pub fn ended(&mut self, id: i64, refused: bool, now: Timestamp) {
        if self.leaving.remove(&id) {
            self.counted(refused, now);
        }
    }

    /// A call of the past.
    pub fn recall(&mut self, entry: PastCall) {
        self.left(entry.urgent, entry.sent);
        self.counted(entry.refused, entry.ended);
    }

    /// The wall clock was set by so many milliseconds; nothing ended later than `now`.
    pub fn moved(&mut self, by: i64, now: Timestamp) {
        for row in [&mut self.ended, &mut self.refused, &mut self.urgent] {
            row.iter_mut().for_each(|at| *at = at.moved(by).min(now));
        }
        self.ordinary = self.ordinary.map(|at| at.moved(by).min(now));
    }

    /// When the next call may leave: `now`, a later instant, or [`Timestamp::NEVER`] until an answer comes.
    #[must_use]
    pub fn free_at(&self, share: Share, now: Timestamp) -> Timestamp {
        self.within(share.per_minute, MINUTE, now)
            .max(self.within(share.per_hour, HOUR, now))
    }

    /// Calls that count against the minute and the hour.
    #[must_use]
    pub fn used(&self, now: Timestamp) -> (u32, u32) {
        let within = |window| self.leaving.len() + count(&self.ended, window, now);
        (number(within(MINUTE)), number(within(HOUR)))
    }

    /// Calls of the last minute and hour that were answered, and not with 429.
    #[must_use]
    pub fn let_through(&self, now: Timestamp) -> (u32, u32) {
        let within = |window| count(&self.ended, window, now) - count(&self.refused, window, now);
        (number(within(MINUTE)), number(within(HOUR)))
    }

    /// Urgent calls that were wanted within the last `span`, and have left.
    #[must_use]
    pub fn urgent(&self, span: Duration, now: Timestamp) -> u32 {
        number(count(&self.urgent, span, now))
    }

    /// The same, but of any minute no more than `most`: what a storm brings is not what comes otherwise.
    #[must_use]
    pub fn urgent_evenly(&self, span: Duration, most: u32, now: Timestamp) -> u32 {
        let mut counted: Vec<Timestamp> = Vec::new();
        for at in self
            .urgent
            .range(self.urgent.len() - count(&self.urgent, span, now)..)
        {
            let full = counted
                .len()
                .checked_sub(most as usize)
                .and_then(|first| counted.get(first));
            if full.is_none_or(|first| first.plus(Duration::from_secs(60)) <= *at) {
                counted.push(*at);
            }
        }
        number(counted.len())
    }

    /// How far back the calls go that are known, at most an hour.
    #[must_use]
    pub fn reaches_back(&self, now: Timestamp) -> Duration {
        self.ended
            .front()
            .map_or(Duration::ZERO, |first| now.since(*first))
    }

    /// When the last call left that was not urgent.
    #[must_use]
    pub fn ordinary(&self) -> Option<Timestamp> {
        self.ordinary
    }

    /// When fewer calls than `limit` count against the window.
    pub(super) fn within(&self, limit: u32, window: Duration, now: Timestamp) -> Timestamp {
        let Some(free) = (limit as usize)
            .checked_sub(self.leaving.len())
            .filter(|free| *free > 0)
        else {
            return Timestamp::NEVER;
        };
        match self.ended.len().checked_sub(free) {
            None => now,
            Some(place) => self.ended[place].plus(window).max(now),
        }
    }

    /// When a call may leave and still leaves the reserve: at every later moment of the window as many calls are free,
    /// or have come back, as urgent ones are expected until then.
    pub(super) fn reserved(
        &self,
        limit: u32,
        window: Duration,
        reserve: &UrgentReserve,
        now: Timestamp,
    ) -> Timestamp {
        let counting = self
            .ended
            .range(self.ended.len() - count(&self.ended, window, now)..);
        let free = i64::from(limit) - 1 - i64::try_from(self.leaving.len()).unwrap_or(i64::MAX);
        if reserve.wanted(window) > free {
            return Timestamp::NEVER;
        }
        // Just before the next of them comes back, those before it have.
        let (held, mut at) = (i64::try_from(counting.len()).unwrap_or(i64::MAX), now);
        for (back, ended) in (0..).zip(counting) {
            let returns = ended.plus(window);
            at = at.max(
                reserve
                    .lasts(free - held + back)
                    .map_or(returns, |span| returns.minus(span)),
            );
        }
        at
    }

    fn left(&mut self, urgent: Option<Timestamp>, at: Timestamp) {
        match urgent {
            Some(wanted) => insert(&mut self.urgent, wanted.min(at)),
            None => self.ordinary = self.ordinary.max(Some(at)),
        }
    }

    fn counted(&mut self, refused: bool, at: Timestamp) {
        insert(&mut self.ended, at);
        if refused {
            insert(&mut self.refused, at);
        }
    }
}

/// Sorts an instant in, and forgets what is more than an hour older.
fn insert(row: &mut VecDeque<Timestamp>, at: Timestamp) {
    row.insert(row.partition_point(|other| *other <= at), at);
    while row.front().is_some_and(|first| first.plus(HOUR) < at) {
        row.pop_front();
    }
}

/// How many of a sorted row are younger than `span`.
fn count(row: &VecDeque<Timestamp>, span: Duration, now: Timestamp) -> usize {
    row.len() - row.partition_point(|at| at.plus(span) <= now)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_minute_frees_a_call_after_its_answer_has_left_the_window() {
        let share = Share {
            per_minute: 2,
            per_hour: 100,
        };
        let mut ledger = Ledger::default();
        ledger.sent(1, None, at(0));
        ledger.sent(2, None, at(0));
        assert_eq!(
            ledger.free_at(share, at(0)),
            Timestamp::NEVER,
            "both may still be counted at any moment"
        );
        ledger.ended(1, false, at(5));
        ledger.ended(2, true, at(7));
        assert_eq!(ledger.free_at(share, at(7)), at(66));
        assert_eq!(ledger.free_at(share, at(66)), at(66));
        assert_eq!(ledger.used(at(66)), (1, 2));
        assert_eq!(
            ledger.let_through(at(66)),
            (0, 1),
            "the other one was refused"
        );
    }

    #[test]
    fn the_hour_binds_when_the_minute_does_not() {
        let share = Share {
            per_minute: 2,
            per_hour: 3,
        };
        let mut ledger = Ledger::default();
        for second in [0, 100, 200] {
            ledger.recall(PastCall {
                sent: at(second),
                ended: at(second),
                urgent: None,
                refused: false,
            });
        }
        assert_eq!(ledger.free_at(share, at(300)), at(3601));
    }

    #[test]
    fn a_clock_that_is_set_neither_shortens_nor_stretches_a_window() {
        let share = Share {
            per_minute: 1,
            per_hour: 10,
        };
        for by in [-3_600_000, 3_600_000] {
            let mut ledger = Ledger::default();
            ledger.sent(1, Some(at(0)), at(0));
            ledger.ended(1, false, at(1));
            ledger.moved(by, at(10).moved(by));
            assert_eq!(ledger.free_at(share, at(10).moved(by)), at(62).moved(by));
            assert_eq!(ledger.urgent(Duration::from_secs(11), at(10).moved(by)), 1);
        }
    }
}

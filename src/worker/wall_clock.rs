//! Keeps spans of time true when the computer's clock is set, and knows what the far side's clock says.
//!
//! All times are on the wall clock. Beside it runs the time since the computer was started, which nobody sets. As soon
//! as the two have not gone on by the same, everything that waits for a span of time is moved along, so that no window
//! becomes shorter or longer. Over a restart of the computer nothing is known of the time between: no time has passed.
//!
//! **Our clock.** `clock::both` reads the wall clock and the time since the computer was started. `poll`, `answer` and
//! `load` compare the two ([`WallClock::follow`]). If they have not gone on by the same, to a quarter of a second, all
//! that waits for a *span* is moved in the same transaction: calls in the ledger, the pause, what was learnt, looks at
//! open scans, settle times, the wait for a busy machine, the token's end. After a restart of the computer (another
//! boot id) what waited waits as long as it still had to when the worker last wrote: perhaps too long, never too short.
//!
//! **The far side's clock.** What the far side dates is compared by its own clock: `Date` of its answers tells how far
//! it is from ours ([`FarClock`], the middle of the last five), and `scan.far_sent_at` says by that clock how far back
//! a list has to reach. With our clock an hour ahead a list would otherwise begin in Defender's future, miss the
//! action, and let the scan be sent twice.
//!
//! **What is not moved.** Cool-down, limits, `max_age` and what intake writes go by the wall clock as it is. When it is
//! set back, what lies in the future then was written by a clock that was ahead, and is moved (`Tx::written_ahead`).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::defender::{Answer, header, reply};
use crate::journal::ClockSet;
use scanhook_core::time::{Now, Timestamp};

/// Less than this is a clock that is being kept, not one that was set. The ledger's second covers it.
const KEPT: u64 = 250;

/// Milliseconds by which the far side's clock and ours may differ before somebody should look.
const OFF: u64 = 5 * 60_000;

/// Where both clocks stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WallClock {
    /// Which start of the computer.
    pub(super) boot: u64,
    /// What the wall clock said when it was started, in Unix milliseconds, had it not been set since.
    pub(super) zero: i64,
    /// The wall clock when the worker last wrote.
    pub(super) seen: Timestamp,
}

impl WallClock {
    pub(super) fn new(now: Now) -> WallClock {
        WallClock {
            boot: now.boot,
            zero: zero(now),
            seen: now.wall,
        }
    }

    /// What the wall clock said when it was last looked at.
    pub(super) fn seen(&self) -> Timestamp {
        self.seen
    }

    /// By how much the wall clock was set since the last call, if it was.
    pub(super) fn follow(&mut self, now: Now) -> Option<ClockSet> {
        let restarted = now.boot != self.boot;
        let by = if restarted {
            now.wall.millis() - self.seen.millis()
        } else {
            zero(now) - self.zero
        };
        self.seen = now.wall;
        if by.unsigned_abs() <= KEPT && !restarted {
            return None;
        }
        *self = WallClock::new(now);
        Some(ClockSet { by, restarted })
    }
}

fn zero(now: Now) -> i64 {
    now.wall
        .millis()
        .saturating_sub(i64::try_from(now.up.as_millis()).unwrap_or(i64::MAX))
}

/// Answers from which the far side's clock is taken.
const DATES: usize = 5;

/// How far the far side's clock is ahead of ours, by the `Date` of its answers. Lists are asked for by that clock,
/// whatever ours says. One answer alone may come from something in between, so the middle of the last few counts.
pub(super) struct FarClock {
    /// Milliseconds, oldest first.
    pub(super) ahead: VecDeque<i64>,
    /// What the last answer said, whatever it was: only people are told of it.
    pub(super) last: i64,
}

impl Default for FarClock {
    /// Until there are enough answers, our own clock is one of the witnesses.
    fn default() -> FarClock {
        FarClock {
            ahead: [0].into(),
            last: 0,
        }
    }
}

impl FarClock {
    /// Whether the two are too far apart.
    pub(super) fn is_off(&self) -> bool {
        self.last.unsigned_abs() > OFF
    }

    /// Whether the far side has said what time it is. A managed identity's token says nothing of it, for it comes from the
    /// platform: then the first call to hear it from may be a scan.
    pub(super) fn is_heard(&self) -> bool {
        self.ahead.len() > 1
    }

    /// Takes the `Date` of an answer. A gateway's page, which is not JSON, says nothing of the far side's clock.
    pub(super) fn note(&mut self, answer: &Answer, now: Timestamp) {
        if let Answer::Http(response) = answer
            && let Some(date) = header::date(response.headers())
        {
            self.last = date.millis().saturating_sub(now.millis());
            if !reply::is_json(response.headers()) {
                return;
            }
            if self.ahead.len() == DATES {
                self.ahead.pop_front();
            }
            self.ahead.push_back(self.last);
        }
    }

    /// The middle one; of two the lower, for a list that reaches back too far does no harm, and one that begins in the
    /// far side's future does.
    pub(super) fn ahead(&self) -> i64 {
        let mut sorted: Vec<i64> = self.ahead.iter().copied().collect();
        sorted.sort_unstable();
        sorted
            .get(sorted.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(0)
    }

    /// Our clock was set by so many milliseconds, and the far side's was not.
    pub(super) fn moved(&mut self, by: i64) {
        self.ahead
            .iter_mut()
            .chain([&mut self.last])
            .for_each(|ahead| *ahead = ahead.saturating_sub(by));
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn now(wall: i64, up: u64, boot: u64) -> Now {
        Now {
            wall: Timestamp::from_millis(wall),
            up: Duration::from_millis(up),
            boot,
        }
    }

    #[test]
    fn a_clock_that_is_kept_moves_nothing_however_long() {
        let mut clock = WallClock::new(now(1_000_000, 0, 1));
        for second in 1..1000 {
            let drift = if second % 2 == 0 { 200 } else { -200 };
            assert_eq!(
                clock.follow(now(
                    1_000_000 + second * 1000 + drift,
                    second.unsigned_abs() * 1000,
                    1
                )),
                None
            );
        }
    }

    #[test]
    fn small_steps_add_up_until_they_are_followed() {
        let mut clock = WallClock::new(now(0, 0, 1));
        assert_eq!(clock.follow(now(1_200, 1_000, 1)), None);
        assert_eq!(
            clock.follow(now(2_400, 2_000, 1)),
            Some(ClockSet {
                by: 400,
                restarted: false
            })
        );
        assert_eq!(clock.follow(now(3_400, 3_000, 1)), None);
    }

    #[test]
    fn a_jump_is_told_from_time_that_passed_over_a_restart_of_the_process_as_well() {
        let clock = WallClock::new(now(1_000_000, 50_000, 1));
        let written = serde_json::to_string(&clock).unwrap();
        let mut read: WallClock = serde_json::from_str(&written).unwrap();
        assert_eq!(
            read.follow(now(1_600_000 - 3_600_000, 650_000, 1)),
            Some(ClockSet {
                by: -3_600_000,
                restarted: false
            })
        );
    }

    #[test]
    fn one_answer_with_a_wrong_date_shifts_nothing() {
        let answer = |date: &str, kind: &str| {
            let response = http::Response::builder()
                .header("date", date)
                .header("content-type", kind);
            Answer::Http(response.body(bytes::Bytes::new()).unwrap())
        };
        let (right, wrong) = (
            "Mon, 02 Nov 2026 08:00:10 GMT",
            "Mon, 02 Nov 2026 11:00:00 GMT",
        );
        let now = Timestamp::parse("2026-11-02T08:00:00Z").unwrap();
        let mut clock = FarClock::default();
        assert_eq!(clock.ahead(), 0);
        for _ in 0..3 {
            clock.note(&answer(wrong, "text/html"), now);
        }
        assert_eq!(clock.ahead(), 0, "a page of a gateway");
        clock.note(&answer(wrong, "application/json; charset=utf-8"), now);
        assert_eq!(clock.ahead(), 0, "the first answer, against our own clock");
        clock.note(&answer(right, "application/json"), now);
        for (n, date) in [right, right, wrong, right, right, right, right, right]
            .into_iter()
            .enumerate()
        {
            clock.note(&answer(date, "application/json"), now);
            assert_eq!(clock.ahead(), 10_000, "after answer {n}");
        }
        clock.moved(4_000);
        assert_eq!(clock.ahead(), 6_000);
        for _ in 0..3 {
            clock.note(&answer(wrong, "application/json"), now);
        }
        assert_eq!(
            clock.ahead(),
            3 * 3_600_000,
            "what most of them say is true"
        );
    }

    #[test]
    fn over_a_restart_of_the_computer_no_time_has_passed() {
        let mut clock = WallClock::new(now(1_000_000, 50_000, 1));
        assert_eq!(clock.follow(now(1_010_000, 60_000, 1)), None);
        assert_eq!(
            clock.follow(now(1_070_000, 5_000, 2)),
            Some(ClockSet {
                by: 60_000,
                restarted: true
            })
        );
    }
}

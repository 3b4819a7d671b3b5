//! What is to come: how many decisions will be held because the directory cannot be asked in time, and when the last of
//! the waiting scans will have left. Numbers in, numbers out: whoever asks says what waits and how fast it goes.

use core::time::Duration;

use crate::time::Timestamp;

/// Decisions that wait for the directory until the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaiting {
    /// What is not known then is not waited for any longer.
    pub until: Timestamp,
    /// Decisions.
    pub decisions: u64,
    /// Questions that these wait for; several may wait for the same one.
    pub questions: u64,
}

/// What can be asked or sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Calls in a minute.
    pub per_minute: u32,
    /// Calls in an hour.
    pub per_hour: u32,
    /// Calls of the last minute.
    pub used_minute: u32,
    /// Calls of the last hour.
    pub used_hour: u32,
    /// Nothing leaves before this.
    pub closed_until: Option<Timestamp>,
}

/// What will become of the decisions that wait for the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prospect {
    /// Decisions that are answered in time.
    pub answered: u64,
    /// Those that are not, and will be held.
    pub held: u64,
    /// When the first of all of them ends.
    pub first_ends: Option<Timestamp>,
    /// When the last question will have been asked.
    pub last_asked: Option<Timestamp>,
}

impl Rate {
    /// How many calls can have left by then.
    #[must_use]
    pub fn by(&self, then: Timestamp, now: Timestamp) -> u64 {
        let from = self.closed_until.map_or(now, |closed| closed.max(now));
        if then < from {
            return 0;
        }
        let span = then.since(from);
        let after = |per: u32, used: u32, window: u64| {
            // What is left of the window under way, and what its end and those behind it bring.
            let left = u64::from(per.saturating_sub(used));
            left + u64::from(per) * span.as_secs() / window
        };
        after(self.per_minute, self.used_minute, 60).min(after(self.per_hour, self.used_hour, 3600))
    }

    /// When so many calls will have left; `None`: never, or not within a week.
    #[must_use]
    pub fn when(&self, calls: u64, now: Timestamp) -> Option<Timestamp> {
        const MOST: u64 = 7 * 86_400;
        if calls == 0 {
            return Some(now);
        }
        let then = |seconds: u64| now.plus(Duration::from_secs(seconds));
        if self.by(then(MOST), now) < calls {
            return None;
        }
        let (mut low, mut high) = (0, MOST);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.by(then(middle), now) >= calls {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(then(low))
    }
}

/// What will become of these decisions, if nothing else comes: whoever ends first is asked for first.
#[must_use]
pub fn prospect(awaiting: &[Awaiting], rate: &Rate, now: Timestamp) -> Prospect {
    let mut in_order: Vec<Awaiting> = awaiting.to_vec();
    in_order.sort_by_key(|one| one.until);
    let (mut prospect, mut asked, mut all) = (Prospect::default(), 0_u64, 0_u64);
    prospect.first_ends = in_order.first().map(|one| one.until);
    for one in in_order {
        all += one.questions;
        let room = rate.by(one.until, now).saturating_sub(asked);
        let answered = one.questions.min(room);
        asked += answered;
        // As many decisions as wait for one question are answered by it.
        let share = (one.decisions * answered)
            .checked_div(one.questions)
            .unwrap_or(one.decisions);
        prospect.answered += share;
        prospect.held += one.decisions - share;
    }
    prospect.last_asked = rate.when(all, now);
    prospect
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn awaiting(seconds: u64, decisions: u64, questions: u64) -> Awaiting {
        Awaiting {
            until: after(seconds),
            decisions,
            questions,
        }
    }

    fn rate(per_minute: u32, per_hour: u32) -> Rate {
        Rate {
            per_minute,
            per_hour,
            ..Rate::default()
        }
    }

    #[test]
    fn whatever_can_be_asked_in_time_is_not_held() {
        let waits = [awaiting(300, 400, 400)];
        let found = prospect(&waits, &rate(100, 1500), NOW);
        assert_eq!((found.answered, found.held), (400, 0));
        assert_eq!(found.first_ends, Some(after(300)));
    }

    #[test]
    fn of_a_storm_as_many_are_answered_as_there_are_calls_until_its_end() {
        // 100 at once and 100 in each of three minutes.
        let waits = [awaiting(180, 3_000, 3_000)];
        let found = prospect(&waits, &rate(100, 1500), NOW);
        assert_eq!((found.answered, found.held), (400, 2_600));
    }

    #[test]
    fn one_answer_serves_all_that_wait_for_it() {
        let waits = [awaiting(60, 3_000, 300)];
        let found = prospect(&waits, &rate(100, 1500), NOW);
        assert_eq!((found.answered, found.held), (2_000, 1_000));
    }

    #[test]
    fn the_hour_counts_as_well_as_the_minute_and_what_was_used_of_both() {
        let waits = [awaiting(600, 1_000, 1_000)];
        assert_eq!(prospect(&waits, &rate(100, 200), NOW).answered, 233);
        let used = Rate {
            used_minute: 100,
            used_hour: 1_400,
            ..rate(100, 1_500)
        };
        assert_eq!(prospect(&waits, &used, NOW).answered, 350);
    }

    #[test]
    fn nothing_is_asked_while_the_far_side_is_closed() {
        let closed = Rate {
            closed_until: Some(after(120)),
            ..rate(100, 1500)
        };
        let found = prospect(&[awaiting(60, 5, 5), awaiting(180, 400, 400)], &closed, NOW);
        assert_eq!((found.answered, found.held), (200, 205));
        assert_eq!(
            prospect(&[], &closed, NOW),
            Prospect {
                last_asked: Some(NOW),
                ..Prospect::default()
            }
        );
    }

    #[test]
    fn without_a_quota_all_are_held_and_the_last_never_leaves() {
        let found = prospect(&[awaiting(60, 5, 5)], &Rate::default(), NOW);
        assert_eq!((found.held, found.last_asked), (5, None));
    }

    #[test]
    fn the_last_leaves_when_the_windows_have_brought_enough_calls() {
        let rate = rate(100, 1_500);
        assert_eq!(rate.when(0, NOW), Some(NOW));
        assert_eq!(rate.when(100, NOW), Some(NOW));
        assert_eq!(rate.when(412, NOW).unwrap(), after(188));
        for calls in [1, 99, 101, 1_499, 1_501, 9_999] {
            let then = rate.when(calls, NOW).unwrap();
            assert!(rate.by(then, NOW) >= calls, "{calls}");
            let before = Timestamp::from_millis(then.millis() - 1_000);
            assert!(then == NOW || rate.by(before, NOW) < calls, "{calls}");
        }
    }
}

//! What is learnt of others who use the same budget: other tools on our app registration, or a far side that refuses
//! below its own limits. One 429 says nothing, for it may be anything; a second one soon after lowers our share.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Share;
use crate::time::Timestamp;

/// Two refusals within this belong together.
const SOON: Duration = Duration::from_secs(600);
/// A share that was lowered to nothing has grown back after this: a tenth of it a minute.
const REGROWN: u64 = 600_000;

/// What is remembered of refusals, over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learnt {
    refused_at: Option<Timestamp>,
    lowered: Option<Lowered>,
}

/// To what, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lowered {
    at: Timestamp,
    per_minute: u32,
    per_hour: u32,
}

impl Learnt {
    /// What is left of the configured share.
    #[must_use]
    pub fn left(&self, configured: Share, now: Timestamp) -> Share {
        let Some(lowered) = self.lowered else {
            return configured;
        };
        let millis = u64::try_from(now.since(lowered.at).as_millis())
            .unwrap_or(u64::MAX)
            .min(REGROWN);
        let grown = |from: u32, to: u32| {
            let more = u64::from(to) * millis / REGROWN;
            from.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
                .min(to)
        };
        Share {
            per_minute: grown(lowered.per_minute, configured.per_minute),
            per_hour: grown(lowered.per_hour, configured.per_hour),
        }
    }

    /// A call that left at `sent` was refused although our own count had room. Returns whether the share was lowered:
    /// to what was let through, and never to nothing, or it would not be seen when there is more.
    pub fn refused(
        &mut self,
        configured: Share,
        through: (u32, u32),
        sent: Timestamp,
        now: Timestamp,
    ) -> bool {
        let earlier = self.refused_at;
        // Calls that were under way together are refused together, and are one refusal.
        if earlier.is_some_and(|earlier| sent < earlier) {
            return false;
        }
        self.refused_at = Some(now);
        if earlier.is_none_or(|earlier| now.since(earlier) > SOON) {
            return false;
        }
        let left = self.left(configured, now);
        self.lowered = Some(Lowered {
            at: now,
            per_minute: through.0.clamp(1, left.per_minute.max(1)),
            per_hour: through.1.clamp(1, left.per_hour.max(1)),
        });
        true
    }

    /// The wall clock was set by so many milliseconds.
    pub fn moved(&mut self, by: i64) {
        self.refused_at = self.refused_at.map(|at| at.moved(by));
        if let Some(lowered) = &mut self.lowered {
            lowered.at = lowered.at.moved(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Share = Share::WHOLE;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn one_refusal_changes_nothing_and_neither_does_one_that_was_under_way_with_it() {
        let mut learnt = Learnt::default();
        assert!(!learnt.refused(WHOLE, (40, 200), at(0), at(1)));
        assert!(
            !learnt.refused(WHOLE, (40, 200), at(0), at(2)),
            "it left before the first was answered"
        );
        assert!(
            !learnt.refused(WHOLE, (40, 200), at(700), at(701)),
            "ten minutes are over"
        );
        assert_eq!(learnt.left(WHOLE, at(701)), WHOLE);
    }

    #[test]
    fn a_second_one_lowers_the_share_to_what_was_let_through_and_it_grows_back() {
        let mut learnt = Learnt::default();
        learnt.refused(WHOLE, (40, 200), at(0), at(1));
        assert!(learnt.refused(WHOLE, (40, 200), at(60), at(61)));
        let left = |learnt: &Learnt, seconds| {
            let left = learnt.left(WHOLE, at(seconds));
            (left.per_minute, left.per_hour)
        };
        assert_eq!(left(&learnt, 61), (40, 200));
        assert_eq!(
            left(&learnt, 121),
            (50, 350),
            "a tenth of the configured share a minute"
        );
        assert_eq!(left(&learnt, 61 + 361), (100, 1102));
        assert_eq!(left(&learnt, 1000), (100, 1500));
        assert!(learnt.refused(WHOLE, (0, 0), at(70), at(71)));
        assert_eq!(
            left(&learnt, 71),
            (1, 1),
            "one call is left, to see when there is more"
        );
    }

    #[test]
    fn it_is_read_as_it_was_written_and_moves_with_the_clock() {
        let mut learnt = Learnt::default();
        for second in [0, 60] {
            learnt.refused(WHOLE, (40, 200), at(second), at(second));
        }
        let written = serde_json::to_string(&learnt).unwrap();
        let mut read: Learnt = serde_json::from_str(&written).unwrap();
        assert_eq!(read, learnt);
        read.moved(-3_600_000);
        assert_eq!(
            read.left(WHOLE, at(120 - 3600)),
            learnt.left(WHOLE, at(120))
        );
    }
}

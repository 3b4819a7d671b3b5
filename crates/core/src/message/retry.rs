//! When a message that was not taken is tried again, and when never.

use core::time::Duration;

/// Seconds before the second try, the third, and so on; the last one goes for all that follow.
const PAUSES: [u64; 10] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800];
/// Failures in a row after which a receiver is only probed.
pub const BREAKS_AFTER: u32 = 5;
/// How often a receiver is probed then.
pub const AFTER_BREAK: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read.
pub const LONGEST_ANSWER: usize = 64 << 10;
/// Characters of an answer that are kept.
pub const PLAIN_ANSWER: usize = 500;

/// How long to wait after so many tries. `chance` is any number: it moves the pause by up to a fifth either way, so that
/// receivers that failed together are not called together again.
#[must_use]
pub fn pause_before(tries: u32, chance: u16) -> Duration {
    let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = PAUSES.get(place).or(PAUSES.last()).copied().unwrap_or(5);
    // From 800 to 1,200 thousandths.
    let share = 800 + u64::from(chance) * 400 / u64::from(u16::MAX);
    Duration::from_millis(seconds * share)
}

/// What a status says of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken.
    Taken,
    /// It may be taken later.
    NotNow,
    /// It will never be taken: no other try.
    Never,
}

/// Reads a status. A redirect is never followed, so it is a fault of the address.
#[must_use]
pub const fn heard(status: u16) -> Heard {
    match status {
        200..=299 => Heard::Taken,
        408 | 425 | 429 | 500..=599 => Heard::NotNow,
        _ => Heard::Never,
    }
}

/// Reads the reply of a mail relay.
#[must_use]
pub const fn heard_by_mail(code: u16) -> Heard {
    match code {
        200..=299 => Heard::Taken,
        400..=499 => Heard::NotNow,
        _ => Heard::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_eight_hours_and_move_by_a_fifth() {
        let seconds = |tries, chance| pause_before(tries, chance).as_secs();
        assert_eq!((seconds(1, 0), seconds(1, u16::MAX)), (4, 6));
        assert_eq!((seconds(2, 0), seconds(2, u16::MAX)), (24, 36));
        assert_eq!(seconds(10, 0), 23_040);
        assert_eq!(seconds(400, u16::MAX), 34_560);
    }

    #[test]
    fn only_what_may_change_by_itself_is_tried_again() {
        for status in [200, 202, 204, 299] {
            assert_eq!(heard(status), Heard::Taken);
        }
        for status in [408, 425, 429, 500, 503] {
            assert_eq!(heard(status), Heard::NotNow);
        }
        for status in [100, 301, 307, 400, 401, 404, 410, 413] {
            assert_eq!(heard(status), Heard::Never);
        }
    }

    #[test]
    fn a_relay_that_says_not_now_is_asked_again_and_one_that_says_no_is_not() {
        assert_eq!(heard_by_mail(250), Heard::Taken);
        for code in [421, 450, 451, 452] {
            assert_eq!(heard_by_mail(code), Heard::NotNow);
        }
        for code in [500, 535, 550, 554, 354] {
            assert_eq!(heard_by_mail(code), Heard::Never);
        }
    }
}

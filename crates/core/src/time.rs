//! Instants in Unix milliseconds, as the journal stores them. Nothing here reads a clock: `now` is passed in.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Later than anything that happens: what waits for an event instead of a time.
    pub const NEVER: Timestamp = Timestamp(i64::MAX);

    /// An instant from Unix milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Unix milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This much later; stops at [`Timestamp::NEVER`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same instant on a clock that was set by so many milliseconds; [`Timestamp::NEVER`] stays.
    #[must_use]
    pub fn moved(self, by: i64) -> Timestamp {
        if self == Timestamp::NEVER {
            self
        } else {
            Timestamp(self.0.saturating_add(by))
        }
    }

    /// Reads RFC 3339 with any number of fraction digits, and the form without a colon in the offset (`+0000`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Timestamp(t.as_millisecond()))
    }

    /// To the second, for sentences: `2026-11-02 08:15:42 UTC`.
    #[must_use]
    pub fn shown(self) -> String {
        if self == Timestamp::NEVER {
            return self.to_string();
        }
        let text: String = self
            .to_string()
            .chars()
            .take(19)
            .map(|c| if c == 'T' { ' ' } else { c })
            .collect();
        format!("{text} UTC")
    }

    /// The same instant for code that speaks jiff; clamped to what jiff can hold.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Timestamp::NEVER {
            return f.write_str("never");
        }
        write!(f, "{:.3}", self.to_jiff())
    }
}

/// An instant by both clocks of a computer: the one on the wall, which may be set, and the time since it was started,
/// which may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// By the wall clock: what is stored and shown.
    pub wall: Timestamp,
    /// Since the computer was started, sleep included.
    pub up: Duration,
    /// Tells one start of the computer from another.
    pub boot: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_what_senders_write() {
        for text in [
            "2026-11-02T08:15:42.6139284Z",
            "2026-11-02T09:15:42.613+01:00",
            "2026-11-02T08:15:42.613+0000",
        ] {
            assert_eq!(
                Timestamp::parse(text).map(|t| t.to_string()).as_deref(),
                Some("2026-11-02T08:15:42.613Z"),
                "{text}"
            );
        }
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(
            Timestamp::parse("2026-11-02T08:15:42"),
            None,
            "a time without a zone is not an instant"
        );
    }

    #[test]
    fn arithmetic_stops_at_the_edges() {
        assert_eq!(
            Timestamp::NEVER.plus(Duration::from_secs(1)),
            Timestamp::NEVER
        );
        assert_eq!(
            Timestamp::from_millis(5).since(Timestamp::from_millis(9)),
            Duration::ZERO
        );
    }
}

//! When the summary of a day is due.

use jiff::ToSpan as _;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A time of day by the clock on the wall of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestTime {
    at: Time,
    zone: TimeZone,
}

impl Default for DigestTime {
    /// Eight o'clock, UTC.
    fn default() -> DigestTime {
        DigestTime {
            at: Time::constant(8, 0, 0, 0),
            zone: TimeZone::UTC,
        }
    }
}

impl DigestTime {
    /// Reads a time of day such as `08:00`.
    #[must_use]
    pub fn time(text: &str) -> Option<Time> {
        (text.len() == 5)
            .then(|| Time::strptime("%H:%M", text).ok())
            .flatten()
    }

    /// Reads the name of a zone such as `Europe/Berlin`.
    #[must_use]
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZone::get(name).ok()
    }

    /// Of a time of day and a zone, each of which may be left out.
    #[must_use]
    pub fn of(at: Option<Time>, zone: Option<TimeZone>) -> DigestTime {
        let usual = DigestTime::default();
        DigestTime {
            at: at.unwrap_or(usual.at),
            zone: zone.unwrap_or(usual.zone),
        }
    }

    /// The next one after this instant. Where the clock jumps over it, as soon as the jump is over.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Timestamp {
        let today = self.zone.to_datetime(now.to_jiff()).date();
        let on = |days: i32| {
            let day = today.checked_add(days.days()).ok()?;
            let shown = day.to_datetime(self.at);
            self.zone.to_ambiguous_timestamp(shown).compatible().ok()
        };
        (0..=2)
            .filter_map(on)
            .map(|at| Timestamp::from_millis(at.as_millisecond()))
            .find(|at| *at > now)
            .unwrap_or(Timestamp::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_to_the_clock_on_the_wall_when_that_changes() {
        let berlin = DigestTime::of(DigestTime::time("08:00"), DigestTime::zone("Europe/Berlin"));
        let at = |text| Timestamp::parse(text).unwrap();
        let winter = berlin.after(at("2026-03-28T06:59:59Z"));
        assert_eq!(winter, at("2026-03-28T07:00:00Z"));
        assert_eq!(berlin.after(winter), at("2026-03-29T06:00:00Z"));
        assert_eq!(DigestTime::time("8:00"), None);
        assert_eq!(DigestTime::time("24:00"), None);
        assert!(DigestTime::zone("Berlin").is_none());
    }
}

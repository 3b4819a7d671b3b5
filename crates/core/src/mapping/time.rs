//! When it happened, in whatever way a sender writes it. Time is data: an unreadable one never fails an alert.

use core::time::Duration;

use super::field::Length;
use super::notes::Notes;
use super::path::At;
use super::source::ValueSource;
use super::written_time;
use crate::alert::Note;
use crate::time::Timestamp;

/// The first source that can be read as an instant. One that cannot never fails the alert.
pub(super) fn read(
    sources: &[ValueSource],
    at: At<'_, '_>,
    notes: &mut Notes,
) -> Option<Timestamp> {
    let (texts, wrong) = notes.candidates(sources, at, "alert.time", Length::Text);
    let found = texts
        .iter()
        .find_map(|one| Some((one, instant(one.text.trim())?)));
    if let Some((one, time)) = found {
        // The usual form says itself what it was read as.
        let usual = Timestamp::parse(&one.text).is_some();
        let read_as = if usual {
            one.text.clone()
        } else {
            time.to_string()
        };
        notes.supplied_as("alert.time", &one.text, &read_as, &one.from);
        return Some(time);
    }
    if wrong || !texts.is_empty() {
        notes.unusable("alert.time");
    }
    if let Some(one) = texts.first() {
        notes.told.insert(Note::TimeNotRead);
        notes.remark(
            "alert.time",
            &one.text,
            "is not an instant, or could be several",
            &one.from,
        );
    }
    None
}

/// Nothing happened before 1970: the zero times some senders write for "not yet" are no instants.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let time = match number(text) {
        Some(number) => number.instant()?,
        None => Timestamp::parse(text).or_else(|| written_time::parse(text))?,
    };
    (time > Timestamp::default()).then_some(time)
}

/// A number, as its digits before and after the point.
struct Digits {
    whole: u128,
    digits: usize,
    millis: u64,
}

/// A text that is a number, as senders write it: `1793607342`, `1793607342.613` or `1.793607342613E12`.
fn number(text: &str) -> Option<Digits> {
    let first = text.bytes().next()?;
    if !first.is_ascii_digit() || text.len() > 40 {
        return None;
    }
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (
            digits,
            exponent.trim_start_matches('+').parse::<usize>().ok()?,
        ),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !is_digits(whole) || !(fraction.is_empty() || is_digits(fraction)) || exponent > 20 {
        return None;
    }
    // The exponent moves the point to the right.
    let moved = fraction
        .get(..exponent.min(fraction.len()))
        .unwrap_or_default();
    let zeros = "0".repeat(exponent - moved.len());
    let whole = format!("{whole}{moved}{zeros}");
    let millis = format!("{:0<3}", fraction.get(moved.len()..).unwrap_or_default());
    let digits = if exponent == 0 { whole.len() } else { 0 };
    Some(Digits {
        whole: whole.parse().ok()?,
        digits,
        millis: millis.get(..3)?.parse().ok()?,
    })
}

impl Digits {
    /// The size tells the unit. Unix seconds reach 10^11 in the year 5138; what is longer counts milliseconds, then
    /// microseconds, then nanoseconds. Windows counts the ten-millionths of a second since 1601.
    fn instant(&self) -> Option<Timestamp> {
        if self.is_date() {
            return None;
        }
        let millis = match self.whole {
            0..100_000_000_000 => {
                let seconds = i64::try_from(self.whole).ok()?;
                return Some(
                    Timestamp::from_millis(seconds * 1_000)
                        .plus(Duration::from_millis(self.millis)),
                );
            }
            100_000_000_000..100_000_000_000_000 => self.whole,
            100_000_000_000_000..100_000_000_000_000_000 => self.whole / 1_000,
            // From 1970 to 2108.
            116_444_736_000_000_000..160_000_000_000_000_000 => {
                (self.whole - 116_444_736_000_000_000) / 10_000
            }
            // From 2001 to 2103.
            1_000_000_000_000_000_000..4_200_000_000_000_000_000 => self.whole / 1_000_000,
            _ => return None,
        };
        Some(Timestamp::from_millis(i64::try_from(millis).ok()?))
    }

    /// `20261102`, `202611020815` and `20261102081542` are dates without a zone, and no instants. No count of seconds or
    /// milliseconds of our times looks like one.
    fn is_date(&self) -> bool {
        let date = match self.digits {
            8 => self.whole,
            12 => self.whole / 10_000,
            14 => self.whole / 1_000_000,
            _ => return false,
        };
        let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
        (1970..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_every_form_that_says_an_instant() {
        for text in [
            "2026-11-02T08:15:42Z",
            "2026-11-02 08:15:42Z",
            "2026-11-02t08:15:42z",
            "2026-11-02T08:15:42,000Z",
            "2026-11-02T08:15:42.000000000Z",
            "2026-11-02T09:15:42+0100",
            "2026-11-02T09:15:42+01",
            "2026-11-02 09:15:42 +0100",
            "20261102T081542Z",
            "2026-11-02 08:15:42 +0000 UTC",
            "2026-11-02 08:15:42.000123 +0000 UTC m=+0.000012",
            "2026-11-02 09:15:42 +0100 CET",
            "2026-11-02 08:15:42 UTC",
            "Mon Nov 02 08:15:42 UTC 2026",
            "Mon Nov  2 08:15:42 GMT 2026",
            "Mon, 02 Nov 2026 08:15:42 GMT",
            "Mon, 2 Nov 2026 09:15:42 +0100",
            "02 Nov 2026 08:15:42 +0000 (UTC)",
            "2026/11/02 08:15:42 GMT",
            "2026/11/02 08:15:42.000 UTC",
            "2026/11/02T08:15:42Z",
            "Mon Nov 02 2026 09:15:42 GMT+0100 (Central European Standard Time)",
            "02/Nov/2026:08:15:42 +0000",
            "02-Nov-2026 08:15:42 UTC",
            "November 2, 2026 8:15:42 AM UTC",
            "Nov 2, 2026 @ 08:15:42.000 UTC",
            "1793607342",
            "1793607342.0004",
            "1793607342000",
            "1793607342000123",
            "1793607342000123456",
            "134380809420000000",
            "1.793607342E9",
            "1.793607342000E+12",
        ] {
            assert_eq!(
                instant(text).map(Timestamp::millis),
                Some(1_793_607_342_000),
                "{text}"
            );
        }
        assert_eq!(
            instant("2026-11-02T08:15Z").map(Timestamp::millis),
            Some(1_793_607_300_000)
        );
        assert_eq!(
            instant("Nov 2, 2026 8:15 PM UTC").map(Timestamp::millis),
            Some(1_793_650_500_000)
        );
    }

    #[test]
    fn what_could_be_another_instant_is_not_read() {
        for text in [
            "02/11/2026 08:15:42 UTC",
            "11/25/2026 08:15:42 UTC",
            "02.11.2026 08:15:42 UTC",
            "2026-11-02T08:15:42",
            "2026-11-02 08:15:42",
            "2026/11/02 08:15:42",
            "Mon Nov  2 08:15:42 2026",
            "Nov  2 08:15:42",
            "2026-11-02",
            "2026-11-02 08:15:42 CST",
            "2026-13-02 08:15:42 UTC",
            "2026-11-02 25:15:42 UTC",
            "Mon Nov 31 08:15:42 UTC 2026",
            "20261102",
            "202611020815",
            "20261102081542",
            "0",
            "-5",
            "0001-01-01 00:00:00 +0000 UTC",
            "1507591916746609",
            "99999999999999999999999999",
            "500000000000000000",
            "1e99",
            "yesterday",
            "08:15:42 UTC",
            "UTC",
            "",
        ] {
            let read = instant(text).filter(|time| time.millis() > 1_600_000_000_000);
            assert_eq!(read, None, "{text}");
        }
    }
}

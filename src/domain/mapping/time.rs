//! When it happened, in whatever way a sender writes it. Time is data: an unreadable one never fails an alert.

use core::time::Duration;

use super::compile::Source;
use super::field::{Length, Notes};
use super::path::At;
use crate::domain::time::Timestamp;

/// The first source that can be read as an instant. One that cannot never fails the alert.
pub(super) fn read(sources: &[Source], at: At<'_, '_>, notes: &mut Notes) -> Option<Timestamp> {
    let (texts, wrong) = notes.candidates(sources, at, "alert.time", Length::Text);
    let found = texts.iter().find_map(|one| Some((one, instant(one.text.trim())?)));
    if let Some((one, time)) = found {
        notes.supplied("alert.time", &one.text, &one.from);
        return Some(time);
    }
    if wrong || !texts.is_empty() {
        notes.unusable("alert.time");
    }
    None
}

/// Unix seconds reach 10^11 in the year 5138, so longer numbers are milliseconds. Nothing happened before 1970: the
/// zero times some senders write for "not yet" are no instants.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let seconds_end = 100_000_000_000;
    let time = match text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction)) {
        (whole, fraction) if is_digits(whole) && (fraction.is_empty() || is_digits(fraction)) => {
            let whole: i64 = whole.parse().ok()?;
            if whole < seconds_end {
                let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
                Timestamp::from_millis(whole * 1_000).plus(Duration::from_millis(millis))
            } else if whole < seconds_end * 1_000 {
                Timestamp::from_millis(whole)
            } else {
                return None;
            }
        }
        _ => Timestamp::parse(text)?,
    };
    (time > Timestamp::default()).then_some(time)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

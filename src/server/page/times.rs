//! Times as people read them.

use core::time::Duration;

use scanhook_core::time::Timestamp;

/// An instant in a cell: `05:10:16`, or `11-28 05:10` where it is another day.
pub(super) fn cell(at: &str, now: Timestamp) -> String {
    let Some(instant) = Timestamp::parse(at) else {
        return at.to_owned();
    };
    let (shown, today) = (instant.to_string(), now.to_string());
    let part = |from: usize, to: usize| shown.get(from..to).unwrap_or_default();
    if shown.get(..10) == today.get(..10) {
        return part(11, 19).to_owned();
    }
    if shown.get(..4) == today.get(..4) {
        return format!("{} {}", part(5, 10), part(11, 16));
    }
    format!("{} {}", part(0, 10), part(11, 16))
}

/// `41 min ago`, `in 2 h`.
pub(super) fn ago(at: &str, now: Timestamp) -> String {
    let Some(instant) = Timestamp::parse(at) else {
        return String::new();
    };
    if instant > now {
        format!("in {}", in_words(instant.since(now)))
    } else {
        format!("{} ago", in_words(now.since(instant)))
    }
}

/// `in 2 h`, or `at once`.
pub(super) fn ahead(span: Duration) -> String {
    match span.as_secs() {
        0 => "at once".to_owned(),
        _ => format!("in {}", in_words(span)),
    }
}

/// A span in its largest unit.
fn in_words(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_shown_with_their_day_where_it_is_not_today() {
        let now = Timestamp::parse("2026-11-29T05:12:19Z").unwrap();
        assert_eq!(cell("2026-11-29T05:10:16.123Z", now), "05:10:16");
        assert_eq!(cell("2026-11-28T05:10:16Z", now), "11-28 05:10");
        assert_eq!(cell("2025-11-28T05:10:16Z", now), "2025-11-28 05:10");
        assert_eq!(cell("never", now), "never");
        assert_eq!(ago("2026-11-29T05:10:16Z", now), "2 min ago");
        assert_eq!(ago("2026-11-29T07:12:20Z", now), "in 2 h");
        assert_eq!(ago("2026-11-20T07:12:20Z", now), "8 days ago");
    }
}

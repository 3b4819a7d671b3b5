//! Spans of time as people write them in the files: one whole number and one unit, `90s` `15m` `1h` `7d`.

use core::time::Duration;

/// Units with their milliseconds, longest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads digits followed by `ms`, `s`, `m`, `h` or `d`; `None` for anything else, also for more than fits.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(*millis)
        .map(Duration::from_millis)
}

/// The span in the largest unit that expresses it exactly, to the millisecond.
#[must_use]
pub fn show(span: Duration) -> String {
    let millis = span.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (unit, size) = UNITS
        .into_iter()
        .find(|(_, size)| millis.is_multiple_of(u128::from(*size)))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", millis / u128::from(size))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_and_one_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("7d", 604_800),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "h",
            "1",
            "1 h",
            "1h30m",
            "-1h",
            "1.5h",
            "1H",
            "1w",
            "９s",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn shown_in_the_largest_exact_unit() {
        assert_eq!(
            ["90s", "60m", "86400s", "1500ms"].map(|t| parse(t).map(show).unwrap_or_default()),
            ["90s", "1h", "1d", "1500ms"]
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0u64..u64::MAX / 2) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(span)), Some(span));
        }
    }
}

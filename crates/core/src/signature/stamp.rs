//! When was it signed? Read only after the signature held, so that no arithmetic runs on a stranger's number.

use core::time::Duration;

use http::header::HeaderName;

use crate::time::Timestamp;

/// How far the sender's clock may be off where nothing else is said (±5 minutes is the common value).
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A longer text is no time.
const LONGEST: usize = 64;

/// Where a scheme's timestamp stands and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTime {
    /// Where it stands.
    pub place: StampPlace,
    /// How it may be written; the first is what we write ourselves.
    pub formats: Vec<TimeFormat>,
    /// How far it may be from our clock, in either direction, the bound included.
    pub tolerance: Duration,
}

/// Where a timestamp stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StampPlace {
    /// In a header of its own.
    Header(HeaderName),
    /// In the header of the signatures, as the entry that begins so: `t=…,v1=…`.
    Entry(String),
}

codes! {
    /// How a time is written. The names are those of scanhook.toml.
    pub enum TimeFormat {
        /// Unix seconds.
        Unix = "unix",
        /// Unix milliseconds.
        UnixMillis = "unix_ms",
        /// RFC 3339, such as `2026-11-02T08:15:42Z`.
        Rfc3339 = "rfc3339",
    }
}

/// Why a signed time is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untimely {
    /// For the operator.
    pub(super) check: &'static str,
    /// Seconds the sender's clock is ahead of ours; `None` where no time could be read.
    pub(super) ahead: Option<i64>,
}

impl TimeFormat {
    /// The instant, from a bounded run of ASCII digits or an RFC 3339 text.
    fn read(self, text: &[u8]) -> Option<Timestamp> {
        let digits = |most: usize| -> Option<i64> {
            let fits = (1..=most).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
            core::str::from_utf8(text)
                .ok()
                .filter(|_| fits)?
                .parse()
                .ok()
        };
        match self {
            // Up to the year 5138, in both units.
            TimeFormat::Unix => digits(11)?.checked_mul(1000).map(Timestamp::from_millis),
            TimeFormat::UnixMillis => digits(14).map(Timestamp::from_millis),
            TimeFormat::Rfc3339 if text.len() <= LONGEST => {
                core::str::from_utf8(text).ok().and_then(Timestamp::parse)
            }
            TimeFormat::Rfc3339 => None,
        }
    }

    pub(super) fn write(self, at: Timestamp) -> String {
        match self {
            TimeFormat::Unix => at.millis().div_euclid(1000).to_string(),
            TimeFormat::UnixMillis => at.millis().to_string(),
            TimeFormat::Rfc3339 => format!("{:.0}", at.to_jiff()),
        }
    }
}

impl SignedTime {
    /// Whether this text, whose signature holds, is a time near enough to `now`.
    pub(super) fn check(&self, text: &[u8], now: Timestamp) -> Result<(), Untimely> {
        let Some(sent) = self.formats.iter().find_map(|format| format.read(text)) else {
            return Err(Untimely {
                check: self.unreadable(text, now),
                ahead: None,
            });
        };
        if self.is_near(sent, now) {
            return Ok(());
        }
        let ahead = sent.millis().saturating_sub(now.millis());
        let check = if ahead > 0 {
            "the signature is right, but its timestamp lies in the future"
        } else {
            "the signature is right, but its timestamp is too old"
        };
        let check = if self.in_another_unit(text, now) {
            OTHER_UNIT
        } else {
            check
        };
        Err(Untimely {
            check,
            ahead: Some(ahead / 1000),
        })
    }

    fn is_near(&self, sent: Timestamp, now: Timestamp) -> bool {
        sent.since(now).max(now.since(sent)) <= self.tolerance
    }

    fn in_another_unit(&self, text: &[u8], now: Timestamp) -> bool {
        TimeFormat::ALL.iter().any(|format| {
            format
                .read(text)
                .is_some_and(|sent| self.is_near(sent, now))
        })
    }

    fn unreadable(&self, text: &[u8], now: Timestamp) -> &'static str {
        if self.in_another_unit(text, now) {
            OTHER_UNIT
        } else {
            "the signature is right, but its timestamp is not written as `timestamp_format` says"
        }
    }
}

const OTHER_UNIT: &str = "the signature is right, but its timestamp is in another unit than `timestamp_format` says: seconds, milliseconds or RFC 3339?";

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-02T08:15:42Z.
    const NOW: Timestamp = Timestamp::from_millis(1_793_607_342_000);

    fn stamp(formats: &[TimeFormat]) -> SignedTime {
        SignedTime {
            place: StampPlace::Entry("t=".to_owned()),
            formats: formats.to_vec(),
            tolerance: TOLERANCE,
        }
    }

    fn ahead(formats: &[TimeFormat], text: &str) -> Result<(), Option<i64>> {
        stamp(formats)
            .check(text.as_bytes(), NOW)
            .map_err(|why| why.ahead)
    }

    #[test]
    fn within_the_tolerance_is_accepted_and_a_second_beyond_it_refused() {
        let now = NOW.millis();
        for (seconds, accepted) in [
            (0, true),
            (299, true),
            (300, true),
            (301, false),
            (86_400, false),
        ] {
            for seconds in [seconds, -seconds] {
                let at = Timestamp::from_millis(now + seconds * 1000);
                for format in TimeFormat::ALL {
                    let expected = if accepted { Ok(()) } else { Err(Some(seconds)) };
                    assert_eq!(
                        ahead(&[*format], &format.write(at)),
                        expected,
                        "{seconds} as {format}"
                    );
                }
            }
        }
        assert_eq!(
            ahead(&[TimeFormat::UnixMillis], &(now + 300_001).to_string()),
            Err(Some(300))
        );
    }

    #[test]
    fn no_number_is_too_absurd_to_be_refused() {
        for text in [
            "",
            " ",
            "-1",
            "+1793607342",
            " 1793607342",
            "1793607342 ",
            "1793607342.5",
            "1e9",
            "0x6AE5F3AE",
            "99999999999",
            "999999999999999",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "18446744073709551616",
            "\u{0661}\u{0667}",
            "now",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "-009999-01-01T00:00:00Z",
            "2026-11-02T08:15:42",
            "NaN",
        ] {
            for format in TimeFormat::ALL {
                assert!(ahead(&[*format], text).is_err(), "{text} as {format}");
            }
        }
        for bytes in [&b"\xff\xfe"[..], &[b'1'; 100_000]] {
            assert!(stamp(TimeFormat::ALL).check(bytes, NOW).is_err());
        }
        // And with our own clock at its edges.
        for now in [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_millis) {
            for text in ["0", "99999999999", "2026-11-02T08:15:42Z"] {
                let _ = stamp(TimeFormat::ALL).check(text.as_bytes(), now);
            }
        }
    }

    #[test]
    fn another_unit_is_refused_and_the_operator_gets_a_hint() {
        let (seconds, millis) = (
            TimeFormat::Unix.write(NOW),
            TimeFormat::UnixMillis.write(NOW),
        );
        for (format, text) in [
            (TimeFormat::Unix, &millis),
            (TimeFormat::UnixMillis, &seconds),
            (TimeFormat::Rfc3339, &seconds),
        ] {
            let refused = stamp(&[format])
                .check(text.as_bytes(), NOW)
                .map_err(|why| why.check);
            assert_eq!(refused, Err(OTHER_UNIT), "{text} as {format}");
        }
        assert_eq!(
            ahead(&[TimeFormat::Rfc3339, TimeFormat::Unix], &seconds),
            Ok(()),
            "several formats may be named"
        );
    }
}

//! Reads single values: numbers, spans of time, instants, names, and the words that a key takes.

use core::ops::Range;
use core::time::Duration;

use toml::de::DeValue;

use super::walk::{Node, Walk, kind};
use crate::plain::shown;
use crate::rules::duration;
use crate::rules::finding::{code, quoted, suggest};
use crate::scan::{Kind, Mode};
use crate::time::Timestamp;

pub(super) const MODES: &[(&str, Mode)] = &[
    (Mode::DryRun.code(), Mode::DryRun),
    (Mode::Approve.code(), Mode::Approve),
    (Mode::Enforce.code(), Mode::Enforce),
];

pub(super) const SCANS: &[(&str, Option<Kind>)] = &[
    (Kind::Quick.code(), Some(Kind::Quick)),
    (Kind::Full.code(), Some(Kind::Full)),
    ("none", None),
];

impl Walk<'_> {
    pub(super) fn boolean(&mut self, value: &Node<'_>, what: &str) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(value, what, "`true` or `false`");
        }
        boolean
    }

    /// A whole number within a range.
    pub(super) fn integer(
        &mut self,
        value: &Node<'_>,
        what: &str,
        range: Range<i64>,
    ) -> Option<i64> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(value, what, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|n| range.contains(n));
        if number.is_none() {
            let message = format!("{what} must be from {} to {}", range.start, range.end - 1);
            self.error(code::OUT_OF_RANGE, value.span(), message);
        }
        number
    }

    /// How many people have to approve.
    pub(super) fn people(&mut self, value: &Node<'_>) -> Option<u8> {
        let number = self.integer(value, "`people`", 1..3)?;
        u8::try_from(number).ok()
    }

    /// A span of time; `zero` says whether it may be none at all.
    pub(super) fn duration(
        &mut self,
        value: &Node<'_>,
        what: &str,
        zero: bool,
    ) -> Option<Duration> {
        const REMEDY: &str = "write one whole number and one unit in quotes: `\"90s\"`, `\"15m\"`, `\"1h\"`, `\"7d\"`";
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("{what} must be a span of time, not {}", kind(value));
            let meant = value
                .get_ref()
                .as_integer()
                .map(|number| format!("; `\"{}m\"` are minutes", number.as_str()));
            let remedy = format!("{REMEDY}{}", meant.unwrap_or_default());
            self.error_with(code::WRONG_TYPE, value.span(), message, remedy);
            return None;
        };
        let Some(span) = duration::parse(text) else {
            let message = format!("{what} must be a span of time, not {}", quoted(text));
            self.error_with(code::BAD_DURATION, value.span(), message, REMEDY);
            return None;
        };
        if span.is_zero() && !zero {
            self.error(
                code::OUT_OF_RANGE,
                value.span(),
                format!("{what} must be longer than nothing"),
            );
            return None;
        }
        Some(span)
    }

    /// An instant: a TOML date-time with an offset, or the same as text.
    pub(super) fn time(&mut self, value: &Node<'_>, what: &str) -> Option<Timestamp> {
        let text = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong_type(value, what, "a time");
                return None;
            }
        };
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let message = format!("{what} is not an instant: {}", quoted(&text));
            let remedy = "write date, time and offset: `2027-12-31T22:00:00Z`";
            self.error_with(code::BAD_TIME, value.span(), message, remedy);
        }
        time
    }

    /// One of the words a key takes.
    pub(super) fn word<T>(
        &mut self,
        value: &Node<'_>,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T>
    where
        T: Copy,
    {
        let text = self.text(value, what)?;
        let found = known
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, found)| *found);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            let message = format!("{what} cannot be {}", quoted(text));
            self.error_with(
                code::BAD_VALUE,
                value.span(),
                message,
                suggest(text, &words),
            );
        }
        found
    }

    /// A name that people and logs will show.
    pub(super) fn name(&mut self, value: &Node<'_>, what: &str) -> Option<String> {
        let text = self.text(value, what)?;
        let fits = !text.trim().is_empty() && text.chars().count() <= 100;
        if !fits || text.chars().any(|c| shown(c) != c) {
            let message = format!("{what} must be one line of 1 to 100 characters");
            self.error(code::BAD_VALUE, value.span(), message);
            return None;
        }
        Some(text.to_owned())
    }
}

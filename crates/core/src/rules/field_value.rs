//! The values of a field as conditions compare them and as a person reads them.

use std::borrow::Cow;

use crate::alert::Severity;
use crate::time::Timestamp;

/// One value that a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValue<'e> {
    Text(&'e str),
    /// A number's literal text.
    Number(&'e str),
    Bool(bool),
    Severity(Severity),
    Time(Timestamp),
    /// A list or an object where a single value belongs.
    Odd,
}

impl<'e> FieldValue<'e> {
    pub(super) const fn text(text: &'e str) -> FieldValue<'e> {
        FieldValue::Text(text)
    }

    /// Whether there is something in it: `exists` is false for an empty text.
    pub(super) const fn has_content(self) -> bool {
        !matches!(self, FieldValue::Text(text) if text.is_empty())
    }

    /// As a person reads it.
    fn shown(self) -> Cow<'e, str> {
        match self {
            FieldValue::Text(text) | FieldValue::Number(text) => Cow::Borrowed(text),
            FieldValue::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            FieldValue::Severity(severity) => Cow::Borrowed(severity.code()),
            FieldValue::Time(time) => Cow::Owned(time.to_string()),
            FieldValue::Odd => Cow::Borrowed("(not a single value)"),
        }
    }
}

/// The values of one field; a condition holds where it holds for some element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values<'e> {
    One(FieldValue<'e>),
    Texts(&'e [String]),
    Several(Vec<FieldValue<'e>>),
}

impl<'e> Values<'e> {
    pub(super) fn iter(&self) -> impl Iterator<Item = FieldValue<'e>> {
        let (one, texts, several): (_, &[String], &[_]) = match self {
            Values::One(value) => (Some(*value), &[], &[]),
            Values::Texts(texts) => (None, texts, &[]),
            Values::Several(values) => (None, &[], values),
        };
        one.into_iter()
            .chain(texts.iter().map(|text| FieldValue::text(text)))
            .chain(several.iter().copied())
    }

    /// All of them, joined, as far as a record of a decision has use for.
    pub(super) fn shown(&self, max: usize) -> String {
        let mut joined = String::new();
        for (n, value) in self.iter().enumerate() {
            if joined.len() > 4 * max {
                break;
            }
            joined.push_str(if n == 0 { "" } else { ", " });
            joined.extend(value.shown().chars().take(max + 1));
        }
        crate::plain::one_line(&joined, max)
    }
}

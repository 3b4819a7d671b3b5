//! How texts are compared: without case, numbers by value, host names and techniques also by what stands before their
//! first dot.

use core::cmp::Ordering;
use core::net::IpAddr;

use super::named::Shape;

/// A text in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Folded(String);

impl Folded {
    pub(crate) fn new(text: &str) -> Folded {
        if text.is_ascii() {
            return Folded(text.to_ascii_lowercase());
        }
        Folded(text.chars().flat_map(char::to_lowercase).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn equals(&self, text: &str) -> bool {
        if text.is_ascii() {
            return self.0.eq_ignore_ascii_case(text);
        }
        text.chars().flat_map(char::to_lowercase).eq(self.0.chars())
    }

    /// Whether it says the same number as a literal, as `5` and `5.0` do.
    pub(super) fn says(&self, literal: &str) -> bool {
        let numbers = Number::parse(&self.0).zip(Number::parse(literal));
        numbers
            .and_then(|(wanted, found)| found.order(wanted))
            .is_some_and(Ordering::is_eq)
    }

    pub(super) fn number_key(&self) -> Option<String> {
        Number::parse(&self.0)
            .map(Number::key)
            .filter(|key| *key != self.0)
    }

    /// `t1003` covers `T1003.001`.
    pub(super) fn covers(&self, technique: &str) -> bool {
        self.equals(technique) || self.equals(label(technique))
    }
}

/// A number as it was written: exact where both sides are whole, so that no id loses a digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    whole: Option<i128>,
    real: f64,
}

impl Number {
    /// Reads a JSON or TOML number; `None` where the text is none, or not finite.
    pub(super) fn parse(literal: &str) -> Option<Number> {
        let literal = literal.trim();
        let starts = literal.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
        let real: f64 = literal
            .parse()
            .ok()
            .filter(|real: &f64| starts && real.is_finite())?;
        Some(Number {
            whole: literal.parse().ok(),
            real,
        })
    }

    pub(super) fn order(self, other: Number) -> Option<Ordering> {
        match (self.whole, other.whole) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.real.partial_cmp(&other.real),
        }
    }

    /// The same for numbers that are equal, however they are written.
    fn key(self) -> String {
        // So that -0 is 0.
        format!("{}", self.real + 0.0)
    }
}

/// The keys of a text in a field of this shape: it is equal to an operand only if one of them is the operand's.
pub(super) fn keys_of(text: &str, shape: Shape) -> Vec<String> {
    let mut keys = vec![Folded::new(text).0];
    match shape {
        Shape::HostName | Shape::Technique => keys.push(Folded::new(label(text)).0),
        Shape::Address => {
            keys.extend(
                text.trim()
                    .parse()
                    .ok()
                    .map(|found: IpAddr| found.to_canonical().to_string()),
            );
        }
        Shape::Any => keys.extend(Number::parse(text).map(Number::key)),
        Shape::Text | Shape::Severity | Shape::Time => {}
    }
    keys
}

/// The first label of a host name, the family of a technique: what stands before the first dot.
pub(super) fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

//! Values written in a rule, made ready for the field they are compared with.

use core::cmp::Ordering;
use core::net::IpAddr;
use std::sync::Arc;

use super::field_value::FieldValue;
use super::members::Members;
use super::named::Shape;
use super::text::{Folded, Number, label};
use super::truth::Truths;
use crate::alert::Severity;
use crate::time::Timestamp;

/// A value to compare with.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Text(Folded),
    /// Compared with the first label of a host name.
    Label(Folded),
    /// This technique and its sub-techniques.
    Technique(Folded),
    /// However the address is spelt.
    Address(IpAddr, Folded),
    Severity(Severity),
    Time(Timestamp),
    Number(Number),
    Bool(bool),
    /// In this list.
    List(Arc<Members>),
}

impl PartialEq for Operand {
    fn eq(&self, other: &Operand) -> bool {
        match (self, other) {
            (Operand::Text(a), Operand::Text(b))
            | (Operand::Label(a), Operand::Label(b))
            | (Operand::Technique(a), Operand::Technique(b)) => a == b,
            (Operand::Address(a, x), Operand::Address(b, y)) => a == b && x == y,
            (Operand::Severity(a), Operand::Severity(b)) => a == b,
            (Operand::Time(a), Operand::Time(b)) => a == b,
            (Operand::Number(a), Operand::Number(b)) => a == b,
            (Operand::Bool(a), Operand::Bool(b)) => a == b,
            (Operand::List(a), Operand::List(b)) => a.name == b.name,
            _ => false,
        }
    }
}

/// The truth value that a text says.
fn spoken(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl Operand {
    /// A text, compared as fields of this shape are.
    pub(super) fn of_text(text: &str, shape: Shape) -> Operand {
        match shape {
            Shape::HostName if !text.contains('.') => Operand::Label(Folded::new(text)),
            Shape::Technique => Operand::Technique(Folded::new(text)),
            Shape::Address => match text.parse::<IpAddr>() {
                Ok(address) => Operand::Address(address.to_canonical(), Folded::new(text)),
                Err(_) => Operand::Text(Folded::new(text)),
            },
            _ => Operand::Text(Folded::new(text)),
        }
    }

    /// Whether a value is equal to it, at this time.
    pub(super) fn equals(&self, value: FieldValue<'_>, at: Timestamp) -> Truths {
        match (self, value) {
            (Operand::Text(wanted), FieldValue::Text(text)) => Truths::of(wanted.equals(text)),
            (Operand::Text(wanted), FieldValue::Number(text)) => {
                Truths::of(wanted.equals(text) || wanted.says(text))
            }
            (Operand::Text(wanted), FieldValue::Bool(value)) => {
                agree(spoken(wanted.as_str()), value)
            }
            (Operand::Label(wanted), FieldValue::Text(text)) => {
                Truths::of(wanted.equals(label(text)))
            }
            (Operand::Technique(wanted), FieldValue::Text(text)) => Truths::of(wanted.covers(text)),
            (Operand::Address(address, wanted), FieldValue::Text(text)) => {
                let same = text
                    .trim()
                    .parse()
                    .is_ok_and(|found: IpAddr| found.to_canonical() == *address);
                Truths::of(same || wanted.equals(text))
            }
            (Operand::Bool(wanted), FieldValue::Bool(value)) => Truths::of(*wanted == value),
            (Operand::Bool(wanted), FieldValue::Text(text)) => agree(spoken(text), *wanted),
            (Operand::List(members), FieldValue::Text(text) | FieldValue::Number(text)) => {
                members.hold(text, at)
            }
            (operand, value) => operand
                .order(value)
                .map_or(Truths::UNKNOWN, |order| Truths::of(order.is_eq())),
        }
    }

    /// How the value stands to this operand; `None` where they cannot be compared.
    pub(super) fn order(&self, value: FieldValue<'_>) -> Option<Ordering> {
        match (self, value) {
            (Operand::Severity(wanted), FieldValue::Severity(severity)) => {
                Some(severity.cmp(wanted))
            }
            (Operand::Time(wanted), FieldValue::Time(time)) => Some(time.cmp(wanted)),
            (Operand::Time(wanted), FieldValue::Text(text)) => {
                Some(Timestamp::parse(text)?.cmp(wanted))
            }
            (Operand::Number(wanted), FieldValue::Number(text) | FieldValue::Text(text)) => {
                Number::parse(text)?.order(*wanted)
            }
            _ => None,
        }
    }

    /// The keys of which a value must have one to be equal to it; `None` where there is no such set, or a large one.
    pub(super) fn keys(&self) -> Option<Vec<String>> {
        match self {
            Operand::Text(text) => Some(
                core::iter::once(text.as_str().to_owned())
                    .chain(text.number_key())
                    .collect(),
            ),
            Operand::Label(text) | Operand::Technique(text) => Some(vec![text.as_str().to_owned()]),
            Operand::Address(address, text) => {
                Some(vec![address.to_string(), text.as_str().to_owned()])
            }
            Operand::Severity(severity) => Some(vec![severity.code().to_owned()]),
            Operand::List(members) => members.keys(),
            Operand::Time(_) | Operand::Number(_) | Operand::Bool(_) => None,
        }
    }
}

/// Whether a text that may say a truth value says this one; one that says none cannot be compared.
fn agree(spoken: Option<bool>, value: bool) -> Truths {
    spoken.map_or(Truths::UNKNOWN, |spoken| Truths::of(spoken == value))
}

//! What an operator asks of one value, and whether it holds.

use core::cmp::Ordering;
use core::net::IpAddr;
use core::time::Duration;

use super::expression::Expression;
use super::field_value::FieldValue;
use super::glob::Glob;
use super::operand::Operand;
use super::text::{Folded, label};
use super::truth::Truths;
use crate::network::Network;
use crate::time::Timestamp;

/// What an operator asks of a value.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Equal to any of these.
    Equals(Vec<Operand>),
    /// Each of these is equal to some element.
    AllOf(Vec<Operand>),
    /// In this relation to the operand.
    Order(Relation, Operand),
    /// Holds any of these texts.
    Contains(Vec<Pattern<Folded>>),
    /// Matches any of these expressions somewhere.
    Matches(Vec<Pattern<Expression>>),
    /// Any of these globs matches all of it.
    Globs(Vec<Pattern<Glob>>),
    /// Lies in any of these networks.
    Inside(Vec<Network>),
    /// More time than this has passed between it and the receipt.
    OlderThan(Duration),
    /// Is there at all, or is not.
    Exists(bool),
}

/// A pattern, and whether only the first label of a host name counts.
#[derive(Clone, Debug)]
pub(super) struct Pattern<P> {
    pub(super) pattern: P,
    pub(super) first_label: bool,
}

/// The relations of ordered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Relation {
    pub(super) const fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Gt => order.is_gt(),
            Relation::Gte => order.is_ge(),
            Relation::Lt => order.is_lt(),
            Relation::Lte => order.is_le(),
        }
    }
}

impl Test {
    /// As the rules write the operator; equality has none.
    pub(super) const fn operator(&self) -> Option<&'static str> {
        Some(match self {
            Test::Equals(_) => return None,
            Test::AllOf(_) => "all_of",
            Test::Order(Relation::Gt, _) => "gt",
            Test::Order(Relation::Gte, _) => "gte",
            Test::Order(Relation::Lt, _) => "lt",
            Test::Order(Relation::Lte, _) => "lte",
            Test::Contains(_) => "contains",
            Test::Matches(_) => "regex",
            Test::Globs(_) => "glob",
            Test::Inside(_) => "cidr",
            Test::OlderThan(_) => "older_than",
            Test::Exists(_) => "exists",
        })
    }

    /// Whether it holds for one value; a value of a type it cannot be compared with is unknown.
    pub(super) fn holds(&self, value: FieldValue<'_>, at: Timestamp) -> Truths {
        match self {
            Test::Equals(operands) => {
                Truths::any(operands.iter().map(|operand| operand.equals(value, at)))
            }
            Test::Order(relation, operand) => match operand.order(value) {
                Some(order) => Truths::of(relation.holds(order)),
                None => Truths::UNKNOWN,
            },
            Test::Contains(patterns) => folded(value, |whole| {
                patterns
                    .iter()
                    .any(|one| one.part(whole).contains(one.pattern.as_str()))
            }),
            Test::Globs(patterns) => folded(value, |whole| {
                patterns
                    .iter()
                    .any(|one| one.pattern.matches(one.part(whole)))
            }),
            Test::Matches(patterns) => match value {
                FieldValue::Text(text) | FieldValue::Number(text) => Truths::of(
                    patterns
                        .iter()
                        .any(|one| one.pattern.is_match(one.part(text))),
                ),
                _ => Truths::UNKNOWN,
            },
            Test::Inside(networks) => match value {
                FieldValue::Text(text) => match text.trim().parse::<IpAddr>() {
                    Ok(address) => Truths::of(
                        networks
                            .iter()
                            .any(|network| network.contains_of_its_version(address)),
                    ),
                    Err(_) => Truths::UNKNOWN,
                },
                _ => Truths::UNKNOWN,
            },
            Test::OlderThan(span) => match value {
                FieldValue::Time(time) => Truths::of(at.since(time) > *span),
                FieldValue::Text(text) => Timestamp::parse(text)
                    .map_or(Truths::UNKNOWN, |time| Truths::of(at.since(time) > *span)),
                _ => Truths::UNKNOWN,
            },
            Test::AllOf(_) | Test::Exists(_) => Truths::UNKNOWN,
        }
    }
}

impl<P> Pattern<P> {
    /// The part of a text that it is compared with.
    fn part<'t>(&self, text: &'t str) -> &'t str {
        if self.first_label { label(text) } else { text }
    }
}

/// Asks something of a text in lower case.
fn folded(value: FieldValue<'_>, holds: impl FnOnce(&str) -> bool) -> Truths {
    match value {
        FieldValue::Text(text) | FieldValue::Number(text) => {
            Truths::of(holds(Folded::new(text).as_str()))
        }
        _ => Truths::UNKNOWN,
    }
}

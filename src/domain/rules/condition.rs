//! Conditions and their truth: Kleene's three values, so that what cannot be known decides nothing by accident.

use core::cmp::Ordering;
use core::net::IpAddr;

use regex::Regex;

use super::event::Event;
use super::field::{Field, Reading, Value};
use crate::domain::alert::Severity;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Seen;

/// Characters of a value that a decision record keeps.
const SEEN_MAX: usize = 120;

/// Ordered as Kleene has it: *and* is the least, *or* the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    Unknown,
    True,
}

impl Truth {
    const fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }

    const fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }

    fn any(truths: impl Iterator<Item = Truth>) -> Truth {
        let mut best = Truth::False;
        for truth in truths {
            best = best.max(truth);
            if best == Truth::True {
                break;
            }
        }
        best
    }
}

/// A condition: a conjunction, a disjunction, its negation, or one field compared.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Leaf(Leaf),
}

/// One field and one operator.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) field: Field,
    pub(super) test: Test,
}

/// What an operator asks of a value.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Equal to any of these.
    Equals(Vec<Operand>),
    /// In this relation to the operand.
    Order(Relation, Operand),
    /// Matches; `contains` is a pattern too. `first_label`: of a host name only that counts.
    Matches { regex: Regex, first_label: bool },
    /// Is there at all, or is not.
    Exists(bool),
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
    const fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Gt => order.is_gt(),
            Relation::Gte => order.is_ge(),
            Relation::Lt => order.is_lt(),
            Relation::Lte => order.is_le(),
        }
    }
}

/// A value written in a rule, made ready for its field.
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
}

/// A text in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folded(String);

impl Folded {
    pub(super) fn new(text: &str) -> Folded {
        Folded(text.chars().flat_map(char::to_lowercase).collect())
    }

    fn equals(&self, text: &str) -> bool {
        text.chars().flat_map(char::to_lowercase).eq(self.0.chars())
    }

    /// `t1003` covers `T1003.001`.
    fn covers(&self, technique: &str) -> bool {
        let family = technique.split('.').next().unwrap_or(technique);
        self.equals(technique) || self.equals(family)
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
        let starts = literal.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
        let real: f64 = literal.parse().ok().filter(|real: &f64| starts && real.is_finite())?;
        Some(Number { whole: literal.parse().ok(), real })
    }

    fn order(self, other: Number) -> Option<Ordering> {
        match (self.whole, other.whole) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.real.partial_cmp(&other.real),
        }
    }
}

impl Condition {
    pub(super) fn truth(&self, event: &Event<'_>) -> Truth {
        match self {
            Condition::All(parts) => {
                let mut worst = Truth::True;
                for part in parts {
                    worst = worst.min(part.truth(event));
                    if worst == Truth::False {
                        break;
                    }
                }
                worst
            }
            Condition::Any(parts) => Truth::any(parts.iter().map(|part| part.truth(event))),
            Condition::None(parts) => Truth::any(parts.iter().map(|part| part.truth(event))).not(),
            Condition::Leaf(leaf) => leaf.truth(event),
        }
    }

    /// Every leaf, in file order.
    fn leaves<'c>(&'c self, out: &mut Vec<&'c Leaf>) {
        match self {
            Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
                parts.iter().for_each(|part| part.leaves(out));
            }
            Condition::Leaf(leaf) => out.push(leaf),
        }
    }

    /// Each field of the condition once, with the value it has.
    pub(super) fn seen(&self, event: &Event<'_>) -> Vec<Seen> {
        let mut leaves = Vec::new();
        self.leaves(&mut leaves);
        let mut seen: Vec<Seen> = Vec::new();
        for leaf in leaves {
            let field = leaf.field.name();
            if seen.iter().all(|seen| seen.field != field) {
                let (value, unknown) = match leaf.field.read(event) {
                    Reading::Present(values) => (Some(values.shown(SEEN_MAX)), false),
                    Reading::Absent => (None, false),
                    Reading::Unknown => (None, true),
                };
                seen.push(Seen { field: field.to_owned(), value, unknown });
            }
        }
        seen
    }

    /// The fields whose conditions are neither true nor false, each once.
    pub(super) fn unknown_fields(&self, event: &Event<'_>) -> Vec<&str> {
        let mut leaves = Vec::new();
        self.leaves(&mut leaves);
        let mut fields = Vec::new();
        for leaf in leaves {
            if leaf.truth(event) == Truth::Unknown && !fields.contains(&leaf.field.name()) {
                fields.push(leaf.field.name());
            }
        }
        fields
    }
}

impl Leaf {
    fn truth(&self, event: &Event<'_>) -> Truth {
        let values = match self.field.read(event) {
            Reading::Unknown => return Truth::Unknown,
            Reading::Absent => return Truth::of(matches!(self.test, Test::Exists(false))),
            Reading::Present(values) => values,
        };
        if let Test::Exists(wanted) = self.test {
            return Truth::of(values.iter().any(Value::has_content) == wanted);
        }
        Truth::any(values.iter().map(|value| self.test.holds(value)))
    }
}

impl Test {
    /// Whether it holds for one value; a value of a type it cannot be compared with is unknown.
    fn holds(&self, value: Value<'_>) -> Truth {
        match self {
            Test::Equals(operands) => Truth::any(operands.iter().map(|operand| operand.equals(value))),
            Test::Order(relation, operand) => match operand.order(value) {
                Some(order) => Truth::of(relation.holds(order)),
                None => Truth::Unknown,
            },
            Test::Matches { regex, first_label } => match value {
                Value::Text(text) if *first_label => Truth::of(regex.is_match(label(text))),
                Value::Text(text) | Value::Number(text) => Truth::of(regex.is_match(text)),
                _ => Truth::Unknown,
            },
            Test::Exists(_) => Truth::Unknown,
        }
    }
}

impl Operand {
    fn equals(&self, value: Value<'_>) -> Truth {
        match (self, value) {
            (Operand::Text(wanted), Value::Text(text) | Value::Number(text)) => Truth::of(wanted.equals(text)),
            (Operand::Label(wanted), Value::Text(text)) => Truth::of(wanted.equals(label(text))),
            (Operand::Technique(wanted), Value::Text(text)) => Truth::of(wanted.covers(text)),
            (Operand::Address(address, wanted), Value::Text(text)) => {
                let same = text.trim().parse().is_ok_and(|found: IpAddr| found.to_canonical() == *address);
                Truth::of(same || wanted.equals(text))
            }
            (Operand::Bool(wanted), Value::Bool(value)) => Truth::of(*wanted == value),
            (operand, value) => operand.order(value).map_or(Truth::Unknown, |order| Truth::of(order.is_eq())),
        }
    }

    /// How the value stands to this operand; `None` where they cannot be compared.
    fn order(&self, value: Value<'_>) -> Option<Ordering> {
        match (self, value) {
            (Operand::Severity(wanted), Value::Severity(severity)) => Some(severity.cmp(wanted)),
            (Operand::Time(wanted), Value::Time(time)) => Some(time.cmp(wanted)),
            (Operand::Time(wanted), Value::Text(text)) => Some(Timestamp::parse(text)?.cmp(wanted)),
            (Operand::Number(wanted), Value::Number(text) | Value::Text(text)) => Number::parse(text)?.order(*wanted),
            _ => None,
        }
    }
}

/// The first label of a host name.
fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

//! Conditions and their truth: Kleene's three values, so that what cannot be known decides nothing by accident.

use core::cmp::Ordering;
use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;

use super::expression::Expression;
use super::field::{Field, FieldValue, Named};
use super::glob::Glob;
use super::memo;
use super::network::ListNetwork;
use super::operand::Operand;
use super::reading::Reading;
use super::sight::FactView;
use super::text::{Folded, label};
use super::truth::Truths;
use crate::time::Timestamp;
use crate::verdict::Seen;

/// Characters of a value that a decision record keeps.
const SEEN_MAX: usize = 120;

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
    /// The bytes of the value in the file.
    pub(super) span: Range<usize>,
}

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
    Inside(Vec<ListNetwork>),
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

impl Condition {
    pub(super) fn truths(&self, sight: &FactView<'_>) -> Truths {
        match self {
            Condition::All(parts) => Truths::all(parts.iter().map(|part| part.truths(sight))),
            Condition::Any(parts) => Truths::any(parts.iter().map(|part| part.truths(sight))),
            Condition::None(parts) => {
                Truths::any(parts.iter().map(|part| part.truths(sight))).not()
            }
            Condition::Leaf(leaf) => leaf.truths(sight),
        }
    }

    /// Every leaf, in file order.
    pub(super) fn leaves(&self) -> Vec<&Leaf> {
        fn collect<'c>(condition: &'c Condition, out: &mut Vec<&'c Leaf>) {
            match condition {
                Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
                    parts.iter().for_each(|part| collect(part, out));
                }
                Condition::Leaf(leaf) => out.push(leaf),
            }
        }
        let mut out = Vec::new();
        collect(self, &mut out);
        out
    }

    /// Whether it asks for this field.
    pub(super) fn mentions(&self, named: Named) -> bool {
        self.leaves()
            .iter()
            .any(|leaf| leaf.field == Field::Named(named))
    }

    /// Each field of the condition once, with the value it has.
    pub(super) fn seen(&self, sight: &FactView<'_>) -> Vec<Seen> {
        let mut seen: Vec<Seen> = Vec::new();
        for leaf in self.leaves() {
            if seen.iter().all(|seen| seen.field != leaf.field.name()) {
                seen.push(leaf.seen(sight));
            }
        }
        seen
    }

    /// The fields whose conditions are neither true nor false, or which the directory can still tell, each once.
    pub(super) fn unknown_fields(&self, sight: &FactView<'_>) -> Vec<&str> {
        let mut fields = Vec::new();
        for leaf in self.leaves() {
            let truths = leaf.truths(sight);
            if (truths.may_be_unknown() || truths == Truths::EITHER)
                && !fields.contains(&leaf.field.name())
            {
                fields.push(leaf.field.name());
            }
        }
        fields
    }

    /// The first part that keeps it from being true: false if there is one, else one that is unknown.
    pub(super) fn first_failing(&self, sight: &FactView<'_>) -> Option<&Leaf> {
        let worst = |parts: &[Condition]| -> Option<usize> {
            let of = |truths: Truths| parts.iter().position(|part| part.truths(sight) == truths);
            of(Truths::FALSE).or_else(|| {
                parts
                    .iter()
                    .position(|part| part.truths(sight) != Truths::TRUE)
            })
        };
        match self {
            Condition::All(parts) => parts.get(worst(parts)?)?.first_failing(sight),
            // None of them holds. One that nobody can judge is why nobody can judge the whole; otherwise the first says
            // best what was looked for.
            Condition::Any(parts) => {
                let open = parts
                    .iter()
                    .filter(|part| part.truths(sight) != Truths::FALSE);
                open.chain(parts).find_map(|part| part.first_failing(sight))
            }
            // One of them does hold: that one is in the way.
            Condition::None(parts) => {
                let hit = parts.iter().find(|part| part.truths(sight) == Truths::TRUE);
                match hit {
                    Some(hit) => hit
                        .leaves()
                        .into_iter()
                        .find(|leaf| leaf.truths(sight) == Truths::TRUE),
                    None => parts
                        .iter()
                        .find(|part| part.truths(sight) != Truths::FALSE)?
                        .first_failing(sight),
                }
            }
            Condition::Leaf(leaf) => (leaf.truths(sight) != Truths::TRUE).then_some(leaf),
        }
    }
}

impl Leaf {
    pub(super) fn truths(&self, sight: &FactView<'_>) -> Truths {
        if sight.open && self.field.is_open(sight) {
            return Truths::EITHER;
        }
        memo::truths(sight.event.memo, self.field.scope(), self, || {
            self.judged(sight)
        })
    }

    fn judged(&self, sight: &FactView<'_>) -> Truths {
        let values = match self.field.read(sight) {
            Reading::Unknown => return Truths::UNKNOWN,
            Reading::Absent => return Truths::of(matches!(self.test, Test::Exists(false))),
            Reading::Present(values) => values,
        };
        let at = sight.event.at;
        let truths =
            match &self.test {
                Test::Exists(wanted) => {
                    Truths::of(values.iter().any(FieldValue::has_content) == *wanted)
                }
                Test::AllOf(operands) => Truths::all(operands.iter().map(|operand| {
                    Truths::any(values.iter().map(|value| operand.equals(value, at)))
                })),
                test => Truths::any(values.iter().map(|value| test.holds(value, at))),
            };
        // What is not among the values that could be read may be among those that could not.
        let hidden = truths == Truths::FALSE && !matches!(self.test, Test::Exists(_));
        if hidden && self.field.is_partly_known(sight) {
            Truths::UNKNOWN
        } else {
            truths
        }
    }

    /// Its field with the value it has.
    pub(super) fn seen(&self, sight: &FactView<'_>) -> Seen {
        memo::seen(sight.event.memo, self.field.scope(), self, || {
            self.looked_at(sight)
        })
    }

    fn looked_at(&self, sight: &FactView<'_>) -> Seen {
        let (value, unknown) = match self.field.read(sight) {
            Reading::Present(values) => {
                let unknown =
                    self.field.is_partly_known(sight) && self.truths(sight) != Truths::TRUE;
                (Some(values.shown(SEEN_MAX)), unknown)
            }
            Reading::Absent => (None, false),
            Reading::Unknown => (None, true),
        };
        Seen {
            field: self.field.name().to_owned(),
            value,
            unknown,
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
    fn holds(&self, value: FieldValue<'_>, at: Timestamp) -> Truths {
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
                    Ok(address) => {
                        Truths::of(networks.iter().any(|network| network.holds(address)))
                    }
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

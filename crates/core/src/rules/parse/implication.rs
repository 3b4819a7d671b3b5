//! Whether one condition is true whenever another is, as far as their shape shows it.

use crate::alert::Severity;
use crate::rules::comparison::{Relation, Test};
use crate::rules::condition::Condition;
use crate::rules::field::Field;
use crate::rules::named::Named;
use crate::rules::operand::Operand;

impl Condition {
    pub(super) fn conjuncts(&self) -> &[Condition] {
        match self {
            Condition::All(parts) => parts,
            other => core::slice::from_ref(other),
        }
    }

    /// Whether it holds for whatever comes.
    pub(super) fn is_everything(&self) -> bool {
        match self {
            Condition::All(parts) => {
                !parts.is_empty() && parts.iter().all(Condition::is_everything)
            }
            Condition::Any(parts) => parts.iter().any(Condition::is_everything),
            Condition::None(_) => false,
            Condition::Leaf(leaf) => {
                let always = matches!(leaf.field, Field::Named(Named::Source | Named::Tenant));
                let any = |test: &Test| match test {
                    Test::Exists(wanted) => *wanted,
                    Test::Globs(globs) => globs.iter().any(|glob| glob.pattern.is_everything()),
                    Test::Matches(patterns) => patterns.iter().any(|one| {
                        matches!(
                            one.pattern.as_str(),
                            ".*" | "^.*$" | ".+" | "^.+$" | "^" | "$"
                        )
                    }),
                    _ => false,
                };
                always && any(&leaf.test)
            }
        }
    }
}

/// Whether the second is true whenever the first is.
pub(super) fn implies(first: &Condition, second: &Condition) -> bool {
    let (have, wanted) = (first.conjuncts(), second.conjuncts());
    wanted
        .iter()
        .all(|wanted| wanted.is_everything() || have.iter().any(|have| part_implies(have, wanted)))
}

fn part_implies(have: &Condition, wanted: &Condition) -> bool {
    match (have, wanted) {
        (Condition::Leaf(have), Condition::Leaf(wanted)) => {
            have.field == wanted.field && test_implies(&have.test, &wanted.test)
        }
        // Each way in which the one can hold is a way in which the other does.
        (Condition::Any(have), wanted) => have.iter().all(|have| implies(have, wanted)),
        (have, Condition::Any(wanted)) => wanted.iter().any(|wanted| implies(have, wanted)),
        // What is excluded there is excluded here as well.
        (Condition::None(have), Condition::None(wanted)) => wanted
            .iter()
            .all(|wanted| have.iter().any(|have| implies(wanted, have))),
        (Condition::All(have), wanted) => have.iter().any(|have| part_implies(have, wanted)),
        (have, Condition::All(wanted)) => wanted.iter().all(|wanted| part_implies(have, wanted)),
        _ => false,
    }
}

fn test_implies(have: &Test, wanted: &Test) -> bool {
    let severities = |test: &Test| {
        Severity::ALL
            .iter()
            .map(|severity| allows(test, *severity))
            .collect::<Option<Vec<_>>>()
    };
    if let (Some(have), Some(wanted)) = (severities(have), severities(wanted)) {
        return have
            .iter()
            .zip(&wanted)
            .all(|(have, wanted)| !have || *wanted);
    }
    match (have, wanted) {
        (Test::Equals(have), Test::Equals(wanted)) => have.iter().all(|one| wanted.contains(one)),
        (Test::AllOf(have), Test::AllOf(wanted)) => wanted.iter().all(|one| have.contains(one)),
        (Test::AllOf(have), Test::Equals(wanted)) => have.iter().any(|one| wanted.contains(one)),
        (Test::Contains(have), Test::Contains(wanted)) => have.iter().all(|have| {
            wanted.iter().any(|wanted| {
                have.pattern.as_str().contains(wanted.pattern.as_str())
                    && have.first_label == wanted.first_label
            })
        }),
        (Test::Globs(have), Test::Globs(wanted)) => have
            .iter()
            .all(|have| wanted.iter().any(|wanted| wanted.pattern == have.pattern)),
        (Test::Matches(have), Test::Matches(wanted)) => have.iter().all(|have| {
            wanted
                .iter()
                .any(|wanted| wanted.pattern.as_str() == have.pattern.as_str())
        }),
        (Test::Inside(have), Test::Inside(wanted)) => have.iter().all(|one| wanted.contains(one)),
        (Test::OlderThan(have), Test::OlderThan(wanted)) => have >= wanted,
        (Test::Exists(have), Test::Exists(wanted)) => have == wanted,
        _ => false,
    }
}

/// Whether a comparison lets a severity pass; `None`: it is none of severities.
pub(super) fn allows(test: &Test, severity: Severity) -> Option<bool> {
    let stands = |operand: &Operand| match operand {
        Operand::Severity(wanted) => Some(severity.cmp(wanted)),
        _ => None,
    };
    match test {
        Test::Equals(operands) => {
            let orders: Option<Vec<_>> = operands.iter().map(stands).collect();
            orders.map(|orders| orders.iter().any(|order| order.is_eq()))
        }
        Test::Order(relation, operand) => {
            stands(operand).map(|order| Relation::holds(*relation, order))
        }
        _ => None,
    }
}

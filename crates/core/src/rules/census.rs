//! In how many ways conditions can hold, and how many rules know each: by that the rarest is chosen.

use std::collections::HashMap;

use super::comparison::Test;
use super::condition::Condition;
use super::field::Field;
use super::leaf::Leaf;
use super::operand::Operand;

/// A condition that may hold in more ways is no help.
const WAYS: usize = 256;

/// One way in which a condition can hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) field: usize,
    pub(super) part: bool,
    pub(super) key: String,
}

/// The fields by name, and how many rules know each way.
#[derive(Default)]
pub(super) struct Census<'r> {
    pub(super) names: HashMap<&'r str, usize>,
    pub(super) fields: Vec<&'r Field>,
    pub(super) count: HashMap<Way, usize>,
    pub(super) size: usize,
}

impl<'r> Census<'r> {
    /// Counts every way of every condition that could be chosen.
    pub(super) fn take(&mut self, condition: &'r Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| self.take(part))
            }
            Condition::None(_) => {}
            Condition::Leaf(leaf) => {
                let next = self.fields.len();
                let field = *self.names.entry(leaf.field.name()).or_insert(next);
                if field == next {
                    self.fields.push(&leaf.field);
                }
                for way in ways(leaf, field).into_iter().flatten() {
                    *self.count.entry(way).or_default() += 1;
                }
            }
        }
    }

    /// The rarest ways of which one must hold for the condition not to be false, with how many rules know them.
    pub(super) fn best(&self, condition: &Condition) -> Option<(usize, Vec<Way>)> {
        let found = match condition {
            Condition::All(parts) => parts
                .iter()
                .filter_map(|part| self.best(part))
                .min_by_key(|(cost, _)| *cost)?,
            Condition::Any(parts) => {
                let all: Option<Vec<_>> = parts.iter().map(|part| self.best(part)).collect();
                let mut sum = (0, Vec::new());
                for (cost, ways) in all? {
                    sum.0 += cost;
                    sum.1.extend(ways);
                }
                sum
            }
            Condition::None(_) => return None,
            Condition::Leaf(leaf) => {
                let field = *self.names.get(leaf.field.name())?;
                let ways = ways(leaf, field)?;
                // What the directory says is not known when an alert comes.
                let late = if leaf.field.is_device() { self.size } else { 0 };
                (
                    ways.iter()
                        .filter_map(|way| self.count.get(way))
                        .sum::<usize>()
                        + late,
                    ways,
                )
            }
        };
        (!found.1.is_empty() && found.1.len() <= WAYS).then_some(found)
    }
}

/// The ways in which one comparison can hold or be unknown for a value that is there; `None`: nobody can list them.
fn ways(leaf: &Leaf, field: usize) -> Option<Vec<Way>> {
    let keys = |operand: &Operand| operand.keys();
    let (part, keys): (bool, Vec<String>) = match &leaf.test {
        Test::Equals(operands) => (
            false,
            operands
                .iter()
                .map(keys)
                .collect::<Option<Vec<_>>>()?
                .concat(),
        ),
        Test::AllOf(operands) => (false, operands.iter().find_map(keys)?),
        Test::Contains(patterns) => (
            true,
            patterns
                .iter()
                .map(|one| one.pattern.as_str().to_owned())
                .collect(),
        ),
        Test::Globs(patterns) => (
            true,
            patterns.iter().map(|one| one.pattern.literal()).collect(),
        ),
        _ => return None,
    };
    let usable =
        !keys.is_empty() && keys.len() <= WAYS && keys.iter().all(|key| !part || !key.is_empty());
    usable.then(|| {
        keys.into_iter()
            .map(|key| Way { field, part, key })
            .collect()
    })
}

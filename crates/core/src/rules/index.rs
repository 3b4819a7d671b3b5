//! Which rules are worth a look. A rule that can match only where some field has one of a few values, or holds one of
//! a few texts, is found by these; of several such conditions the rarest is taken. The others are always looked at.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::condition::{Condition, Leaf, Test};
use super::field::{Field, FieldValue, Shape};
use super::memo;
use super::operand::Operand;
use super::reading::Reading;
use super::rule::Rule;
use super::sight::FactView;
use super::text::{Folded, keys_of};

/// Fewer rules are looked at one by one.
const FEW: usize = 4;
/// A condition that may hold in more ways is no help.
const WAYS: usize = 256;
/// A longer text equals nothing that stands in a rule.
const LONG: usize = 64 << 10;

/// Finds the rules that may match.
#[derive(Clone, Debug)]
pub(super) struct Index {
    size: usize,
    /// Rules without a condition to find them by.
    always: Vec<usize>,
    places: Vec<IndexPlace>,
}

/// Everything that is found by one field.
#[derive(Clone, Debug)]
struct IndexPlace {
    field: Field,
    /// By a value's key.
    values: HashMap<String, Vec<usize>>,
    /// By a text that the value holds.
    texts: HashMap<String, Vec<usize>>,
    /// All of `texts` at once, and what each of its patterns finds.
    automaton: Option<(AhoCorasick, Vec<Vec<usize>>)>,
    /// All of them: where the value cannot be known, none can be left out.
    all: Vec<usize>,
}

/// One way in which a condition can hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way {
    field: usize,
    part: bool,
    key: String,
}

/// The fields by name, and how many rules know each way.
#[derive(Default)]
struct Census<'r> {
    names: HashMap<&'r str, usize>,
    fields: Vec<&'r Field>,
    count: HashMap<Way, usize>,
    size: usize,
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Index {
        let size = rules.len();
        let mut index = Index {
            size,
            always: Vec::new(),
            places: Vec::new(),
        };
        if size < FEW {
            return index;
        }
        let mut census = Census {
            size,
            ..Census::default()
        };
        for rule in rules {
            census.take(&rule.when);
        }
        index.places = census
            .fields
            .iter()
            .map(|field| IndexPlace::of(field))
            .collect();
        for (number, rule) in rules.iter().enumerate() {
            match census.best(&rule.when) {
                Some((_, ways)) => ways.into_iter().for_each(|way| index.add(way, number)),
                None => index.always.push(number),
            }
        }
        index.places.retain(|place| !place.all.is_empty());
        for place in &mut index.places {
            place.build();
        }
        index
    }

    fn add(&mut self, way: Way, number: usize) {
        let Some(place) = self.places.get_mut(way.field) else {
            return;
        };
        let map = if way.part {
            &mut place.texts
        } else {
            &mut place.values
        };
        map.entry(way.key).or_default().push(number);
        if place.all.last() != Some(&number) {
            place.all.push(number);
        }
    }

    /// The numbers of all rules that are not certainly false, in file order, and some others.
    pub(super) fn candidates(&self, sight: &FactView<'_>) -> Vec<usize> {
        if self.size < FEW {
            return (0..self.size).collect();
        }
        let mut found = self.always.clone();
        for place in &self.places {
            place.find(sight, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl IndexPlace {
    fn of(field: &Field) -> IndexPlace {
        let (values, texts, automaton) = (HashMap::new(), HashMap::new(), None);
        IndexPlace {
            field: field.clone(),
            values,
            texts,
            automaton,
            all: Vec::new(),
        }
    }

    fn build(&mut self) {
        if self.texts.is_empty() {
            return;
        }
        let (patterns, rules): (Vec<String>, Vec<Vec<usize>>) =
            core::mem::take(&mut self.texts).into_iter().unzip();
        match AhoCorasick::new(&patterns) {
            Ok(automaton) => self.automaton = Some((automaton, rules)),
            // Too many states for the crate: then these rules are looked at whenever there is a text at all.
            Err(_) => {
                self.automaton = AhoCorasick::new([""])
                    .ok()
                    .map(|any| (any, vec![rules.concat()]))
            }
        }
    }

    fn find(&self, sight: &FactView<'_>, found: &mut Vec<usize>) {
        if sight.open && self.field.is_open(sight) {
            found.extend(&self.all);
            return;
        }
        memo::found(sight.event.memo, self.field.scope(), self, found, |found| {
            self.look_up(sight, found)
        });
    }

    fn look_up(&self, sight: &FactView<'_>, found: &mut Vec<usize>) {
        let values = match self.field.read(sight) {
            Reading::Absent => return,
            Reading::Unknown => return found.extend(&self.all),
            Reading::Present(_) if self.field.is_partly_known(sight) => {
                return found.extend(&self.all);
            }
            Reading::Present(values) => values,
        };
        for value in values.iter() {
            let complete = match value {
                FieldValue::Text(text) | FieldValue::Number(text) => self.find_text(text, found),
                FieldValue::Severity(severity) => {
                    found.extend(self.values.get(severity.code()).into_iter().flatten());
                    true
                }
                // Of another type than a text: unknown to those who ask for one.
                FieldValue::Bool(_) | FieldValue::Time(_) | FieldValue::Odd => false,
            };
            if !complete {
                return found.extend(&self.all);
            }
        }
    }

    /// Adds the rules that a text may satisfy; false where they are too many to tell one by one.
    fn find_text(&self, text: &str, found: &mut Vec<usize>) -> bool {
        if !self.values.is_empty() && text.len() <= LONG {
            for key in keys_of(text, self.field.shape()) {
                found.extend(self.values.get(&key).into_iter().flatten());
            }
        } else if !self.values.is_empty() && self.field.shape() != Shape::Text {
            return false;
        }
        let Some((automaton, rules)) = &self.automaton else {
            return true;
        };
        let folded = Folded::new(text);
        let mut seen = vec![false; rules.len()];
        let mut budget = 1_000 + 8 * rules.len();
        for hit in automaton.find_overlapping_iter(folded.as_str()) {
            let pattern = hit.pattern().as_usize();
            budget -= 1;
            if budget == 0 {
                return false;
            }
            if let (Some(seen), Some(rules)) = (seen.get_mut(pattern), rules.get(pattern)) {
                if !*seen {
                    found.extend(rules);
                }
                *seen = true;
            }
        }
        true
    }
}

impl<'r> Census<'r> {
    /// Counts every way of every condition that could be chosen.
    fn take(&mut self, condition: &'r Condition) {
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
    fn best(&self, condition: &Condition) -> Option<(usize, Vec<Way>)> {
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

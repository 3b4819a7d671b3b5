//! Everything that is found by one field: by the key of a value, or by a text that a value holds.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::fact_view::FactView;
use super::field::Field;
use super::field_value::FieldValue;
use super::memo;
use super::named::Shape;
use super::reading::Reading;
use super::text::{Folded, keys_of};

/// A longer text equals nothing that stands in a rule.
const LONG: usize = 64 << 10;

/// Everything that is found by one field.
#[derive(Clone, Debug)]
pub(super) struct IndexPlace {
    field: Field,
    /// By a value's key.
    pub(super) values: HashMap<String, Vec<usize>>,
    /// By a text that the value holds.
    pub(super) texts: HashMap<String, Vec<usize>>,
    /// All of `texts` at once, and what each of its patterns finds.
    automaton: Option<(AhoCorasick, Vec<Vec<usize>>)>,
    /// All of them: where the value cannot be known, none can be left out.
    pub(super) all: Vec<usize>,
}

impl IndexPlace {
    pub(super) fn of(field: &Field) -> IndexPlace {
        let (values, texts, automaton) = (HashMap::new(), HashMap::new(), None);
        IndexPlace {
            field: field.clone(),
            values,
            texts,
            automaton,
            all: Vec::new(),
        }
    }

    pub(super) fn build(&mut self) {
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

    pub(super) fn find(&self, view: &FactView<'_>, found: &mut Vec<usize>) {
        if view.open && self.field.is_open(view) {
            found.extend(&self.all);
            return;
        }
        memo::found(view.event.memo, self.field.scope(), self, found, |found| {
            self.look_up(view, found)
        });
    }

    fn look_up(&self, view: &FactView<'_>, found: &mut Vec<usize>) {
        let values = match self.field.read(view) {
            Reading::Absent => return,
            Reading::Unknown => return found.extend(&self.all),
            Reading::Present(_) if self.field.is_partly_known(view) => {
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

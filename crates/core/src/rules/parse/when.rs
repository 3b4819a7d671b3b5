//! Reads a `when` into a [`Condition`].

use toml::de::{DeTable, DeValue};

use super::field_entry::FieldEntry;
use super::walk::{KeyValue, Node, Walk, entries_of};
use crate::rules::comparison::Test;
use crate::rules::condition::Condition;
use crate::rules::finding::code;
use crate::rules::leaf::Leaf;

impl Walk<'_> {
    /// A table of conditions, all of which must hold.
    pub(super) fn condition(&mut self, value: &Node<'_>, what: &str) -> Condition {
        if value.get_ref().is_str() {
            let message = format!("{what} must be a table, not text");
            let remedy = "write fields and values: `when = { severity.gte = \"high\" }`";
            self.error_with(code::WRONG_TYPE, value.span(), message, remedy);
            return Condition::All(Vec::new());
        }
        let Some(table) = self.table(value, what) else {
            return Condition::All(Vec::new());
        };
        if table.is_empty() {
            let remedy = "to match everything, say so: `source.exists = true`";
            self.error_with(
                code::EMPTY,
                value.span(),
                format!("{what} is empty"),
                remedy,
            );
        }
        self.conjunction(table)
    }

    fn conjunction(&mut self, table: &DeTable<'_>) -> Condition {
        let mut parts = Vec::new();
        for entry in entries_of(table) {
            match entry.key {
                "any" => parts.push(Condition::Any(self.branches(&entry))),
                "none" => parts.push(Condition::None(self.branches(&entry))),
                _ => {
                    for field in self.fields(vec![entry], None) {
                        self.comparisons(&field, &mut parts);
                    }
                }
            }
        }
        Condition::All(parts)
    }

    /// The tables of `any` or `none`.
    fn branches(&mut self, entry: &KeyValue<'_, '_>) -> Vec<Condition> {
        let what = format!("`{}`", entry.key);
        let Some(array) = entry.value.get_ref().as_array() else {
            self.wrong_type(entry.value, &what, "a list of tables");
            return Vec::new();
        };
        if array.is_empty() {
            self.error(code::EMPTY, entry.value.span(), format!("{what} is empty"));
        }
        array
            .iter()
            .map(|branch| self.condition(branch, &format!("a table in {what}")))
            .collect()
    }

    /// What is asked of one field: a bare value, a bare list, or operators.
    fn comparisons(&mut self, entry: &FieldEntry<'_, '_>, out: &mut Vec<Condition>) {
        let mut tests = Vec::new();
        let mut add = |test: Option<Test>, value: &Node<'_>| {
            tests.extend(test.map(|test| (test, value.span())))
        };
        if let Some(operator) = entry.operator {
            add(
                self.operator(&entry.field, operator, entry.span.clone(), entry.value),
                entry.value,
            );
        } else if let DeValue::Table(operators) = entry.value.get_ref() {
            if operators.is_empty() {
                self.error(
                    code::EMPTY,
                    entry.span.clone(),
                    format!("`{}` has no operator", entry.field.name()),
                );
            }
            for KeyValue { key, span, value } in entries_of(operators) {
                add(self.operator(&entry.field, key, span, value), value);
            }
        } else {
            add(
                self.equals(&entry.field, entry.value).map(Test::Equals),
                entry.value,
            );
        }
        let leaf = |(test, span)| {
            Condition::Leaf(Leaf {
                field: entry.field.clone(),
                test,
                span,
            })
        };
        out.extend(tests.into_iter().map(leaf));
    }
}

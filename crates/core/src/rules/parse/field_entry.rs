//! Reads the names of fields in a table, nested or quoted, and says which field was meant by a name that is none.

use core::ops::Range;

use super::walk::{KeyValue, Node, Walk, entries_of};
use super::{hint, other_name};
use crate::pointer::Pointer;
use crate::rules::field::Field;
use crate::rules::finding::{self, code, quoted};
use crate::rules::named::Named;
use crate::suggestion::nearest;

/// The operators of the language; equality has none.
pub(super) const OPERATORS: &[&str] = &[
    "gte",
    "gt",
    "lte",
    "lt",
    "contains",
    "glob",
    "regex",
    "cidr",
    "all_of",
    "older_than",
    "exists",
];

/// A field that a table names, nested or quoted.
pub(super) struct FieldEntry<'v, 'i> {
    pub(super) field: Field,
    /// The operator, where it was written into a quoted key: `"severity.gte"`.
    pub(super) operator: Option<&'v str>,
    pub(super) span: Range<usize>,
    pub(super) value: &'v Node<'i>,
}

impl Walk<'_> {
    /// The fields a table names, nested (`alert.title.regex = …`) or quoted (`"alert.title" = …`), in file order.
    pub(super) fn fields<'v, 'i>(
        &mut self,
        entries: Vec<KeyValue<'v, 'i>>,
        group: Option<&str>,
    ) -> Vec<FieldEntry<'v, 'i>> {
        let mut fields = Vec::new();
        for KeyValue { key, span, value } in entries {
            if group.is_none() && key.starts_with('/') {
                fields.extend(self.pointer(key, span, value));
                continue;
            }
            let path = group.map_or_else(|| key.to_owned(), |group| format!("{group}.{key}"));
            if let Some(named) = Named::of_code(&path) {
                fields.push(FieldEntry {
                    field: Field::Named(named),
                    operator: None,
                    span,
                    value,
                });
            } else if let (true, Some(table)) = (is_group(&path), value.get_ref().as_table()) {
                if table.is_empty() {
                    self.error(code::EMPTY, span, format!("`{path}` names no field"));
                }
                fields.extend(self.fields(entries_of(table), Some(&path)));
            } else if let Some((named, operator)) = quoted_operator(group, key) {
                fields.push(FieldEntry {
                    field: Field::Named(named),
                    operator: Some(operator),
                    span,
                    value,
                });
            } else {
                self.unknown_field(&path, span);
            }
        }
        fields
    }

    fn pointer<'v, 'i>(
        &mut self,
        key: &str,
        span: Range<usize>,
        value: &'v Node<'i>,
    ) -> Option<FieldEntry<'v, 'i>> {
        match Pointer::parse(key) {
            Ok(pointer) => {
                let field = Field::Pointer {
                    text: key.to_owned(),
                    pointer,
                };
                Some(FieldEntry {
                    field,
                    operator: None,
                    span,
                    value,
                })
            }
            Err(fault) => {
                self.error(
                    code::BAD_POINTER,
                    span,
                    format!("{} is not a JSON pointer: {fault}", quoted(key)),
                );
                None
            }
        }
    }

    pub(super) fn unknown_field(&mut self, path: &str, span: Range<usize>) {
        let known: Vec<&str> = Named::ALL.iter().map(|named| named.code()).collect();
        let message = if is_group(path) {
            format!("`{path}` is a group of fields, not a field")
        } else {
            format!("no field {}", quoted(path))
        };
        let bare = known
            .iter()
            .find(|name| name.split_once('.').is_some_and(|(_, bare)| bare == path));
        if let Some(remedy) = hint::logic(path) {
            self.error_with(code::UNKNOWN_FIELD, span, message, remedy);
            return;
        }
        let (name, operator) = path.rsplit_once('.').unwrap_or((path, ""));
        let other = other_name::field(path)
            .or_else(|| other_name::field(name).filter(|_| OPERATORS.contains(&operator)));
        let meant = bare
            .copied()
            .or_else(|| other.map(Named::code))
            .or_else(|| nearest(path, known.iter().copied()));
        let remedy = finding::known(meant, &known);
        self.error_with(code::UNKNOWN_FIELD, span, message, remedy);
    }
}

fn is_group(path: &str) -> bool {
    path == "alert" || path == "device"
}

/// `severity.gte` in one quoted key.
fn quoted_operator<'v>(group: Option<&str>, key: &'v str) -> Option<(Named, &'v str)> {
    let (field, operator) = key.rsplit_once('.')?;
    let named = match group {
        None => Named::of_code(field),
        Some(group) => Named::of_code(&format!("{group}.{field}")),
    };
    named.map(|named| (named, operator))
}

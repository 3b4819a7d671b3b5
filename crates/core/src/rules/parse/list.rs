//! Reads `[lists]`, and the files that they name.

use super::list_file::ReadList;
use super::listed::TYPES;
use super::walk::{KeyValue, Keys, Node, Walk, entries_of};
use crate::rules::finding::{code, quoted};
use crate::rules::list::{ListType, WrittenList};

impl Walk<'_> {
    pub(super) fn lists(&mut self, value: &Node<'_>, read: ReadList<'_>) {
        let Some(table) = self.table(value, "`lists`") else {
            return;
        };
        for KeyValue { key, span, value } in entries_of(table) {
            if !is_name(key) {
                let message = format!("a list cannot be named {}", quoted(key));
                self.error_with(
                    code::BAD_VALUE,
                    span,
                    message,
                    "use letters, digits, `-` and `_`",
                );
                continue;
            }
            let list = self.list(key, value, read);
            self.lists.by_name.insert(key.to_owned(), list);
        }
    }

    fn list(&mut self, name: &str, value: &Node<'_>, read: ReadList<'_>) -> WrittenList {
        let mut list = WrittenList {
            kind: ListType::Text,
            file: None,
            entries: Vec::new(),
            ends: Vec::new(),
        };
        let place = format!("`[lists.{name}]`");
        let Some(table) = self.table(value, &place) else {
            return list;
        };
        let mut keys = Keys::within(table);
        keys.pass(&["type", "values", "file", "min_entries"]);
        self.no_other_key(&keys, &place);
        match table.get("type") {
            Some(kind) => match self.word(kind, "`type`", TYPES) {
                Some(kind) => list.kind = kind,
                // Without its type no entry can be read.
                None => return list,
            },
            None => return self.without_type(value, &place, list),
        }
        if table.get("values").is_none() && table.get("file").is_none() {
            self.missing_key(value.span(), &place, "values");
        }
        if let Some(values) = table.get("values") {
            self.values(values, &place, &mut list, table.contains_key("file"));
        }
        if let Some(file) = table.get("file") {
            list.file = file.get_ref().as_str().map(str::to_owned);
            self.list_file(file, table, &mut list, read);
        } else if let Some(least) = table.get("min_entries") {
            self.least(least, &list);
        }
        list
    }

    fn without_type(&mut self, value: &Node<'_>, place: &str, list: WrittenList) -> WrittenList {
        self.missing_key(value.span(), place, "type");
        list
    }

    fn least(&mut self, value: &Node<'_>, list: &WrittenList) {
        let Some(least) = self.integer(value, "`min_entries`", 0..10_000_001) else {
            return;
        };
        let count = list.entries.len();
        if i64::try_from(count).is_ok_and(|count| count < least) {
            let message = format!("the list has {count} entries, and must have {least}");
            self.error(code::TOO_FEW_ENTRIES, value.span(), message);
        }
    }

    pub(super) fn unused_lists(&mut self, value: &Node<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return;
        };
        for KeyValue { key, span, .. } in entries_of(table) {
            if self.lists.by_name.contains_key(key) && !self.lists.used.contains(key) {
                let message = format!("no rule and no protection uses the list `{key}`");
                self.lint(
                    code::UNUSED_LIST,
                    span,
                    &message,
                    &format!("refer to it as `\"@{key}\"`, or remove it"),
                );
            }
        }
    }
}

/// A name that can stand behind `@`.
fn is_name(key: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !key.is_empty() && key.len() <= 100 && key.bytes().all(fits)
}

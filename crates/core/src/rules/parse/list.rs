//! Reads `[lists]`, and the files that they name.

use core::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::mistaken::{TECHNIQUES, is_address, is_bare_network, is_technique};
use super::walk::{KeyValue, Node, Walk, entries_of};
use crate::alert::MachineId;
use crate::rules::field::{Field, Shape};
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::glob::Glob;
use crate::rules::list::{Ending, ListType, Written, WrittenList};
use crate::rules::network::ListNetwork;
use crate::rules::operand::Operand;
use crate::time::Timestamp;

const LIST: &[&str] = &["type", "values", "file", "min_entries"];

const ENTRY: &[&str] = &["value", "until", "note"];

const TYPES: &[(&str, ListType)] = &[
    (ListType::Text.code(), ListType::Text),
    (ListType::Glob.code(), ListType::Glob),
    (ListType::Cidr.code(), ListType::Cidr),
    (ListType::MachineId.code(), ListType::MachineId),
];

/// Reads a list's file by the name the rules give it.
pub type ReadList<'r> = &'r mut dyn FnMut(&str) -> Result<String, String>;

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
        for KeyValue { key, span, .. } in entries_of(table)
            .iter()
            .filter(|entry| !LIST.contains(&entry.key))
        {
            self.unknown_key(key, span.clone(), &place, LIST);
        }
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

    fn values(&mut self, value: &Node<'_>, place: &str, list: &mut WrittenList, more: bool) {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(value, "`values`", "a list");
            return;
        };
        if array.is_empty() && !more {
            self.error(
                code::EMPTY,
                value.span(),
                format!("{place} is empty, so nothing could ever be in it"),
            );
        }
        for entry in array {
            let (text, until) = match entry.get_ref() {
                DeValue::Table(table) => match self.entry(entry, table) {
                    Some(entry) => entry,
                    None => continue,
                },
                _ => (entry, None),
            };
            let Some(written) = self.text(text, "an entry of a list") else {
                continue;
            };
            if written.is_empty() {
                self.error(
                    code::EMPTY,
                    text.span(),
                    "an entry of a list is empty".to_owned(),
                );
                continue;
            }
            match understood(list.kind, written) {
                Ok(entry) => {
                    self.odd_entry(list.kind, written, text.span());
                    let ending = |until| Ending {
                        until,
                        value: written.to_owned(),
                        span: text.span(),
                    };
                    list.ends.extend(until.map(ending));
                    list.entries.push((entry, until));
                }
                Err((code, why)) => {
                    self.error(code, text.span(), format!("{} {why}", quoted(written)))
                }
            }
        }
    }

    /// `{ value = "erp-01", until = 2027-12-31, note = "CHG-4711" }`.
    fn entry<'v, 'i>(
        &mut self,
        entry: &'v Node<'i>,
        table: &'v DeTable<'i>,
    ) -> Option<(&'v Node<'i>, Option<Timestamp>)> {
        let mut until = None;
        for KeyValue { key, span, value } in entries_of(table) {
            match key {
                "value" => {}
                "until" => until = self.day(value, "`until`"),
                "note" => drop(self.text(value, "`note`")),
                key => self.unknown_key(key, span, "an entry of a list", ENTRY),
            }
        }
        let value = table.get("value");
        if value.is_none() {
            self.missing_key(entry.span(), "an entry of a list", "value");
        }
        value.map(|value| (value, until))
    }

    /// A day, to its end in UTC, or an instant.
    fn day(&mut self, value: &Node<'_>, what: &str) -> Option<Timestamp> {
        let text = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong_type(value, what, "a day or a time");
                return None;
            }
        };
        if text.len() != "2027-12-31".len() {
            return self.time(value, what);
        }
        let end = text
            .parse::<Date>()
            .ok()
            .and_then(|day| day.tomorrow().ok());
        let end = end.and_then(|day| Timestamp::parse(&format!("{day}T00:00:00Z")));
        if end.is_none() {
            self.error(
                code::BAD_TIME,
                value.span(),
                format!("{what} is not a day: {}", quoted(&text)),
            );
        }
        end
    }

    /// One entry a line; what stands behind `#` is a comment.
    fn list_file(
        &mut self,
        file: &Node<'_>,
        table: &DeTable<'_>,
        list: &mut WrittenList,
        read: ReadList<'_>,
    ) {
        let Some(name) = self.text(file, "`file`") else {
            return;
        };
        let text = match read(name) {
            Ok(text) => text,
            Err(why) => {
                let message = format!("the list {} cannot be read: {why}", quoted(name));
                self.error_with(
                    code::UNREADABLE_LIST,
                    file.span(),
                    message,
                    "its path counts from the rules file",
                );
                return;
            }
        };
        let (mut count, mut told) = (0, false);
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let entry = uncommented(line);
            if entry.is_empty() {
                continue;
            }
            count += 1;
            match understood(list.kind, entry) {
                Ok(written) => {
                    // Told once: a file that a tool writes has the same mistake on every line.
                    if let (false, Some((code, what, remedy))) = (told, odd(list.kind, entry)) {
                        told = true;
                        self.lint(
                            code,
                            file.span(),
                            &format!("{name}:{}: {what}", n + 1),
                            remedy,
                        );
                    }
                    list.entries.push((written, None));
                }
                // Without a word of it: a secret may lie where a list should.
                Err((code, _)) => self.error(
                    code,
                    file.span(),
                    format!("{name}:{}: {}", n + 1, unfit(list.kind)),
                ),
            }
        }
        let least = table.get("min_entries").map_or(Some(1), |least| {
            self.integer(least, "`min_entries`", 0..10_000_001)
        });
        if let Some(least) = least.filter(|least| count < *least) {
            let message = format!(
                "{} has {count} entries, and must have {least}",
                quoted(name)
            );
            let remedy =
                "a list that was emptied by accident must not pass; `min_entries = 0` allows it";
            self.error_with(code::TOO_FEW_ENTRIES, file.span(), message, remedy);
        }
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

    /// The list that `"@name"` names, made ready for the field it is compared with.
    pub(super) fn listed(
        &mut self,
        field: &Field,
        reference: &str,
        value: &Node<'_>,
    ) -> Option<Operand> {
        let name = reference.strip_prefix('@').unwrap_or(reference);
        let Some(list) = self.lists.by_name.get(name) else {
            let known: Vec<&str> = self.lists.by_name.keys().map(String::as_str).collect();
            let remedy = if known.is_empty() {
                "the file has no `[lists.…]`".to_owned()
            } else {
                suggest(name, &known)
            };
            self.error_with(
                code::UNKNOWN_LIST,
                value.span(),
                format!("no list {}", quoted(reference)),
                remedy,
            );
            return None;
        };
        self.lists.used.insert(name.to_owned());
        if !list.fits(field) {
            let name = TYPES
                .iter()
                .find(|(_, kind)| *kind == list.kind)
                .map_or("", |(name, _)| name);
            let message = format!(
                "a list of type `{name}` cannot be compared with `{}`",
                field.name()
            );
            self.error(code::UNFIT_OPERATOR, value.span(), message);
            return None;
        }
        let key = (name.to_owned(), field.shape());
        if let Some(made) = self.lists.made.get(&key) {
            return Some(Operand::List(made.clone()));
        }
        let (made, unfit) = (
            Arc::new(list.members(name, field.shape())),
            list.unlike(field.shape()),
        );
        self.lists.made.insert(key, made.clone());
        if let Some((code, what, remedy)) = unfit {
            let message = format!(
                "the list `{name}` holds entries that are not {what}, so nothing is equal to them"
            );
            self.lint(code, value.span(), &message, remedy);
        }
        Some(Operand::List(made))
    }

    /// An entry that its list's type takes, and that was probably not meant so.
    fn odd_entry(&mut self, kind: ListType, text: &str, span: Range<usize>) {
        if self.has_control(text, span.clone()) {
            return;
        }
        match kind {
            ListType::Cidr => self.looks_like_network(text, span),
            kind => {
                if let Some((code, what, remedy)) = odd(kind, text) {
                    self.lint(code, span, &format!("{}: {what}", quoted(text)), remedy);
                }
            }
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

impl WrittenList {
    /// What its texts are not that a field of this shape holds. Patterns are told where they stand.
    fn unlike(&self, shape: Shape) -> Option<(&'static str, &'static str, &'static str)> {
        let all = |fits: fn(&str) -> bool| {
            self.entries.iter().all(|(entry, _)| match entry {
                Written::Text(text) => text.contains('*') || fits(text),
                Written::Glob(..) | Written::Network(_) => true,
            })
        };
        match shape {
            Shape::Address if !all(is_address) => Some((
                code::NEVER_EQUAL,
                "addresses",
                "networks stand in a list of `type = \"cidr\"`",
            )),
            Shape::Technique if !all(is_technique) => {
                Some((code::NO_TECHNIQUE, "ATT&CK techniques", TECHNIQUES))
            }
            _ => None,
        }
    }
}

/// A name that can stand behind `@`.
fn is_name(key: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !key.is_empty() && key.len() <= 100 && key.bytes().all(fits)
}

/// A line of a list's file without its comment.
fn uncommented(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, c)| {
        *c == '#'
            && line
                .get(..*at)
                .is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    line.get(..comment.map_or(line.len(), |(at, _)| at))
        .unwrap_or(line)
        .trim()
}

/// What is wrong with a line of a list's file.
fn unfit(kind: ListType) -> &'static str {
    match kind {
        ListType::Text => "the line is not text",
        ListType::Glob => "the line is not a glob",
        ListType::Cidr => {
            "the line is not a network: it must be an address, or an address with the prefix it has"
        }
        ListType::MachineId => "the line is not a machine id: it must be 40 hex digits",
    }
}

/// What is odd about an entry that its list's type takes: the lint's code, what is to be said, and the remedy.
fn odd(kind: ListType, text: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match kind {
        ListType::Text if text.contains('*') => Some((
            code::NEVER_EQUAL,
            "an entry of a list of type `text` is compared as it stands, and knows no patterns",
            "say `type = \"glob\"`",
        )),
        ListType::Cidr if is_bare_network(text) => Some((
            code::ONE_ADDRESS,
            "without a prefix it is one address, not a network",
            "say how long it is, as in `10.99.0.0/16`; `/32` is one address",
        )),
        _ => None,
    }
}

/// An entry as its list's type reads it, or the code and the sentence that tell why not.
fn understood(kind: ListType, text: &str) -> Result<Written, (&'static str, String)> {
    match kind {
        ListType::Text => Ok(Written::Text(text.to_owned())),
        ListType::MachineId => match MachineId::parse(text) {
            Some(id) => Ok(Written::Text(id.as_str().to_owned())),
            None => Err((
                code::BAD_VALUE,
                "is not a machine id: it must be 40 hex digits".to_owned(),
            )),
        },
        ListType::Glob if !text.contains(['*', '?', '[', '{', '}', '\\']) => {
            Ok(Written::Text(text.to_owned()))
        }
        ListType::Glob => match Glob::parse(text) {
            Ok(glob) => Ok(Written::Glob(glob, !text.contains('.'))),
            Err(why) => Err((code::BAD_GLOB, format!("is not a glob: {why}"))),
        },
        ListType::Cidr => match ListNetwork::parse(text) {
            Ok(network) => Ok(Written::Network(network)),
            Err(why) => Err((code::BAD_CIDR, format!("is not a network: {why}"))),
        },
    }
}

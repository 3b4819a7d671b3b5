//! Reads the entries that stand in `[lists]` itself, and says how the type of a list understands one.

use core::ops::Range;

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::mistaken::is_bare_network;
use super::walk::{Keys, Node, Walk};
use crate::alert::MachineId;
use crate::rules::finding::{code, quoted};
use crate::rules::glob::Glob;
use crate::rules::list::{Ending, ListType, Written, WrittenList};
use crate::rules::networks::read_network;
use crate::time::Timestamp;

impl Walk<'_> {
    pub(super) fn values(
        &mut self,
        value: &Node<'_>,
        place: &str,
        list: &mut WrittenList,
        more: bool,
    ) {
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
        let mut keys = Keys::within(table);
        let value = keys.take("value");
        let until = keys
            .take("until")
            .and_then(|value| self.day(value, "`until`"));
        if let Some(note) = keys.take("note") {
            self.text(note, "`note`");
        }
        self.no_other_key(&keys, "an entry of a list");
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
}

/// What is odd about an entry that its list's type takes: the lint's code, what is to be said, and the remedy.
pub(super) fn odd(
    kind: ListType,
    text: &str,
) -> Option<(&'static str, &'static str, &'static str)> {
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
pub(super) fn understood(kind: ListType, text: &str) -> Result<Written, (&'static str, String)> {
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
        ListType::Cidr => match read_network(text) {
            Ok(network) => Ok(Written::Network(network)),
            Err(why) => Err((code::BAD_CIDR, format!("is not a network: {why}"))),
        },
    }
}

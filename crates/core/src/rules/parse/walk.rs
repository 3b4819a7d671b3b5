//! A walk over the TOML tree that collects every fault instead of stopping at the first.

use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::plain::one_line;
use crate::rules::finding::{Finding, Level, code, known, quoted};
use crate::rules::list::Lists;
use crate::rules::window::Window;
use crate::table_keys::TableKeys;

/// Characters of a message; the longest of ours lists all fields.
const MESSAGE_MAX: usize = 600;

/// A value of the tree, with its bytes.
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// A key with its bytes, and its value.
pub(super) struct KeyValue<'v, 'i> {
    pub(super) key: &'v str,
    pub(super) span: Range<usize>,
    pub(super) value: &'v Node<'i>,
}

/// The keys of a table that the walk takes one by one.
pub(super) type Keys<'v, 'i> = TableKeys<'v, &'v Node<'i>>;

/// The findings so far, and the text they are about.
pub(super) struct Walk<'t> {
    pub(super) text: &'t str,
    pub(super) findings: Vec<Finding>,
    /// What `"@name"` can name.
    pub(super) lists: Lists,
    /// What `start`, `during` and `outside` can name.
    pub(super) windows: Vec<Window>,
    /// Bytes that the regular expressions so far take.
    pub(super) compiled: usize,
}

impl<'t> Walk<'t> {
    pub(super) fn new(text: &'t str) -> Walk<'t> {
        Walk {
            text,
            findings: Vec::new(),
            lists: Lists::default(),
            windows: Vec::new(),
            compiled: 0,
        }
    }
}

impl Walk<'_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) {
        self.push(code, Level::Error, span, message.into(), None);
    }

    pub(super) fn error_with(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(
            code,
            Level::Error,
            span,
            message.into(),
            Some(remedy.into()),
        );
    }

    pub(super) fn lint(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: &str,
        remedy: &str,
    ) {
        self.push(
            code,
            Level::Lint,
            span,
            message.to_owned(),
            Some(remedy.to_owned()),
        );
    }

    /// Messages quote the file, and a file may hold anything: what is kept fits on a line of a terminal or a log.
    fn push(
        &mut self,
        code: &'static str,
        level: Level,
        span: Range<usize>,
        message: String,
        remedy: Option<String>,
    ) {
        let message = one_line(&message, MESSAGE_MAX);
        let remedy = remedy.map(|remedy| one_line(&remedy, MESSAGE_MAX));
        self.findings.push(Finding {
            code,
            level,
            span,
            message,
            remedy,
        });
    }

    /// A value as it is written in the file.
    pub(super) fn text_at(&self, value: &Node<'_>) -> &str {
        self.text.get(value.span()).unwrap_or("…")
    }

    pub(super) fn wrong_type(&mut self, value: &Node<'_>, what: &str, wanted: &str) {
        let message = format!("{what} must be {wanted}, not {}", kind(value));
        self.error(code::WRONG_TYPE, value.span(), message);
    }

    /// Each key that nobody took is unknown.
    pub(super) fn no_other_key(&mut self, keys: &Keys<'_, '_>, place: &str) {
        self.no_other_key_but(keys, place, |_| None);
    }

    /// The same where some keys have a remedy of their own.
    pub(super) fn no_other_key_but(
        &mut self,
        keys: &Keys<'_, '_>,
        place: &str,
        remedy: impl Fn(&str) -> Option<&'static str>,
    ) {
        for unknown in keys.unknown() {
            let message = format!("{place} has no key {}", quoted(unknown.key));
            let remedy = remedy(unknown.key).map_or_else(
                || known(unknown.meant, unknown.known),
                |remedy| remedy.to_owned(),
            );
            self.error_with(code::UNKNOWN_KEY, unknown.span, message, remedy);
        }
    }

    pub(super) fn missing_key(&mut self, span: Range<usize>, place: &str, key: &str) {
        self.error(code::MISSING_KEY, span, format!("{place} needs `{key}`"));
    }

    pub(super) fn table<'v, 'i>(
        &mut self,
        value: &'v Node<'i>,
        what: &str,
    ) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    /// The tables of `[[what]]`, each with the bytes of its header.
    pub(super) fn tables<'v, 'i>(
        &mut self,
        value: &'v Node<'i>,
        what: &str,
    ) -> Vec<(&'v DeTable<'i>, Range<usize>)> {
        let Some(array) = value.get_ref().as_array() else {
            let remedy = format!("write `[[{what}]]`");
            let message = format!("`{what}` must be a list of tables, not {}", kind(value));
            self.error_with(code::WRONG_TYPE, value.span(), message, remedy);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for element in array {
            tables.extend(
                self.table(element, &format!("`{what}`"))
                    .map(|table| (table, element.span())),
            );
        }
        tables
    }

    pub(super) fn text<'v>(&mut self, value: &'v Node<'_>, what: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, what, "text");
        }
        text
    }
}

/// The entries of a table in file order; the tree keeps them by name.
pub(super) fn entries_of<'v, 'i>(table: &'v DeTable<'i>) -> Vec<KeyValue<'v, 'i>> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| KeyValue {
            key: key.get_ref().as_ref(),
            span: key.span(),
            value,
        })
        .collect();
    entries.sort_by_key(|entry| entry.span.start);
    entries
}

/// What a value is, for a message.
pub(super) fn kind(value: &Node<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

//! A walk over the TOML tree that collects every fault instead of stopping at the first.

use core::ops::Range;
use core::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hint;
use crate::plain::{one_line, shown};
use crate::pointer::Pointer;
use crate::rules::duration;
use crate::rules::field::{Field, Named};
use crate::rules::finding::{Finding, Level, code, meant, quoted, suggest};
use crate::rules::list::Lists;
use crate::rules::window::Window;
use crate::scan::{Kind, Mode};
use crate::time::Timestamp;

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

/// A field that a table names, nested or quoted.
pub(super) struct FieldEntry<'v, 'i> {
    pub(super) field: Field,
    /// The operator, where it was written into a quoted key: `"severity.gte"`.
    pub(super) operator: Option<&'v str>,
    pub(super) span: Range<usize>,
    pub(super) value: &'v Node<'i>,
}

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

    pub(super) fn unknown_key(
        &mut self,
        key: &str,
        span: Range<usize>,
        place: &str,
        known: &[&str],
    ) {
        self.error_with(
            code::UNKNOWN_KEY,
            span,
            format!("{place} has no key {}", quoted(key)),
            suggest(key, known),
        );
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

    pub(super) fn boolean(&mut self, value: &Node<'_>, what: &str) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(value, what, "`true` or `false`");
        }
        boolean
    }

    /// A whole number within a range.
    pub(super) fn integer(
        &mut self,
        value: &Node<'_>,
        what: &str,
        range: Range<i64>,
    ) -> Option<i64> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(value, what, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|n| range.contains(n));
        if number.is_none() {
            let message = format!("{what} must be from {} to {}", range.start, range.end - 1);
            self.error(code::OUT_OF_RANGE, value.span(), message);
        }
        number
    }

    /// A span of time; `zero` says whether it may be none at all.
    pub(super) fn duration(
        &mut self,
        value: &Node<'_>,
        what: &str,
        zero: bool,
    ) -> Option<Duration> {
        const REMEDY: &str = "write one whole number and one unit in quotes: `\"90s\"`, `\"15m\"`, `\"1h\"`, `\"7d\"`";
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("{what} must be a span of time, not {}", kind(value));
            let meant = value
                .get_ref()
                .as_integer()
                .map(|number| format!("; `\"{}m\"` are minutes", number.as_str()));
            let remedy = format!("{REMEDY}{}", meant.unwrap_or_default());
            self.error_with(code::WRONG_TYPE, value.span(), message, remedy);
            return None;
        };
        let Some(span) = duration::parse(text) else {
            let message = format!("{what} must be a span of time, not {}", quoted(text));
            self.error_with(code::BAD_DURATION, value.span(), message, REMEDY);
            return None;
        };
        if span.is_zero() && !zero {
            self.error(
                code::OUT_OF_RANGE,
                value.span(),
                format!("{what} must be longer than nothing"),
            );
            return None;
        }
        Some(span)
    }

    /// An instant: a TOML date-time with an offset, or the same as text.
    pub(super) fn time(&mut self, value: &Node<'_>, what: &str) -> Option<Timestamp> {
        let text = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong_type(value, what, "a time");
                return None;
            }
        };
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let message = format!("{what} is not an instant: {}", quoted(&text));
            let remedy = "write date, time and offset: `2027-12-31T22:00:00Z`";
            self.error_with(code::BAD_TIME, value.span(), message, remedy);
        }
        time
    }

    /// One of the words a key takes.
    pub(super) fn word<T>(
        &mut self,
        value: &Node<'_>,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T>
    where
        T: Copy,
    {
        let text = self.text(value, what)?;
        let found = known
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, found)| *found);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            let message = format!("{what} cannot be {}", quoted(text));
            self.error_with(
                code::BAD_VALUE,
                value.span(),
                message,
                suggest(text, &words),
            );
        }
        found
    }

    /// A name that people and logs will show.
    pub(super) fn name(&mut self, value: &Node<'_>, what: &str) -> Option<String> {
        let text = self.text(value, what)?;
        let fits = !text.trim().is_empty() && text.chars().count() <= 100;
        if !fits || text.chars().any(|c| shown(c) != c) {
            let message = format!("{what} must be one line of 1 to 100 characters");
            self.error(code::BAD_VALUE, value.span(), message);
            return None;
        }
        Some(text.to_owned())
    }

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
        let other = hint::field(path)
            .or_else(|| hint::field(name).filter(|_| OPERATORS.contains(&operator)));
        let meant = bare
            .copied()
            .or_else(|| other.map(Named::code))
            .or_else(|| meant(path, known.iter().copied()));
        let remedy = match meant {
            Some(meant) => format!("did you mean `{meant}`? Known: {}", known.join(", ")),
            None => format!("known: {}", known.join(", ")),
        };
        self.error_with(code::UNKNOWN_FIELD, span, message, remedy);
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

pub(super) const MODES: &[(&str, Mode)] = &[
    (Mode::DryRun.code(), Mode::DryRun),
    (Mode::Approve.code(), Mode::Approve),
    (Mode::Enforce.code(), Mode::Enforce),
];

pub(super) const SCANS: &[(&str, Option<Kind>)] = &[
    (Kind::Quick.code(), Some(Kind::Quick)),
    (Kind::Full.code(), Some(Kind::Full)),
    ("none", None),
];

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

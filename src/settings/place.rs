//! A table of the file with the environment laid over it. Keys are taken one by one, so that one wrong value hides
//! no other; what nobody took is unknown. Messages never quote a value: it could be a secret in the wrong place.

use core::ops::{Range, RangeInclusive};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Inputs, SettingsFault, locate};
use crate::file::FileDigests;
use scanhook_core::mapping::map::OneOrMany;
use scanhook_core::rules::duration;

/// What is read from, and what was found out.
pub(super) struct Context<'i> {
    text: &'i str,
    /// `SCANHOOK_SERVER__LISTEN` and its like, by the folded key they name.
    overlay: BTreeMap<String, (&'i str, &'i str)>,
    /// The keys of variables that were taken, and the names of those that hold a secret.
    pub(super) used: BTreeSet<String>,
    pub(super) env: &'i BTreeMap<String, String>,
    /// Relative paths of the file count from here.
    pub(super) base: PathBuf,
    pub(super) faults: Vec<SettingsFault>,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    /// The files of secrets that were looked for.
    pub(super) files: FileDigests,
}

/// One table.
pub(super) struct Section<'i> {
    pub(super) key: String,
    at: Option<Range<usize>>,
    entries: BTreeMap<String, (Range<usize>, Spanned<DeValue<'i>>)>,
    asked: Vec<&'static str>,
    places: BTreeMap<String, KeyPath>,
}

#[derive(Clone)]
enum KeyPath {
    File(Range<usize>),
    Variable(String),
}

/// A value, with where it stands.
enum Located<'i> {
    Value(Spanned<DeValue<'i>>),
    Text(&'i str),
}

const PREFIX: &str = "SCANHOOK_";

/// The three variables of Entra's own tools, with the keys they fill when there is no file.
const AZURE: [(&str, &str, &str); 3] = [
    ("AZURE_TENANT_ID", "tenants.default.tenant_id", ""),
    ("AZURE_CLIENT_ID", "tenants.default.client_id", ""),
    (
        "AZURE_CLIENT_SECRET",
        "tenants.default.credential",
        "{ secret_env = \"AZURE_CLIENT_SECRET\" }",
    ),
];

impl<'i> Context<'i> {
    pub(super) fn new(text: &'i str, inputs: &'i Inputs) -> Context<'i> {
        let mut overlay = BTreeMap::new();
        for (name, key, value) in AZURE {
            if let (None, Some((name, own))) = (&inputs.file, inputs.env.get_key_value(name)) {
                overlay.insert(
                    key.to_owned(),
                    (
                        name.as_str(),
                        if value.is_empty() {
                            own.as_str()
                        } else {
                            value
                        },
                    ),
                );
            }
        }
        for (name, value) in &inputs.env {
            // One underscore belongs to a name; variables without a double one are flags of the command line.
            if let Some(key) = name.strip_prefix(PREFIX).filter(|key| key.contains("__")) {
                overlay.insert(fold(&key.replace("__", ".")), (name, value));
            }
        }
        let base = inputs
            .file
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned();
        let (faults, warnings, notes, files) =
            (Vec::new(), Vec::new(), Vec::new(), FileDigests::default());
        Context {
            text,
            overlay,
            used: BTreeSet::new(),
            env: &inputs.env,
            base,
            faults,
            warnings,
            notes,
            files,
        }
    }

    /// The whole file.
    pub(super) fn parse(&mut self) -> Result<Section<'i>, Vec<SettingsFault>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.at(
                "syntax",
                String::new(),
                error.span(),
                error.message().to_owned(),
            );
        }
        // A broken text reads as something else than meant: what it seems to say is not worth a message.
        if !self.faults.is_empty() {
            return Err(core::mem::take(&mut self.faults));
        }
        Ok(Section::new(String::new(), None, table.into_inner()))
    }

    /// Notes a fault that stands nowhere in the file.
    pub(super) fn fault(
        &mut self,
        code: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.at(code, key.into(), None, message.into());
    }

    fn at(&mut self, code: &'static str, key: String, span: Option<Range<usize>>, message: String) {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let column = before.map(|before| {
            before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1
        });
        self.faults.push(SettingsFault {
            code,
            key,
            line,
            column,
            message,
        });
    }

    /// Variables that look like ours but name no key: most likely a typing error.
    pub(super) fn unused_variables(&mut self) {
        let unused = |(key, (name, _)): (&String, &(&str, &str))| {
            (!self.used.contains(key)).then(|| (*name).to_owned())
        };
        for name in self.overlay.iter().filter_map(unused).collect::<Vec<_>>() {
            self.fault("unknown-variable", name, "names no key");
        }
        // These may be meant for something else that has our name: they are told, and stop nothing.
        let stray = self
            .env
            .keys()
            .filter(|name| !name.contains("__") && !self.used.contains(*name));
        let stray: Vec<_> = stray.filter_map(|name| locate::stray(name)).collect();
        self.warnings.extend(stray);
    }
}

/// Environment variables have neither lower case nor dashes.
fn fold(key: &str) -> String {
    key.to_lowercase().replace('-', "_")
}

impl<'i> Section<'i> {
    fn new(key: String, at: Option<Range<usize>>, table: DeTable<'i>) -> Section<'i> {
        let entries = table
            .into_iter()
            .map(|(k, v)| (k.get_ref().clone().into_owned(), (k.span(), v)))
            .collect();
        Section {
            key,
            at,
            entries,
            asked: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// A table that is not there: all its keys have their defaults, or come from the environment.
    pub(super) fn empty(key: &str) -> Section<'i> {
        Section::new(key.to_owned(), None, DeTable::new())
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.key.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.key)
        }
    }

    /// Notes a fault of one of its keys.
    pub(super) fn fault(
        &self,
        ctx: &mut Context<'_>,
        name: &str,
        code: &'static str,
        message: impl Into<String>,
    ) {
        let mut message = message.into();
        let span = match self.places.get(name) {
            Some(KeyPath::File(span)) => Some(span.clone()),
            Some(KeyPath::Variable(variable)) => {
                message = format!("{message} (set by {variable})");
                None
            }
            None => self.at.clone(),
        };
        ctx.at(code, self.path(name), span, message);
    }

    fn found(&mut self, ctx: &mut Context<'i>, name: &'static str) -> Option<Located<'i>> {
        self.asked.push(name);
        let key = fold(&self.path(name));
        let entry = self.entries.remove(name);
        if let Some((variable, text)) = ctx.overlay.get(&key).copied() {
            ctx.used.insert(key);
            self.places
                .insert(name.to_owned(), KeyPath::Variable(variable.to_owned()));
            return Some(Located::Text(text));
        }
        let (_, value) = entry?;
        self.places
            .insert(name.to_owned(), KeyPath::File(value.span()));
        Some(Located::Value(value))
    }

    /// A value of this type. A variable's text is taken as it is where text fits, else read as a TOML value.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<T> {
        let read = match self.found(ctx, name)? {
            Located::Value(value) => T::deserialize(ValueDeserializer::from(value)),
            Located::Text(text) => from_variable(text),
        };
        read.map_err(|error| self.fault(ctx, name, "wrong-type", without_value(error.message())))
            .ok()
    }

    /// A table as a type of its own, whose faults name keys: for values that are no secrets.
    pub(super) fn take_table<T: DeserializeOwned>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<T> {
        let read = match self.found(ctx, name)? {
            Located::Value(value) => T::deserialize(ValueDeserializer::from(value)),
            Located::Text(text) => from_variable(text),
        };
        let path = self.path(name);
        read.map_err(|error| match self.places.get(name) {
            Some(KeyPath::File(_)) => {
                ctx.at("bad-value", path, error.span(), error.message().to_owned())
            }
            _ => self.fault(ctx, name, "bad-value", error.message()),
        })
        .ok()
    }

    /// Text that is read further.
    pub(super) fn parse<T>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        must_be: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.take::<String>(ctx, name)?;
        let value = read(&text);
        if value.is_none() {
            self.fault(ctx, name, "bad-value", format!("must be {must_be}"));
        }
        value
    }

    /// A list, or one text.
    pub(super) fn texts(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Vec<String>> {
        self.take::<OneOrMany<String>>(ctx, name)
            .map(|OneOrMany(texts)| texts)
    }

    /// The names of secrets. An empty list names none, which would switch a check off.
    pub(super) fn secrets(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Vec<String>> {
        let names = self.texts(ctx, name)?;
        if names.is_empty() || names.iter().any(String::is_empty) {
            self.fault(ctx, name, "bad-value", "must name a secret");
        }
        Some(names.into_iter().filter(|name| !name.is_empty()).collect())
    }

    /// A span of time such as `90s`, `15m`, `1h`, `7d`.
    pub(super) fn duration(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let bounds = format!(
            "a span of time from \"{}\" to \"{}\"",
            duration::show(*range.start()),
            duration::show(*range.end())
        );
        let read = |text: &str| duration::parse(text).filter(|span| range.contains(span));
        self.parse(ctx, name, &bounds, read).unwrap_or(default)
    }

    /// A whole number.
    pub(super) fn number(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> u32 {
        let Some(number) = self.take::<u32>(ctx, name) else {
            return default;
        };
        if !range.contains(&number) {
            self.fault(
                ctx,
                name,
                "bad-value",
                format!("must be from {} to {}", range.start(), range.end()),
            );
        }
        number
    }

    /// A table below this one: from the file, from variables, or an empty one.
    pub(super) fn section(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Section<'i>> {
        let key = self.path(name);
        match self.found(ctx, name) {
            None => Some(Section {
                at: self.at.clone(),
                ..Section::empty(&key)
            }),
            Some(Located::Value(value)) => self.table(ctx, name, key, value),
            Some(Located::Text(text)) => match DeValue::parse(text) {
                Ok(value) => self.table(ctx, name, key, value),
                Err(_) => {
                    self.fault(ctx, name, "wrong-type", "must be a table");
                    None
                }
            },
        }
    }

    fn table(
        &self,
        ctx: &mut Context<'i>,
        name: &str,
        key: String,
        value: Spanned<DeValue<'i>>,
    ) -> Option<Section<'i>> {
        let at = match self.places.get(name) {
            Some(KeyPath::Variable(_)) => None,
            _ => Some(value.span()),
        };
        match value.into_inner() {
            DeValue::Table(table) => Some(Section::new(key, at, table)),
            _ => {
                self.fault(ctx, name, "wrong-type", "must be a table");
                None
            }
        }
    }

    /// Whether anything of this key is set.
    pub(super) fn has(&self, ctx: &Context<'_>, name: &str) -> bool {
        let key = fold(&self.path(name));
        self.entries.contains_key(name)
            || ctx.overlay.keys().any(|k| {
                k.strip_prefix(&key)
                    .is_some_and(|r| r.is_empty() || r.starts_with('.'))
            })
    }

    /// The named tables below a key, those that only variables name included.
    pub(super) fn sections(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Vec<(String, Section<'i>)> {
        let Some(parent) = self.section(ctx, name) else {
            return Vec::new();
        };
        let Section { key, entries, .. } = parent;
        let mut sections = BTreeMap::new();
        for (child, (span, value)) in entries {
            let path = format!("{key}.{child}");
            match value.into_inner() {
                DeValue::Table(table) => {
                    sections.insert(child, Section::new(path, Some(span), table));
                }
                _ => ctx.at("wrong-type", path, Some(span), "must be a table".to_owned()),
            }
        }
        let folded: BTreeSet<String> = sections.keys().map(|child| fold(child)).collect();
        let prefix = format!("{key}.");
        let named = |k: &String| Some(k.strip_prefix(&prefix)?.split_once('.')?.0.to_owned());
        for child in ctx
            .overlay
            .keys()
            .filter_map(named)
            .filter(|child| !folded.contains(child))
        {
            let path = format!("{key}.{child}");
            sections
                .entry(child)
                .or_insert_with(|| Section::empty(&path));
        }
        let mut list = Vec::new();
        for (child, section) in sections {
            if is_name(&child) {
                list.push((child, section));
            } else {
                ctx.at(
                    "bad-value",
                    section.key,
                    section.at,
                    "a name has 1 to 64 letters, digits, `-`, `_` and `.`".to_owned(),
                );
            }
        }
        list
    }

    /// The tables of a list; a single table counts as a list of one.
    pub(super) fn list(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Vec<Section<'i>>> {
        let key = self.path(name);
        let value = match self.found(ctx, name)? {
            Located::Value(value) => value,
            Located::Text(text) => match DeValue::parse(text) {
                Ok(value) => value,
                Err(_) => {
                    self.fault(ctx, name, "wrong-type", "must be a list of tables");
                    return Some(Vec::new());
                }
            },
        };
        let span = value.span();
        let elements: Vec<_> = match value.into_inner() {
            DeValue::Array(elements) => elements.into_iter().collect(),
            single => vec![Spanned::new(span, single)],
        };
        let section = |(n, element)| self.table(ctx, name, format!("{key}[{n}]"), element);
        Some(
            elements
                .into_iter()
                .enumerate()
                .filter_map(section)
                .collect(),
        )
    }

    /// A copy of what stands in the file under a key, for the places of its faults.
    pub(super) fn copy(&self, name: &str) -> Option<Spanned<DeValue<'i>>> {
        self.entries.get(name).map(|(_, value)| value.clone())
    }

    /// Notes a fault of a key further below, at its own place in a copy.
    pub(super) fn fault_in(
        &self,
        ctx: &mut Context<'_>,
        table: Option<&Spanned<DeValue<'_>>>,
        key: (&str, &str),
        message: String,
    ) {
        let span = table
            .map(|table| span_of(table, key.1))
            .or_else(|| self.at.clone());
        ctx.at(
            "bad-value",
            self.path(&format!("{}.{}", key.0, key.1)),
            span,
            message,
        );
    }

    /// Names keys it may have, for the suggestions of [`Section::finish`].
    pub(super) fn offer(&mut self, names: &[&'static str]) {
        self.asked.extend(names);
    }

    /// Whether the key was there when it was asked for.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A key of a later version.
    pub(super) fn later(&mut self, ctx: &mut Context<'i>, name: &'static str, message: &str) {
        if self.found(ctx, name).is_some() {
            self.fault(ctx, name, "not-yet", message);
        }
    }

    /// A key without which nothing works.
    pub(super) fn missing(&self, ctx: &mut Context<'_>, name: &str, message: impl Into<String>) {
        self.fault(ctx, name, "missing-key", message);
    }

    /// What is left is unknown.
    pub(super) fn finish(self, ctx: &mut Context<'_>) {
        for (name, (span, _)) in &self.entries {
            let message = match meant(name, &self.asked) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", self.asked.join(", ")),
            };
            ctx.at("unknown-key", self.path(name), Some(span.clone()), message);
        }
    }
}

/// Where a dotted key stands in a table, as deep as it goes.
fn span_of(table: &Spanned<DeValue<'_>>, key: &str) -> Range<usize> {
    let mut place = table;
    for part in key.split('.') {
        match place.get_ref().get(part) {
            Some(below) => place = below,
            None => break,
        }
    }
    place.span()
}

fn from_variable<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
    let as_toml = || ValueDeserializer::parse(text).and_then(T::deserialize);
    if text.starts_with(['[', '{']) {
        return as_toml();
    }
    T::deserialize(StrDeserializer::new(text))
        .or_else(|error: toml::de::Error| as_toml().map_err(|_| error))
}

/// serde names the value it did not like; only what was expected is passed on.
fn without_value(message: &str) -> String {
    let expected = message
        .rsplit_once("expected ")
        .map_or("a value of another type", |(_, expected)| expected);
    format!("must be {expected}")
}

/// Names stand in URLs, logs and metrics.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !name.starts_with('.')
}

/// The key that was probably meant.
fn meant<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .min()?;
    (near.0 <= (name.len() / 3).max(1)).then_some(near.1)
}

//! A table of the file ([`TableKeys`]) with the environment laid over it. Messages never quote a value: it could be a
//! secret in the wrong place. That is why values are read by serde here and not as in rules.toml, whose messages show what
//! was written.

mod context;
mod shared;
mod tables;
mod unknown;
mod values;

pub(super) use context::Context;

use core::ops::Range;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::SettingsFault;
use context::{Placed, fold};
use scanhook_core::table_keys::TableKeys;

/// One table.
#[derive(Clone)]
pub(super) struct Section<'i> {
    pub(super) key: String,
    /// The number of the file it stands in.
    file: usize,
    at: Option<Range<usize>>,
    keys: TableKeys<'i, Spanned<DeValue<'i>>>,
    places: BTreeMap<String, KeyPath>,
    /// The table whose keys count where this one does not have them, and the keys for which it does not.
    shared: Option<Box<Section<'i>>>,
    own: Vec<&'static str>,
}

#[derive(Clone)]
enum KeyPath {
    File(Range<usize>),
    Variable(String),
    /// It is that of the shared table.
    Shared,
}

/// A value, with where it stands.
enum Located<'i> {
    Value(Spanned<DeValue<'i>>),
    Text(&'i str),
}

impl<'i> Context<'i> {
    /// The whole of scanhook.toml, and that of each file that it includes.
    pub(super) fn parse(&mut self) -> Result<(Section<'i>, Vec<Section<'i>>), Vec<SettingsFault>> {
        let mut files = Vec::new();
        for (file, text) in self.texts.clone().into_iter().enumerate() {
            let (table, errors) = DeTable::parse_recoverable(text);
            for error in errors {
                let place = error.span().map(|span| (file, span));
                let message = error.message().to_owned();
                self.at("syntax", String::new(), place, message);
            }
            files.push(Section {
                file,
                ..Section::new(String::new(), None, table.into_inner())
            });
        }
        // A broken text reads as something else than meant: what it seems to say is not worth a message.
        if self.faults.iter().any(|fault| fault.code == "syntax") {
            return Err(core::mem::take(&mut self.faults));
        }
        let included = files.split_off(1);
        let whole = files.pop().unwrap_or_else(|| Section::empty(""));
        Ok((whole, included))
    }
}

impl<'i> Section<'i> {
    fn new(key: String, at: Option<Range<usize>>, table: DeTable<'i>) -> Section<'i> {
        Section {
            key,
            file: 0,
            at,
            keys: TableKeys::of(table),
            places: BTreeMap::new(),
            shared: None,
            own: Vec::new(),
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
            Some(KeyPath::Shared) => {
                if let Some(shared) = &self.shared {
                    shared.fault(ctx, name, code, message);
                }
                return;
            }
            Some(KeyPath::File(span)) => Some(span.clone()),
            Some(KeyPath::Variable(variable)) => {
                message = format!("{message} (set by {variable})");
                None
            }
            None => self.at.clone(),
        };
        ctx.at(code, self.path(name), self.placed(span), message);
    }

    /// A place in its file.
    fn placed(&self, span: Option<Range<usize>>) -> Option<Placed> {
        span.map(|span| (self.file, span))
    }

    fn found(&mut self, ctx: &mut Context<'i>, name: &'static str) -> Option<Located<'i>> {
        let own = self.found_here(ctx, name);
        let shared = self.found_in_shared(|shared| shared.found(ctx, name), name);
        if own.is_none() && shared.is_some() {
            self.places.insert(name.to_owned(), KeyPath::Shared);
        }
        own.or(shared)
    }

    fn found_here(&mut self, ctx: &mut Context<'i>, name: &'static str) -> Option<Located<'i>> {
        let key = fold(&self.path(name));
        let entry = self.keys.take(name);
        if let Some((variable, text)) = ctx.overlay.get(&key).copied() {
            ctx.used.insert(key);
            self.places
                .insert(name.to_owned(), KeyPath::Variable(variable.to_owned()));
            return Some(Located::Text(text));
        }
        let value = entry?;
        self.places
            .insert(name.to_owned(), KeyPath::File(value.span()));
        Some(Located::Value(value))
    }

    /// Whether a key that was read came from a variable.
    pub(super) fn is_by_variable(&self, name: &str) -> bool {
        matches!(self.places.get(name), Some(KeyPath::Variable(_)))
    }

    /// Whether anything of this key is set.
    pub(super) fn has(&self, ctx: &Context<'_>, name: &str) -> bool {
        let key = fold(&self.path(name));
        self.keys.get(name).is_some()
            || ctx.overlay.keys().any(|k| {
                k.strip_prefix(&key)
                    .is_some_and(|r| r.is_empty() || r.starts_with('.'))
            })
    }

    /// Whether this key is set to a text, and not to a table.
    pub(super) fn is_text(&self, ctx: &Context<'_>, name: &str) -> bool {
        match ctx.overlay.get(&fold(&self.path(name))) {
            Some((_, text)) => !text.starts_with('{'),
            None => self
                .keys
                .get(name)
                .is_some_and(|value| value.get_ref().is_str()),
        }
    }

    /// A copy of what stands in the file under a key, for the places of its faults.
    pub(super) fn copy(&self, name: &str) -> Option<Spanned<DeValue<'i>>> {
        self.keys.get(name).cloned()
    }

    /// Whether the table under this key has, or seems to have, this one.
    pub(super) fn has_below(&self, ctx: &Context<'_>, name: &str, below: &str) -> bool {
        let in_file = self
            .keys
            .get(name)
            .is_some_and(|table| table.get_ref().get(below).is_some());
        let key = fold(&self.path(name));
        let variable = ctx.overlay.get(&key);
        in_file
            || variable.is_some_and(|(_, text)| text.contains(below))
            || ctx.overlay.contains_key(&format!("{key}.{below}"))
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
        let key = self.path(&format!("{}.{}", key.0, key.1));
        ctx.at("bad-value", key, self.placed(span), message);
    }

    /// Whether the key was there when it was asked for.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A key without which nothing works.
    pub(super) fn missing(&self, ctx: &mut Context<'_>, name: &str, message: impl Into<String>) {
        self.fault(ctx, name, "missing-key", message);
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

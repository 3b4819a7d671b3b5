//! Tables in a table: one of a name, all below a key, or a list of them, from the file as well as from variables.

use core::iter::once;
use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::DeValue;

use super::context::Context;
use super::context::fold;
use super::{KeyPath, Located, Section};

impl<'i> Section<'i> {
    /// A table below this one: from the file, from variables, or an empty one.
    pub(crate) fn section(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Section<'i>> {
        let own = self.section_here(ctx, name);
        let shared = self.found_in_shared(|shared| shared.section(ctx, name), name);
        let shared = shared.map(Box::new);
        own.map(|own| Section { shared, ..own })
    }

    fn section_here(&mut self, ctx: &mut Context<'i>, name: &'static str) -> Option<Section<'i>> {
        let key = self.path(name);
        match self.found_here(ctx, name) {
            None => Some(Section {
                file: self.file,
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
        let (file, at) = match self.places.get(name) {
            Some(KeyPath::Variable(_)) => (0, None),
            _ => (self.file, Some(value.span())),
        };
        match value.into_inner() {
            DeValue::Table(table) => Some(Section {
                file,
                ..Section::new(key, at, table)
            }),
            _ => {
                self.fault(ctx, name, "wrong-type", "must be a table");
                None
            }
        }
    }

    /// The named tables below a key, those of included files and those that only variables name among them.
    pub(crate) fn sections(
        &mut self,
        ctx: &mut Context<'i>,
        included: &mut [Section<'i>],
        name: &'static str,
    ) -> Vec<(String, Section<'i>)> {
        let mut sections = BTreeMap::new();
        for parent in once(self).chain(included) {
            if let Some(parent) = parent.section(ctx, name) {
                parent.into_named(ctx, &mut sections);
            }
        }
        let folded: BTreeSet<String> = sections.keys().map(|child| fold(child)).collect();
        let prefix = format!("{name}.");
        let named = |k: &String| Some(k.strip_prefix(&prefix)?.split_once('.')?.0.to_owned());
        for child in ctx
            .overlay
            .keys()
            .filter_map(named)
            .filter(|child| !folded.contains(child))
        {
            let path = format!("{name}.{child}");
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
                    section.key.clone(),
                    section.placed(section.at.clone()),
                    "a name has 1 to 64 letters, digits, `-`, `_` and `.`".to_owned(),
                );
            }
        }
        list
    }

    /// The named tables in this one, each beside those of other files.
    fn into_named(self, ctx: &mut Context<'i>, sections: &mut BTreeMap<String, Section<'i>>) {
        let file = self.file;
        for (child, span, value) in self.keys.rest() {
            let child = child.into_owned();
            let (path, place) = (format!("{}.{child}", self.key), Some((file, span.clone())));
            let DeValue::Table(table) = value.into_inner() else {
                ctx.at("wrong-type", path, place, "must be a table".to_owned());
                continue;
            };
            if let Some(other) = sections.get(&child) {
                let message = format!(
                    "stands in {} and in {}; each name stands in one file",
                    ctx.file_name(other.file),
                    ctx.file_name(file)
                );
                ctx.at("bad-value", path, place, message);
                continue;
            }
            let section = Section::new(path, Some(span), table);
            sections.insert(child, Section { file, ..section });
        }
    }

    /// The tables of a list; a single table counts as a list of one.
    pub(crate) fn list(
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
}

/// Names stand in URLs, logs and metrics.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !name.starts_with('.')
}

//! Checks where a value is said to come from: pointers, headers, texts put together, and what is cut out of them.

use regex::{Regex, RegexBuilder};

use super::check::MapCheck;
use super::map::{MapValue, OneOrMany, Taken};
use super::path::Path;
use super::source::{Nodes, Piece, SourceOf, ValueSource};

impl MapCheck {
    fn header(&mut self, key: &str, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            return self.fault(key, format!("`header:{name}` names no header"));
        }
        self.headers.insert(name.clone());
        Some(name)
    }

    /// Places: what stands there is meant itself, not its text.
    pub(super) fn each(
        &mut self,
        key: &str,
        values: Option<OneOrMany<MapValue>>,
    ) -> Vec<ValueSource> {
        let values = values.unwrap_or_else(|| OneOrMany(vec![MapValue::Pointer(String::new())]));
        if values.0.is_empty() {
            return self.fault(key, "names no pointer; \"\" is the whole");
        }
        let sources = self.sources(key, Some(values));
        if !sources.iter().all(is_place) {
            self.fault::<()>(
                key,
                "must say where things stand: pointers, `parse`, `where`, `unless` and `then`, no text",
            );
        }
        sources
    }

    pub(super) fn sources(
        &mut self,
        key: &str,
        values: Option<OneOrMany<MapValue>>,
    ) -> Vec<ValueSource> {
        values
            .unwrap_or_default()
            .0
            .into_iter()
            .filter_map(|value| self.source(key, value))
            .collect()
    }

    fn source(&mut self, key: &str, value: MapValue) -> Option<ValueSource> {
        let taken = match value {
            MapValue::Pointer(text) => return self.pointer(key, &text),
            MapValue::Table(taken) => *taken,
        };
        let Taken {
            path,
            concat,
            parse,
            only,
            unless,
            then,
            split,
            capture,
        } = taken;
        let what = match (path, concat) {
            (Some(path), None) => {
                let path = self.path(key, &path);
                let (only, then) = (
                    self.conditions(key, only),
                    then.map(|then| self.sources(key, Some(then))),
                );
                if then.as_ref().is_some_and(Vec::is_empty) {
                    self.fault::<()>(key, "`then` names no value");
                }
                let then = then.unwrap_or_default();
                let unless = self.conditions(key, unless);
                SourceOf::Nodes(Nodes {
                    path: path?,
                    parse: parse.is_some(),
                    only,
                    unless,
                    then,
                })
            }
            (None, Some(pieces)) => {
                if parse.is_some() || only.is_some() || unless.is_some() || then.is_some() {
                    self.fault::<()>(
                        key,
                        "`parse`, `where`, `unless` and `then` go on from a `path`",
                    );
                }
                SourceOf::Concat(self.pieces(key, pieces)?)
            }
            _ => return self.fault(key, "must have either `path` or `concat`"),
        };
        if split.as_deref() == Some("") {
            self.fault::<()>(key, "`split` needs a separator");
        }
        let capture = capture.and_then(|pattern| self.capture(key, &pattern));
        Some(ValueSource {
            what,
            split,
            capture,
            every: key == "techniques",
        })
    }

    /// A value that is only a text: a pointer, or the name of a header.
    fn pointer(&mut self, key: &str, text: &str) -> Option<ValueSource> {
        let what = match text.strip_prefix("header:") {
            Some(name) => SourceOf::Header(self.header(key, name)?),
            None => SourceOf::Nodes(Nodes::of(self.path(key, text)?)),
        };
        Some(ValueSource {
            what,
            split: None,
            capture: None,
            every: false,
        })
    }

    /// The pattern that takes a part out of a text; its size is bounded, because it comes from a file.
    fn capture(&mut self, key: &str, pattern: &str) -> Option<Regex> {
        // Tags are written `T1486` and `attack.t1486`.
        let built = RegexBuilder::new(pattern)
            .size_limit(1 << 18)
            .case_insensitive(key == "techniques")
            .build();
        match built {
            Ok(built) => Some(built),
            Err(why) => self.fault(key, format!("`capture`: {why}")),
        }
    }

    fn pieces(&mut self, key: &str, pieces: Vec<String>) -> Option<Vec<Piece>> {
        if pieces.is_empty() {
            return self.fault(key, "`concat` joins nothing");
        }
        let piece = |text: String| {
            if Path::is_meant(&text) {
                self.path(key, &text).map(Piece::Path)
            } else if let Some(name) = text.strip_prefix("header:") {
                self.header(key, name).map(Piece::Header)
            } else {
                Some(Piece::Literal(text))
            }
        };
        pieces.into_iter().map(piece).collect()
    }
}

fn is_place(source: &ValueSource) -> bool {
    let SourceOf::Nodes(nodes) = &source.what else {
        return false;
    };
    source.split.is_none() && source.capture.is_none() && nodes.then.iter().all(is_place)
}

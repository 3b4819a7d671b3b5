//! Goes from a source to what it finds in a delivery, whatever field wants it.

use super::found::{TextOrigin, Yielded, elements, single};
use super::host_name;
use super::notes::Notes;
use super::path::{At, PathUse, identity};
use super::source::{Nodes, Piece, SourceOf, ValueSource};
use crate::json::Json;

impl Notes {
    /// What a source yields and is not missing.
    pub(super) fn find<'j, 'a>(
        &mut self,
        source: &ValueSource,
        at: At<'j, 'a>,
    ) -> Vec<Yielded<'j, 'a>> {
        self.find_fitting(source, at, &mut |_| true)
    }

    /// The same; `fits` says what is looked for where a `*` could mean the members of an object or the object itself.
    pub(super) fn find_fitting<'j, 'a>(
        &mut self,
        source: &ValueSource,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<Yielded<'j, 'a>> {
        let found: Vec<_> = match &source.what {
            SourceOf::Nodes(nodes) => self.nodes(nodes, at, fits),
            SourceOf::Concat(pieces) => self.concat(pieces, at).into_iter().collect(),
            SourceOf::Header(name) => header(name, at).into_iter().collect(),
        };
        if source.split.is_none() && source.capture.is_none() {
            return found;
        }
        found
            .into_iter()
            .flat_map(elements)
            .flat_map(|found| cut(source, found))
            .collect()
    }

    fn nodes<'j, 'a>(
        &mut self,
        nodes: &Nodes,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<Yielded<'j, 'a>> {
        let mut values = self.look_fitting(&nodes.path, at, &mut |value| {
            nodes.parse || {
                let (mut trial, here) = (Notes::default(), at.here(value));
                let mut leads = |then| !trial.find_fitting(then, here, fits).is_empty();
                let goes_on = if nodes.then.is_empty() {
                    fits(value)
                } else {
                    nodes.then.iter().any(&mut leads)
                };
                goes_on && Notes::default().holds(&nodes.only, here)
            }
        });
        if nodes.parse {
            let inside = |value: &'j Json<'a>| match value {
                Json::Text(text) => at.parsed.of(value, text),
                // Some senders' pipelines have taken the document out of its text already.
                other => Some(other),
            };
            values = values
                .into_iter()
                .filter_map(inside)
                .filter(|value| !value.is_missing())
                .collect();
        }
        if !nodes.only.is_empty() {
            values.retain(|value| self.holds(&nodes.only, at.here(value)));
        }
        if !nodes.unless.is_empty() {
            values.retain(|value| self.refused(&nodes.unless, at.here(value)).is_none());
        }
        if nodes.then.is_empty() {
            return values.into_iter().map(Yielded::Node).collect();
        }
        let mut found = Vec::new();
        for value in values {
            let mut then = nodes
                .then
                .iter()
                .map(|then| self.find_fitting(then, at.here(value), fits));
            let first = then.find(|found| !found.is_empty());
            found.extend(first.unwrap_or_default());
        }
        found
    }

    /// `None` where a piece is missing; a piece of a wrong type stands for the whole.
    /// In a host name a dot is a joint that only stands between a host and its domain.
    fn concat<'j, 'a>(&mut self, pieces: &[Piece], at: At<'j, 'a>) -> Option<Yielded<'j, 'a>> {
        let (mut whole, mut from, mut dot) = (String::new(), Vec::new(), false);
        for piece in pieces {
            let text = match piece {
                Piece::Literal(text)
                    if at.mode == PathUse::Name && text == "." && !whole.is_empty() =>
                {
                    dot = true;
                    continue;
                }
                Piece::Literal(text) => text,
                Piece::Header(name) => at.headers.get(name).filter(|text| !text.is_empty())?,
                Piece::Path(path) => {
                    let said = self
                        .look(path, at)
                        .into_iter()
                        .find_map(|value| single(value, at));
                    let Some((value, text)) = said.map(|value| (value, value.text())) else {
                        // A host without a domain is a host.
                        if dot {
                            continue;
                        }
                        return None;
                    };
                    let Some(text) = text else {
                        return Some(Yielded::Node(value));
                    };
                    from.push(identity(value));
                    text
                }
            };
            if core::mem::take(&mut dot) {
                whole = host_name::qualified(&whole, text, at.nothing);
            } else {
                whole.push_str(text);
            }
        }
        Some(Yielded::Made(whole, TextOrigin::Many(from)))
    }
}

fn header<'j, 'a>(name: &str, at: At<'j, 'a>) -> Option<Yielded<'j, 'a>> {
    let text = at.headers.get(name).filter(|text| !text.is_empty())?;
    Some(Yielded::Made(
        text.clone(),
        TextOrigin::Header(name.to_owned()),
    ))
}

/// What `split` and `capture` make of a text; what is none stays as it is.
fn cut<'j, 'a>(source: &ValueSource, found: Yielded<'j, 'a>) -> Vec<Yielded<'j, 'a>> {
    let Some(text) = found.text() else {
        return vec![found];
    };
    let parts: Vec<&str> = match &source.split {
        Some(separator) => text.split(separator.as_str()).map(str::trim).collect(),
        None => vec![text],
    };
    let captured = |part: &str| match &source.capture {
        Some(pattern) => {
            let most = if source.every { usize::MAX } else { 1 };
            let found = pattern
                .captures_iter(part)
                .take(most)
                .filter_map(|captures| captures.get(1).or(captures.get(0)));
            found.map(|found| found.as_str().to_owned()).collect()
        }
        None => vec![part.to_owned()],
    };
    let from = found.origin();
    let made = parts
        .into_iter()
        .flat_map(captured)
        .filter(|text| !text.is_empty());
    made.map(|text| Yielded::Made(text, from.clone())).collect()
}

//! One field of an alert: which value wins, and what is done with a value that cannot be used.

use std::collections::BTreeSet;

use super::compile::{Nodes, Piece, Source, What};
use super::path::{At, Path, identity};
use crate::domain::alert::AlertReason;
use crate::domain::json::Json;

/// A longer id or device key is none; it is parked, since a shortened one would name something else.
pub(super) const LONGEST_KEY: usize = 1_000;

/// Longer text is cut: it is read by people and by patterns.
const LONGEST_TEXT: usize = 4_000;

/// A list with more entries is unusable: a shortened one would deny what it holds.
const LONGEST_LIST: usize = 1_000;

/// What is done with text that is too long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Key,
    Text,
}

/// What came up while one alert was read.
#[derive(Default)]
pub(super) struct Notes {
    /// Something was there to read.
    pub(super) found: bool,
    /// Why the alert must be parked; the first reason counts.
    pub(super) fault: Option<(AlertReason, String)>,
    /// Fields present with a value of a wrong type.
    pub(super) unusable: BTreeSet<String>,
    /// What supplied what, where somebody wants to know.
    pub(super) trace: Option<Vec<Supply>>,
}

/// A value that became a field, and where it stood.
pub(super) struct Supply {
    /// The device it belongs to, by its place in the alert.
    pub(super) device: Option<usize>,
    pub(super) field: String,
    pub(super) text: String,
    pub(super) from: Origin,
}

/// Where a text comes from: values of the body, by [`identity`], or a header.
#[derive(Clone)]
pub(super) enum Origin {
    One(usize),
    Many(Vec<usize>),
    Header(String),
}

/// What a source yields.
pub(super) enum Found<'j, 'a> {
    /// A value that stands in the body.
    Node(&'j Json<'a>),
    /// A text that was made of such values.
    Made(String, Origin),
}

/// A text that may become a field.
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) from: Origin,
}

/// A list, an object or a truth value where a text belongs.
struct WrongType;

impl Found<'_, '_> {
    pub(super) fn origin(&self) -> Origin {
        match self {
            Found::Node(value) => Origin::One(identity(value)),
            Found::Made(_, from) => from.clone(),
        }
    }

    /// The text of it, unless it is of a wrong type.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Found::Node(value) => value.text(),
            Found::Made(text, _) => Some(text),
        }
    }

    fn candidate(self) -> Result<Candidate, WrongType> {
        let from = self.origin();
        match self {
            Found::Node(value) => value.text().map(|text| Candidate { text: text.to_owned(), from }).ok_or(WrongType),
            Found::Made(text, _) => Ok(Candidate { text, from }),
        }
    }
}

impl Notes {
    /// Notes that also remember where everything came from.
    pub(super) fn tracing() -> Notes {
        Notes { trace: Some(Vec::new()), ..Notes::default() }
    }

    pub(super) fn fault(&mut self, reason: AlertReason, detail: impl Into<String>) {
        self.fault.get_or_insert_with(|| (reason, detail.into()));
    }

    pub(super) fn unusable(&mut self, field: &str) {
        self.unusable.insert(field.to_owned());
    }

    /// This text became this field.
    pub(super) fn supplied(&mut self, field: &str, text: &str, from: &Origin) {
        if let Some(trace) = &mut self.trace {
            let (field, text) = (field.to_owned(), text.to_owned());
            trace.push(Supply { device: None, field, text, from: from.clone() });
        }
    }

    /// What a source yields and is not missing.
    pub(super) fn find<'j, 'a>(&mut self, source: &Source, at: At<'j, 'a>) -> Vec<Found<'j, 'a>> {
        let found: Vec<_> = match &source.what {
            What::Nodes(nodes) => self.nodes(nodes, at),
            What::Concat(pieces) => self.concat(pieces, at).into_iter().collect(),
            What::Header(name) => header(name, at).into_iter().collect(),
        };
        if source.split.is_none() && source.capture.is_none() {
            return found;
        }
        found.into_iter().flat_map(elements).flat_map(|found| cut(source, found)).collect()
    }

    fn nodes<'j, 'a>(&mut self, nodes: &Nodes, at: At<'j, 'a>) -> Vec<Found<'j, 'a>> {
        let mut values = self.look(&nodes.path, at);
        if nodes.parse {
            let inside = |value: &'j Json<'a>| match value {
                Json::Text(text) => at.parsed.of(value, text),
                // Some senders' pipelines have taken the document out of its text already.
                other => Some(other),
            };
            values = values.into_iter().filter_map(inside).filter(|value| !value.is_missing()).collect();
        }
        if !nodes.only.is_empty() {
            values.retain(|value| self.holds(&nodes.only, at.here(value)));
        }
        if !nodes.unless.is_empty() {
            values.retain(|value| self.refused(&nodes.unless, at.here(value)).is_none());
        }
        if nodes.then.is_empty() {
            return values.into_iter().map(Found::Node).collect();
        }
        let mut found = Vec::new();
        for value in values {
            let first = nodes.then.iter().map(|then| self.find(then, at.here(value))).find(|found| !found.is_empty());
            found.extend(first.unwrap_or_default());
        }
        found
    }

    /// `None` where a piece is missing; a piece of a wrong type stands for the whole.
    fn concat<'j, 'a>(&mut self, pieces: &[Piece], at: At<'j, 'a>) -> Option<Found<'j, 'a>> {
        let (mut whole, mut from) = (String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Literal(text) => whole.push_str(text),
                Piece::Header(name) => whole.push_str(at.headers.get(name).filter(|text| !text.is_empty())?),
                Piece::Path(path) => {
                    let value = self.look(path, at).into_iter().next()?;
                    let Some(text) = value.text() else { return Some(Found::Node(value)) };
                    whole.push_str(text);
                    from.push(identity(value));
                }
            }
        }
        Some(Found::Made(whole, Origin::Many(from)))
    }

    /// The values at a path that are not missing.
    pub(super) fn look<'j, 'a>(&mut self, path: &Path, at: At<'j, 'a>) -> Vec<&'j Json<'a>> {
        if let Some(key) = path.ambiguous(at) {
            self.fault(AlertReason::AmbiguousKey, format!("`{key}` stands there in more than one letter case"));
        }
        let mut values = path.values(at);
        values.retain(|value| !value.is_missing());
        values
    }

    /// What a source yields for a field: it tells something of the alert.
    fn field<'j, 'a>(&mut self, source: &Source, at: At<'j, 'a>) -> Vec<Found<'j, 'a>> {
        let found = self.find(source, at);
        self.found |= found.iter().any(|found| !matches!(found, Found::Made(_, Origin::Header(_))));
        found
    }

    /// The first value of the first source that is not missing.
    pub(super) fn first<'j, 'a>(&mut self, sources: &[Source], at: At<'j, 'a>) -> Option<Found<'j, 'a>> {
        sources.iter().find_map(|source| self.field(source, at).into_iter().next())
    }

    /// Its text. A wrong type makes the field unusable: no later source stands in for it.
    pub(super) fn text(&mut self, sources: &[Source], at: At<'_, '_>, field: &str, length: Length) -> Option<String> {
        let Ok(Candidate { text, from }) = self.first(sources, at)?.candidate() else {
            self.unusable(field);
            return None;
        };
        let text = self.admit(text, field, length)?;
        self.supplied(field, &text, &from);
        Some(text)
    }

    /// Every text of the first source that is not missing; lists are read element by element.
    pub(super) fn texts(&mut self, sources: &[Source], at: At<'_, '_>, field: &str) -> Vec<String> {
        for source in sources {
            let found: Vec<_> = self.field(source, at).into_iter().flat_map(elements).collect();
            if found.is_empty() {
                continue;
            }
            if found.len() > LONGEST_LIST || found.iter().any(|found| found.text().is_none()) {
                self.unusable(field);
                return Vec::new();
            }
            let mut texts = Vec::with_capacity(found.len());
            for Candidate { text, from } in found.into_iter().filter_map(|found| found.candidate().ok()) {
                if let Some(text) = self.admit(text, field, Length::Text) {
                    self.supplied(field, &text, &from);
                    texts.push(text);
                }
            }
            return texts;
        }
        Vec::new()
    }

    /// Every text of every source, for values of which the first *good* one wins; and whether something of a wrong
    /// type was passed over.
    pub(super) fn candidates(
        &mut self,
        sources: &[Source],
        at: At<'_, '_>,
        field: &str,
        length: Length,
    ) -> (Vec<Candidate>, bool) {
        let (mut candidates, mut wrong) = (Vec::new(), false);
        for source in sources {
            for found in self.field(source, at).into_iter().flat_map(elements).take(LONGEST_LIST) {
                match found.candidate() {
                    Ok(Candidate { text, from }) => {
                        candidates.extend(self.admit(text, field, length).map(|text| Candidate { text, from }));
                    }
                    Err(WrongType) => wrong = true,
                }
            }
        }
        (candidates, wrong)
    }

    /// Lets a text in, unless no store or no look-up could take it.
    fn admit(&mut self, mut text: String, field: &str, length: Length) -> Option<String> {
        if text.contains('\0') {
            self.fault(AlertReason::NulInText, format!("{field} holds U+0000"));
            return None;
        }
        let longest = if length == Length::Key { LONGEST_KEY } else { LONGEST_TEXT };
        if let Some((cut, _)) = text.char_indices().nth(longest) {
            if length == Length::Key {
                self.fault(AlertReason::ValueTooLong, format!("{field} has more than {LONGEST_KEY} characters"));
                return None;
            }
            text.truncate(cut);
        }
        Some(text)
    }
}

fn header<'j, 'a>(name: &str, at: At<'j, 'a>) -> Option<Found<'j, 'a>> {
    let text = at.headers.get(name).filter(|text| !text.is_empty())?;
    Some(Found::Made(text.clone(), Origin::Header(name.to_owned())))
}

/// A list as its elements.
fn elements<'j, 'a>(found: Found<'j, 'a>) -> Vec<Found<'j, 'a>> {
    match found {
        Found::Node(Json::List(inner)) => inner.iter().filter(|v| !v.is_missing()).map(Found::Node).collect(),
        found => vec![found],
    }
}

/// What `split` and `capture` make of a text; what is none stays as it is.
fn cut<'j, 'a>(source: &Source, found: Found<'j, 'a>) -> Vec<Found<'j, 'a>> {
    let Some(text) = found.text() else { return vec![found] };
    let parts: Vec<&str> = match &source.split {
        Some(separator) => text.split(separator.as_str()).map(str::trim).collect(),
        None => vec![text],
    };
    let captured = |part: &str| match &source.capture {
        Some(pattern) => {
            let captures = pattern.captures(part)?;
            captures.get(1).or(captures.get(0)).map(|found| found.as_str().to_owned())
        }
        None => Some(part.to_owned()),
    };
    let from = found.origin();
    let made = parts.into_iter().filter_map(captured).filter(|text| !text.is_empty());
    made.map(|text| Found::Made(text, from.clone())).collect()
}

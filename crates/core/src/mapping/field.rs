//! One field of an alert: which value wins, and what is done with a value that cannot be used.

use std::collections::BTreeSet;

use super::path::{At, Path, PathUse, identity};
use super::source::{Nodes, Piece, Source, SourceOf};
use super::{clean, host_name, placeholder};
use crate::alert::{AlertReason, Note};
use crate::json::{Doubt, Json};
use crate::plain::one_line;
use crate::strict_json::REPLACED;

/// A longer id or device key is none; it is parked, since a shortened one would name something else.
pub(super) const LONGEST_KEY: usize = 1_000;

/// Longer text is cut: it is read by people and by patterns.
const LONGEST_TEXT: usize = 4_000;

/// A list with more entries is unusable: a shortened one would deny what it holds.
pub(super) const LONGEST_LIST: usize = 1_000;

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
    /// Fields whose text holds U+FFFD: used as it is, or unusable where it identifies something.
    pub(super) replaced: BTreeSet<String>,
    /// What a person should know about the reading.
    pub(super) told: BTreeSet<Note>,
    /// The same in words and with the text, where somebody wants to know.
    pub(super) remarks: Vec<Remark>,
    /// What supplied what, where somebody wants to know.
    pub(super) trace: Option<Vec<Supply>>,
}

/// A value that became a field, and where it stood.
pub(super) struct Supply {
    /// The device it belongs to, by its place in the alert.
    pub(super) device: Option<usize>,
    pub(super) field: String,
    pub(super) text: String,
    /// What the text was read as, where that is something else.
    pub(super) read_as: Option<String>,
    pub(super) from: TextOrigin,
}

/// A value that did not become a field, and why.
pub(super) struct Remark {
    pub(super) field: String,
    pub(super) says: String,
    pub(super) from: TextOrigin,
}

/// Where a text comes from: values of the body, by [`identity`], or a header.
#[derive(Clone)]
pub(super) enum TextOrigin {
    One(usize),
    Many(Vec<usize>),
    Header(String),
}

/// What a source yields.
pub(super) enum Yielded<'j, 'a> {
    /// A value that stands in the body.
    Node(&'j Json<'a>),
    /// A text that was made of such values.
    Made(String, TextOrigin),
}

/// A text that may become a field.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) from: TextOrigin,
}

/// A list, an object or a truth value where a text belongs.
struct WrongType;

impl Yielded<'_, '_> {
    pub(super) fn origin(&self) -> TextOrigin {
        match self {
            Yielded::Node(value) => TextOrigin::One(identity(value)),
            Yielded::Made(_, from) => from.clone(),
        }
    }

    /// The text of it, unless it is of a wrong type.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Yielded::Node(value) => value.text(),
            Yielded::Made(text, _) => Some(text),
        }
    }

    fn candidate(self) -> Result<Candidate, WrongType> {
        let from = self.origin();
        match self {
            Yielded::Node(value) => value
                .text()
                .map(|text| Candidate {
                    text: text.to_owned(),
                    from,
                })
                .ok_or(WrongType),
            Yielded::Made(text, _) => Ok(Candidate { text, from }),
        }
    }
}

impl Notes {
    /// Notes that also remember where everything came from.
    pub(super) fn tracing() -> Notes {
        Notes {
            trace: Some(Vec::new()),
            ..Notes::default()
        }
    }

    pub(super) fn fault(&mut self, reason: AlertReason, detail: impl Into<String>) {
        // Where nobody can tell what the sender says, nothing else that was read counts, guards included.
        if self
            .fault
            .as_ref()
            .is_none_or(|(known, _)| is_doubt(reason) && !is_doubt(*known))
        {
            self.fault = Some((reason, detail.into()));
        }
    }

    /// The fault, if it is that two readers could see two values.
    pub(super) fn take_doubt(&mut self) -> Option<(AlertReason, String)> {
        self.fault.take_if(|(reason, _)| is_doubt(*reason))
    }

    pub(super) fn unusable(&mut self, field: &str) {
        self.unusable.insert(field.to_owned());
    }

    /// This text became this field.
    pub(super) fn supplied(&mut self, field: &str, text: &str, from: &TextOrigin) {
        self.supplied_as(field, text, text, from);
    }

    /// This text became this field, as this value.
    pub(super) fn supplied_as(&mut self, field: &str, text: &str, value: &str, from: &TextOrigin) {
        if let Some(trace) = &mut self.trace {
            let read_as = (text != value).then(|| value.to_owned());
            let (field, text) = (field.to_owned(), text.to_owned());
            trace.push(Supply {
                device: None,
                field,
                text,
                read_as,
                from: from.clone(),
            });
        }
    }

    /// Why this text did not become this field.
    pub(super) fn remark(&mut self, field: &str, text: &str, why: &str, from: &TextOrigin) {
        const MOST: usize = 50;
        if self.trace.is_some() && self.remarks.len() < MOST {
            let says = format!("`{}` {why}", one_line(text, 80));
            self.remarks.push(Remark {
                field: field.to_owned(),
                says,
                from: from.clone(),
            });
        }
    }

    /// What a source yields and is not missing.
    pub(super) fn find<'j, 'a>(&mut self, source: &Source, at: At<'j, 'a>) -> Vec<Yielded<'j, 'a>> {
        self.find_fitting(source, at, &mut |_| true)
    }

    /// The same; `fits` says what is looked for where a `*` could mean the members of an object or the object itself.
    pub(super) fn find_fitting<'j, 'a>(
        &mut self,
        source: &Source,
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

    /// The values at a path that are not missing.
    pub(super) fn look<'j, 'a>(&mut self, path: &Path, at: At<'j, 'a>) -> Vec<&'j Json<'a>> {
        self.look_fitting(path, at, &mut |_| true)
    }

    fn look_fitting<'j, 'a>(
        &mut self,
        path: &Path,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<&'j Json<'a>> {
        match path.doubt(at) {
            Some(Doubt::TwoCases(key)) => {
                self.fault(
                    AlertReason::AmbiguousKey,
                    format!("`{key}` stands there in more than one letter case"),
                );
            }
            Some(Doubt::Twice(key)) => {
                self.fault(
                    AlertReason::DuplicateKey,
                    format!("`{}` stands there twice", one_line(key, 80)),
                );
            }
            None => {}
        }
        path.values(at, fits)
    }

    /// What a source yields for a field: it tells something of the alert.
    pub(super) fn field<'j, 'a>(
        &mut self,
        source: &Source,
        at: At<'j, 'a>,
    ) -> Vec<Yielded<'j, 'a>> {
        self.field_fitting(source, at, &mut |_| true)
    }

    /// The same, with what is looked for.
    pub(super) fn field_fitting<'j, 'a>(
        &mut self,
        source: &Source,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<Yielded<'j, 'a>> {
        let found = self.find_fitting(source, at, fits);
        self.found |= found
            .iter()
            .any(|found| !matches!(found, Yielded::Made(_, TextOrigin::Header(_))));
        found
    }

    /// The first value of the first source that is not missing. A list in its place stands for what all its elements say.
    pub(super) fn first<'j, 'a>(
        &mut self,
        sources: &[Source],
        at: At<'j, 'a>,
        field: &str,
    ) -> Option<Yielded<'j, 'a>> {
        for source in sources {
            let found = self.field(source, at);
            if let Some(value) = found.iter().find_map(|found| match found {
                Yielded::Node(value) => single(value, at).map(Yielded::Node),
                Yielded::Made(text, from) => {
                    (!at.is_nothing(text)).then(|| Yielded::Made(text.clone(), from.clone()))
                }
            }) {
                return Some(value);
            }
            found
                .iter()
                .for_each(|found| self.says_nothing(field, found));
        }
        None
    }

    fn says_nothing(&mut self, field: &str, found: &Yielded<'_, '_>) {
        if let Some(text) = found.text() {
            self.remark(field, text, "says that there is no value", &found.origin());
        }
    }

    /// Its text. A wrong type makes the field unusable: no later source stands in for it.
    pub(super) fn text(
        &mut self,
        sources: &[Source],
        at: At<'_, '_>,
        field: &str,
        length: Length,
    ) -> Option<String> {
        let Ok(Candidate { text: raw, from }) = self.first(sources, at, field)?.candidate() else {
            self.unusable(field);
            return None;
        };
        // What is wrapped around an id is no part of it; what a template left is kept, to be told as such.
        let is_id = length == Length::Key && !placeholder::holds(&raw);
        let text = if is_id {
            clean::id(&raw).to_owned()
        } else {
            raw.clone()
        };
        let text = self.admit(text, field, length)?;
        if is_id {
            self.supplied_as(field, &raw, &text, &from);
        } else {
            self.supplied(field, &text, &from);
        }
        Some(text)
    }

    /// Every text of the first source that is not missing; lists are read element by element.
    pub(super) fn texts(&mut self, sources: &[Source], at: At<'_, '_>, field: &str) -> Vec<String> {
        for source in sources {
            let mut found: Vec<_> = self
                .field(source, at.reading(PathUse::Many))
                .into_iter()
                .flat_map(elements)
                .collect();
            found.retain(|found| {
                let nothing = is_nothing(found, at);
                if nothing {
                    self.says_nothing(field, found);
                }
                !nothing
            });
            if found.is_empty() {
                continue;
            }
            if found.len() > LONGEST_LIST || found.iter().any(|found| found.text().is_none()) {
                self.unusable(field);
                return Vec::new();
            }
            let mut texts = Vec::with_capacity(found.len());
            for Candidate { text, from } in
                found.into_iter().filter_map(|found| found.candidate().ok())
            {
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
            for found in self
                .field(source, at)
                .into_iter()
                .flat_map(elements)
                .take(LONGEST_LIST)
            {
                if is_nothing(&found, at) {
                    self.says_nothing(field, &found);
                    continue;
                }
                match found.candidate() {
                    // A later value could be another machine's.
                    Ok(Candidate { text, .. })
                        if length == Length::Key && text.contains(REPLACED) =>
                    {
                        self.spoilt(field);
                        return (candidates, true);
                    }
                    Ok(Candidate { text, from }) => {
                        candidates.extend(
                            self.admit(text, field, length)
                                .map(|text| Candidate { text, from }),
                        );
                    }
                    Err(WrongType) => wrong = true,
                }
            }
        }
        (candidates, wrong)
    }

    /// Lets a text in that people read.
    pub(super) fn admit_text(&mut self, text: String, field: &str) -> Option<String> {
        self.admit(text, field, Length::Text)
    }

    /// A field that identifies something holds a byte that could not be read: what it names is not known.
    fn spoilt(&mut self, field: &str) {
        self.replaced.insert(field.to_owned());
        self.unusable(field);
    }

    /// Lets a text in, unless no store or no look-up could take it.
    fn admit(&mut self, mut text: String, field: &str, length: Length) -> Option<String> {
        if text.contains(REPLACED) {
            if length == Length::Key {
                self.spoilt(field);
                return None;
            }
            self.replaced.insert(field.to_owned());
        }
        let longest = if length == Length::Key {
            LONGEST_KEY
        } else {
            LONGEST_TEXT
        };
        if let Some((cut, _)) = text.char_indices().nth(longest) {
            if length == Length::Key {
                self.fault(
                    AlertReason::ValueTooLong,
                    format!("{field} has more than {LONGEST_KEY} characters"),
                );
                return None;
            }
            text.truncate(cut);
        }
        Some(text)
    }
}

/// Two readers of the same body could see two values.
const fn is_doubt(reason: AlertReason) -> bool {
    matches!(
        reason,
        AlertReason::AmbiguousKey | AlertReason::DuplicateKey
    )
}

fn header<'j, 'a>(name: &str, at: At<'j, 'a>) -> Option<Yielded<'j, 'a>> {
    let text = at.headers.get(name).filter(|text| !text.is_empty())?;
    Some(Yielded::Made(
        text.clone(),
        TextOrigin::Header(name.to_owned()),
    ))
}

/// Whether it says that there is no value.
fn is_nothing(found: &Yielded<'_, '_>, at: At<'_, '_>) -> bool {
    found.text().is_some_and(|text| at.is_nothing(text))
}

/// The value that one stands for: itself, or the one that every element of a list says. A list whose elements say
/// different things stays a list, which is no value; one that says nothing is missing.
fn single<'j, 'a>(value: &'j Json<'a>, at: At<'_, '_>) -> Option<&'j Json<'a>> {
    match value {
        Json::List(elements) => {
            let mut said = elements.iter().filter_map(|element| single(element, at));
            let first = said.next()?;
            let same = |other: &Json<'_>| other.text().is_some() && other.text() == first.text();
            Some(if said.all(same) { first } else { value })
        }
        value => value
            .text()
            .is_none_or(|text| !at.is_nothing(text))
            .then_some(value)
            .filter(|one| !one.is_missing()),
    }
}

/// A list as its elements.
fn elements<'j, 'a>(found: Yielded<'j, 'a>) -> Vec<Yielded<'j, 'a>> {
    match found {
        Yielded::Node(Json::List(inner)) => inner
            .iter()
            .filter(|v| !v.is_missing())
            .map(Yielded::Node)
            .collect(),
        found => vec![found],
    }
}

/// What `split` and `capture` make of a text; what is none stays as it is.
fn cut<'j, 'a>(source: &Source, found: Yielded<'j, 'a>) -> Vec<Yielded<'j, 'a>> {
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

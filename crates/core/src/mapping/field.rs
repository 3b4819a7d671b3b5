//! One field of an alert: which value wins, and what is done with a value that cannot be used.

use super::found::{Candidate, TextOrigin, WrongType, Yielded, elements, is_nothing, single};
use super::notes::Notes;
use super::path::{At, PathUse};
use super::source::ValueSource;
use super::{clean, placeholder};
use crate::alert::AlertReason;
use crate::json::Json;
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

impl Notes {
    /// What a source yields for a field: it tells something of the alert.
    pub(super) fn field<'j, 'a>(
        &mut self,
        source: &ValueSource,
        at: At<'j, 'a>,
    ) -> Vec<Yielded<'j, 'a>> {
        self.field_fitting(source, at, &mut |_| true)
    }

    /// The same, with what is looked for.
    pub(super) fn field_fitting<'j, 'a>(
        &mut self,
        source: &ValueSource,
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
        sources: &[ValueSource],
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
        sources: &[ValueSource],
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
    pub(super) fn texts(
        &mut self,
        sources: &[ValueSource],
        at: At<'_, '_>,
        field: &str,
    ) -> Vec<String> {
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
        sources: &[ValueSource],
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

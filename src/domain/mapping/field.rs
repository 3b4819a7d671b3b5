//! One field of an alert: which value wins, and what is done with a value that cannot be used.

use std::collections::BTreeSet;

use super::compile::{At, Condition, Path, Piece, Source};
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
}

impl Notes {
    pub(super) fn fault(&mut self, reason: AlertReason, detail: impl Into<String>) {
        self.fault.get_or_insert_with(|| (reason, detail.into()));
    }

    pub(super) fn unusable(&mut self, field: &str) {
        self.unusable.insert(field.to_owned());
    }

    /// The values at a path that are not missing, and that tell something of the alert.
    pub(super) fn values<'j, 'a>(&mut self, path: &Path, at: At<'j, 'a>) -> Vec<&'j Json<'a>> {
        let values = self.look(path, at);
        self.found |= !values.is_empty();
        values
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

    /// The text of the first source that is not missing. A wrong type makes the field unusable: no later source
    /// stands in for it.
    pub(super) fn text(&mut self, sources: &[Source], at: At<'_, '_>, field: &str, length: Length) -> Option<String> {
        let text = sources.iter().find_map(|source| self.source(source, at))?;
        match text {
            Ok(text) => self.admit(text, field, length),
            Err(WrongType) => {
                self.unusable(field);
                None
            }
        }
    }

    fn source(&mut self, source: &Source, at: At<'_, '_>) -> Option<Result<String, WrongType>> {
        match source {
            Source::Path(path) => self.values(path, at).first().map(|value| owned(value)),
            Source::Concat(pieces) => {
                let mut whole = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => whole.push_str(text),
                        Piece::Path(path) => match self.values(path, at).first().map(|value| owned(value))? {
                            Ok(text) => whole.push_str(&text),
                            Err(wrong) => return Some(Err(wrong)),
                        },
                    }
                }
                Some(Ok(whole))
            }
        }
    }

    /// Every text of the first source that is not missing; lists are read element by element.
    pub(super) fn texts(&mut self, sources: &[Source], at: At<'_, '_>, field: &str) -> Vec<String> {
        for source in sources {
            let found = self.elements(source, at);
            if found.is_empty() {
                continue;
            }
            if found.len() > LONGEST_LIST || found.iter().any(Result::is_err) {
                self.unusable(field);
                return Vec::new();
            }
            let admit = |text| self.admit(text, field, Length::Text);
            return found.into_iter().flatten().filter_map(admit).collect();
        }
        Vec::new()
    }

    /// Every text of every source, for values of which the first *good* one wins. Wrong types are noted and passed over.
    pub(super) fn candidates(
        &mut self,
        sources: &[Source],
        at: At<'_, '_>,
        field: &str,
        length: Length,
    ) -> Vec<String> {
        let mut candidates = Vec::new();
        for source in sources {
            for element in self.elements(source, at).into_iter().take(LONGEST_LIST) {
                match element {
                    Ok(text) => candidates.extend(self.admit(text, field, length)),
                    Err(WrongType) => self.unusable(field),
                }
            }
        }
        candidates
    }

    fn elements(&mut self, source: &Source, at: At<'_, '_>) -> Vec<Result<String, WrongType>> {
        let Source::Path(path) = source else { return self.source(source, at).into_iter().collect() };
        let mut elements = Vec::new();
        for value in self.values(path, at) {
            match value {
                Json::List(inner) => elements.extend(inner.iter().filter(|v| !v.is_missing()).map(owned)),
                value => elements.push(owned(value)),
            }
        }
        elements
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

    /// The value because of which a guard says no, if it does.
    pub(super) fn guarded(&mut self, when: &[Condition], unless: &[Condition], at: At<'_, '_>) -> Option<String> {
        let texts = |notes: &mut Notes, condition: &Condition| -> Vec<String> {
            notes.look(&condition.path, at).into_iter().filter_map(word).map(str::to_owned).collect()
        };
        for condition in when {
            let texts = texts(self, condition);
            if !texts.iter().any(|text| condition.allows(text)) {
                return Some(shown(&condition.path, texts.first().map(String::as_str)));
            }
        }
        for condition in unless {
            if let Some(text) = texts(self, condition).iter().find(|text| condition.allows(text)) {
                return Some(shown(&condition.path, Some(text)));
            }
        }
        None
    }
}

/// A list, an object or a truth value where a text belongs.
struct WrongType;

fn owned(value: &Json<'_>) -> Result<String, WrongType> {
    value.text().map(str::to_owned).ok_or(WrongType)
}

/// A condition also compares truth values, as written.
fn word<'j>(value: &'j Json<'_>) -> Option<&'j str> {
    match value {
        Json::Bool(true) => Some("true"),
        Json::Bool(false) => Some("false"),
        value => value.text(),
    }
}

fn shown(path: &Path, text: Option<&str>) -> String {
    text.map_or_else(
        || format!("`{}` is missing", path.text),
        |text| {
            let short: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            format!("`{}` is `{short}`", path.text)
        },
    )
}

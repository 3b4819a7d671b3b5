//! What a source finds: a value of the body or a text made of several, and where it came from. The reading of every
//! field builds on it, and it knows of none.

use super::path::{At, identity};
use crate::json::Json;

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
pub(super) struct WrongType;

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

    pub(super) fn candidate(self) -> Result<Candidate, WrongType> {
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

/// Whether it says that there is no value.
pub(super) fn is_nothing(found: &Yielded<'_, '_>, at: At<'_, '_>) -> bool {
    found.text().is_some_and(|text| at.is_nothing(text))
}

/// The value that one stands for: itself, or the one that every element of a list says. A list whose elements say
/// different things stays a list, which is no value; one that says nothing is missing.
pub(super) fn single<'j, 'a>(value: &'j Json<'a>, at: At<'_, '_>) -> Option<&'j Json<'a>> {
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
pub(super) fn elements<'j, 'a>(found: Yielded<'j, 'a>) -> Vec<Yielded<'j, 'a>> {
    match found {
        Yielded::Node(Json::List(inner)) => inner
            .iter()
            .filter(|v| !v.is_missing())
            .map(Yielded::Node)
            .collect(),
        found => vec![found],
    }
}

//! Where a pointer starts, and what the reading of one delivery has at hand.

use core::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use super::nothing::Nothing;
use crate::json::{Doubt, Json};
use crate::pointer::Pointer;
use crate::strict_json;

/// The headers of a request that a map reads, in lower case.
pub type Headers = BTreeMap<String, String>;

/// Where pointers start.
#[derive(Clone, Copy)]
pub(super) struct At<'j, 'a> {
    pub(super) root: &'j Json<'a>,
    /// The nearest object around the alert.
    pub(super) parent: &'j Json<'a>,
    pub(super) here: &'j Json<'a>,
    /// What another record of the same delivery says of this alert.
    pub(super) joined: Option<&'j Json<'a>>,
    pub(super) parsed: &'j Parsed,
    pub(super) headers: &'j Headers,
    /// The words that say that there is no value.
    pub(super) nothing: &'j Nothing,
    pub(super) mode: PathUse,
}

/// What is read, as far as it matters for how a place is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathUse {
    /// One value, or places.
    One,
    /// Several values: lists on the way are gone through.
    Many,
    /// A host name: what is joined is looked at first.
    Name,
    /// A word that means something to the sender whatever it is, such as a status.
    Word,
}

impl<'j, 'a> At<'j, 'a> {
    /// The same for another kind of value.
    pub(super) const fn reading(self, mode: PathUse) -> At<'j, 'a> {
        At { mode, ..self }
    }

    /// Whether a text says that there is no value.
    pub(super) fn is_nothing(&self, text: &str) -> bool {
        self.mode != PathUse::Word && self.nothing.says(text)
    }

    /// The same with another place to start from.
    pub(super) const fn here(self, here: &'j Json<'a>) -> At<'j, 'a> {
        At { here, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Here,
    Root,
    Parent,
    Joined,
}

/// What stands before a pointer that does not start at the current item.
const STARTS: [(&str, Start); 3] = [
    ("root:", Start::Root),
    ("parent:", Start::Parent),
    ("joined:", Start::Joined),
];

/// A pointer from the current item, from the object around the alert, from another record, or from the whole body.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) text: String,
    start: Start,
    pointer: Pointer,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Path, String> {
        let from = STARTS
            .iter()
            .find_map(|(prefix, start)| Some((*start, text.strip_prefix(prefix)?)));
        let (start, rest) = from.unwrap_or((Start::Here, text));
        match Pointer::parse(rest) {
            Ok(pointer) => Ok(Path {
                text: text.to_owned(),
                start,
                pointer,
            }),
            Err(why) => Err(format!("`{text}`: {why}")),
        }
    }

    /// Whether a piece of text means a pointer rather than itself.
    pub(super) fn is_meant(text: &str) -> bool {
        text.starts_with('/') || STARTS.iter().any(|(prefix, _)| text.starts_with(prefix))
    }

    /// Every value it names that is not missing, in document order; `fits` says what is looked for, see
    /// [`Pointer::lenient`].
    pub(super) fn values<'j, 'a>(
        &self,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<&'j Json<'a>> {
        self.start(at).map_or_else(Vec::new, |start| {
            self.pointer.lenient(start, at.mode == PathUse::Many, fits)
        })
    }

    /// Whether a value it names, exactly as written, is like this.
    pub(super) fn holds<'j, 'a>(&self, at: At<'j, 'a>, like: impl Fn(&Json<'a>) -> bool) -> bool {
        self.start(at)
            .is_some_and(|start| self.pointer.all(start).into_iter().any(like))
    }

    /// The same, each with the nearest object around it.
    pub(super) fn values_with_owners<'j, 'a>(
        &self,
        at: At<'j, 'a>,
    ) -> Vec<(&'j Json<'a>, &'j Json<'a>)> {
        self.start(at)
            .map_or_else(Vec::new, |start| self.pointer.all_with_owners(start))
    }

    /// The object around a list that it looks into and that holds nothing.
    pub(super) fn emptied<'j, 'a>(&self, at: At<'j, 'a>) -> Option<&'j Json<'a>> {
        self.pointer.emptied(self.start(at)?)
    }

    /// A key it reads that stands there twice, or in another letter case, too.
    pub(super) fn doubt<'p>(&'p self, at: At<'p, '_>) -> Option<Doubt<'p>> {
        self.pointer.doubt(self.start(at)?)
    }

    const fn start<'j, 'a>(&self, at: At<'j, 'a>) -> Option<&'j Json<'a>> {
        match self.start {
            Start::Here => Some(at.here),
            Start::Root => Some(at.root),
            Start::Parent => Some(at.parent),
            Start::Joined => at.joined,
        }
    }
}

/// The documents that stood in texts of a body, each read once. They live as long as the body does.
///
/// Places double in size and are never moved, so that what was handed out stays where it is.
#[derive(Default)]
pub(super) struct Parsed {
    rooms: [OnceCell<Box<[OnceCell<Document>]>>; 32],
    known: RefCell<BTreeMap<usize, usize>>,
}

/// A text of a body, by where it lies in memory, and what it holds.
struct Document {
    text: usize,
    value: Option<Json<'static>>,
}

/// What tells one value of a body from another.
pub(super) fn identity(value: &Json<'_>) -> usize {
    core::ptr::from_ref(value).addr()
}

impl Parsed {
    /// What the text of this value holds; `None` where that is no strict JSON.
    pub(super) fn of<'j>(&'j self, value: &Json<'_>, text: &str) -> Option<&'j Json<'static>> {
        let text_of = identity(value);
        let known = self.known.borrow().get(&text_of).copied();
        let n = known.unwrap_or_else(|| self.known.borrow().len());
        let place = self.place(n)?;
        let document = place.get_or_init(|| Document {
            text: text_of,
            value: strict_json::read(text.as_bytes())
                .ok()
                .map(Json::into_owned),
        });
        if known.is_none() {
            self.known.borrow_mut().insert(text_of, n);
        }
        document.value.as_ref()
    }

    /// The n-th place: room k has 2^k of them.
    fn place(&self, n: usize) -> Option<&OnceCell<Document>> {
        let room = (n + 1).ilog2();
        let first = 1_usize << room;
        let places = self
            .rooms
            .get(room as usize)?
            .get_or_init(|| core::iter::repeat_with(OnceCell::new).take(first).collect());
        places.get(n + 1 - first)
    }

    /// Every document that was read, with the value whose text it was, in the order of reading.
    pub(super) fn documents(&self) -> impl Iterator<Item = (usize, &Json<'static>)> {
        let all = self
            .rooms
            .iter()
            .filter_map(OnceCell::get)
            .flat_map(|places| places.iter());
        all.filter_map(OnceCell::get)
            .filter_map(|document| Some((document.text, document.value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_text_is_read_once_and_stays_where_it_is() {
        let texts: Vec<_> = (0..100)
            .map(|n| Json::Text(format!("{{\"n\":{n}}}").into()))
            .collect();
        let parsed = Parsed::default();
        let read = |value: &Json<'_>| parsed.of(value, value.text().unwrap()).unwrap() as *const _;
        let first: Vec<_> = texts.iter().map(read).collect();
        let again: Vec<_> = texts.iter().map(read).collect();
        assert_eq!(first, again);
        assert_eq!(parsed.documents().count(), 100);
        let broken = Json::Text("{".into());
        assert!(parsed.of(&broken, "{").is_none() && parsed.of(&broken, "{").is_none());
        assert_eq!(
            parsed.documents().count(),
            100,
            "what is not JSON is not a document"
        );
    }
}

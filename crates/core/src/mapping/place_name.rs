//! The names of places in a body, as JSON pointers. Reading knows places by identity alone; who wants names pays for
//! them here.

use std::collections::{BTreeMap, BTreeSet};

use super::found::TextOrigin;
use super::look_alike;
use super::path::{At, identity};
use super::read_item::ReadItem;
use crate::json::Json;

/// The names of places in a body, for those that are asked for.
pub(super) struct PlaceNames(BTreeMap<usize, String>);

impl PlaceNames {
    pub(super) fn of(all: &[ReadItem<'_, '_>], at: At<'_, '_>) -> PlaceNames {
        let mut wanted = BTreeSet::new();
        for one in all {
            wanted.extend(one.at.map(|at| identity(at.here)));
            let remarked = one.remarks.iter().map(|remark| &remark.from);
            for from in one.trace.iter().map(|supply| &supply.from).chain(remarked) {
                match from {
                    TextOrigin::One(place) => wanted.extend([*place]),
                    TextOrigin::Many(places) => wanted.extend(places),
                    TextOrigin::Header(_) => {}
                }
            }
        }
        // A document is named behind the text it stood in, whose own place has to be known for that.
        let documents: Vec<_> = at.parsed.documents().collect();
        wanted.extend(documents.iter().map(|(text, _)| *text));
        let mut places = PlaceNames(BTreeMap::new());
        places.walk(at.root, &mut String::new(), &wanted);
        for (text, document) in documents {
            let mut pointer = places.name(text).unwrap_or_default() + "#json";
            places.walk(document, &mut pointer, &wanted);
        }
        places
    }

    fn walk(&mut self, value: &Json<'_>, pointer: &mut String, wanted: &BTreeSet<usize>) {
        if wanted.contains(&identity(value)) {
            self.0.insert(identity(value), pointer.clone());
        }
        let length = pointer.len();
        match value {
            Json::List(elements) => {
                for (n, element) in elements.iter().enumerate() {
                    pointer.push_str(&format!("/{n}"));
                    self.walk(element, pointer, wanted);
                    pointer.truncate(length);
                }
            }
            Json::Object(members) => {
                for (key, member) in members {
                    pointer.push('/');
                    pointer.push_str(&look_alike::escaped(key));
                    self.walk(member, pointer, wanted);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    pub(super) fn name(&self, place: usize) -> Option<String> {
        self.0.get(&place).cloned()
    }

    pub(super) fn named(&self, from: &TextOrigin) -> Vec<String> {
        match from {
            TextOrigin::One(place) => self.name(*place).into_iter().collect(),
            TextOrigin::Many(places) => places
                .iter()
                .filter_map(|place| self.name(*place))
                .collect(),
            TextOrigin::Header(name) => vec![format!("header:{name}")],
        }
    }
}

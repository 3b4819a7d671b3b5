//! Where the alerts of a delivery stand, and which places that could hold some are empty.

use super::compiled::Mapping;
use super::found::Yielded;
use super::notes::Notes;
use super::path::At;
use super::source::{SourceOf, ValueSource};
use crate::json::Json;

/// The values of the first pattern that yields an object, each with the nearest object around it; and the patterns that
/// yielded none. Other values beside an object are kept, to be parked one by one.
pub(super) fn items<'m, 'j, 'a>(
    mapping: &'m Mapping,
    at: At<'j, 'a>,
    notes: &mut Notes,
) -> (ItemPlaces<'j, 'a>, &'m [ValueSource]) {
    for (n, source) in mapping.each.iter().enumerate() {
        let found = places(source, at, notes);
        if found
            .iter()
            .any(|(_, value)| matches!(value, Json::Object(_)))
        {
            return (found, mapping.each.get(..n).unwrap_or_default());
        }
    }
    (Vec::new(), &mapping.each)
}

/// Values, each with the nearest object around it.
type ItemPlaces<'j, 'a> = Vec<(&'j Json<'a>, &'j Json<'a>)>;

fn places<'j, 'a>(source: &ValueSource, at: At<'j, 'a>, notes: &mut Notes) -> ItemPlaces<'j, 'a> {
    match &source.what {
        SourceOf::Nodes(nodes) if nodes.is_plain() => {
            // For the check of letter case.
            let _ = notes.look(&nodes.path, at);
            let mut found = nodes.path.values_with_owners(at);
            found.retain(|(_, value)| !value.is_missing());
            found
                .into_iter()
                .map(|(owner, value)| (owner, value.alone()))
                .collect()
        }
        _ => {
            let mut fits = |value: &Json<'_>| matches!(value, Json::Object(_));
            let found = notes
                .find_fitting(source, at, &mut fits)
                .into_iter()
                .filter_map(|found| match found {
                    Yielded::Node(value) => Some((at.root, value)),
                    Yielded::Made(..) => None,
                });
            found.collect()
        }
    }
}

/// The object around a list where alerts were looked for, and which is empty.
pub(super) fn emptied<'j, 'a>(looked: &[ValueSource], at: At<'j, 'a>) -> Option<&'j Json<'a>> {
    if holds_nothing(at.root) {
        return Some(at.root);
    }
    looked.iter().find_map(|source| match &source.what {
        SourceOf::Nodes(nodes) => nodes.path.emptied(at),
        _ => None,
    })
}

/// Whether a body is an empty list, or an envelope with an empty list and nothing else in it.
fn holds_nothing(body: &Json<'_>) -> bool {
    let nothing = |key: &str, value: &Json<'_>| {
        value.is_missing() || value.text() == Some("0") || key.starts_with('@')
    };
    match body {
        Json::List(elements) => elements.is_empty(),
        Json::Object(members) => {
            members.iter().all(|(key, value)| nothing(key, value))
                && members
                    .iter()
                    .any(|(_, value)| matches!(value, Json::List(elements) if elements.is_empty()))
        }
        _ => false,
    }
}

//! What to say of a body that the map does not read. An alert and a whole delivery can both turn out to be one.

use super::compiled::Mapping;
use super::notes::Notes;
use super::path::At;
use crate::json::Json;

/// What to say of a body that the map does not read, if this is one.
pub(super) fn other_body(notes: &mut Notes, mapping: &Mapping, at: At<'_, '_>) -> Option<String> {
    let other = mapping
        .other_bodies
        .iter()
        .find(|other| notes.holds(&other.only, at))?;
    Some(other.hint.clone())
}

/// Why nothing was recognised at a place, as well as it can be said.
pub(super) fn not_understood(mapping: &Mapping, at: At<'_, '_>) -> String {
    if let Some(hint) = other_body(&mut Notes::default(), mapping, at) {
        return hint;
    }
    let said = match at.here {
        Json::Object(_) if at.here.member("$content").is_some() => {
            "the alert is inside `$content`, in base64, as a Logic App wraps a body that it does not know to be JSON: let it \
             post `json(base64ToString(triggerBody()?['$content']))`"
        }
        Json::Text(text) if text.trim_start().starts_with(['{', '[']) => {
            "the body is a text that holds JSON: the sender encoded it twice"
        }
        Json::Object(_) => "nothing in it is what the map looks for",
        _ => "nothing stands where the map looks for alerts",
    };
    said.to_owned()
}

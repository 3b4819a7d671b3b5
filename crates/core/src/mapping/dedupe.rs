//! The id of an alert, and what makes two alerts the same: two values that decide whether a delivery is a repeat.

use sha2::{Digest as _, Sha256};

use super::compiled::Mapping;
use super::field::Length;
use super::notes::Notes;
use super::path::At;
use super::placeholder;
use crate::alert::{Alert, AlertReason};

/// The id, and what makes two alerts the same.
pub(super) fn identify(
    mapping: &Mapping,
    at: At<'_, '_>,
    notes: &mut Notes,
    alert: &mut Alert,
    derived: String,
) {
    let id = notes.text(&mapping.id, at, "alert.id", Length::Key);
    alert.dedupe = dedupe(mapping, at, notes)
        .or_else(|| id.clone())
        .unwrap_or_else(|| derived.clone());
    if notes.replaced.contains("alert.dedupe") {
        // Without the part that could not be read two alerts could be taken for one.
        alert.dedupe.clone_from(&derived);
    }
    let id = id.or_else(|| {
        let shared = notes.text(&mapping.shared_id, at, "alert.id", Length::Key);
        alert.id_shared = shared.is_some();
        shared
    });
    alert.id_derived = id.is_none();
    alert.id = id.unwrap_or_else(|| derived.clone());
    for (what, text) in [("the id", &alert.id), ("the dedupe key", &alert.dedupe)] {
        if placeholder::holds(text) {
            notes.fault(
                AlertReason::Placeholder,
                format!("{what} is still a placeholder of the sender's template"),
            );
        }
    }
    if placeholder::holds(&alert.dedupe) {
        alert.dedupe = derived;
    }
}

/// The compound key as one text; every part is preceded by its length, so no two keys run together. Where a part is
/// missing, the others may be those of several alerts: then all that the alert holds is a part.
fn dedupe(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes) -> Option<String> {
    let mut parts: Vec<_> = mapping
        .dedupe
        .iter()
        .map(|part| notes.text(part, at, "alert.dedupe", Length::Key))
        .collect();
    if let Some(placeholder) = parts.iter().flatten().find(|part| placeholder::holds(part)) {
        return Some(placeholder.clone());
    }
    if parts.iter().any(Option::is_some) && parts.iter().any(Option::is_none) {
        let digest = Sha256::digest(at.here.written_with(&|_| None));
        parts.push(Some(hex::encode(digest.get(..16).unwrap_or(&digest))));
    }
    let join = |part: &Option<String>| {
        part.as_ref()
            .map_or_else(|| "-".to_owned(), |t| format!("{}:{t}", t.len()))
    };
    parts
        .iter()
        .any(Option::is_some)
        .then(|| parts.iter().map(join).collect::<Vec<_>>().join(" "))
}

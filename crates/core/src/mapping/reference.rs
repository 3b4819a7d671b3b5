//! What people look an alert up by elsewhere. No rule reads it, so it is treated more leniently than a field.

use super::compiled::Mapping;
use super::field::LONGEST_KEY;
use super::notes::Notes;
use super::path::At;
use super::placeholder;
use crate::alert::{Alert, AlertReason};
use crate::strict_json::REPLACED;

/// What people look things up by. No rule reads it, so what cannot be used of it is left out.
pub(super) fn references(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes, alert: &mut Alert) {
    const MOST: usize = 50;
    for (name, sources) in &mapping.references {
        let mut aside = Notes {
            trace: notes.trace.take(),
            ..Notes::default()
        };
        let mut texts = aside.texts(sources, at, &format!("references.{name}"));
        if let Some((reason @ AlertReason::DuplicateKey, detail)) = aside.take_doubt() {
            notes.fault(reason, detail);
        }
        notes.replaced.append(&mut aside.replaced);
        let usable = |text: &String| {
            text.chars().count() <= LONGEST_KEY
                && !placeholder::holds(text)
                && !text.contains(REPLACED)
        };
        texts.retain(usable);
        texts.truncate(MOST);
        if !texts.is_empty() {
            alert.references.insert(name.clone(), texts);
        }
        notes.trace = aside.trace;
    }
}

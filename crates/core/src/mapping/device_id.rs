//! The ids of a device: of Defender, and of Entra. Either names a machine for certain, unlike a name.

use super::compiled::Devices;
use super::device_part::ReadText;
use super::field::Length;
use super::found::Candidate;
use super::notes::Notes;
use super::path::At;
use super::source::{SourceOf, ValueSource};
use super::{clean, placeholder};
use crate::alert::MachineId;
use crate::json::Json;

/// The machine ids of the first source that has any; else what stands there and is none.
pub(super) fn machines(
    table: &Devices,
    at: At<'_, '_>,
    cap: usize,
    notes: &mut Notes,
) -> (Vec<ReadText<MachineId>>, Option<String>) {
    let (mut bad, mut wrong) = (None, false);
    for source in &table.mde_id {
        let (texts, odd) =
            notes.candidates(core::slice::from_ref(source), at, "device.id", Length::Key);
        wrong |= odd;
        let mut ids: Vec<ReadText<MachineId>> = Vec::new();
        for one in texts {
            let before = ids.len();
            let parts = one
                .text
                .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'));
            let all: Option<Vec<MachineId>> = match clean::machine(&one.text) {
                Some(id) => Some(vec![id]),
                None => parts
                    .filter(|part| !part.is_empty())
                    .map(clean::machine)
                    .collect(),
            };
            for value in all.into_iter().flatten() {
                if ids.len() <= cap && ids.iter().all(|known| known.value != value) {
                    ids.push(ReadText {
                        value,
                        one: one.clone(),
                    });
                }
            }
            if ids.len() == before && before == 0 {
                bad = bad.or(Some(one.text));
            }
        }
        if !ids.is_empty() {
            return (ids, None);
        }
    }
    if wrong {
        notes.unusable("device.id");
    }
    (Vec::new(), bad)
}

/// The Entra device id: of a fallback list the first GUID, else the first text, which names nobody and is shown.
pub(super) fn entra(
    table: &Devices,
    at: At<'_, '_>,
    notes: &mut Notes,
) -> Option<ReadText<String>> {
    let (texts, wrong) = notes.candidates(&table.aad_id, at, "device.aad_id", Length::Key);
    let mut texts: Vec<Candidate> = texts
        .into_iter()
        .filter(|one| !placeholder::is(&one.text))
        .collect();
    if wrong && texts.is_empty() {
        notes.unusable("device.aad_id");
    }
    let guid = texts
        .iter()
        .position(|one| clean::guid(&one.text).is_some())
        .unwrap_or(0);
    let one = (guid < texts.len()).then(|| texts.swap_remove(guid))?;
    let value = clean::guid(&one.text).unwrap_or_else(|| clean::id(&one.text).to_owned());
    Some(ReadText { value, one })
}

/// An empty machine id is missing like any other empty text, and one of a wrong type is unusable; but where it is all
/// the alert says of its device, *bad id* tells the operator more than *no device*.
pub(super) fn holds_no_id(table: &Devices, at: At<'_, '_>) -> bool {
    let no_id = |value: &Json<'_>| {
        value.text() == Some("") || (value.text().is_none() && !value.is_missing())
    };
    table
        .mde_id
        .iter()
        .any(|source: &ValueSource| match &source.what {
            SourceOf::Nodes(nodes) if nodes.is_plain() => nodes.path.holds(at, no_id),
            _ => false,
        })
}

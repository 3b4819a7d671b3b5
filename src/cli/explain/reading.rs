//! How a body was read: where each field stood, what was looked for in vain, and what looks like it.

use serde::Serialize;

use crate::cli::fit::padded;
use crate::cli::output::{self, plain};
use scanhook_core::alert::Alert;
use scanhook_core::mapping::{Item, ItemReading, LookAlike, Missing, Remarked, Supplied};
use scanhook_core::plain::one_line;

/// Columns in which values are aligned, and characters that are shown of one that nobody asked for.
const VALUE: usize = 48;

/// The state of an alert that goes on to the rules.
const READ: &str = "read";

/// One alert of a delivery, as the map reads it.
#[derive(Serialize)]
pub(super) struct AlertReading {
    /// read, ignored or parked.
    state: &'static str,
    /// Why it is ignored or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Where it stands in the body, as a JSON pointer.
    place: Option<String>,
    alert: Alert,
    supplied: Vec<Supplied>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<Remarked>,
    missing: Vec<Missing>,
    candidates: Vec<LookAlike>,
}

impl From<ItemReading> for AlertReading {
    fn from(explained: ItemReading) -> AlertReading {
        let ItemReading {
            item,
            place,
            supplied,
            remarks,
            missing,
            mut candidates,
        } = explained;
        // What was read is no news.
        candidates.retain(|one| {
            supplied
                .iter()
                .all(|supplied| !supplied.from.contains(&one.pointer))
        });
        let (state, reason, detail) = match &item {
            Item::Alert(_) => (READ, None, None),
            Item::Ignored { reason, detail, .. } => {
                ("ignored", Some(reason.code()), Some(detail.clone()))
            }
            Item::Parked { reason, detail, .. } => {
                ("parked", Some(reason.code()), Some(detail.clone()))
            }
        };
        let alert = item.alert().clone();
        AlertReading {
            state,
            reason,
            detail,
            place,
            alert,
            supplied,
            remarks,
            missing,
            candidates,
        }
    }
}

impl AlertReading {
    /// The alert, if it is to be decided.
    pub(super) fn alert(&self) -> Option<&Alert> {
        (self.state == READ).then_some(&self.alert)
    }

    /// Lines about it, as the so-manyth of its delivery.
    pub(super) fn text(&self, number: usize) -> String {
        let why = match (&self.reason, &self.detail) {
            (Some(reason), Some(detail)) => format!(", {}: {reason}: {detail}", self.state),
            _ => String::new(),
        };
        let place = match self.place.as_deref() {
            None => String::new(),
            Some("") => ", the whole body".to_owned(),
            Some(place) => format!(", at {place}"),
        };
        let derived = if self.alert.id_derived {
            " (derived: it has none of its own)"
        } else {
            ""
        };
        let mut text = format!(
            "{}\n",
            plain(&format!(
                "alert {number}: {}{derived}{place}{why}",
                self.alert.id
            ))
        );
        // On a narrow terminal places stand closer, so that most of them have room.
        let value =
            output::columns().map_or(VALUE, |columns| columns.saturating_sub(60).clamp(20, VALUE));
        for note in &self.alert.notes {
            text.push_str(&row("note", note.code(), note.meaning()));
        }
        for one in &self.supplied {
            let field = named(&one.field, one.device);
            let from = if one.from.is_empty() {
                "derived".to_owned()
            } else {
                one.from.join(" + ")
            };
            let mended = one
                .read_as
                .as_ref()
                .map(|value| format!("  read as {}", plain(value)));
            let mended = mended.unwrap_or_default();
            let said = format!(
                "{}  {}{mended}",
                padded(&plain(&one.text), value),
                plain(&from)
            );
            text.push_str(&row("from", &field, &said));
        }
        for one in &self.remarks {
            text.push_str(&row(
                "note",
                &one.field,
                &format!("{}  {}", one.says, one.from.join(" + ")),
            ));
        }
        for one in &self.missing {
            let what = if one.unusable { "unusable" } else { "missing" };
            text.push_str(&row(
                what,
                &named(&one.field, one.device),
                &format!("looked at {}", one.tried.join(", ")),
            ));
        }
        for one in &self.candidates {
            let like = format!(
                "{}  {}",
                padded(&one_line(&one.text, VALUE), value),
                plain(&one.pointer)
            );
            text.push_str(&row("looks like", one.field, &like));
        }
        text
    }
}

/// The field, and which device it is about where that matters.
fn named(field: &str, device: Option<usize>) -> String {
    device.map_or_else(|| field.to_owned(), |number| format!("{field} [{number}]"))
}

fn row(what: &str, field: &str, rest: &str) -> String {
    format!(
        "  {what:<10}  {}  {}\n",
        padded(&plain(field), 20),
        plain(rest).trim_end()
    )
}

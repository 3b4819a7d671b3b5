//! The fields of one alert, apart from its devices and from what becomes of it.

use super::compiled::Mapping;
use super::dedupe::identify;
use super::field::Length;
use super::notes::Notes;
use super::path::{At, PathUse};
use super::reference::references;
use super::source::ValueSource;
use super::{severity, technique, time};
use crate::alert::Alert;

pub(super) fn alert(
    mapping: &Mapping,
    at: At<'_, '_>,
    notes: &mut Notes,
    derived: String,
) -> Alert {
    let mut text =
        |sources: &[ValueSource], field: &str| notes.text(sources, at, field, Length::Text);
    let mut alert = Alert {
        title: text(&mapping.title, "alert.title"),
        detector: text(&mapping.detector, "alert.detector"),
        user: text(&mapping.user, "user"),
        tenant: text(&mapping.tenant, "alert.tenant"),
        url: text(&mapping.url, "alert.url"),
        ..Alert::default()
    };
    alert.status = notes.text(
        &mapping.status,
        at.reading(PathUse::Word),
        "alert.status",
        Length::Text,
    );
    alert.category = notes.texts(&mapping.category, at, "alert.category");
    alert.techniques = technique::read(&mapping.techniques, at, notes);
    alert.time = time::read(&mapping.time, at, notes);
    alert.severity = mapping
        .severity
        .as_ref()
        .and_then(|(sources, scale)| severity::read(sources, scale, at, notes));
    references(mapping, at, notes, &mut alert);
    identify(mapping, at, notes, &mut alert, derived);
    alert
}

//! What a map looks for in vain in one alert. It asks the map and the result of the reading, and takes no part in it.

use super::compiled::Mapping;
use super::source::ValueSource;
use super::supplied::{Missing, Supplied};
use crate::alert::Alert;

/// What is looked for in vain.
pub(super) fn missing(mapping: &Mapping, alert: &Alert, supplied: &[Supplied]) -> Vec<Missing> {
    let mut missing = Vec::new();
    let shown =
        |sources: &[ValueSource]| sources.iter().map(ValueSource::shown).collect::<Vec<_>>();
    for (field, sources) in mapping.fields() {
        if !sources.is_empty() && !supplied.iter().any(|one| one.field == field) {
            let unusable = alert.unusable.contains(&field);
            missing.push(Missing {
                field,
                device: None,
                unusable,
                tried: shown(sources),
            });
        }
    }
    let devices: Vec<_> = (0..alert.devices.len()).map(Some).collect();
    for device in if devices.is_empty() {
        vec![None]
    } else {
        devices
    } {
        for field in ["device.id", "device.name", "device.ip", "device.aad_id"] {
            let tried = mapping.devices.iter().flat_map(|table| {
                let sources = match field {
                    "device.id" => &table.mde_id,
                    "device.name" => &table.name,
                    "device.ip" => &table.ip,
                    _ => &table.aad_id,
                };
                table.each.iter().flat_map(|each| {
                    sources
                        .iter()
                        .map(|s| format!("{}{}", each.shown(), s.shown()))
                })
            });
            let tried: Vec<_> = tried.collect();
            let has = device.is_some()
                && supplied
                    .iter()
                    .any(|one| one.device == device && one.field == field);
            if !tried.is_empty() && !has {
                let unusable = alert.unusable.contains(field);
                missing.push(Missing {
                    field: field.to_owned(),
                    device,
                    unusable,
                    tried,
                });
            }
        }
    }
    missing
}

impl Mapping {
    /// The fields of an alert with their sources.
    fn fields(&self) -> Vec<(String, &[ValueSource])> {
        let severity = self
            .severity
            .as_ref()
            .map_or(&[] as &[ValueSource], |(sources, _)| sources);
        let id: &[ValueSource] = if self.id.is_empty() {
            &self.shared_id
        } else {
            &self.id
        };
        let mut fields: Vec<(String, &[ValueSource])> = [
            ("alert.id", id),
            ("alert.title", &self.title),
            ("severity", severity),
            ("alert.category", &self.category),
            ("alert.techniques", &self.techniques),
            ("alert.status", &self.status),
            ("alert.detector", &self.detector),
            ("alert.time", &self.time),
            ("user", &self.user),
            ("alert.tenant", &self.tenant),
            ("alert.url", &self.url),
        ]
        .map(|(field, sources)| (field.to_owned(), sources))
        .into();
        fields.extend(
            self.references
                .iter()
                .map(|(name, all)| (format!("references.{name}"), all.as_slice())),
        );
        fields
    }
}

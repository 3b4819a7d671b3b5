//! Which tenant an alert is for, where one source acts for several.

use super::compiled::Mapping;
use super::field::Length;
use super::notes::Notes;
use super::path::At;
use super::source::ValueSource;
use crate::alert::{Alert, AlertReason};

/// Finds the tenant an alert is for; why there is none. No two tenants' alerts are ever the same.
pub(super) fn acting(
    mapping: &Mapping,
    at: At<'_, '_>,
    alert: &mut Alert,
) -> Option<(AlertReason, String)> {
    let acting = mapping.acting.as_ref()?;
    // What is amiss with this value concerns no other field.
    let mut notes = Notes::default();
    let value = notes.text(&acting.from, at, "tenant", Length::Key);
    if let Some(doubt) = notes.take_doubt() {
        return Some(doubt);
    }
    let tried = || {
        acting
            .from
            .iter()
            .map(ValueSource::shown)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let Some(value) = value else {
        return Some((
            AlertReason::UnknownTenant,
            format!("`{}` names no tenant", tried()),
        ));
    };
    match acting.tenants.get(&value.to_lowercase()) {
        Some(name) => {
            alert.dedupe = format!("{}:{name} {}", name.len(), alert.dedupe);
            alert.acts_for = Some(name.clone());
            None
        }
        None => {
            let short: String = value.chars().filter(|c| !c.is_control()).take(80).collect();
            Some((
                AlertReason::UnknownTenant,
                format!(
                    "`{}` is `{short}`, which belongs to no tenant here",
                    tried()
                ),
            ))
        }
    }
}

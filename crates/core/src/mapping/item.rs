//! What becomes of one alert: it is to be decided, ignored or parked, and why.

use super::compiled::Mapping;
use super::fields::alert;
use super::known_devices::NamedDevices;
use super::notes::Notes;
use super::other_body::{not_understood, other_body};
use super::path::At;
use super::tenant::acting;
use super::{DeliveryLimits, Item, device};
use crate::alert::{AlertReason, Device};

pub(super) fn item(
    mapping: &Mapping,
    caps: DeliveryLimits,
    at: At<'_, '_>,
    derived: String,
    notes: &mut Notes,
) -> Item {
    let mut alert = alert(mapping, at, notes, derived);
    let mut named = device::read(&mapping.devices, at, caps.devices, notes);
    alert.devices = core::mem::take(&mut named.devices);
    let recognised = notes.found;
    let version = notes.unknown_version(&mapping.versions, at);
    let refused = notes.refused(&mapping.unless, at);
    let other = if refused.is_none() {
        other_body(notes, mapping, at)
    } else {
        None
    };
    let guard = notes.unfulfilled(&mapping.when, at).or(refused);
    let stranger = acting(mapping, at, &mut alert);
    alert.unusable = core::mem::take(&mut notes.unusable);
    alert.notes = core::mem::take(&mut notes.told);
    let too_many = alert.devices.len() > caps.devices;
    alert.devices.truncate(caps.devices);
    let (reason, detail) = match (notes.fault.take(), guard) {
        (Some((reason @ (AlertReason::AmbiguousKey | AlertReason::DuplicateKey), detail)), _) => {
            (reason, detail)
        }
        _ if other.is_some() => (AlertReason::Unmapped, other.unwrap_or_default()),
        _ if !recognised => (AlertReason::Unmapped, not_understood(mapping, at)),
        _ if version.is_some() => {
            let seen = version.unwrap_or_default();
            (
                AlertReason::UnknownVersion,
                format!("{seen}, a version of the format that the map was not made for"),
            )
        }
        (_, Some(detail)) => {
            return Item::Ignored {
                reason: AlertReason::Guard,
                alert,
                detail,
            };
        }
        (Some(fault), None) => fault,
        (None, None) if too_many => (
            AlertReason::TooManyDevices,
            format!("more than the {} devices one alert may name", caps.devices),
        ),
        (None, None) => {
            match stranger.or_else(|| unusable_devices(mapping, &alert.devices, &named)) {
                Some(fault) => fault,
                None => return Item::Alert(alert),
            }
        }
    };
    Item::Parked {
        reason,
        alert,
        detail,
    }
}

fn unusable_devices(
    mapping: &Mapping,
    devices: &[Device],
    named: &NamedDevices,
) -> Option<(AlertReason, String)> {
    let useless = |d: &Device| {
        d.machine.is_none()
            && d.name.is_none()
            && d.bad_name.is_none()
            && d.ip.is_none()
            && d.aad_id.is_none()
    };
    let detail = match devices.first() {
        None if named.excluded => {
            "the only device it names is one that `unless` rules out, such as the log collector"
        }
        None if named.refused => "the only device it names is the sender's own localhost",
        None if mapping.lacks().contains("device") => {
            "this sender never names a device: another step has to add it"
        }
        None => "it names no device",
        Some(_) if devices.iter().all(useless) => {
            return Some((
                AlertReason::BadMachineId,
                "its machine ids are not 40 hex digits".to_owned(),
            ));
        }
        Some(_) => return None,
    };
    Some((AlertReason::NoDevice, detail.to_owned()))
}

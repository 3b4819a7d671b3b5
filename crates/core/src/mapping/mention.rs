//! What one place of an alert says of devices: mostly of one, and what belongs together is decided here.

use super::compiled::Devices;
use super::device_address::address;
use super::device_id::{entra, holds_no_id, machines};
use super::device_name::{MentionNames, names};
use super::device_part::{DevicePart, ReadText};
use super::notes::Notes;
use super::path::At;
use crate::alert::{Device, MachineId, Note};

/// What one place says of devices: mostly of one. Of more than `cap` it stops at the next one.
pub(super) fn mention(
    table: &Devices,
    at: At<'_, '_>,
    cap: usize,
    notes: &mut Notes,
    refused: &mut bool,
) -> Vec<DevicePart> {
    let (mut ids, bad_id) = machines(table, at, cap, notes);
    let names = names(table, at, cap, notes, refused);
    let address = address(table, at, notes, refused);
    let entra = entra(table, at, notes);
    if ids.len() > 1 || (ids.is_empty() && names.count() > 1) {
        if address.is_some() || entra.is_some() || (ids.len() > 1 && names.count() > 0) {
            notes.told.insert(Note::NotAttached);
        }
        return several(ids, names, notes);
    }
    let mut part = DevicePart::default();
    if let Some(ReadText { value, one }) = ids.pop() {
        part.takes(notes, "device.id", &one, value.as_str());
        part.device.machine = Some(value);
        if names.count() > 1 {
            // They would be several machines, and the id is one.
            notes.told.insert(Note::NotAttached);
            for ReadText { one, .. } in &names.hosts {
                notes.remark(
                    "device.name",
                    &one.text,
                    "is one of several names beside one id",
                    &one.from,
                );
            }
            return part.with(address, entra, notes);
        }
    } else {
        part.device.bad_machine_id = bad_id;
    }
    let MentionNames {
        id,
        mut hosts,
        mut addresses,
        odd,
        ..
    } = names;
    if part.device.bad_machine_id.is_none()
        && part.device.machine.is_none()
        && let Some(ReadText { value, one }) = id
    {
        part.takes(notes, "device.id", &one, value.as_str());
        part.device.machine = Some(value);
    }
    if let Some(ReadText { value, one }) = hosts.pop() {
        part.takes(notes, "device.name", &one, &value);
        part.device.name = Some(value);
    } else if let Some(one) = odd {
        notes.remark("device.name", &one.text, "cannot be a host name", &one.from);
        part.device.bad_name = Some(one.text);
    }
    // What stands in the place of an address counts before one that stands in a name's place.
    let mut parts = part.with(address.or_else(|| addresses.pop()), entra, notes);
    if parts.is_empty() && holds_no_id(table, at) {
        let device = Device {
            bad_machine_id: Some(String::new()),
            ..Device::default()
        };
        parts.push(DevicePart {
            device,
            supplies: Vec::new(),
        });
    }
    parts
}

/// A device for each id or, where there is none, for each name. What stands beside them belongs to nobody knows which.
fn several(ids: Vec<ReadText<MachineId>>, names: MentionNames, notes: &Notes) -> Vec<DevicePart> {
    let by_id = !ids.is_empty();
    let mut parts = Vec::new();
    for ReadText { value, one } in ids.into_iter().chain(names.machines) {
        let mut part = DevicePart::default();
        part.takes(notes, "device.id", &one, value.as_str());
        part.device.machine = Some(value);
        parts.push(part);
    }
    if by_id {
        return parts;
    }
    for ReadText { value, one } in names.hosts {
        let mut part = DevicePart::default();
        part.takes(notes, "device.name", &one, &value);
        part.device.name = Some(value);
        parts.push(part);
    }
    parts.extend(
        names
            .addresses
            .into_iter()
            .flat_map(|one| DevicePart::default().with(Some(one), None, notes)),
    );
    parts
}

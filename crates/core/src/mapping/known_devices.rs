//! The devices an alert names, each once: a mention is added to the device it is of, or is a new one.

use std::collections::BTreeMap;

use crate::alert::Device;

/// The devices an alert names, each once, and whether something stood in the place of one that names nothing.
#[derive(Default)]
pub(super) struct NamedDevices {
    pub(super) devices: Vec<Device>,
    pub(super) refused: bool,
    /// A device was passed over because of `unless`.
    pub(super) excluded: bool,
    places: DevicePlaces,
}

/// Which device a mention belongs to.
#[derive(Default)]
struct DevicePlaces {
    machines: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
    others: BTreeMap<(u8, String), usize>,
}

impl NamedDevices {
    /// Adds a mention to the device it is of, or as a new one; its place. Some senders name a host once with its id and
    /// once without.
    pub(super) fn add(&mut self, device: Device) -> usize {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let (machine, name) = (
            device.machine.as_ref().map(|id| id.as_str().to_owned()),
            lower(&device.name),
        );
        let other = lower(&device.bad_name)
            .map(|name| (3, name))
            .or_else(|| lower(&device.ip).map(|ip| (0, ip)))
            .or_else(|| lower(&device.aad_id).map(|id| (1, id)))
            .unwrap_or_else(|| (2, device.bad_machine_id.clone().unwrap_or_default()));
        let of_name = name
            .as_ref()
            .and_then(|name| self.places.names.get(name))
            .copied();
        let known = match (&machine, &name) {
            (Some(id), _) => self.places.machines.get(id).copied().or_else(|| {
                of_name.filter(|n| {
                    self.devices
                        .get(*n)
                        .is_some_and(|known| known.machine.is_none())
                })
            }),
            (None, Some(_)) => of_name,
            (None, None) => self.places.others.get(&other).copied(),
        };
        let place = known.unwrap_or(self.devices.len());
        match self.devices.get_mut(place) {
            Some(known) => fill(known, device),
            None => self.devices.push(device),
        }
        if let Some(id) = machine {
            self.places.machines.entry(id).or_insert(place);
        } else if name.is_none() {
            self.places.others.entry(other).or_insert(place);
        }
        if let Some(name) = name {
            self.places.names.entry(name).or_insert(place);
        }
        place
    }
}

/// What a later mention adds.
fn fill(known: &mut Device, other: Device) {
    let Device {
        machine,
        bad_machine_id,
        name,
        bad_name,
        ip,
        aad_id,
    } = other;
    known.machine = known.machine.take().or(machine);
    known.bad_machine_id = if known.machine.is_some() {
        None
    } else {
        known.bad_machine_id.take().or(bad_machine_id)
    };
    known.name = known.name.take().or(name);
    known.bad_name = if known.name.is_some() {
        None
    } else {
        known.bad_name.take().or(bad_name)
    };
    known.ip = known.ip.take().or(ip);
    known.aad_id = known.aad_id.take().or(aad_id);
}

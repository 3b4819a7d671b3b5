//! The devices of one alert. Look-alikes are sorted out here: an id is never a name, an address is never a host name,
//! and the sender's own machine (`localhost`) is nobody.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::compile::{At, Devices, Source};
use super::field::{Length, Notes};
use crate::domain::alert::{Device, MachineId};
use crate::domain::json::Json;

/// The devices an alert names, each once, and whether something stood in the place of one that names nothing.
#[derive(Default)]
pub(super) struct Named {
    pub(super) devices: Vec<Device>,
    pub(super) refused: bool,
}

/// Reads the first table that yields a device. Stops one beyond `cap`: there is no use in reading on.
pub(super) fn read(tables: &[Devices], at: At<'_, '_>, cap: usize, notes: &mut Notes) -> Named {
    let mut named = Named::default();
    for table in tables {
        let mut places = BTreeMap::new();
        for node in nodes(table, at, notes) {
            let Some(device) = device(table, At { root: at.root, here: node }, notes, &mut named.refused) else {
                continue;
            };
            match places.entry(identity(&device)) {
                Entry::Occupied(place) => {
                    let known: &usize = place.get();
                    if let Some(known) = named.devices.get_mut(*known) {
                        fill(known, device);
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(named.devices.len());
                    named.devices.push(device);
                }
            }
            if named.devices.len() > cap {
                return named;
            }
        }
        if !named.devices.is_empty() {
            break;
        }
    }
    named
}

fn nodes<'j, 'a>(table: &Devices, at: At<'j, 'a>, notes: &mut Notes) -> Vec<&'j Json<'a>> {
    for path in &table.each {
        let mut nodes = notes.look(path, at);
        nodes.retain(|node| notes.guarded(&table.only, &[], At { root: at.root, here: node }).is_none());
        if !nodes.is_empty() {
            return nodes;
        }
    }
    Vec::new()
}

fn device(table: &Devices, at: At<'_, '_>, notes: &mut Notes, refused: &mut bool) -> Option<Device> {
    let mut device = Device::default();
    let ids = notes.candidates(&table.mde_id, at, "device.id", Length::Key);
    device.machine = ids.iter().find_map(|id| MachineId::parse(id));
    if device.machine.is_none() {
        device.bad_machine_id = ids.into_iter().next();
    }
    let mut address = None;
    for name in notes.candidates(&table.name, at, "device.name", Length::Key) {
        match Name::of(name.trim()) {
            Name::Host(host) => {
                device.name = Some(host.to_owned());
                break;
            }
            Name::Machine(id) if device.machine.is_none() && device.bad_machine_id.is_none() => {
                device.machine = Some(id)
            }
            Name::Machine(_) => {}
            Name::Address(ip) => address = address.or(Some(ip)),
            Name::Nobody => *refused = true,
        }
    }
    let texts = notes.candidates(&table.ip, at, "device.ip", Length::Key);
    let addresses: Vec<IpAddr> = texts.iter().filter_map(|text| text.trim().parse().ok()).collect();
    if addresses.is_empty() && !texts.is_empty() {
        notes.unusable("device.ip");
    }
    let usable = addresses.iter().copied().find(|ip| !is_nobody(*ip));
    *refused |= usable.is_none() && !addresses.is_empty();
    device.ip = usable.or(address).map(|ip| ip.to_string());
    device.aad_id = notes.candidates(&table.aad_id, at, "device.aad_id", Length::Key).into_iter().next();
    if device == Device::default() && holds_no_id(table, at) {
        device.bad_machine_id = Some(String::new());
    }
    (device != Device::default()).then_some(device)
}

/// An empty machine id is missing like any other empty text, and one of a wrong type is unusable; but where it is all
/// the alert says of its device, *bad id* tells the operator more than *no device*.
fn holds_no_id(table: &Devices, at: At<'_, '_>) -> bool {
    let no_id = |value: &&Json<'_>| value.text() == Some("") || (value.text().is_none() && !value.is_missing());
    table.mde_id.iter().any(|source| match source {
        Source::Path(path) => path.values(at).iter().any(no_id),
        Source::Concat(_) => false,
    })
}

/// What stands in the place of a host name.
enum Name<'t> {
    Host(&'t str),
    Machine(MachineId),
    Address(IpAddr),
    Nobody,
}

impl Name<'_> {
    fn of(text: &str) -> Name<'_> {
        if let Some(id) = MachineId::parse(text) {
            return Name::Machine(id);
        }
        match text.parse::<IpAddr>() {
            Ok(ip) if is_nobody(ip) => Name::Nobody,
            Ok(ip) => Name::Address(ip),
            Err(_) => match text.split(['.', ':']).next() {
                Some(first) if !first.is_empty() && !first.eq_ignore_ascii_case("localhost") => Name::Host(text),
                _ => Name::Nobody,
            },
        }
    }
}

fn is_nobody(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

/// What makes two mentions the same device.
fn identity(device: &Device) -> (u8, String) {
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    device
        .machine
        .as_ref()
        .map(|id| (0, id.as_str().to_owned()))
        .or_else(|| lower(&device.name).map(|name| (1, name)))
        .or_else(|| lower(&device.ip).map(|ip| (2, ip)))
        .or_else(|| lower(&device.aad_id).map(|id| (3, id)))
        .unwrap_or_else(|| (4, device.bad_machine_id.clone().unwrap_or_default()))
}

/// What a later mention adds.
fn fill(known: &mut Device, other: Device) {
    let Device { machine: _, bad_machine_id, name, ip, aad_id } = other;
    if known.machine.is_none() {
        known.bad_machine_id = known.bad_machine_id.take().or(bad_machine_id);
    }
    known.name = known.name.take().or(name);
    known.ip = known.ip.take().or(ip);
    known.aad_id = known.aad_id.take().or(aad_id);
}

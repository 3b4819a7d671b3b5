//! The devices of one alert. Look-alikes are sorted out here: an id is never a name, an address is never a host name,
//! and the sender's own machine (`localhost`) is nobody.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::compile::{Devices, Source, What};
use super::field::{Candidate, Found, Length, Notes};
use super::path::At;
use crate::domain::alert::{Device, MachineId};
use crate::domain::json::Json;

/// The devices an alert names, each once, and whether something stood in the place of one that names nothing.
#[derive(Default)]
pub(super) struct Named {
    pub(super) devices: Vec<Device>,
    pub(super) refused: bool,
    /// A device was passed over because of `unless`.
    pub(super) excluded: bool,
    places: Places,
}

/// Which device a mention belongs to.
#[derive(Default)]
struct Places {
    machines: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
    others: BTreeMap<(u8, String), usize>,
}

/// Reads the first table that yields a device, and those that add to it. Stops one beyond `cap`: there is no use in
/// reading on.
pub(super) fn read(tables: &[Devices], at: At<'_, '_>, cap: usize, notes: &mut Notes) -> Named {
    let mut named = Named::default();
    for table in tables {
        if !named.devices.is_empty() && !table.also {
            continue;
        }
        for node in nodes(table, at, notes, &mut named.excluded) {
            let mark = notes.trace.as_ref().map_or(0, Vec::len);
            let device = device(table, at.here(node), notes, &mut named.refused);
            let place = device.map(|device| named.add(device));
            if let Some(trace) = &mut notes.trace {
                trace.iter_mut().skip(mark).for_each(|supply| supply.device = place);
            }
            if named.devices.len() > cap {
                return named;
            }
        }
    }
    named
}

impl Named {
    /// Adds a mention to the device it is of, or as a new one; its place. Some senders name a host once with its id and
    /// once without.
    fn add(&mut self, device: Device) -> usize {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let (machine, name) = (device.machine.as_ref().map(|id| id.as_str().to_owned()), lower(&device.name));
        let other = lower(&device.ip)
            .map(|ip| (0, ip))
            .or_else(|| lower(&device.aad_id).map(|id| (1, id)))
            .unwrap_or_else(|| (2, device.bad_machine_id.clone().unwrap_or_default()));
        let of_name = name.as_ref().and_then(|name| self.places.names.get(name)).copied();
        let known = match (&machine, &name) {
            (Some(id), _) => self
                .places
                .machines
                .get(id)
                .copied()
                .or_else(|| of_name.filter(|n| self.devices.get(*n).is_some_and(|known| known.machine.is_none()))),
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

/// What stands where a table looks for devices. A list is none: it holds some.
fn nodes<'j, 'a>(table: &Devices, at: At<'j, 'a>, notes: &mut Notes, excluded: &mut bool) -> Vec<&'j Json<'a>> {
    for source in &table.each {
        let found = notes.find(source, at).into_iter().filter_map(|found| match found {
            Found::Node(node) if !matches!(node, Json::List(_)) => Some(node),
            _ => None,
        });
        let mut nodes: Vec<_> = found.collect();
        nodes.retain(|node| {
            let here = at.here(node);
            let (meant, out) = (notes.holds(&table.only, here), notes.refused(&table.unless, here).is_some());
            *excluded |= meant && out;
            meant && !out
        });
        if !nodes.is_empty() {
            return nodes;
        }
    }
    Vec::new()
}

fn device(table: &Devices, at: At<'_, '_>, notes: &mut Notes, refused: &mut bool) -> Option<Device> {
    let mut device = Device::default();
    machine(table, at, notes, &mut device);
    let address = name(table, at, notes, &mut device, refused);
    let (texts, wrong) = notes.candidates(&table.ip, at, "device.ip", Length::Key);
    let addresses: Vec<(&Candidate, IpAddr)> =
        texts.iter().filter_map(|one| Some((one, one.text.trim().parse().ok()?))).collect();
    if addresses.is_empty() && (wrong || !texts.is_empty()) {
        notes.unusable("device.ip");
    }
    // An address that is valid on one cable only tells nobody which machine it is.
    let first = |wanted: fn(IpAddr) -> bool| addresses.iter().find(|(_, ip)| !is_nobody(*ip) && wanted(*ip));
    let usable = first(|ip| !is_link_local(ip)).or_else(|| first(|_| true));
    *refused |= usable.is_none() && !addresses.is_empty();
    if let Some((one, ip)) = usable {
        device.ip = Some(ip.to_string());
        notes.supplied("device.ip", &one.text, &one.from);
    } else {
        device.ip = address.map(|(ip, one)| {
            notes.supplied("device.ip", &one.text, &one.from);
            ip.to_string()
        });
    }
    let (ids, wrong) = notes.candidates(&table.aad_id, at, "device.aad_id", Length::Key);
    if wrong && ids.is_empty() {
        notes.unusable("device.aad_id");
    }
    if let Some(one) = ids.into_iter().next() {
        notes.supplied("device.aad_id", &one.text, &one.from);
        device.aad_id = Some(one.text);
    }
    if device == Device::default() && holds_no_id(table, at) {
        device.bad_machine_id = Some(String::new());
    }
    (device != Device::default()).then_some(device)
}

fn machine(table: &Devices, at: At<'_, '_>, notes: &mut Notes, device: &mut Device) {
    let (ids, wrong) = notes.candidates(&table.mde_id, at, "device.id", Length::Key);
    if let Some((one, id)) = ids.iter().find_map(|one| Some((one, MachineId::parse(&one.text)?))) {
        device.machine = Some(id);
        notes.supplied("device.id", &one.text, &one.from);
        return;
    }
    if wrong {
        notes.unusable("device.id");
    }
    device.bad_machine_id = ids.into_iter().next().map(|one| one.text);
}

/// Takes the first usable name; an address that stands among the names is handed back.
fn name(
    table: &Devices,
    at: At<'_, '_>,
    notes: &mut Notes,
    device: &mut Device,
    refused: &mut bool,
) -> Option<(IpAddr, Candidate)> {
    let mut address = None;
    let (names, wrong) = notes.candidates(&table.name, at, "device.name", Length::Key);
    let none = names.is_empty();
    for one in names {
        match Name::of(one.text.trim()) {
            Name::Host(host) => {
                device.name = Some(host.to_owned());
                notes.supplied("device.name", &one.text, &one.from);
                break;
            }
            Name::Machine(id) if device.machine.is_none() && device.bad_machine_id.is_none() => {
                device.machine = Some(id);
                notes.supplied("device.id", &one.text, &one.from);
            }
            Name::Machine(_) => {}
            // A later name may be another machine's, such as the one that collects the logs.
            Name::Address(ip) => {
                address = Some((ip, one));
                break;
            }
            Name::Nobody => *refused = true,
        }
    }
    if wrong && none {
        notes.unusable("device.name");
    }
    address
}

/// An empty machine id is missing like any other empty text, and one of a wrong type is unusable; but where it is all
/// the alert says of its device, *bad id* tells the operator more than *no device*.
fn holds_no_id(table: &Devices, at: At<'_, '_>) -> bool {
    let no_id = |value: &&Json<'_>| value.text() == Some("") || (value.text().is_none() && !value.is_missing());
    table.mde_id.iter().any(|source: &Source| match &source.what {
        What::Nodes(nodes) if nodes.is_plain() => nodes.path.values(at).iter().any(no_id),
        _ => false,
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

fn is_link_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What a later mention adds.
fn fill(known: &mut Device, other: Device) {
    let Device { machine, bad_machine_id, name, ip, aad_id } = other;
    known.machine = known.machine.take().or(machine);
    known.bad_machine_id = if known.machine.is_some() { None } else { known.bad_machine_id.take().or(bad_machine_id) };
    known.name = known.name.take().or(name);
    known.ip = known.ip.take().or(ip);
    known.aad_id = known.aad_id.take().or(aad_id);
}

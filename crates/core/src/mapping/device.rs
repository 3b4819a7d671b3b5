//! The devices of one alert. Look-alikes are sorted out here: an id is never a name, an address is never a host name,
//! and the sender's own machine (`localhost`) is nobody.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::compile::Devices;
use super::field::{Candidate, Length, Notes, Supply, Yielded};
use super::host_name::{self, SaidHost, is_nobody};
use super::path::{At, PathUse};
use super::source::{Source, SourceOf};
use super::{clean, placeholder};
use crate::alert::{Device, MachineId, Note};
use crate::directory::HostName;
use crate::json::Json;

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

/// Reads the first table that yields a device, and those that add to it. Stops one beyond `cap`: there is no use in
/// reading on.
pub(super) fn read(
    tables: &[Devices],
    at: At<'_, '_>,
    cap: usize,
    notes: &mut Notes,
) -> NamedDevices {
    let mut named = NamedDevices::default();
    for table in tables {
        if !named.devices.is_empty() && !table.also {
            continue;
        }
        // What the sender wrote of its device cannot be read; what stands elsewhere may be another machine.
        if named.devices.is_empty()
            && notes
                .replaced
                .iter()
                .any(|field| field.starts_with("device."))
        {
            break;
        }
        for node in nodes(table, at, notes, &mut named.excluded) {
            for DevicePart { device, supplies } in
                mention(table, at.here(node), cap, notes, &mut named.refused)
            {
                let place = named.add(device);
                if let Some(trace) = &mut notes.trace {
                    trace.extend(supplies.into_iter().map(|supply| Supply {
                        device: Some(place),
                        ..supply
                    }));
                }
                if named.devices.len() > cap {
                    return named;
                }
            }
        }
    }
    named
}

impl NamedDevices {
    /// Adds a mention to the device it is of, or as a new one; its place. Some senders name a host once with its id and
    /// once without.
    fn add(&mut self, device: Device) -> usize {
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

/// What stands where a table looks for devices. A list of several is none: it holds some.
fn nodes<'j, 'a>(
    table: &Devices,
    at: At<'j, 'a>,
    notes: &mut Notes,
    excluded: &mut bool,
) -> Vec<&'j Json<'a>> {
    // Where one object could be a device or hold some, what the table finds in it decides.
    let mut fits = |node: &'j Json<'a>| {
        let (mut trial, here) = (Notes::default(), at.here(node));
        let mut sources = [&table.mde_id, &table.name, &table.aad_id, &table.ip]
            .into_iter()
            .flatten();
        !matches!(node, Json::List(_))
            && trial.holds(&table.only, here)
            && sources.any(|source| !trial.find(source, here).is_empty())
    };
    for source in &table.each {
        let found = notes
            .find_fitting(source, at, &mut fits)
            .into_iter()
            .filter_map(|found| match found {
                Yielded::Node(node) => {
                    Some(node.alone()).filter(|node| !matches!(node, Json::List(_)))
                }
                Yielded::Made(..) => None,
            });
        let mut nodes: Vec<_> = found.collect();
        nodes.retain(|node| {
            let here = at.here(node);
            let (meant, out) = (
                notes.holds(&table.only, here),
                notes.refused(&table.unless, here).is_some(),
            );
            *excluded |= meant && out;
            meant && !out
        });
        if !nodes.is_empty() {
            return nodes;
        }
    }
    Vec::new()
}

/// A device that a place tells of, with what told it.
#[derive(Default)]
struct DevicePart {
    device: Device,
    supplies: Vec<Supply>,
}

/// Something of a device, and the text it was read from.
struct ReadText<T> {
    value: T,
    one: Candidate,
}

/// What the names of a mention say.
#[derive(Default)]
struct MentionNames {
    /// A machine's id that stands in place of a name; what names the host may stand in a later source.
    id: Option<ReadText<MachineId>>,
    hosts: Vec<ReadText<String>>,
    machines: Vec<ReadText<MachineId>>,
    addresses: Vec<ReadText<IpAddr>>,
    odd: Option<Candidate>,
}

impl MentionNames {
    fn count(&self) -> usize {
        self.hosts.len() + self.machines.len() + self.addresses.len()
    }
}

/// What one place says of devices: mostly of one. Of more than `cap` it stops at the next one.
fn mention(
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

impl DevicePart {
    /// Notes which text became this value of the device.
    fn takes(&mut self, notes: &Notes, field: &str, one: &Candidate, value: &str) {
        if notes.trace.is_some() {
            let read_as = (one.text != value).then(|| value.to_owned());
            let (field, text, from) = (field.to_owned(), one.text.clone(), one.from.clone());
            self.supplies.push(Supply {
                device: None,
                field,
                text,
                read_as,
                from,
            });
        }
    }

    /// The device with its address and its Entra id, unless there is nothing that names it.
    fn with(
        mut self,
        address: Option<ReadText<IpAddr>>,
        entra: Option<ReadText<String>>,
        notes: &Notes,
    ) -> Vec<DevicePart> {
        if let Some(ReadText { value, one }) = address {
            let ip = value.to_string();
            self.takes(notes, "device.ip", &one, &ip);
            self.device.ip = Some(ip);
        }
        if let Some(ReadText { value, one }) = entra {
            self.takes(notes, "device.aad_id", &one, &value);
            self.device.aad_id = Some(value);
        }
        if self.device == Device::default() {
            Vec::new()
        } else {
            vec![self]
        }
    }
}

/// The machine ids of the first source that has any; else what stands there and is none.
fn machines(
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

/// The names of the first source that has a usable one. A later source may be about another machine, such as the one that
/// collects the logs: only where a source names nobody is the next one asked.
fn names(
    table: &Devices,
    at: At<'_, '_>,
    cap: usize,
    notes: &mut Notes,
    refused: &mut bool,
) -> MentionNames {
    let (mut names, mut wrong, mut some) = (MentionNames::default(), false, false);
    for source in &table.name {
        let sources = core::slice::from_ref(source);
        let (texts, odd) = notes.candidates(
            sources,
            at.reading(PathUse::Name),
            "device.name",
            Length::Key,
        );
        wrong |= odd;
        if notes.replaced.contains("device.name") {
            // What stands elsewhere may be another machine.
            break;
        }
        for one in texts {
            some = true;
            if placeholder::is(&one.text) {
                notes.remark(
                    "device.name",
                    &one.text,
                    "is a place of a template that was not filled in",
                    &one.from,
                );
                continue;
            }
            // More than may come at once are counted no further.
            for said in host_name::read(&one.text, at.nothing) {
                if names.count() <= cap.max(1) {
                    names.take(said, &one, refused);
                }
            }
        }
        if names.count() > 1
            || !names.hosts.is_empty()
            || !names.addresses.is_empty()
            || names.odd.is_some()
        {
            break;
        }
        names.id = names.id.take().or(names.machines.pop());
    }
    if wrong && !some {
        notes.unusable("device.name");
    }
    names
}

impl MentionNames {
    fn take(&mut self, said: SaidHost, one: &Candidate, refused: &mut bool) {
        let one = one.clone();
        match said {
            SaidHost::Machine(value) => {
                if self.machines.iter().all(|known| known.value != value) {
                    self.machines.push(ReadText { value, one });
                }
            }
            SaidHost::Address(value) => {
                if self.addresses.iter().all(|known| known.value != value) {
                    self.addresses.push(ReadText { value, one });
                }
            }
            SaidHost::Host(value) => self.host(value, one),
            SaidHost::Nobody => *refused = true,
            SaidHost::Odd => self.odd = self.odd.take().or(Some(one)),
        }
    }

    /// A short name and a whole one of the same host are one: the whole one says more.
    fn host(&mut self, value: String, one: Candidate) {
        let name = HostName::parse(&value);
        let same = |known: &ReadText<String>| match (HostName::parse(&known.value), &name) {
            (Some(known), Some(name)) => known.agrees(name),
            _ => false,
        };
        match self.hosts.iter_mut().find(|known| same(known)) {
            Some(known) if value.contains('.') && !known.value.contains('.') => {
                *known = ReadText { value, one }
            }
            Some(_) => {}
            None => self.hosts.push(ReadText { value, one }),
        }
    }
}

fn address(
    table: &Devices,
    at: At<'_, '_>,
    notes: &mut Notes,
    refused: &mut bool,
) -> Option<ReadText<IpAddr>> {
    let (texts, wrong) = notes.candidates(&table.ip, at, "device.ip", Length::Key);
    let texts: Vec<Candidate> = texts
        .into_iter()
        .filter(|one| !placeholder::is(&one.text))
        .collect();
    let said = texts.iter().flat_map(|one| {
        host_name::addresses(&one.text)
            .into_iter()
            .map(move |ip| (one, ip))
    });
    let addresses: Vec<(&Candidate, IpAddr)> = said.collect();
    if addresses.is_empty() && (wrong || !texts.is_empty()) {
        notes.unusable("device.ip");
    }
    // An address that is valid on one cable only tells nobody which machine it is.
    let first = |wanted: fn(IpAddr) -> bool| {
        addresses
            .iter()
            .find(|(_, ip)| !is_nobody(*ip) && wanted(*ip))
    };
    let usable = first(|ip| !is_link_local(ip)).or_else(|| first(|_| true));
    *refused |= usable.is_none() && !addresses.is_empty();
    usable.map(|(one, value)| ReadText {
        value: *value,
        one: (*one).clone(),
    })
}

/// The Entra device id: of a fallback list the first GUID, else the first text, which names nobody and is shown.
fn entra(table: &Devices, at: At<'_, '_>, notes: &mut Notes) -> Option<ReadText<String>> {
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
fn holds_no_id(table: &Devices, at: At<'_, '_>) -> bool {
    let no_id = |value: &Json<'_>| {
        value.text() == Some("") || (value.text().is_none() && !value.is_missing())
    };
    table
        .mde_id
        .iter()
        .any(|source: &Source| match &source.what {
            SourceOf::Nodes(nodes) if nodes.is_plain() => nodes.path.holds(at, no_id),
            _ => false,
        })
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
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

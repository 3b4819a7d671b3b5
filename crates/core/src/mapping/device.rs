//! The devices of one alert. Look-alikes are sorted out here: an id is never a name, an address is never a host name,
//! and the sender's own machine (`localhost`) is nobody.

use super::compiled::Devices;
use super::device_part::DevicePart;
use super::found::Yielded;
use super::known_devices::NamedDevices;
use super::mention::mention;
use super::notes::{Notes, Supply};
use super::path::At;
use crate::json::Json;

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

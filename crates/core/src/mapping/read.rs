//! A body, its alerts, and for each what becomes of it.

use super::compiled::Mapping;
use super::item::item;
use super::item_place::items;
use super::join::Others;
use super::no_alerts::{unless_an_envelope, without_alerts};
use super::notes::Notes;
use super::nothing::Nothing;
use super::path::{At, Headers, Parsed, PathUse};
use super::read_item::{ReadItem, as_one, noted};
use super::{DeliveryLimits, Item};
use crate::alert::{AlertReason, Note};
use crate::json::Json;
use crate::strict_json::REPLACED;

/// What is read.
#[derive(Clone, Copy)]
pub struct Delivered<'d, 'a> {
    /// The body.
    pub body: &'d Json<'a>,
    /// Gives an alert without an id one that is the same whenever the same bytes come again.
    pub hash: &'d [u8],
    /// Those of [`Mapping::headers`] that the request had. A delivery that is read again later has none.
    pub headers: &'d Headers,
}

/// Reads a delivery of which only the body is at hand. Never empty: a body in which nothing is recognised is one
/// parked item. For `body_hash` see [`Delivered::hash`].
#[must_use]
pub fn read(
    mapping: &Mapping,
    caps: DeliveryLimits,
    body: &Json<'_>,
    body_hash: &[u8],
) -> Vec<Item> {
    read_delivered(
        mapping,
        caps,
        Delivered {
            body,
            hash: body_hash,
            headers: &Headers::new(),
        },
    )
}

/// Reads a delivery with its headers.
#[must_use]
pub fn read_delivered(
    mapping: &Mapping,
    caps: DeliveryLimits,
    delivered: Delivered<'_, '_>,
) -> Vec<Item> {
    let parsed = Parsed::default();
    let read = whole(
        mapping,
        caps,
        At::of(delivered, &parsed, &mapping.nothing),
        delivered.hash,
        false,
    );
    read.into_iter().map(|one| one.item).collect()
}

/// How many alerts the sender says it left out of this delivery, because they were too many for it.
#[must_use]
pub fn left_out(mapping: &Mapping, body: &Json<'_>) -> Option<u64> {
    let (parsed, headers) = (Parsed::default(), Headers::new());
    let at = At::of(
        Delivered {
            body,
            hash: &[],
            headers: &headers,
        },
        &parsed,
        &mapping.nothing,
    );
    let found = Notes::default().first(&mapping.left_out, at, "left_out")?;
    found.text()?.trim().parse().ok().filter(|count| *count > 0)
}

impl<'j, 'a> At<'j, 'a> {
    pub(super) const fn of(
        delivered: Delivered<'j, 'a>,
        parsed: &'j Parsed,
        nothing: &'j Nothing,
    ) -> At<'j, 'a> {
        let Delivered { body, headers, .. } = delivered;
        At {
            root: body,
            parent: body,
            here: body,
            joined: None,
            parsed,
            headers,
            nothing,
            mode: PathUse::One,
        }
    }
}

/// Reads the whole of a delivery, with a trace or without.
pub(super) fn whole<'j, 'a>(
    mapping: &Mapping,
    caps: DeliveryLimits,
    at: At<'j, 'a>,
    hash: &[u8],
    tracing: bool,
) -> Vec<ReadItem<'j, 'a>> {
    let mut read = every(mapping, caps, at, hash, tracing);
    note_replaced(at.root, &mut read);
    read
}

fn every<'j, 'a>(
    mapping: &Mapping,
    caps: DeliveryLimits,
    at: At<'j, 'a>,
    hash: &[u8],
    tracing: bool,
) -> Vec<ReadItem<'j, 'a>> {
    let derived = format!("sha256-{}", hex::encode(hash.get(..16).unwrap_or(hash)));
    let mut notes = Notes::default();
    let (found, before) = items(mapping, at, &mut notes);
    if let Some((reason, detail)) = notes.fault {
        return vec![as_one(reason, &derived, detail)];
    }
    if found.is_empty() {
        return vec![without_alerts(mapping, before, at, derived, tracing)];
    }
    if found.len() > caps.alerts {
        let detail = format!(
            "{} alerts, of which {} may come at once",
            found.len(),
            caps.alerts
        );
        return vec![as_one(AlertReason::TooManyAlerts, &derived, detail)];
    }
    let single = found.len() == 1;
    let others = match mapping
        .join
        .as_ref()
        .map(|join| Others::of(join, at))
        .transpose()
    {
        Ok(others) => others,
        Err((reason, detail)) => return vec![as_one(reason, &derived, detail)],
    };
    let mut read = Vec::with_capacity(found.len());
    for (n, (parent, here)) in found.into_iter().enumerate() {
        let derived = if single {
            derived.clone()
        } else {
            format!("{derived}.{n}")
        };
        let mut notes = if tracing {
            Notes::tracing()
        } else {
            Notes::default()
        };
        let at = At { parent, here, ..at };
        let at = At {
            joined: others
                .as_ref()
                .and_then(|others| others.of_alert(at, &mut notes)),
            ..at
        };
        let mut item = item(mapping, caps, at, derived, &mut notes);
        if single {
            let whole = At {
                here: at.root,
                parent: at.root,
                ..at
            };
            item = unless_an_envelope(item, before, whole);
        }
        read.push(noted(item, at, notes));
    }
    if let Some((reason, detail)) = too_many(&read, caps) {
        read = vec![as_one(reason, &derived, detail)];
    }
    read
}

/// Why a delivery is too much to be decided at once, if it is.
fn too_many(read: &[ReadItem<'_, '_>], caps: DeliveryLimits) -> Option<(AlertReason, String)> {
    let beyond = read.iter().find_map(|one| match &one.item {
        Item::Parked {
            reason: reason @ AlertReason::TooManyDevices,
            detail,
            ..
        } => Some((*reason, detail.clone())),
        _ => None,
    });
    if let (true, Some(beyond)) = (read.len() > 1, beyond) {
        return Some(beyond);
    }
    let devices = |one: &ReadItem<'_, '_>| {
        if let Item::Alert(alert) = &one.item {
            alert.devices.len()
        } else {
            0
        }
    };
    let (named, most) = (read.iter().map(devices).sum::<usize>(), caps.decisions());
    let detail = || {
        format!(
            "{named} devices in {} alerts, of which {most} may come at once",
            read.len()
        )
    };
    (named > most).then(|| (AlertReason::TooManyDecisions, detail()))
}

/// Notes replaced bytes at the alerts that hold them, or at all where they stand outside of every alert.
fn note_replaced(body: &Json<'_>, read: &mut [ReadItem<'_, '_>]) {
    let holds = |json: &Json<'_>| json.any_text(&|text| text.contains(REPLACED));
    if !holds(body) {
        return;
    }
    for one in &mut *read {
        if one.at.is_some_and(|at| holds(at.here)) {
            one.item.alert_mut().notes.insert(Note::ReplacedBytes);
        }
    }
    if read
        .iter()
        .all(|one| !one.item.alert().notes.contains(&Note::ReplacedBytes))
    {
        for one in read {
            one.item.alert_mut().notes.insert(Note::ReplacedBytes);
        }
    }
}

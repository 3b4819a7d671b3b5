//! A body, its alerts, and for each what becomes of it.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::compile::{Join, Mapping};
use super::device::NamedDevices;
use super::field::{LONGEST_KEY, Length, Notes, Remark, Supply, Yielded};
use super::nothing::Nothing;
use super::path::{At, Headers, Parsed, PathUse};
use super::source::{Source, SourceOf};
use super::{DeliveryLimits, Item, device, placeholder, severity, technique, time};
use crate::alert::{Alert, AlertReason, Device, Note};
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

/// One item of a delivery, with what it was read from.
pub(super) struct ReadItem<'j, 'a> {
    pub(super) item: Item,
    /// Where it starts; `None` where the delivery is parked as one.
    pub(super) at: Option<At<'j, 'a>>,
    /// What supplied what, where that was asked for.
    pub(super) trace: Vec<Supply>,
    /// What did not become a field, and why, where that was asked for.
    pub(super) remarks: Vec<Remark>,
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

/// What stands for a delivery in which no alert was found: the sender says that there is none, or nothing is recognised.
fn without_alerts<'j, 'a>(
    mapping: &Mapping,
    looked: &[Source],
    at: At<'j, 'a>,
    derived: String,
    tracing: bool,
) -> ReadItem<'j, 'a> {
    let Some(owner) = emptied(looked, at) else {
        return as_one(AlertReason::Unmapped, &derived, not_understood(mapping, at));
    };
    let at = At {
        parent: owner,
        here: &NOTHING,
        ..at
    };
    no_alerts(mapping, at, derived, tracing)
}

/// An item with what was noted while it was read from `at`.
fn noted<'j, 'a>(mut item: Item, at: At<'j, 'a>, notes: Notes) -> ReadItem<'j, 'a> {
    if !notes.replaced.is_empty() {
        item.alert_mut().notes.insert(Note::ReplacedBytes);
    }
    ReadItem {
        item,
        at: Some(at),
        trace: notes.trace.unwrap_or_default(),
        remarks: notes.remarks,
    }
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

/// The records of a delivery that tell more of its alerts, by the value they have in common.
struct Others<'m, 'j, 'a> {
    join: &'m Join,
    by_key: BTreeMap<String, &'j Json<'a>>,
}

impl<'m, 'j, 'a> Others<'m, 'j, 'a> {
    fn of(join: &'m Join, at: At<'j, 'a>) -> Result<Others<'m, 'j, 'a>, (AlertReason, String)> {
        let mut by_key = BTreeMap::new();
        let mut notes = Notes::default();
        let records = join.each.iter().map(|source| {
            let mut fits = |record| {
                Notes::default()
                    .first(&join.on, at.here(record), "join")
                    .is_some()
            };
            let found = notes
                .find_fitting(source, at, &mut fits)
                .into_iter()
                .filter_map(|found| match found {
                    Yielded::Node(record @ Json::Object(_)) => Some(record),
                    _ => None,
                });
            found.collect::<Vec<_>>()
        });
        for record in records
            .into_iter()
            .find(|records| !records.is_empty())
            .unwrap_or_default()
        {
            if notes.holds(&join.only, at.here(record))
                && let Some(key) = notes.text(&join.on, at.here(record), "join", Length::Key)
            {
                by_key.entry(key).or_insert(record);
            }
        }
        match notes.take_doubt() {
            Some(doubt) => Err(doubt),
            None => Ok(Others { join, by_key }),
        }
    }

    fn of_alert(&self, at: At<'j, 'a>, of_alert: &mut Notes) -> Option<&'j Json<'a>> {
        let mut notes = Notes::default();
        let key = notes.text(&self.join.on, at, "join", Length::Key);
        if let Some((reason, detail)) = notes.take_doubt() {
            of_alert.fault(reason, detail);
        }
        self.by_key.get(&key?).copied()
    }
}

/// A delivery that is parked as one.
fn as_one<'j, 'a>(
    reason: AlertReason,
    derived: &str,
    detail: impl Into<String>,
) -> ReadItem<'j, 'a> {
    let alert = Alert {
        id: derived.to_owned(),
        id_derived: true,
        dedupe: derived.to_owned(),
        ..Alert::default()
    };
    ReadItem {
        item: Item::Parked {
            reason,
            alert,
            detail: detail.into(),
        },
        at: None,
        trace: Vec::new(),
        remarks: Vec::new(),
    }
}

/// The values of the first pattern that yields an object, each with the nearest object around it; and the patterns that
/// yielded none. Other values beside an object are kept, to be parked one by one.
fn items<'m, 'j, 'a>(
    mapping: &'m Mapping,
    at: At<'j, 'a>,
    notes: &mut Notes,
) -> (ItemPlaces<'j, 'a>, &'m [Source]) {
    for (n, source) in mapping.each.iter().enumerate() {
        let found = places(source, at, notes);
        if found
            .iter()
            .any(|(_, value)| matches!(value, Json::Object(_)))
        {
            return (found, mapping.each.get(..n).unwrap_or_default());
        }
    }
    (Vec::new(), &mapping.each)
}

/// Values, each with the nearest object around it.
type ItemPlaces<'j, 'a> = Vec<(&'j Json<'a>, &'j Json<'a>)>;

/// The object around a list where alerts were looked for, and which is empty.
fn emptied<'j, 'a>(looked: &[Source], at: At<'j, 'a>) -> Option<&'j Json<'a>> {
    if holds_nothing(at.root) {
        return Some(at.root);
    }
    looked.iter().find_map(|source| match &source.what {
        SourceOf::Nodes(nodes) => nodes.path.emptied(at),
        _ => None,
    })
}

/// Whether a body is an empty list, or an envelope with an empty list and nothing else in it.
fn holds_nothing(body: &Json<'_>) -> bool {
    let nothing = |key: &str, value: &Json<'_>| {
        value.is_missing() || value.text() == Some("0") || key.starts_with('@')
    };
    match body {
        Json::List(elements) => elements.is_empty(),
        Json::Object(members) => {
            members.iter().all(|(key, value)| nothing(key, value))
                && members
                    .iter()
                    .any(|(_, value)| matches!(value, Json::List(elements) if elements.is_empty()))
        }
        _ => false,
    }
}

/// What stands in the place of an alert that is not there.
static NOTHING: Json<'static> = Json::Null;

const NO_ALERTS: &str = "no alerts in it";

/// A delivery whose list of alerts is empty. What stands around the list is read, and the guards look at it as well.
fn no_alerts<'j, 'a>(
    mapping: &Mapping,
    at: At<'j, 'a>,
    derived: String,
    tracing: bool,
) -> ReadItem<'j, 'a> {
    let mut notes = if tracing {
        Notes::tracing()
    } else {
        Notes::default()
    };
    let mut alert = alert(mapping, at, &mut notes, derived);
    let detail = match notes.refused(&mapping.unless, at) {
        Some(why) => format!("{NO_ALERTS}, and {why}"),
        None => NO_ALERTS.to_owned(),
    };
    alert.unusable = core::mem::take(&mut notes.unusable);
    let item = Item::Ignored {
        reason: AlertReason::NoAlerts,
        alert,
        detail,
    };
    ReadItem {
        item,
        at: None,
        trace: notes.trace.unwrap_or_default(),
        remarks: notes.remarks,
    }
}

/// An object beside whose empty list of alerts nothing is named that could be scanned is an envelope, and no alert.
fn unless_an_envelope(item: Item, looked: &[Source], body: At<'_, '_>) -> Item {
    match item {
        Item::Parked {
            reason: AlertReason::Unmapped | AlertReason::NoDevice,
            alert,
            ..
        } if emptied(looked, body).is_some() => Item::Ignored {
            reason: AlertReason::NoAlerts,
            alert,
            detail: NO_ALERTS.to_owned(),
        },
        other => other,
    }
}

/// What to say of a body that the map does not read, if this is one.
fn other_body(notes: &mut Notes, mapping: &Mapping, at: At<'_, '_>) -> Option<String> {
    let other = mapping
        .other_bodies
        .iter()
        .find(|other| notes.holds(&other.only, at))?;
    Some(other.hint.clone())
}

/// Why nothing was recognised at a place, as well as it can be said.
fn not_understood(mapping: &Mapping, at: At<'_, '_>) -> String {
    if let Some(hint) = other_body(&mut Notes::default(), mapping, at) {
        return hint;
    }
    let said = match at.here {
        Json::Object(_) if at.here.member("$content").is_some() => {
            "the alert is inside `$content`, in base64, as a Logic App wraps a body that it does not know to be JSON: let it \
             post `json(base64ToString(triggerBody()?['$content']))`"
        }
        Json::Text(text) if text.trim_start().starts_with(['{', '[']) => {
            "the body is a text that holds JSON: the sender encoded it twice"
        }
        Json::Object(_) => "nothing in it is what the map looks for",
        _ => "nothing stands where the map looks for alerts",
    };
    said.to_owned()
}

fn places<'j, 'a>(source: &Source, at: At<'j, 'a>, notes: &mut Notes) -> ItemPlaces<'j, 'a> {
    match &source.what {
        SourceOf::Nodes(nodes) if nodes.is_plain() => {
            // For the check of letter case.
            let _ = notes.look(&nodes.path, at);
            let mut found = nodes.path.values_with_owners(at);
            found.retain(|(_, value)| !value.is_missing());
            found
                .into_iter()
                .map(|(owner, value)| (owner, value.alone()))
                .collect()
        }
        _ => {
            let mut fits = |value: &Json<'_>| matches!(value, Json::Object(_));
            let found = notes
                .find_fitting(source, at, &mut fits)
                .into_iter()
                .filter_map(|found| match found {
                    Yielded::Node(value) => Some((at.root, value)),
                    Yielded::Made(..) => None,
                });
            found.collect()
        }
    }
}

fn item(
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

/// Finds the tenant an alert is for; why there is none. No two tenants' alerts are ever the same.
fn acting(mapping: &Mapping, at: At<'_, '_>, alert: &mut Alert) -> Option<(AlertReason, String)> {
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
            .map(Source::shown)
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

fn alert(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes, derived: String) -> Alert {
    let mut text = |sources: &[Source], field: &str| notes.text(sources, at, field, Length::Text);
    let mut alert = Alert {
        title: text(&mapping.title, "alert.title"),
        detector: text(&mapping.detector, "alert.detector"),
        user: text(&mapping.user, "user"),
        tenant: text(&mapping.tenant, "alert.tenant"),
        url: text(&mapping.url, "alert.url"),
        ..Alert::default()
    };
    alert.status = notes.text(
        &mapping.status,
        at.reading(PathUse::Word),
        "alert.status",
        Length::Text,
    );
    alert.category = notes.texts(&mapping.category, at, "alert.category");
    alert.techniques = technique::read(&mapping.techniques, at, notes);
    alert.time = time::read(&mapping.time, at, notes);
    alert.severity = mapping
        .severity
        .as_ref()
        .and_then(|(sources, scale)| severity::read(sources, scale, at, notes));
    references(mapping, at, notes, &mut alert);
    identify(mapping, at, notes, &mut alert, derived);
    alert
}

/// The id, and what makes two alerts the same.
fn identify(
    mapping: &Mapping,
    at: At<'_, '_>,
    notes: &mut Notes,
    alert: &mut Alert,
    derived: String,
) {
    let id = notes.text(&mapping.id, at, "alert.id", Length::Key);
    alert.dedupe = dedupe(mapping, at, notes)
        .or_else(|| id.clone())
        .unwrap_or_else(|| derived.clone());
    if notes.replaced.contains("alert.dedupe") {
        // Without the part that could not be read two alerts could be taken for one.
        alert.dedupe.clone_from(&derived);
    }
    let id = id.or_else(|| {
        let shared = notes.text(&mapping.shared_id, at, "alert.id", Length::Key);
        alert.id_shared = shared.is_some();
        shared
    });
    alert.id_derived = id.is_none();
    alert.id = id.unwrap_or_else(|| derived.clone());
    for (what, text) in [("the id", &alert.id), ("the dedupe key", &alert.dedupe)] {
        if placeholder::holds(text) {
            notes.fault(
                AlertReason::Placeholder,
                format!("{what} is still a placeholder of the sender's template"),
            );
        }
    }
    if placeholder::holds(&alert.dedupe) {
        alert.dedupe = derived;
    }
}

/// What people look things up by. No rule reads it, so what cannot be used of it is left out.
fn references(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes, alert: &mut Alert) {
    const MOST: usize = 50;
    for (name, sources) in &mapping.references {
        let mut aside = Notes {
            trace: notes.trace.take(),
            ..Notes::default()
        };
        let mut texts = aside.texts(sources, at, &format!("references.{name}"));
        if let Some((reason @ AlertReason::DuplicateKey, detail)) = aside.take_doubt() {
            notes.fault(reason, detail);
        }
        notes.replaced.append(&mut aside.replaced);
        let usable = |text: &String| {
            text.chars().count() <= LONGEST_KEY
                && !placeholder::holds(text)
                && !text.contains(REPLACED)
        };
        texts.retain(usable);
        texts.truncate(MOST);
        if !texts.is_empty() {
            alert.references.insert(name.clone(), texts);
        }
        notes.trace = aside.trace;
    }
}

/// The compound key as one text; every part is preceded by its length, so no two keys run together. Where a part is
/// missing, the others may be those of several alerts: then all that the alert holds is a part.
fn dedupe(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes) -> Option<String> {
    let mut parts: Vec<_> = mapping
        .dedupe
        .iter()
        .map(|part| notes.text(part, at, "alert.dedupe", Length::Key))
        .collect();
    if let Some(placeholder) = parts.iter().flatten().find(|part| placeholder::holds(part)) {
        return Some(placeholder.clone());
    }
    if parts.iter().any(Option::is_some) && parts.iter().any(Option::is_none) {
        let digest = Sha256::digest(at.here.written_with(&|_| None));
        parts.push(Some(hex::encode(digest.get(..16).unwrap_or(&digest))));
    }
    let join = |part: &Option<String>| {
        part.as_ref()
            .map_or_else(|| "-".to_owned(), |t| format!("{}:{t}", t.len()))
    };
    parts
        .iter()
        .any(Option::is_some)
        .then(|| parts.iter().map(join).collect::<Vec<_>>().join(" "))
}

//! Why a delivery was read as it was: which place of the body supplied each field, what was looked for in vain, and
//! what stands there that looks like it. Made by the reading itself, so the two cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::compile::Mapping;
use super::field::{Supply, TextOrigin};
use super::look_alike::{self, LookAlike};
use super::path::{At, Parsed, identity};
use super::read::{Delivered, ReadItem, whole};
use super::source::Source;
use super::{DeliveryLimits, Item};
use crate::alert::{Alert, AlertReason};
use crate::json::Json;

/// One item of a delivery, with what it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReading {
    /// What became of it, the same as [`super::read_delivered`] says.
    pub item: Item,
    /// Where it stands in the body, as a JSON pointer; `None` where the delivery was parked as one.
    pub place: Option<String>,
    /// What has a value, and from where.
    pub supplied: Vec<Supplied>,
    /// What stood in a field's place and is no value.
    pub remarks: Vec<Remarked>,
    /// What the map looks for and did not find, or could not use.
    pub missing: Vec<Missing>,
    /// What looks like something that is missing. Guesses for a person, which nothing else reads.
    pub candidates: Vec<LookAlike>,
}

/// A field with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supplied {
    /// The field as rules name it; `alert.dedupe`, `alert.tenant`, `alert.url` and `references.*` beside them.
    pub field: String,
    /// Which device of the alert it belongs to, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    /// The text as it stood there.
    pub text: String,
    /// What it was read as, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// JSON pointers from the top of the body, several where it was joined; behind `#json` inside a document that stood
    /// in a text; `header:` and a name for a header.
    pub from: Vec<String>,
}

/// A value that did not become a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remarked {
    /// The field as rules name it.
    pub field: String,
    /// The text, and why it is no value.
    pub says: String,
    /// Where it stands, as in [`Supplied::from`].
    pub from: Vec<String>,
}

/// A field without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The field as rules name it.
    pub field: String,
    /// Which device of the alert lacks it, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    /// Something stood there that could not be used: of a wrong type, or off the scale.
    pub unusable: bool,
    /// Where the map looked for it.
    pub tried: Vec<String>,
}

/// Reads a delivery and says how.
#[must_use]
pub fn explain(
    mapping: &Mapping,
    caps: DeliveryLimits,
    delivered: Delivered<'_, '_>,
) -> Vec<ItemReading> {
    let parsed = Parsed::default();
    let at = At::of(delivered, &parsed, &mapping.nothing);
    let all = whole(mapping, caps, at, delivered.hash, true);
    let places = PlaceNames::of(&all, at);
    all.into_iter()
        .map(|one| explained(mapping, one, at, &places))
        .collect()
}

fn explained(
    mapping: &Mapping,
    one: ReadItem<'_, '_>,
    body: At<'_, '_>,
    places: &PlaceNames,
) -> ItemReading {
    let mut seen = BTreeSet::new();
    let first = |supply: &Supply| {
        is_list(&supply.field) || seen.insert((supply.device, supply.field.clone()))
    };
    let trace: Vec<_> = one.trace.into_iter().filter(first).collect();
    let supplied = trace
        .into_iter()
        .filter(|supply| supply.device.is_some() || !supply.field.starts_with("device."));
    let supplied: Vec<_> = supplied
        .map(|supply| Supplied {
            from: places.named(&supply.from),
            field: supply.field,
            device: supply.device,
            text: supply.text,
            read_as: supply.read_as,
        })
        .collect();
    let remarks = one.remarks.into_iter();
    let remarks = remarks.map(|one| Remarked {
        from: places.named(&one.from),
        field: one.field,
        says: one.says,
    });
    let remarks = remarks.collect();
    let missing = missing(mapping, one.item.alert(), &supplied);
    let here = one.at.map_or(body.root, |at| at.here);
    let place = one.at.and_then(|at| places.name(identity(at.here)));
    let from = place.clone().unwrap_or_default();
    let unmapped = matches!(
        one.item,
        Item::Parked {
            reason: AlertReason::Unmapped,
            ..
        }
    );
    let wanted: BTreeSet<_> = missing
        .iter()
        .map(|missing| missing.field.as_str())
        .collect();
    let mut candidates = look_alike::candidates(here, &from);
    candidates.retain(|candidate| unmapped || wanted.contains(candidate.field));
    ItemReading {
        item: one.item,
        place,
        supplied,
        remarks,
        missing,
        candidates,
    }
}

/// Whether a field can have several values.
fn is_list(field: &str) -> bool {
    matches!(field, "alert.category" | "alert.techniques")
        || field.starts_with("references.")
        || field == "alert.dedupe"
}

/// What is looked for in vain.
fn missing(mapping: &Mapping, alert: &Alert, supplied: &[Supplied]) -> Vec<Missing> {
    let mut missing = Vec::new();
    let shown = |sources: &[Source]| sources.iter().map(Source::shown).collect::<Vec<_>>();
    for (field, sources) in mapping.fields() {
        if !sources.is_empty() && !supplied.iter().any(|one| one.field == field) {
            let unusable = alert.unusable.contains(&field);
            missing.push(Missing {
                field,
                device: None,
                unusable,
                tried: shown(sources),
            });
        }
    }
    let devices: Vec<_> = (0..alert.devices.len()).map(Some).collect();
    for device in if devices.is_empty() {
        vec![None]
    } else {
        devices
    } {
        for field in ["device.id", "device.name", "device.ip", "device.aad_id"] {
            let tried = mapping.devices.iter().flat_map(|table| {
                let sources = match field {
                    "device.id" => &table.mde_id,
                    "device.name" => &table.name,
                    "device.ip" => &table.ip,
                    _ => &table.aad_id,
                };
                table.each.iter().flat_map(|each| {
                    sources
                        .iter()
                        .map(|s| format!("{}{}", each.shown(), s.shown()))
                })
            });
            let tried: Vec<_> = tried.collect();
            let has = device.is_some()
                && supplied
                    .iter()
                    .any(|one| one.device == device && one.field == field);
            if !tried.is_empty() && !has {
                let unusable = alert.unusable.contains(field);
                missing.push(Missing {
                    field: field.to_owned(),
                    device,
                    unusable,
                    tried,
                });
            }
        }
    }
    missing
}

impl Mapping {
    /// The fields of an alert with their sources.
    fn fields(&self) -> Vec<(String, &[Source])> {
        let severity = self
            .severity
            .as_ref()
            .map_or(&[] as &[Source], |(sources, _)| sources);
        let id: &[Source] = if self.id.is_empty() {
            &self.shared_id
        } else {
            &self.id
        };
        let mut fields: Vec<(String, &[Source])> = [
            ("alert.id", id),
            ("alert.title", &self.title),
            ("severity", severity),
            ("alert.category", &self.category),
            ("alert.techniques", &self.techniques),
            ("alert.status", &self.status),
            ("alert.detector", &self.detector),
            ("alert.time", &self.time),
            ("user", &self.user),
            ("alert.tenant", &self.tenant),
            ("alert.url", &self.url),
        ]
        .map(|(field, sources)| (field.to_owned(), sources))
        .into();
        fields.extend(
            self.references
                .iter()
                .map(|(name, all)| (format!("references.{name}"), all.as_slice())),
        );
        fields
    }
}

/// The names of places in a body, for those that are asked for.
struct PlaceNames(BTreeMap<usize, String>);

impl PlaceNames {
    fn of(all: &[ReadItem<'_, '_>], at: At<'_, '_>) -> PlaceNames {
        let mut wanted = BTreeSet::new();
        for one in all {
            wanted.extend(one.at.map(|at| identity(at.here)));
            let remarked = one.remarks.iter().map(|remark| &remark.from);
            for from in one.trace.iter().map(|supply| &supply.from).chain(remarked) {
                match from {
                    TextOrigin::One(place) => wanted.extend([*place]),
                    TextOrigin::Many(places) => wanted.extend(places),
                    TextOrigin::Header(_) => {}
                }
            }
        }
        // A document is named behind the text it stood in, whose own place has to be known for that.
        let documents: Vec<_> = at.parsed.documents().collect();
        wanted.extend(documents.iter().map(|(text, _)| *text));
        let mut places = PlaceNames(BTreeMap::new());
        places.walk(at.root, &mut String::new(), &wanted);
        for (text, document) in documents {
            let mut pointer = places.name(text).unwrap_or_default() + "#json";
            places.walk(document, &mut pointer, &wanted);
        }
        places
    }

    fn walk(&mut self, value: &Json<'_>, pointer: &mut String, wanted: &BTreeSet<usize>) {
        if wanted.contains(&identity(value)) {
            self.0.insert(identity(value), pointer.clone());
        }
        let length = pointer.len();
        match value {
            Json::List(elements) => {
                for (n, element) in elements.iter().enumerate() {
                    pointer.push_str(&format!("/{n}"));
                    self.walk(element, pointer, wanted);
                    pointer.truncate(length);
                }
            }
            Json::Object(members) => {
                for (key, member) in members {
                    pointer.push('/');
                    pointer.push_str(&look_alike::escaped(key));
                    self.walk(member, pointer, wanted);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn name(&self, place: usize) -> Option<String> {
        self.0.get(&place).cloned()
    }

    fn named(&self, from: &TextOrigin) -> Vec<String> {
        match from {
            TextOrigin::One(place) => self.name(*place).into_iter().collect(),
            TextOrigin::Many(places) => places
                .iter()
                .filter_map(|place| self.name(*place))
                .collect(),
            TextOrigin::Header(name) => vec![format!("header:{name}")],
        }
    }
}

//! The bodies of tests/payloads, written as other versions and pipelines of their senders write them: what means the same
//! is read as the same, and what is broken is never read as another device or as another alert.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use scanhook_core::alert::{Alert, Device};
use scanhook_core::directory::HostName;
use scanhook_core::mapping::{self, Delivered, DeliveryLimits, Headers, Item, ItemReading};
use scanhook_core::strict_json;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::presets::mapping_of;

/// Every fixture: its file, its preset, its body.
fn fixtures() -> Vec<(String, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let files = expected.as_object().unwrap().iter();
    let bodies = files.filter_map(|(file, of)| {
        let body = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).ok()?;
        Some((
            file.clone(),
            of["preset"].as_str().unwrap().to_owned(),
            body,
        ))
    });
    bodies.collect()
}

/// How a body is read, and from where.
fn read(preset: &str, body: &Value) -> Vec<ItemReading> {
    let text = body.to_string();
    let json = strict_json::read(text.as_bytes()).unwrap();
    let delivered = Delivered {
        body: &json,
        hash: &[7; 24],
        headers: &Headers::new(),
    };
    mapping::explain(mapping_of(preset), DeliveryLimits::default(), delivered)
}

/// What becomes of a body.
fn items(preset: &str, body: &Value, hash: &[u8]) -> Vec<Item> {
    let text = body.to_string();
    let json = strict_json::read(text.as_bytes()).unwrap();
    mapping::read(mapping_of(preset), DeliveryLimits::default(), &json, hash)
}

/// What the rules, the journal and the directory see of a delivery. References and the tenant are only shown.
fn meant(read: &[ItemReading]) -> Vec<Value> {
    let one = |one: &ItemReading| {
        let is = match &one.item {
            Item::Alert(_) => "alert",
            Item::Ignored { .. } => "ignored",
            Item::Parked { reason, .. } => reason.code(),
        };
        let mut alert = one.item.alert().clone();
        // A key with a missing part holds a digest of the whole alert, however its texts are spelt.
        if alert.dedupe.starts_with("- ") || alert.dedupe.contains(" - ") {
            alert.dedupe.clear();
        }
        let alert = Alert {
            references: Default::default(),
            notes: Default::default(),
            tenant: None,
            ..alert
        };
        json!({ "is": is, "alert": alert })
    };
    read.iter().map(one).collect()
}

/// The pointer of every value in a body.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(all) => {
            all.iter()
                .enumerate()
                .for_each(|(n, one)| places(one, &format!("{here}/{n}"), found));
        }
        Value::Object(all) => {
            for (key, one) in all {
                places(
                    one,
                    &format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        _ => {}
    }
}

fn with(body: &Value, place: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(place).unwrap() = value;
    body
}

/// The places that supplied one of these fields and hold its whole text.
fn suppliers(read: &[ItemReading], body: &Value, fields: &[&str]) -> BTreeSet<String> {
    let supplied = read.iter().flat_map(|one| &one.supplied);
    let supplied = supplied.filter(|one| fields.iter().any(|field| one.field.starts_with(field)));
    let whole =
        |place: &&String, text: &str| body.pointer(place).and_then(Value::as_str) == Some(text);
    supplied
        .flat_map(|one| one.from.iter().filter(|place| whole(place, &one.text)))
        .cloned()
        .collect()
}

#[test]
fn a_list_of_one_and_its_only_element_are_read_alike() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (file, preset, body) in fixtures() {
        let as_written = meant(&read(&preset, &body));
        let mut all = Vec::new();
        places(&body, "", &mut all);
        for place in all {
            let Some([only]) = body
                .pointer(&place)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
            else {
                continue;
            };
            tried += 1;
            if meant(&read(&preset, &with(&body, &place, only.clone()))) != as_written {
                wrong.push(format!("{file} ({preset}): {place}"));
            }
        }
    }
    assert!(tried >= 15, "{tried}");
    assert!(
        wrong.is_empty(),
        "read otherwise as one value than as a list of one:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_name_in_any_form_that_senders_write_is_the_same_name() {
    type Form = fn(&str) -> String;
    let forms: [Form; 12] = [
        |name| format!(" {name}\t"),
        |name| format!("{name}."),
        |name| format!("{name}:9182"),
        |name| format!("https://{name}:8443/metrics?a=b"),
        |name| format!("\\\\{name}\\share"),
        |name| format!("\u{feff}{name}\u{200b}"),
        |name| format!("\"{name}\""),
        |name| format!("CORP\\{name}"),
        |name| format!("{name}$"),
        |name| format!("CORP\\{name}$"),
        |name| format!("{name}:9182/metrics"),
        |name| format!("{name} (10.20.0.99)"),
    ];
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (file, preset, body) in fixtures() {
        let as_written = read(&preset, &body);
        let before = meant(&as_written);
        for place in suppliers(&as_written, &body, &["device.name"]) {
            let name = body.pointer(&place).and_then(Value::as_str).unwrap();
            if HostName::parse(name).is_none() {
                continue;
            }
            for form in forms {
                tried += 1;
                let text = form(name);
                if meant(&read(&preset, &with(&body, &place, json!(text)))) != before {
                    wrong.push(format!("{file} ({preset}): {place} = {text}"));
                }
            }
        }
    }
    assert!(tried >= 200, "{tried}");
    assert!(
        wrong.is_empty(),
        "another reading than of the plain name:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_id_with_something_wrapped_around_it_is_the_same_id() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (file, preset, body) in fixtures() {
        let as_written = read(&preset, &body);
        let before = meant(&as_written);
        let times = suppliers(&as_written, &body, &["alert.time"]);
        let ids = suppliers(
            &as_written,
            &body,
            &["alert.id", "alert.dedupe", "device.id", "device.aad_id"],
        );
        for place in ids.difference(&times) {
            let id = body.pointer(place).and_then(Value::as_str).unwrap();
            for text in [
                format!(" {id} "),
                format!("{id}\n"),
                format!("{{{id}}}"),
                format!("\u{200b}'{id}'"),
            ] {
                // Words in braces are what a template left.
                if text.starts_with('{') && !id.contains(|c: char| c.is_ascii_digit()) {
                    continue;
                }
                tried += 1;
                if meant(&read(&preset, &with(&body, place, json!(text)))) != before {
                    wrong.push(format!("{file} ({preset}): {place} = {text:?}"));
                }
            }
        }
    }
    assert!(tried >= 150, "{tried}");
    assert!(
        wrong.is_empty(),
        "another reading than of the plain id:\n{}",
        wrong.join("\n")
    );
}

/// Numbers that are the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// What a broken sender, pipeline or template puts in a value's place. `None`: nothing at all.
fn broken(dice: &mut Dice) -> Option<Value> {
    let all = [
        Value::Null,
        json!(""),
        json!(" "),
        json!([]),
        json!({}),
        json!(true),
        json!(7),
        json!({ "a": 1 }),
        json!(["N/A", null]),
        json!("N/A"),
        json!("unknown"),
        json!("None"),
        json!("-"),
        json!("<no value>"),
        json!("undefined"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("{{ alert.value }}"),
        json!("$result.value$"),
        json!("${value}"),
        json!("0.0.0.0"),
        json!("*UNKNOWN*"),
        json!("no such value here, as a person would say it"),
    ];
    all.get(dice.roll(all.len() + 1)).cloned()
}

/// The body with one place broken.
fn mutated(body: &Value, place: &str, value: Option<&Value>) -> Value {
    let mut body = body.clone();
    match (value, place.rsplit_once('/')) {
        (Some(value), _) => *body.pointer_mut(place).unwrap() = value.clone(),
        (None, None) => body = Value::Null,
        (None, Some((parent, key))) => match body.pointer_mut(parent).unwrap() {
            Value::Object(members) => {
                drop(members.remove(&key.replace("~1", "/").replace("~0", "~")))
            }
            Value::Array(elements) => drop(elements.remove(key.parse().unwrap())),
            _ => {}
        },
    }
    body
}

/// Whether two mentions can be of one device.
fn same(a: &Device, b: &Device) -> bool {
    let host = |device: &Device| device.name.as_deref().and_then(HostName::parse);
    let names = matches!((host(a), host(b)), (Some(a), Some(b)) if a.agrees(&b));
    let any = |a: Option<&str>, b: Option<&str>| a.is_some() && a == b;
    let ids = a.machine.is_some() && a.machine == b.machine;
    ids || names
        || any(a.ip.as_deref(), b.ip.as_deref())
        || any(a.aad_id.as_deref(), b.aad_id.as_deref())
}

/// Names that stand in a fixture beside its device's: the same machine's, or that of the machine which passed the event
/// on, where what was broken is the only thing that said so.
const ALSO: [(&str, &str); 9] = [
    ("alertmanager-prober.json", "prober-31"),
    ("elastalert2-forwarded.json", "wec-31"),
    ("falco.json", "node-8"),
    ("opsgenie.json", "lt-044"),
    ("splunk.json", "10.20.0.42"),
    ("splunk-relayed.json", "syslog-31"),
    ("wazuh4-forwarded.json", "wec-31"),
    ("wazuh4-relayed.json", "syslog-31"),
    ("wazuh4.json", "lt-042-agent"),
];

#[test]
fn a_broken_value_never_leads_to_another_device() {
    let mut wrong = BTreeSet::new();
    for (file, preset, body) in fixtures() {
        let as_written = read(&preset, &body);
        let mut devices: Vec<Device> = as_written
            .iter()
            .flat_map(|one| one.item.alert().devices.clone())
            .collect();
        let also = ALSO.iter().filter(|(of, _)| *of == file);
        devices.extend(also.map(|(_, name)| {
            let said = Some((*name).to_owned());
            Device {
                name: said.clone(),
                ip: said,
                ..Device::default()
            }
        }));
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let mapped: Vec<String> = suppliers(&as_written, &body, &[""]).into_iter().collect();
        let mut dice = Dice(0x5ca1_ab1e ^ u64::try_from(file.len()).unwrap());
        for n in 0..200 {
            let from = if n % 2 == 0 && !mapped.is_empty() {
                &mapped
            } else {
                &all
            };
            let place = &from[dice.roll(from.len())];
            let value = broken(&mut dice);
            let body = mutated(&body, place, value.as_ref());
            // A number in a name's place is what the body calls it.
            let number = value == Some(json!(7));
            for item in items(&preset, &body, &[7; 24]) {
                let Item::Alert(alert) = &item else { continue };
                let names = |device: &Device| {
                    device.machine.is_some()
                        || device.name.is_some()
                        || device.ip.is_some()
                        || device.aad_id.is_some()
                };
                for device in alert.devices.iter().filter(|device| names(device)) {
                    let called = number && device.label() == "7";
                    if !called && !devices.iter().any(|known| same(known, device)) {
                        wrong.insert(format!(
                            "{file} ({preset}): {place} = {value:?}: {}",
                            device.label()
                        ));
                    }
                }
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(
        wrong.is_empty(),
        "devices that the body does not name:\n{}",
        wrong.join("\n")
    );
}

/// Another alert of the same sender about the same device: its own id, title and time.
fn another(body: &Value, read: &[ItemReading]) -> Value {
    let mut other = body.clone();
    let fields = [
        "alert.id",
        "alert.dedupe",
        "alert.title",
        "alert.time",
        "references.",
    ];
    let places = |fields: &[&str]| {
        let supplied = read.iter().flat_map(|one| &one.supplied);
        let supplied =
            supplied.filter(|one| fields.iter().any(|field| one.field.starts_with(field)));
        supplied
            .flat_map(|one| one.from.clone())
            .collect::<BTreeSet<_>>()
    };
    // Both come from the same workspace, organisation or manager.
    let mut told = &places(&fields) - &places(&["alert.tenant"]);
    // What a sender says twice is another one's twice as well.
    let mut all = Vec::new();
    self::places(body, "", &mut all);
    let ids: Vec<&Value> = told
        .iter()
        .filter_map(|place| body.pointer(place))
        .collect();
    let again: Vec<String> = all
        .into_iter()
        .filter(|place| {
            body.pointer(place)
                .is_some_and(|value| ids.contains(&value) || place.to_lowercase().ends_with("/id"))
        })
        .collect();
    told.extend(again);
    for place in &told {
        match other.pointer_mut(place) {
            Some(Value::String(text)) => {
                let digit = text.rfind(|c: char| c.is_ascii_digit());
                match digit {
                    Some(at) => {
                        let next = if &text[at..=at] == "7" { "3" } else { "7" };
                        text.replace_range(at..=at, next);
                    }
                    None => text.push_str(" too"),
                }
            }
            Some(number @ Value::Number(_)) => {
                *number = json!(number.as_f64().unwrap().trunc() as u64 + 1)
            }
            _ => {}
        }
    }
    other
}

#[test]
fn a_broken_value_never_makes_two_alerts_one() {
    let mut wrong = BTreeSet::new();
    for (file, preset, body) in fixtures() {
        let as_written = read(&preset, &body);
        let other = another(&body, &as_written);
        let places: Vec<String> = suppliers(&as_written, &body, &["alert.", "references."])
            .into_iter()
            .collect();
        if places.is_empty() {
            continue;
        }
        let mut dice = Dice(0xdec1_5105 ^ u64::try_from(file.len()).unwrap());
        for _ in 0..200 {
            let place = &places[dice.roll(places.len())];
            let value = broken(&mut dice);
            // Where both say the same real value, they say that they are one.
            if value.as_ref().is_some_and(|value| {
                *value == json!(7) || value.as_str().is_some_and(|t| t.starts_with("no such"))
            }) {
                continue;
            }
            let key = |body: &Value| {
                let body = mutated(body, place, value.as_ref());
                let read = items(&preset, &body, &Sha256::digest(body.to_string()));
                let alerts = read.into_iter().filter_map(|item| match item {
                    Item::Alert(alert) => Some(alert.dedupe),
                    _ => None,
                });
                alerts.collect::<BTreeSet<_>>()
            };
            let (one, two) = (key(&body), key(&other));
            if let Some(shared) = one.intersection(&two).next() {
                wrong.insert(format!("{file} ({preset}): {place} = {value:?}: {shared}"));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(
        wrong.is_empty(),
        "two alerts that would be taken for one:\n{}",
        wrong.join("\n")
    );
}

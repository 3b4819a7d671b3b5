//! What each shipped map makes of the bodies of its sender: our own, made in the documented shape, and published ones
//! where they lie beside the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use scanhook::policy::{Ceiling, Policy, PolicyQuestion, Terms};
use scanhook::presets;
use scanhook::settings::Source;
use scanhook_core::alert::{Alert, AlertReason, Severity};
use scanhook_core::mapping::{
    self, Delivered, DeliveryLimits, Headers, Item, ItemReading, Mapping,
};
use scanhook_core::rules::Facts;
use scanhook_core::scan::Mode;
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Asks;
use serde_json::{Value, json};

pub const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

pub fn mapping_of(preset: &str) -> &'static Mapping {
    static ALL: LazyLock<BTreeMap<&str, Mapping>> = LazyLock::new(|| {
        presets::names()
            .map(|name| (name, Mapping::compile(presets::map(name).unwrap()).unwrap()))
            .collect()
    });
    ALL.get(preset)
        .unwrap_or_else(|| panic!("no preset {preset}"))
}

pub fn explained(preset: &str, body: &[u8]) -> Vec<ItemReading> {
    let json = strict_json::read(body).unwrap_or_else(|fault| panic!("{fault}"));
    let delivered = Delivered {
        body: &json,
        hash: &[7; 24],
        headers: &Headers::new(),
    };
    let explained = mapping::explain(mapping_of(preset), DeliveryLimits::default(), delivered);
    let read = mapping::read(
        mapping_of(preset),
        DeliveryLimits::default(),
        &json,
        &[7; 24],
    );
    assert_eq!(
        explained.iter().map(|one| &one.item).collect::<Vec<_>>(),
        read.iter().collect::<Vec<_>>()
    );
    explained
}

/// Where the published bodies are: named by a variable, which then has to be right, or beside the repository.
fn published() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SCANHOOK_PAYLOADS") {
        let named = PathBuf::from(named);
        assert!(
            named.join("expected.json").is_file(),
            "SCANHOOK_PAYLOADS: {} has no expected.json",
            named.display()
        );
        return Some(named);
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    above
        .map(|folder| folder.join("shared/payloads"))
        .find(|folder| folder.join("expected.json").is_file())
}

/// Whether a value is there, in the sense of the published expectations.
fn stated(value: &Value) -> bool {
    !matches!(value, Value::Null) && *value != json!([])
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|all| all.iter().map(|one| one.as_str().unwrap()).collect())
        .unwrap_or_default()
}

/// The parts of a compound key, which are each preceded by their length.
fn parts(dedupe: &str) -> Vec<String> {
    let (mut rest, mut parts) = (dedupe, Vec::new());
    while let Some((length, text)) = rest.split_once(':') {
        let length: usize = length.parse().unwrap();
        parts.push(text[..length].to_owned());
        rest = text[length..].trim_start();
    }
    parts
}

/// Holds an alert against its expectation: every value, and where it came from.
fn holds(file: &str, one: &ItemReading, expected: &Value) {
    let alert = one.item.alert();
    let field = |key: &str| expected[key].as_str();
    if expected["id_derived"] == true {
        assert!(
            alert.id_derived && alert.id.starts_with("sha256-"),
            "{file}: {}",
            alert.id
        );
    } else {
        assert_eq!(
            (Some(alert.id.as_str()), alert.id_derived),
            (field("id"), false),
            "{file}: id"
        );
    }
    assert_eq!(alert.title.as_deref(), field("title"), "{file}: title");
    assert_eq!(
        alert.severity.map(Severity::code),
        field("severity"),
        "{file}: severity"
    );
    assert_eq!(
        alert.category,
        texts(&expected["category"]),
        "{file}: category"
    );
    assert_eq!(
        alert.techniques,
        texts(&expected["technique"]),
        "{file}: technique"
    );
    assert_eq!(alert.user.as_deref(), field("user"), "{file}: user");
    assert_eq!(alert.tenant.as_deref(), field("tenant"), "{file}: tenant");
    assert_eq!(
        alert.time,
        field("time_utc").and_then(Timestamp::parse),
        "{file}: time"
    );
    match &expected["dedupe"] {
        Value::Array(_) => assert_eq!(
            parts(&alert.dedupe),
            texts(&expected["dedupe"]),
            "{file}: dedupe"
        ),
        Value::String(text) if !text.contains(' ') => {
            assert_eq!(parts(&alert.dedupe), [text.as_str()], "{file}: dedupe")
        }
        _ => {}
    }
    for (key, ours) in [
        ("id", "alert.id"),
        ("title", "alert.title"),
        ("severity", "severity"),
        ("category", "alert.category"),
        ("technique", "alert.techniques"),
        ("user", "user"),
        ("time", "alert.time"),
        ("tenant", "alert.tenant"),
    ] {
        came_from(file, one, None, ours, &expected["from"][key]);
    }
    let devices = expected["devices"].as_array().unwrap();
    let usable: Vec<_> = devices
        .iter()
        .filter(|device| device["resolve"] != "refuse")
        .collect();
    assert_eq!(
        alert.devices.len(),
        usable.len(),
        "{file}: {:?}",
        alert.devices
    );
    for (n, (device, expected)) in alert.devices.iter().zip(usable).enumerate() {
        let machine = device.machine.as_ref().map(ToString::to_string);
        assert_eq!(
            machine.as_deref(),
            expected["mde_id"].as_str(),
            "{file}: mde_id"
        );
        assert_eq!(
            device.name.as_deref(),
            expected["name"].as_str(),
            "{file}: name"
        );
        assert_eq!(device.ip.as_deref(), expected["ip"].as_str(), "{file}: ip");
        assert_eq!(
            device.aad_id.as_deref(),
            expected["aad_id"].as_str(),
            "{file}: aad_id"
        );
        assert_eq!(
            device.bad_machine_id.as_deref(),
            expected["rejected_mde_id"].as_str(),
            "{file}: bad id"
        );
        for (key, ours) in [
            ("mde_id", "device.id"),
            ("name", "device.name"),
            ("ip", "device.ip"),
        ] {
            came_from(file, one, Some(n), ours, &expected["from"][key]);
        }
    }
}

/// The pointers that supplied a field are those expected.
fn came_from(file: &str, one: &ItemReading, device: Option<usize>, field: &str, expected: &Value) {
    let expected = if expected.is_array() {
        texts(expected)
    } else {
        expected.as_str().into_iter().collect()
    };
    let supplied = one
        .supplied
        .iter()
        .filter(|s| s.field == field && s.device == device);
    let from: Vec<_> = supplied.flat_map(|supplied| &supplied.from).collect();
    assert_eq!(from, expected, "{file}: {field}");
}

#[test]
fn every_published_body_is_read_as_its_collection_expects() {
    let Some(folder) = published() else {
        println!("no published bodies beside the repository: nothing is held against them");
        return;
    };
    let text = fs::read(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    let files = expected["files"].as_object().unwrap();
    let mut tried = 0;
    for (file, expected) in files.iter().filter(|(file, _)| !file.starts_with("graph_")) {
        let preset = expected["preset"].as_str().unwrap();
        let explained = explained(preset, &fs::read(folder.join(file)).unwrap());
        let placeholder = |one: &&ItemReading| {
            matches!(
                one.item,
                Item::Parked {
                    reason: AlertReason::Placeholder,
                    ..
                }
            )
        };
        let ignored =
            |one: &&ItemReading| matches!(one.item, Item::Ignored { .. }) || placeholder(one);
        let alerts: Vec<_> = explained.iter().filter(|one| !ignored(one)).collect();
        assert_eq!(
            explained.len(),
            expected["items"].as_u64().unwrap() as usize,
            "{file}: items"
        );
        let wanted = expected["alerts"].as_array().unwrap();
        assert_eq!(alerts.len(), wanted.len(), "{file}: {alerts:?}");
        for (one, wanted) in alerts.iter().zip(wanted) {
            holds(file, one, wanted);
            let thin = mapping_of(preset).lacks().contains("severity");
            assert_eq!(wanted["thin"], thin, "{file}: thin");
        }
        let aside: Vec<_> = explained.iter().filter(ignored).collect();
        let wanted = expected["ignored"].as_array().unwrap();
        assert_eq!(aside.len(), wanted.len(), "{file}: {aside:?}");
        for (one, wanted) in aside.iter().zip(wanted) {
            assert_eq!(
                one.place.as_deref(),
                wanted["item"].as_str(),
                "{file}: place"
            );
            if stated(&wanted["would_map_to"]) {
                holds(file, one, &wanted["would_map_to"]);
            }
        }
        tried += 1;
    }
    assert!(tried >= 16, "{tried}");
}

/// The policy that is shipped with scanhook.
fn shipped() -> &'static Policy {
    static POLICY: LazyLock<Policy> = LazyLock::new(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules.toml");
        Policy::load(&file).map_or_else(|_| panic!("{}", file.display()), |checked| checked.policy)
    });
    &POLICY
}

/// What the shipped policy makes of each device of an alert, where the directory knows it as an unremarkable machine.
fn decided(preset: &str, body: &[u8], alert: &Alert) -> Vec<String> {
    let (policy, source) = (shipped(), Source::of_preset(preset).unwrap());
    let json = strict_json::read(body).unwrap();
    let terms = Terms {
        ceiling: Ceiling::AtMost(Mode::Enforce),
        limit: None,
    };
    let verdict = |device| {
        let facts = Facts::Known(policy.rules().unremarkable(device));
        let (tenant, at, body, memo) = ("default", Timestamp::default(), Some(&json), None);
        let verdict = policy.decide(PolicyQuestion {
            source: &source,
            tenant,
            terms,
            alert,
            device,
            facts,
            body,
            at,
            memo,
        });
        let rule = verdict.rule.as_deref().unwrap_or("no rule");
        match verdict.asks {
            Asks::Nothing(reason) => format!("none by `{rule}`: {}", reason.code()),
            Asks::Hold(reason, wanted) => {
                format!("held {} by `{rule}`: {}", wanted.kind.code(), reason.code())
            }
            Asks::Scan(wanted) => format!("{} by `{rule}`", wanted.kind.code()),
            Asks::Resolve(_) => panic!("{preset}: the directory has answered"),
        }
    };
    alert.devices.iter().map(verdict).collect()
}

/// An item as the file of expectations holds it.
fn shown(preset: &str, body: &[u8], item: &Item) -> Value {
    let alert = item.alert();
    match item {
        Item::Alert(_) => {
            json!({ "is": "alert", "alert": alert, "decides": decided(preset, body, alert) })
        }
        Item::Ignored { detail, .. } => {
            json!({ "is": "ignored", "alert": alert, "because": detail })
        }
        Item::Parked { reason, detail, .. } => {
            json!({ "is": reason.code(), "alert": alert, "because": detail })
        }
    }
}

#[test]
fn every_body_of_ours_is_read_and_decided_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter(|file| file != "expected.json").collect();
    let mut read = serde_json::Map::new();
    for file in &files {
        let preset = expected[file]["preset"]
            .as_str()
            .unwrap_or_else(|| panic!("{file}: nothing is expected of it"));
        let body = fs::read(folder.join(file)).unwrap();
        let items: Vec<_> = explained(preset, &body)
            .iter()
            .map(|one| shown(preset, &body, &one.item))
            .collect();
        read.insert(file.clone(), json!({ "preset": preset, "items": items }));
    }
    let read = Value::Object(read);
    // Whoever changes a map on purpose copies this over the expectations, and reads the difference.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("payloads-as-read.json");
    fs::write(&copy, serde_json::to_string_pretty(&read).unwrap()).unwrap();
    for file in &files {
        assert_eq!(
            read[file],
            expected[file],
            "{file}; all as they are read now: {}",
            copy.display()
        );
    }
    assert_eq!(
        expected.as_object().unwrap().len(),
        files.len(),
        "an expectation without a body"
    );
    let covered: BTreeSet<_> = expected
        .as_object()
        .unwrap()
        .values()
        .map(|file| file["preset"].as_str())
        .collect();
    assert_eq!(
        covered,
        presets::names().map(Some).collect(),
        "a map without a body"
    );
}

/// Every place of a document below its top, as a JSON pointer.
fn places(value: &Value, above: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(n, element)| (n.to_string(), element))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.replace('~', "~0").replace('/', "~1"), member))
            .collect(),
        _ => Vec::new(),
    };
    for (step, value) in below {
        let place = format!("{above}/{step}");
        places(value, &place, found);
        found.push(place);
    }
}

/// Every text and number of a document.
fn scalars(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| scalars(element, found)),
        Value::Object(members) => members.values().for_each(|member| scalars(member, found)),
        Value::String(text) => drop(found.insert(text.to_lowercase())),
        other => drop(found.insert(other.to_string())),
    }
}

/// Hosts of the fixtures that only hand on what others write.
const COLLECTORS: [&str; 3] = ["wazuh-31", "wazuh-north", "collector-1"];

#[test]
fn whatever_one_place_of_a_body_holds_no_device_is_invented_and_no_collector_is_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, one) in expected.as_object().unwrap() {
        let preset = one["preset"].as_str().unwrap();
        let body: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        let (mut all, mut said) = (Vec::new(), BTreeSet::new());
        places(&body, "", &mut all);
        scalars(&body, &mut said);
        let others = json!([
            null,
            "",
            [],
            {},
            7,
            true,
            "N/A",
            "{{x}}",
            " ",
            "-",
            0,
            "unknown",
            [{}]
        ]);
        let others = others.as_array().unwrap();
        let every: Vec<_> = all
            .iter()
            .flat_map(|place| others.iter().map(move |other| (place, other)))
            .collect();
        // About 200 a file; a step that is no multiple of 13 takes each of the values in turn.
        let step = (every.len() / 200).max(1);
        for (place, other) in every
            .iter()
            .step_by(if step % 13 == 0 { step + 1 } else { step })
        {
            let mut changed = body.clone();
            *changed.pointer_mut(place).unwrap() = (*other).clone();
            let text = changed.to_string();
            let json = strict_json::read(text.as_bytes()).unwrap();
            for item in mapping::read(
                mapping_of(preset),
                DeliveryLimits::default(),
                &json,
                &[7; 24],
            ) {
                let Item::Alert(alert) = item else { continue };
                for device in &alert.devices {
                    let name = device.name.as_deref().unwrap_or_default().to_lowercase();
                    assert!(
                        !COLLECTORS.contains(&name.as_str()),
                        "{file}: {place} is {other}: {device:?}"
                    );
                    // Names are put together from parts that the body holds.
                    let word = other
                        .as_str()
                        .map_or_else(|| other.to_string(), str::to_lowercase);
                    let told = |part: &str| {
                        word.contains(part) || said.iter().any(|text| text.contains(part))
                    };
                    let label = device.label().to_lowercase();
                    assert!(
                        label.split('.').all(told),
                        "{file}: {place} is {other}: {device:?}"
                    );
                }
            }
            *tried.entry(preset).or_default() += 1;
        }
    }
    assert!(tried.values().all(|count| *count >= 200), "{tried:?}");
}

/// Documents made of the keys that the maps read, and of values of every kind.
fn documents() -> impl Strategy<Value = String> {
    let pointer = regex::Regex::new("\"(?:root:|parent:)?((?:/[^\"/]+)+)\"").unwrap();
    let text: String = presets::names().filter_map(presets::text).collect();
    let keys: BTreeSet<String> = pointer
        .captures_iter(&text)
        .flat_map(|found| found[1].split('/').map(str::to_owned).collect::<Vec<_>>())
        .filter(|key| !key.is_empty() && key != "*")
        .collect();
    let key = prop::sample::select(keys.into_iter().collect::<Vec<_>>());
    let words = [
        MACHINE,
        "lt-042",
        "10.0.0.7",
        "high",
        "firing",
        "Host",
        "Create",
        "localhost",
        "{{x}}",
        "a,b",
        "",
    ];
    let words = words.into_iter().chain([
        "AdvancedHunting-AlertEvidence",
        "Machine",
        "[{\"host\":\"a\"}]",
        "T1003",
    ]);
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        prop::sample::select(words.collect::<Vec<_>>())
            .prop_map(|s| serde_json::to_string(s).unwrap()),
    ];
    scalar.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            4 => prop::collection::btree_map(key.clone(), inner, 0..8).prop_map(|members| {
                let members = members.iter().map(|(k, v)| format!("{}:{v}", serde_json::to_string(k).unwrap()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a body holds, under every map: something visible comes of it, nothing unusable gets through, and every
    /// place that is named is a place in the body.
    #[test]
    fn no_body_is_too_much_for_any_map(body in documents()) {
        let pointed: Value = serde_json::from_str(&body).unwrap();
        for preset in presets::names() {
            for one in explained(preset, body.as_bytes()) {
                let alert = one.item.alert();
                prop_assert!(!alert.id.is_empty() && !alert.dedupe.is_empty());
                prop_assert!(!serde_json::to_string(alert).unwrap().contains("\\u0000"));
                if let Item::Alert(alert) = &one.item {
                    prop_assert!(!alert.devices.is_empty());
                }
                let places = one.supplied.iter().flat_map(|supplied| &supplied.from).chain(&one.place);
                for place in places.chain(one.candidates.iter().map(|candidate| &candidate.pointer)) {
                    let place = place.split("#json").next().unwrap();
                    prop_assert!(pointed.pointer(place).is_some(), "{preset}: {place}");
                }
            }
        }
    }
}

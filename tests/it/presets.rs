//! What each shipped map makes of the bodies of its sender: our own, made in the documented shape, and published ones
//! where they lie beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use scanhook::domain::alert::{AlertReason, Severity};
use scanhook::domain::mapping::{self, Caps, Delivered, Explained, Headers, Item, Mapping};
use scanhook::domain::strict_json;
use scanhook::domain::time::Timestamp;
use scanhook::presets;
use serde_json::{Value, json};

fn mapping_of(preset: &str) -> Mapping {
    Mapping::compile(presets::map(preset).unwrap_or_else(|| panic!("no preset {preset}"))).unwrap()
}

fn explained(preset: &str, body: &[u8]) -> Vec<Explained> {
    let json = strict_json::read(body).unwrap_or_else(|fault| panic!("{fault}"));
    let delivered = Delivered { body: &json, hash: &[7; 24], headers: &Headers::new() };
    let explained = mapping::explain(&mapping_of(preset), Caps::default(), delivered);
    let read = mapping::read(&mapping_of(preset), Caps::default(), &json, &[7; 24]);
    assert_eq!(explained.iter().map(|one| &one.item).collect::<Vec<_>>(), read.iter().collect::<Vec<_>>());
    explained
}

/// Where the published bodies are: named by a variable, which then has to be right, or beside the repository.
fn published() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SCANHOOK_PAYLOADS") {
        let named = PathBuf::from(named);
        assert!(named.join("expected.json").is_file(), "SCANHOOK_PAYLOADS: {} has no expected.json", named.display());
        return Some(named);
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    above.map(|folder| folder.join("shared/payloads")).find(|folder| folder.join("expected.json").is_file())
}

/// Whether a value is there, in the sense of the published expectations.
fn stated(value: &Value) -> bool {
    !matches!(value, Value::Null) && *value != json!([])
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|all| all.iter().map(|one| one.as_str().unwrap()).collect()).unwrap_or_default()
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
fn holds(file: &str, one: &Explained, expected: &Value) {
    let alert = one.item.alert();
    let field = |key: &str| expected[key].as_str();
    if expected["id_derived"] == true {
        assert!(alert.id_derived && alert.id.starts_with("sha256-"), "{file}: {}", alert.id);
    } else {
        assert_eq!((Some(alert.id.as_str()), alert.id_derived), (field("id"), false), "{file}: id");
    }
    assert_eq!(alert.title.as_deref(), field("title"), "{file}: title");
    assert_eq!(alert.severity.map(Severity::code), field("severity"), "{file}: severity");
    assert_eq!(alert.category, texts(&expected["category"]), "{file}: category");
    assert_eq!(alert.techniques, texts(&expected["technique"]), "{file}: technique");
    assert_eq!(alert.user.as_deref(), field("user"), "{file}: user");
    assert_eq!(alert.tenant.as_deref(), field("tenant"), "{file}: tenant");
    assert_eq!(alert.time, field("time_utc").and_then(Timestamp::parse), "{file}: time");
    match &expected["dedupe"] {
        Value::Array(_) => assert_eq!(parts(&alert.dedupe), texts(&expected["dedupe"]), "{file}: dedupe"),
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
    let usable: Vec<_> = devices.iter().filter(|device| device["resolve"] != "refuse").collect();
    assert_eq!(alert.devices.len(), usable.len(), "{file}: {:?}", alert.devices);
    for (n, (device, expected)) in alert.devices.iter().zip(usable).enumerate() {
        let machine = device.machine.as_ref().map(ToString::to_string);
        assert_eq!(machine.as_deref(), expected["mde_id"].as_str(), "{file}: mde_id");
        assert_eq!(device.name.as_deref(), expected["name"].as_str(), "{file}: name");
        assert_eq!(device.ip.as_deref(), expected["ip"].as_str(), "{file}: ip");
        assert_eq!(device.aad_id.as_deref(), expected["aad_id"].as_str(), "{file}: aad_id");
        assert_eq!(device.bad_machine_id.as_deref(), expected["rejected_mde_id"].as_str(), "{file}: bad id");
        for (key, ours) in [("mde_id", "device.id"), ("name", "device.name"), ("ip", "device.ip")] {
            came_from(file, one, Some(n), ours, &expected["from"][key]);
        }
    }
}

/// The pointers that supplied a field are those expected.
fn came_from(file: &str, one: &Explained, device: Option<usize>, field: &str, expected: &Value) {
    let expected = if expected.is_array() { texts(expected) } else { expected.as_str().into_iter().collect() };
    let supplied = one.supplied.iter().filter(|s| s.field == field && s.device == device);
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
        let placeholder = |one: &&Explained| matches!(one.item, Item::Parked { reason: AlertReason::Placeholder, .. });
        let ignored = |one: &&Explained| matches!(one.item, Item::Ignored { .. }) || placeholder(one);
        let alerts: Vec<_> = explained.iter().filter(|one| !ignored(one)).collect();
        assert_eq!(explained.len(), expected["items"].as_u64().unwrap() as usize, "{file}: items");
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
            assert_eq!(one.place.as_deref(), wanted["item"].as_str(), "{file}: place");
            if stated(&wanted["would_map_to"]) {
                holds(file, one, &wanted["would_map_to"]);
            }
        }
        tried += 1;
    }
    assert!(tried >= 16, "{tried}");
}

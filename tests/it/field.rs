//! Bodies that people really sent, where they lie beside the repository: read as a person would read them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::verbs::Desk;

/// Where they lie: named by a variable, which then has to be right, or beside the repository.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SCANHOOK_FIELD") {
        let named = PathBuf::from(named);
        assert!(
            named.join("expected.json").is_file(),
            "SCANHOOK_FIELD: {} has no expected.json",
            named.display()
        );
        return Some(named);
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    above
        .map(|folder| folder.join("shared/field"))
        .find(|folder| folder.join("expected.json").is_file())
}

/// How the program explains a body, with the policy that is shipped.
fn explained(desk: &Desk, preset: &str, body: &Path) -> Result<Value, String> {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/rules.toml");
    let body = body.to_str().unwrap();
    let args = [
        "explain", body, "--source", preset, "--rules", rules, "-o", "json",
    ];
    let output = desk.command(&args).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

/// Why a reading is not the one that is expected, if it is not.
fn differs(said: &Value, expected: &Value) -> Option<String> {
    if let Some(any) = expected["any"].as_array() {
        let all: Vec<_> = any.iter().map(|one| differs(said, one)).collect();
        return all
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map(|all| all.join(", or "));
    }
    let read = said["read"].as_array().unwrap();
    let Some(one) = read.iter().find(|one| one["state"] == expected["state"]) else {
        let states: Vec<_> = read
            .iter()
            .map(|one| format!("{} {}", one["state"], one["detail"]))
            .collect();
        return Some(format!("it is {}", states.join(", ")));
    };
    if expected["state"] != "read" && read.iter().any(|one| one["state"] == "read") {
        return Some("something of it goes on to the rules".to_owned());
    }
    let alert = &one["alert"];
    for key in expected.as_object().unwrap().keys() {
        let wanted = &expected[key];
        let (right, is) = match key.as_str() {
            "state" => (true, Value::Null),
            "id" | "severity" | "time" => (alert[key] == *wanted, alert[key].clone()),
            "technique" => (
                alert["techniques"]
                    .as_array()
                    .is_some_and(|all| all.contains(wanted)),
                alert["techniques"].clone(),
            ),
            "device" => {
                let device = &alert["devices"][0];
                let said = |key: &str| &device[if key == "id" { "machine" } else { key }];
                (
                    wanted
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(key, value)| said(key) == value),
                    device.clone(),
                )
            }
            "devices" => {
                let names: Vec<_> = alert["devices"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| &one["name"])
                    .collect();
                (json!(names) == *wanted, json!(names))
            }
            "detail" => (
                said.to_string().contains(wanted.as_str().unwrap()),
                one["detail"].clone(),
            ),
            "rule" => {
                let rule = &said["decisions"][0]["worlds"][0]["outcome"]["rule"];
                (rule == wanted, rule.clone())
            }
            other => panic!("nobody knows what `{other}` expects"),
        };
        if !right {
            return Some(format!("{key} is {is}, not {wanted}"));
        }
    }
    None
}

#[test]
fn every_body_from_the_field_is_read_as_a_person_would_read_it() {
    let Some(folder) = folder() else {
        println!("no bodies from the field beside the repository: nothing is held against them");
        return;
    };
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let expected = expected.as_object().unwrap();
    let desk = Desk::empty();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for entry in fs::read_dir(folder.join("cases")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let (name, preset) = file
            .strip_suffix(".json")
            .and_then(|name| name.split_once('.'))
            .unwrap();
        let wanted = expected
            .get(name)
            .unwrap_or_else(|| panic!("{file}: nothing is expected of it"));
        let why = match explained(&desk, preset, &path) {
            Ok(said) => differs(&said, wanted),
            Err(why) => Some(why),
        };
        wrong.extend(why.map(|why| format!("{file}: {why}")));
        tried += 1;
    }
    wrong.sort();
    assert_eq!(tried, expected.len(), "an expectation without a body");
    assert!(
        wrong.is_empty(),
        "{} of {tried} are read otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

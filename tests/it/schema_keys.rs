//! The JSON Schemas have the keys that the readers of both files know, say of each what it is, and name the defaults that hold
//! without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use scanhook::settings::{Flags, Inputs, Settings};
use serde_json::Value;

use crate::verbs::Desk;

/// A key that no table has, and that is like none.
const NOBODYS: &str = "zzzzzzzz";

fn schema(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What a schema says of a key, whatever it refers to and however many forms it has.
fn forms<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
        return forms(root, root.pointer(to.strip_prefix('#').unwrap()).unwrap());
    }
    let mut found = vec![schema];
    for word in ["allOf", "oneOf", "anyOf"] {
        let several = schema.get(word).and_then(Value::as_array);
        for one in several.into_iter().flatten() {
            found.extend(forms(root, one));
        }
    }
    found
}

/// The keys of the table at this path; `*` is any name.
fn keys(root: &Value, path: &str) -> BTreeSet<String> {
    let mut tables = vec![root];
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let all: Vec<_> = tables
            .into_iter()
            .flat_map(|one| forms(root, one))
            .collect();
        let mut next = Vec::new();
        for table in all {
            let below = match part {
                "*" => table
                    .get("additionalProperties")
                    .filter(|below| below.is_object()),
                "[]" => table.get("items"),
                key => table.get("properties").and_then(|all| all.get(key)),
            };
            next.extend(below);
        }
        assert!(!next.is_empty(), "the schema has no table {path}");
        tables = next;
    }
    let all = tables.into_iter().flat_map(|one| forms(root, one));
    all.filter_map(|table| table.get("properties")?.as_object())
        .flat_map(|keys| keys.keys().cloned())
        .collect()
}

/// Unknown keys of the files of a desk, by line, with those that the reader would have known.
fn known(desk: &Desk) -> BTreeMap<u64, BTreeSet<String>> {
    let told = desk.run(&["check", "-o", "json"]).json();
    let mut known = BTreeMap::new();
    for finding in told["findings"].as_array().unwrap() {
        let said = ["message", "remedy"]
            .iter()
            .filter_map(|part| finding[part].as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let listed = ["known here: ", "known: "]
            .iter()
            .find_map(|word| said.split_once(word));
        if let (true, Some((_, listed))) = (said.contains(NOBODYS), listed) {
            let keys = listed.split(", ").map(str::to_owned).collect();
            known.insert(finding["line"].as_u64().unwrap(), keys);
        }
    }
    known
}

/// Tables of scanhook.toml, how one writes an unknown key into each, and the keys that its reader knows only beside others.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("server", "server = { @ }", &[]),
    ("server.connections", "server.connections = { @ }", &[]),
    ("server.auth_failures", "server.auth_failures = { @ }", &[]),
    ("server.tls", "server.tls = { @ }", &[]),
    ("admin", "admin = { @ }", &[]),
    ("admin.session", "admin.session = { @ }", &[]),
    ("admin.sign_in", "admin.sign_in = { @ }", &[]),
    (
        "admin.sign_in.credential",
        "admin.sign_in.credential = { @ }",
        &[],
    ),
    ("admin.tokens.*", "admin.tokens.t = { @ }", &[]),
    ("journal", "journal = { @ }", &[]),
    ("journal.retention", "journal.retention = { @ }", &[]),
    ("network", "network = { @ }", &[]),
    ("network.proxy", "network.proxy = { @ }", &[]),
    ("telemetry", "telemetry = { @ }", &[]),
    ("policy", "policy = { @ }", &[]),
    ("tenants.*", "tenants.a = { @ }", &[]),
    ("tenants.*.quota", "tenants.a.quota = { @ }", &[]),
    ("tenants.*.limit", "tenants.a.limit = { @ }", &[]),
    // The map is read elsewhere.
    ("sources.*", "sources.a = { @ }", &["map"]),
    ("sources.*.write_back", "sources.a.write_back = { @ }", &[]),
    ("sources.*.auth.[]", "sources.a.auth = [{ @ }]", &[]),
    (
        "sources.*.auth.[].hmac",
        "sources.a.auth = [{ hmac = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].bearer",
        "sources.a.auth = [{ bearer = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].header",
        "sources.a.auth = [{ header = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].basic",
        "sources.a.auth = [{ basic = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].url_secret",
        "sources.a.auth = [{ url_secret = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].body_secret",
        "sources.a.auth = [{ body_secret = { @ } }]",
        &[],
    ),
    (
        "sources.*.auth.[].entra_jwt",
        "sources.a.auth = [{ entra_jwt = { @ } }]",
        &[],
    ),
    // Of the channels one is read.
    (
        "receivers.*",
        "receivers.a = { webhook = {}, @ }",
        &["teams", "slack", "pagerduty", "email"],
    ),
    (
        "receivers.*.digest",
        "receivers.a = { webhook = {}, digest = { @ } }",
        &[],
    ),
    ("receivers.*.email", "receivers.a.email = { @ }", &[]),
];

#[test]
fn the_schema_of_a_configuration_has_the_keys_that_its_reader_knows() {
    let root = schema("scanhook.schema.json");
    let desk = Desk::empty();
    desk.file("rules.toml", "version = 1\n");
    for (path, written, beside) in TABLES {
        desk.file(
            "scanhook.toml",
            &written.replace('@', &format!("{NOBODYS} = 1")),
        );
        let known = known(&desk);
        let (_, mut known) = known.into_iter().next().unwrap_or_else(|| panic!("{path}"));
        known.extend(beside.iter().map(|key| (*key).to_owned()));
        assert_eq!(keys(&root, path), known, "{path}");
    }
}

#[test]
fn the_schema_of_rules_has_the_keys_that_their_reader_knows() {
    let root = schema("rules.schema.json");
    let desk = Desk::empty();
    let when = "name = \"n\"\nwhen = { severity = \"high\" }";
    for (path, written) in [
        ("", "@".to_owned()),
        ("defaults", "[defaults]\n@".to_owned()),
        ("lists.*", "[lists.a]\ntype = \"text\"\n@".to_owned()),
        ("windows.*", "[windows.a]\n@".to_owned()),
        ("rule.[]", format!("[[rule]]\n{when}\nscan = \"full\"\n@")),
        (
            "protect.[]",
            format!("[[protect]]\n{when}\nat_most = \"hold\"\n@"),
        ),
        ("test.[]", "[[test]]\nname = \"t\"\n@".to_owned()),
        (
            "test.[].expect",
            "[[test]]\nname = \"t\"\nexpect = { @ }".to_owned(),
        ),
    ] {
        let text = written.replace('@', &format!("{NOBODYS} = 1"));
        desk.file("rules.toml", &format!("version = 1\n{text}\n"));
        let known = known(&desk);
        let (_, known) = known.into_iter().next().unwrap_or_else(|| panic!("{path}"));
        assert_eq!(keys(&root, path), known, "{path}");
    }
}

/// Every key that a schema names anywhere.
fn every_key<'s>(schema: &'s Value, at: &str, found: &mut Vec<(String, &'s Value)>) {
    match schema {
        Value::Object(members) => {
            let properties = members.get("properties").and_then(Value::as_object);
            for (key, value) in properties.into_iter().flatten() {
                found.push((format!("{at}/{key}"), value));
            }
            for (key, value) in members {
                every_key(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|one| every_key(one, at, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_schema_says_what_it_is() {
    for file in ["scanhook.schema.json", "rules.schema.json"] {
        let root = schema(file);
        let id = root["$id"].as_str().unwrap();
        assert!(id.starts_with("https://") && id.ends_with(file), "{id}");
        let mut found = Vec::new();
        every_key(&root, "", &mut found);
        assert!(found.len() > 200, "{}", found.len());
        for (at, key) in found {
            let said = key["description"].as_str().unwrap_or_default();
            assert!(
                said.ends_with('.') && said.len() > 4,
                "{file} {at}: {said:?}"
            );
            assert!(
                key.get("$ref").is_none(),
                "{file} {at}: draft 7 ignores what stands beside $ref"
            );
        }
    }
}

/// The defaults of the tables below a part of a schema, as TOML.
fn defaults(schema: &Value) -> toml::Table {
    let mut table = toml::Table::new();
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = value.get("default") {
            let default = toml::Value::try_from(default).unwrap();
            table.insert(key.clone(), default);
        } else {
            let below = defaults(value);
            if !below.is_empty() {
                table.insert(key.clone(), below.into());
            }
        }
    }
    table
}

fn settings(desk: &Desk, text: &str) -> Settings {
    desk.file("scanhook.toml", text);
    let inputs = Inputs {
        file: Some(desk.path("scanhook.toml")),
        env: BTreeMap::new(),
        flags: Flags {
            credential_free: true,
            ..Flags::default()
        },
    };
    match Settings::load_with_files(&inputs).0 {
        Ok(settings) => settings,
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

#[test]
fn the_defaults_of_the_schema_are_those_that_hold_without_a_key() {
    let root = schema("scanhook.schema.json");
    let mut table = toml::Table::new();
    for name in ["server", "admin", "journal", "policy"] {
        let below = defaults(&root["properties"][name]);
        assert!(!below.is_empty(), "{name}");
        table.insert(name.to_owned(), below.into());
    }
    let desk = Desk::empty();
    let without = settings(&desk, "");
    let with = settings(&desk, &toml::to_string(&table).unwrap());
    assert_eq!(
        format!("{:?}", with.server),
        format!("{:?}", without.server)
    );
    assert_eq!(with.journal, without.journal);
    assert_eq!(with.admin.session, without.admin.session);
    assert_eq!(with.rules, without.rules);

    let tenant = |more: toml::Table| {
        let mut tenant = more;
        for (key, id) in [
            ("tenant_id", "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"),
            ("client_id", "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"),
        ] {
            tenant.insert(key.to_owned(), id.into());
        }
        let text = toml::to_string(&tenant).unwrap();
        let text = text
            .replace("[quota]", "[tenants.a.quota]")
            .replace("[limit]", "[tenants.a.limit]");
        let tenant = settings(&desk, &format!("[tenants.a]\n{text}"))
            .tenants
            .remove(0);
        let of_calls = (tenant.external_id, tenant.follow_for);
        (
            of_calls,
            format!(
                "{:?} {:?} {:?}",
                tenant.quota, tenant.limit, tenant.on_unknown
            ),
        )
    };
    let of_tenant = defaults(&root["properties"]["tenants"]["additionalProperties"]);
    assert!(of_tenant.len() > 4, "{of_tenant}");
    assert_eq!(tenant(of_tenant), tenant(toml::Table::new()));
}

//! The description of the API is that of the routes there are, as committed, and answers fit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use scanhook::server::access::ROUTES;
use scanhook::server::{openapi, webhook};
use serde_json::{Value, json};

use crate::harness::{RULES, Site, Wish, alert, machine, scan_id};

/// What waits for a person.
const ASKS: &str = r#"
[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "low" }
"#;

const COMMITTED: &str = "docs/openapi.json";

fn described() -> Value {
    serde_json::from_str(openapi::text()).unwrap()
}

/// Every method of every path.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = paths.flat_map(|(path, methods)| {
        let names = methods.as_object().unwrap().keys();
        names.map(move |method| (method.to_uppercase(), path.clone()))
    });
    methods.collect()
}

/// After a change that is meant, `INSTA_UPDATE=always` writes the file anew.
#[test]
fn the_committed_description_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, openapi::text()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == openapi::text(),
        "{COMMITTED} is not what the code says: write it anew with INSTA_UPDATE=always"
    );
}

#[test]
fn every_route_is_described_and_nothing_else_is() {
    let is_api = |path: &str| {
        path.starts_with("/api/") || ["/-/reload", "/metrics", "/readyz"].contains(&path)
    };
    let of_admin = ROUTES
        .iter()
        .filter(|route| is_api(route.path))
        .map(|route| (route.method.to_owned(), route.path.to_owned()));
    // A slash at the end means the same.
    let receiving = webhook::RECEIVING
        .iter()
        .map(|path| ("POST".to_owned(), path.trim_end_matches('/').to_owned()));
    let live = [("GET".to_owned(), "/livez".to_owned())];
    let routes: BTreeSet<_> = of_admin.chain(receiving).chain(live).collect();
    assert!(routes.len() > 40, "{}", routes.len());
    assert_eq!(operations(&described()), routes);
}

#[test]
fn ids_of_operations_are_distinct_and_every_reference_leads_somewhere() {
    let document = described();
    let mut ids = BTreeSet::new();
    for path in document["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{id}"
            );
        }
    }
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    found.insert(to.clone());
                }
                members.values().for_each(|one| references(one, found));
            }
            Value::Array(elements) => elements.iter().for_each(|one| references(one, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for to in &found {
        let pointer = to.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{to}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let used = found.contains(&format!("#/components/schemas/{name}"));
        assert!(used, "{name} is described and used by nothing");
        assert!(
            schema.get("description").is_some() || schema.get("allOf").is_some(),
            "{name} has no description"
        );
    }
}

/// The schema of the answer of an operation, with all that it refers to.
fn schema(document: &Value, method: &str, path: &str, status: u16) -> jsonschema::Validator {
    let response = &document["paths"][path][method]["responses"][status.to_string()];
    let types = response["content"]
        .as_object()
        .unwrap_or_else(|| panic!("{method} {path} {status}"));
    let (_, content) = types
        .iter()
        .find(|(name, _)| name.ends_with("json"))
        .unwrap();
    let mut schema = content["schema"].clone();
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn fits(document: &Value, (method, path, status): (&str, &str, u16), answer: &Value) {
    let schema = schema(document, method, path, status);
    let faults: Vec<_> = schema
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        faults.is_empty(),
        "{method} {path}: {faults:#?}\n{answer:#}"
    );
}

#[tokio::test]
async fn what_is_answered_fits_its_description() {
    let document = described();
    let site = Site::with(Wish {
        rules: format!("{RULES}{ASKS}"),
        ..Wish::default()
    })
    .await;
    let first = site.accepted(alert("1", "high", &machine(1))).await;
    fits(&document, ("post", "/webhooks/{source}", 202), &first);
    site.scan_in(&scan_id(&first), "finished").await;
    site.accepted(alert("4", "low", &machine(4))).await;
    site.accepted(
        json!({ "alert_id": "2", "severity": "high", "device_ip": "10.0.0.9" }).to_string(),
    )
    .await;
    site.accepted(json!({ "alert_id": "3", "severity": "high" }).to_string())
        .await;
    site.resolved().await;
    for (at, path) in [
        ("/api/v1/me", "/api/v1/me"),
        ("/api/v1/status", "/api/v1/status"),
        ("/api/v1/status?source=siem", "/api/v1/status"),
        ("/api/v1/summary", "/api/v1/summary"),
        ("/api/v1/live", "/api/v1/live"),
        ("/api/v1/alerts", "/api/v1/alerts"),
        ("/api/v1/decisions", "/api/v1/decisions"),
        ("/api/v1/scans", "/api/v1/scans"),
        ("/api/v1/held", "/api/v1/held"),
        ("/api/v1/outbox", "/api/v1/outbox"),
        ("/api/v1/audit", "/api/v1/audit"),
        ("/api/v1/audit/head", "/api/v1/audit/head"),
        ("/api/v1/rules", "/api/v1/rules"),
        ("/api/v1/policies", "/api/v1/policies"),
        ("/api/v1/openapi.json", "/api/v1/openapi.json"),
    ] {
        fits(&document, ("get", path, 200), &site.get(at).await);
    }
    let scan = format!("/api/v1/scans/{}", scan_id(&first));
    fits(
        &document,
        ("get", "/api/v1/scans/{id}", 200),
        &site.get(&scan).await,
    );
    let decision = format!(
        "/api/v1/decisions/{}",
        first["alerts"][0]["decisions"][0]["id"].as_str().unwrap()
    );
    fits(
        &document,
        ("get", "/api/v1/decisions/{id}", 200),
        &site.get(&decision).await,
    );
    let explained = site.get(&format!("{decision}/explain")).await;
    fits(
        &document,
        ("get", "/api/v1/decisions/{id}/explain", 200),
        &explained,
    );
    let named = format!("/api/v1/machines?device={}", machine(1));
    fits(
        &document,
        ("get", "/api/v1/machines", 200),
        &site.get(&named).await,
    );
    let at = format!("/api/v1/machines/default/{}", machine(1));
    fits(
        &document,
        ("get", "/api/v1/machines/{tenant}/{id}", 200),
        &site.get(&at).await,
    );
    let key = site.get("/api/v1/held").await["items"][0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let members = site.get(&format!("/api/v1/held/{key}")).await;
    fits(&document, ("get", "/api/v1/held/{key}", 200), &members);

    let paused = site
        .ordered(
            "/api/v1/pause",
            json!({ "rule": "high", "reason": "lunch" }),
        )
        .await;
    fits(&document, ("post", "/api/v1/pause", 200), &paused);
    let denied = site
        .ordered(
            "/api/v1/decisions/deny",
            json!({ "group": key, "preview": true }),
        )
        .await;
    fits(&document, ("post", "/api/v1/decisions/deny", 200), &denied);
    let (status, refused) = site
        .refused("/api/v1/pause", json!({ "rul": "high" }))
        .await;
    assert_eq!(status, 400);
    fits(&document, ("post", "/api/v1/pause", 400), &refused);
    let unknown = site.admin("/api/v1/scans?stat=held").await;
    assert_eq!(unknown.status, 400);
    fits(&document, ("get", "/api/v1/scans", 400), &unknown.json());
}

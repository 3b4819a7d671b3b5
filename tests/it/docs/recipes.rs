//! Recipes that run elsewhere, held against what scanhook tells: a member that is called otherwise would be found by nobody
//! before the first incident.

use std::collections::BTreeMap;

use scanhook::presets;
use scanhook_core::message::{AlertNote, MessageType, Notice, ScanNote, body};
use scanhook_core::scan::Kind;
use scanhook_core::time::Timestamp;
use serde_json::Value;

use super::text;

/// What a receiver is told of a scan that ended, of an alert with the references that the preset for incidents keeps.
fn told() -> Value {
    let mut notice = Notice::new(MessageType::ScanEnded, Timestamp::default());
    notice.scan = Some(ScanNote {
        id: "01a19b54-1b98-7ccc-9ccc-71e37f4a7c17".to_owned(),
        kind: Kind::Full,
        outcome: None,
        detail: None,
        rule: None,
        sent_at: None,
        ended_at: None,
        action: None,
    });
    let preset = presets::text("sentinel-incident").unwrap();
    let references: toml::Table = toml::from_str(preset).unwrap();
    let references = references["references"].as_table().unwrap().keys();
    notice.alerts = vec![AlertNote {
        source: "sentinel".to_owned(),
        id: "3212".to_owned(),
        title: None,
        url: None,
        references: references
            .map(|name| (name.clone(), vec!["one".to_owned()]))
            .collect::<BTreeMap<_, _>>(),
    }];
    body(&notice, None)
}

/// The members that an expression asks of what it begins with, such as `triggerBody()`, each as a pointer.
fn asked(expression: &str, of: &str) -> Vec<String> {
    let member = regex::Regex::new(r"^\?\['([a-z_]+)'\]").unwrap();
    let mut pointers = Vec::new();
    for (at, _) in expression.match_indices(of) {
        let mut rest = &expression[at + of.len()..];
        let mut pointer = String::new();
        while let Some(found) = member.captures(rest) {
            pointer.push_str(&format!("/{}", &found[1]));
            rest = &rest[found[0].len()..];
        }
        assert!(!pointer.is_empty(), "{expression}");
        pointers.push(pointer);
    }
    pointers
}

/// All texts of a template.
fn texts<'t>(value: &'t Value, found: &mut Vec<&'t str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[test]
fn the_recipe_that_comments_incidents_asks_for_what_a_message_holds() {
    let template: Value =
        serde_json::from_str(&text("docs/sources/sentinel-comment-logic-app.json")).unwrap();
    let definition = &template["resources"][0]["properties"]["definition"];
    let told = told();
    let mut found = Vec::new();
    texts(definition, &mut found);
    let mut seen = 0;
    for text in found {
        for pointer in asked(text, "triggerBody()") {
            // A link is there only where the configuration says by which name people come.
            if pointer != "/data/url" {
                assert!(told.pointer(&pointer).is_some(), "{pointer} in {text}");
            }
            seen += 1;
        }
        for pointer in asked(text, "item()") {
            let alert = &told["data"]["alerts"][0];
            assert!(alert.pointer(&pointer).is_some(), "{pointer} in {text}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} members");
    let condition = &definition["triggers"]["scanhook_tells"]["conditions"][0]["expression"];
    let kind = told["type"].as_str().unwrap();
    assert_eq!(
        *condition,
        format!("@equals(triggerBody()?['type'], '{kind}')")
    );
    let comment = &definition["actions"]["For_each_alert"]["actions"]["Comment"]["inputs"];
    // The id is the scan's, so that a message that comes twice writes one comment.
    let uri = comment["uri"].as_str().unwrap();
    assert!(
        uri.contains("'/comments/', triggerBody()?['data']?['scan']?['id']"),
        "{uri}"
    );
    assert_eq!(comment["method"], "PUT");
    // Nothing but the workspace of whoever deploys it decides where is written.
    assert!(uri.starts_with("@concat('https://management.azure.com', parameters('Workspace'), "));
    let parameters = definition["parameters"].as_object().unwrap();
    let given = &template["resources"][0]["properties"]["parameters"];
    for name in parameters.keys() {
        assert!(template["parameters"].get(name).is_some(), "{name}");
        assert_eq!(given[name]["value"], format!("[parameters('{name}')]"));
    }
}

//! The policy through the real door: what the rules say of an alert is what its receipt and its decision say.

use serde_json::{Value, json};

use crate::harness::{RULES, Site, Wish};

const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
const LISTS: &str = "[lists.jewels]\ntype = \"glob\"\nvalues = [\"dc-*\"]\n";

async fn site(more: &str) -> Site {
    Site::with(Wish {
        rules: format!("{RULES}\n{more}"),
        ..Wish::default()
    })
    .await
}

/// The only decision about an alert with this machine, as a host of this name.
async fn decision(site: &Site, name: &str) -> Value {
    let devices = json!([{ "mde_id": MACHINE, "name": name }]);
    let body = json!({ "alert_id": name, "severity": "high", "devices": devices }).to_string();
    let receipt = site.accepted(body).await;
    receipt["alerts"][0]["decisions"][0].clone()
}

#[tokio::test]
async fn a_machine_that_the_alert_names_like_a_protected_one_is_held_and_the_protection_is_named() {
    let protect = "[[protect]]\nname = \"crown jewels\"\nwhen = { device.name = \"@jewels\" }\nat_most = \"hold\"\n";
    let site = site(&format!("{LISTS}{protect}")).await;
    let held = decision(&site, "DC-01.corp.example").await;
    assert_eq!(
        (&held["state"], &held["reason"], &held["scan"]),
        (&"held".into(), &"protection".into(), &"full".into())
    );
    assert!(
        held["why"]
            .as_str()
            .unwrap()
            .contains("protection `crown jewels` holds it for a person"),
        "{held}"
    );
    // Another name may be a protected machine's all the same: nothing is sent before the directory has answered.
    let other = decision(&site, "lt-042").await;
    assert_eq!(
        (&other["state"], &other["scan_id"]),
        (&"resolving".into(), &Value::Null)
    );
    assert!(
        other["why"]
            .as_str()
            .unwrap()
            .contains("protection crown jewels: device.name"),
        "{other}"
    );
}

#[tokio::test]
async fn what_a_protection_forbids_is_no_scan_and_says_so() {
    let protect = "[[protect]]\nname = \"till\"\nwhen = { device.reported_name.glob = \"till-*\" }\nat_most = \"none\"\n";
    let site = site(protect).await;
    let none = decision(&site, "till-7").await;
    assert_eq!(
        (&none["state"], &none["reason"], &none["scan"]),
        (&"none".into(), &"protection".into(), &"none".into())
    );
    assert!(
        none["why"]
            .as_str()
            .unwrap()
            .contains("protection `till` allows none"),
        "{none}"
    );
}

//! Rows a person can decide on: what is held in groups and the orders about them, the lists with their filters, single
//! things, the numbers of the first screen, and what each rule came to. All through real HTTP.

mod held;
mod lists;
mod now;
mod rules;

use serde_json::{Value, json};

use crate::harness::{Site, TENANT, Wish, listed, machine};

/// Critical is held by a protection for some, medium waits for a person, low and high are scanned, the rest is not.
const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[protect]]
name    = "crown jewels"
when    = { device.name.glob = "dc-*" }
at_most = "hold"

[[rule]]
name = "ransom"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "medium" }

[[rule]]
name = "low"
scan = "quick"
when = { severity = "low" }
"#;

async fn site() -> Site {
    let mut wish = Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    };
    // The directory calls the first ones as alerts do.
    wish.setup.machines = (1..10)
        .map(|n| listed(n, &format!("lt-{n}"), TENANT))
        .collect();
    Site::with(wish).await
}

/// An alert about machines, each of which has a name.
fn about(id: &str, severity: &str, title: &str, machines: &[(u32, &str)]) -> String {
    let devices: Vec<Value> = machines
        .iter()
        .map(|(n, name)| json!({ "mde_id": machine(*n), "name": name }))
        .collect();
    let url = format!("https://siem.example/{id}");
    json!({ "alert_id": id, "title": title, "severity": severity, "devices": devices, "url": url })
        .to_string()
}

async fn send(site: &Site, id: &str, severity: &str, title: &str, machines: &[(u32, &str)]) {
    site.accepted(about(id, severity, title, machines)).await;
    site.resolved().await;
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"]
        .as_array()
        .unwrap_or_else(|| panic!("no items in {page}"))
}

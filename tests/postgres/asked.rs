//! Whatever is asked of the admin listener is answered from PostgreSQL as well: every list, narrowed in every way, every order,
//! every page. What the server could not carry out stands in its log, and there is nothing there.

use scanhook::settings::Settings;
use serde_json::json;

use crate::harness::{RULES, Site, Wish, alert, machine, until};
use crate::server::Server;

const ASKS: &str = r#"
[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "low" }
"#;

/// A site that has taken and done a little of everything.
pub async fn busy(server: &Server) -> Site {
    let at = (*server.at()).clone();
    let site = Site::with(Wish {
        rules: format!("{RULES}{ASKS}"),
        adapt: Some(Box::new(move |settings: &mut Settings| {
            settings.journal.postgres = Some(at.clone());
        })),
        ..Wish::default()
    })
    .await;
    for n in 0..4 {
        for severity in ["high", "low"] {
            site.accepted(alert(&format!("{severity}-{n}"), severity, &machine(n)))
                .await;
        }
    }
    // A device that the directory has to tell, and an alert that cannot be acted on.
    let named =
        r#"{"alert_id":"named","title":"t","severity":"high","device_name":"lt-042.corp.example"}"#;
    site.accepted(named).await;
    site.accepted(r#"{"alert_id":"parked","title":"t","severity":"high"}"#)
        .await;
    site
}

/// Whatever is found: nothing that the journal could not do.
async fn answered(site: &Site, path: &str) {
    let answer = site.admin(path).await;
    assert!(
        answer.status < 500,
        "{path}: {} {}",
        answer.status,
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_narrowed_in_every_way() {
    let server = Server::initialised();
    let site = busy(&server).await;
    ask_everything(&site).await;
    for list in ["alerts", "decisions", "scans"] {
        for format in ["csv", "ndjson"] {
            answered(&site, &format!("/api/v1/{list}?format={format}")).await;
        }
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_a_person_is_carried_out() {
    let server = Server::initialised();
    let site = busy(&server).await;
    order_everything(&server, &site).await;
    assert_eq!(server.complaints(), Vec::<String>::new());
}

/// Every list in every way but as a whole, and every page.
pub async fn ask_everything(site: &Site) {
    let device = machine(1);
    for list in ["alerts", "decisions", "scans"] {
        let whole = site.get(&format!("/api/v1/{list}")).await;
        assert!(!whole["items"].as_array().unwrap().is_empty(), "{list}");
        for (key, values) in [
            ("device", vec![device.as_str(), "lt-*", "none"]),
            ("alert", vec!["high-1"]),
            ("source", vec!["siem"]),
            ("tenant", vec!["default"]),
            ("rule", vec!["high", "ask"]),
            (
                "state",
                vec!["parked", "held", "scan", "waiting", "finished"],
            ),
            ("reason", vec!["no-device", "approval", "new", "failed"]),
            ("severity", vec!["high"]),
            ("since", vec!["1h"]),
            ("until", vec!["2099-01-01T00:00:00Z"]),
            ("limit", vec!["2"]),
            ("after", vec!["3"]),
            ("machine", vec![device.as_str()]),
            ("decision_state", vec!["held"]),
            ("title", vec!["t"]),
            ("q", vec!["t"]),
            ("outcome", vec!["succeeded"]),
            ("kind", vec!["full"]),
            ("paused", vec!["true"]),
        ] {
            for value in values {
                answered(site, &format!("/api/v1/{list}?{key}={value}")).await;
            }
        }
        let several = format!("/api/v1/{list}?device={device}&since=1h&limit=1&severity=high");
        answered(site, &several).await;
    }
    for path in [
        "status",
        "summary",
        "summary?tenant=default&since=1h",
        "live",
        "held",
        "held?group=machine",
        "held?group=rule&since=1h",
        "held?tenant=default&rule=ask&reason=approval",
        "rules",
        "policies",
        "outbox",
        "outbox?state=dead",
        "audit",
        "audit/head",
        "audit?subject=a&what=b&since=1h&until=2099-01-01T00:00:00Z&after=1",
        "machines?q=lt",
        "machines?name=lt-042",
    ] {
        answered(site, &format!("/api/v1/{path}")).await;
    }
    answered(site, &format!("/api/v1/machines/default/{device}")).await;
    for page in [
        "/metrics",
        "/",
        "/held",
        "/alerts",
        "/scans",
        "/pause",
        "/rules",
        "/rules/high",
        "/system",
        "/audit",
    ] {
        answered(site, page).await;
    }
}

/// Every order, and what becomes of it.
pub async fn order_everything(server: &Server, site: &Site) {
    let device = machine(2);
    for (path, order) in [
        ("pause", json!({ "rule": "high" })),
        ("pause", json!({ "device": "lt-*", "for": "1h" })),
        ("pause", json!({ "tenant": "default" })),
        ("pause", json!({})),
        ("pause", json!({ "by": "ben" })),
        ("resume", json!({ "device": "lt-*" })),
        ("resume", json!({})),
        (
            "decisions/approve",
            json!({ "rule": "ask", "device": device, "preview": true }),
        ),
        (
            "decisions/approve",
            json!({ "rule": "ask", "device": device }),
        ),
        ("decisions/deny", json!({ "since": "1h", "preview": true })),
        ("decisions/deny", json!({ "since": "1h" })),
        ("retry", json!({ "state": "denied", "preview": true })),
        ("retry", json!({ "state": "denied" })),
        ("retry", json!({ "state": "parked" })),
        ("scans/cancel", json!({ "since": "1h", "preview": true })),
        ("scans/cancel", json!({ "device": device })),
        ("scans/cancel", json!({ "since": "1h" })),
        ("outbox/retry", json!({})),
    ] {
        let answer = site.order(&format!("/api/v1/{path}"), &order).await;
        assert!(answer.status < 500, "{path} {order}: {}", answer.text);
    }
    until("every scan ends", async || {
        let open = "SELECT count(*) FROM scan WHERE state NOT IN ('finished', 'dropped')";
        (server.look(open) == "0").then_some(())
    })
    .await;
    for list in ["decisions", "scans"] {
        let page = site.get(&format!("/api/v1/{list}")).await;
        let id = page["items"][0]["id"].as_str().unwrap();
        answered(site, &format!("/api/v1/{list}/{id}")).await;
        answered(site, &format!("/api/v1/{list}/{id}/explain")).await;
    }
}

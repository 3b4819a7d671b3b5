//! What an order may look like, and from where it may come.

use serde_json::{Value, json};

use super::{asking, decided, decision, results};
use crate::harness::{Answer, Site, alert, machine, say};

#[tokio::test]
async fn a_selection_is_seen_before_anything_is_done_and_means_what_it_says() {
    let site = asking().await;
    let first = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let second = decided(&site, alert("2", "medium", &machine(2)), "held", "approval").await;
    let nameless =
        r#"{"alert_id":"3","title":"t","severity":"high","device_name":"lt-042.corp.example"}"#;
    let third = decided(&site, nameless, "held", "unresolved_device").await;
    let seen = async |selection: Value| {
        let mut order = selection;
        order["preview"] = true.into();
        let told = site.ordered("/api/v1/decisions/approve", order).await;
        let mut ids: Vec<_> = told["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].clone())
            .collect();
        assert_eq!(
            (&told["preview"], &told["count"]),
            (&true.into(), &ids.len().into())
        );
        ids.sort_by_key(Value::to_string);
        ids
    };
    assert_eq!(
        seen(json!({ "rule": "ask" })).await,
        [first.as_str(), &second]
    );
    assert_eq!(
        seen(json!({ "rule": "ask", "device": machine(2) })).await,
        [second.as_str()]
    );
    assert_eq!(seen(json!({ "device": "LT-*" })).await, [third.as_str()]);
    assert_eq!(
        seen(json!({ "held": "approval", "since": "1h", "tenant": "default" }))
            .await
            .len(),
        2
    );
    assert_eq!(
        seen(json!({ "since": "2099-01-01T00:00:00Z" })).await,
        Vec::<Value>::new()
    );
    assert!(
        site.far.calls_of("scan").is_empty() && decision(&site, &first).await["state"] == "held"
    );

    let told = site
        .ordered(
            "/api/v1/decisions/deny",
            json!({ "since": "1h", "reason": "drill" }),
        )
        .await;
    assert_eq!((results(&told).len(), &told["count"]), (3, &3.into()));
    assert_eq!(seen(json!({ "since": "1h" })).await, Vec::<Value>::new());
    let preview = site
        .ordered(
            "/api/v1/retry",
            json!({ "state": "denied", "rule": "ask", "preview": true }),
        )
        .await;
    assert_eq!(preview["count"], 2);
    let told = site
        .ordered("/api/v1/retry", json!({ "state": "denied" }))
        .await;
    assert_eq!(results(&told), ["retried"; 3]);
    assert_eq!(seen(json!({ "held": "approval" })).await.len(), 2);
}

#[tokio::test]
async fn an_order_that_means_nothing_changes_nothing() {
    let site = asking().await;
    decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let approve = "/api/v1/decisions/approve";
    for (path, body, code, key) in [
        (approve, json!({}), "nothing-selected", Value::Null),
        (
            approve,
            json!({ "rule": "ask", "ids": ["01a19b54-1b98-7000-8000-000000000001"] }),
            "nothing-selected",
            Value::Null,
        ),
        (approve, json!({ "ids": [] }), "bad-value", json!("ids")),
        (approve, json!({ "ids": ["x"] }), "bad-value", json!("ids")),
        (
            approve,
            json!({ "held": "aproval" }),
            "bad-value",
            json!("held"),
        ),
        (
            approve,
            json!({ "state": "held" }),
            "unknown-key",
            json!("state"),
        ),
        (
            approve,
            json!({ "rule": "ask", "perview": true }),
            "unknown-key",
            json!("perview"),
        ),
        (
            approve,
            json!({ "rule": "ask", "preview": "yes" }),
            "bad-value",
            json!("preview"),
        ),
        (
            "/api/v1/scans/cancel",
            json!({ "state": "finished" }),
            "bad-value",
            json!("state"),
        ),
        (
            "/api/v1/scans/cancel",
            json!({ "since": "yesterday" }),
            "bad-value",
            json!("since"),
        ),
        (
            "/api/v1/retry",
            json!({ "tenant": "other" }),
            "bad-value",
            json!("tenant"),
        ),
    ] {
        let (status, problem) = site.refused(path, body.clone()).await;
        assert_eq!(
            (status, &problem["code"], &problem["key"]),
            (400, &code.into(), &key),
            "{body}"
        );
    }
    for (body, code) in [
        ("[]", "bad-value"),
        ("{", "json-syntax"),
        (r#"{"rule":"a","rule":"b"}"#, "json-duplicate-key"),
    ] {
        let answer = post(
            &site,
            approve,
            &[("content-type", "application/json")],
            body,
        )
        .await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &code.into()),
            "{body}"
        );
    }
    assert_eq!(
        site.get("/api/v1/decisions?state=held").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// A request as its bytes, with headers that a library would not write.
async fn post(site: &Site, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let host = format!("127.0.0.1:{}", site.admin.port());
    let own = headers.iter().any(|(name, _)| *name == "host");
    let host = if own {
        String::new()
    } else {
        format!("host: {host}\r\n")
    };
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\n{host}{lines}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    say([127, 0, 0, 1], site.admin, request.as_bytes()).await
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_give_orders_through_the_operators_browser() {
    let site = Site::open().await;
    let json = ("content-type", "application/json");
    let rebound = ("host", "rebound.example:9090");
    for (headers, status, code) in [
        (
            vec![json, ("origin", "https://evil.example")],
            403,
            "foreign-origin",
        ),
        (vec![json, ("origin", "null")], 403, "foreign-origin"),
        (vec![json, rebound], 403, "foreign-host"),
        (
            vec![json, rebound, ("origin", "http://rebound.example:9090")],
            403,
            "foreign-host",
        ),
        (vec![("content-type", "text/plain")], 415, "media-type"),
        (
            vec![("content-type", "application/x-www-form-urlencoded")],
            415,
            "media-type",
        ),
        (vec![], 415, "media-type"),
    ] {
        let answer = post(&site, "/api/v1/pause", &headers, "{}").await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &code.into()),
            "{headers:?}"
        );
    }
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
    let own = format!("http://127.0.0.1:{}", site.admin.port());
    assert_eq!(
        post(&site, "/api/v1/pause", &[json, ("origin", &own)], "{}")
            .await
            .status,
        200
    );
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(
        post(&site, "/api/v1/pause", &[json], &large).await.status,
        413
    );
}

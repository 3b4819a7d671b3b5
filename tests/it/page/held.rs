//! Answers to what is held, by links and forms alone.

use std::sync::LazyLock;

use regex::Regex;
use reqwest::Method;
use serde_json::json;

use super::{ask, hidden, page, press, read, says, submit};
use crate::harness::{Site, TENANT, Wish, listed, machine};

const RULES: &str = r#"
version = 1
[defaults]
mode = "approve"
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
[[rule]]
name = "ask"
scan = "quick"
when = { source.exists = true }
"#;

static GROUP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"href="(/held/alert-[0-9a-f]{16})""#).unwrap());
static PICK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"type="checkbox" name="pick" value="([0-9a-f-]{36})""#).unwrap());

async fn site() -> Site {
    let mut wish = Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    };
    wish.setup.machines = (1..5)
        .map(|n| listed(n, &format!("lt-{n}"), TENANT))
        .chain([listed(7, "ws-7", TENANT), listed(8, "ws-7", TENANT)])
        .collect();
    Site::with(wish).await
}

async fn send(site: &Site, id: &str, severity: &str, title: &str, n: u32) {
    let devices = json!([{ "mde_id": machine(n), "name": format!("lt-{n}") }]);
    let body = json!({ "alert_id": id, "title": title, "severity": severity, "devices": devices,
        "url": format!("https://siem.example/{id}") });
    site.accepted(body.to_string()).await;
    site.resolved().await;
}

/// The page of the only group.
async fn group(site: &Site) -> (String, String) {
    let list = page(site, "/held").await.text;
    let path = GROUP
        .captures(&list)
        .unwrap_or_else(|| panic!("no group: {list}"))[1]
        .to_owned();
    let text = page(site, &path).await.text;
    (path, text)
}

async fn state(site: &Site, id: &str) -> String {
    let one = site.get(&format!("/api/v1/decisions/{id}")).await;
    one["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_held_decision_is_found_approved_and_its_scan_seen_without_a_script() {
    let site = site().await;
    send(&site, "a", "medium", "Phishing", 1).await;
    send(&site, "b", "medium", "Phishing", 2).await;
    let list = page(&site, "/held").await;
    says(
        &list,
        &[
            "2 decisions, 2 machines, 1 group",
            "quick scan",
            "Phishing",
            "Move: person",
        ],
    );
    let (_, text) = group(&site).await;
    let picks: Vec<String> = PICK
        .captures_iter(&text)
        .map(|found| found[1].to_owned())
        .collect();
    assert_eq!(picks.len(), 2, "{text}");
    // One of them is picked, and the next page asks about that one.
    let more = [
        ("pick", picks[0].as_str()),
        ("verb", "approve"),
        ("reason", "seen it"),
    ];
    let asks = press(&site, &text, "/held/confirm", &more).await;
    says(
        &asks,
        &[
            "Begin a quick scan of 1 machine?",
            "a new scan begins",
            "One scan is taken from the quota",
            "lt-2",
            "Begin 1 scan",
        ],
    );
    assert!(
        asks.text
            .contains("name=\"reason\" class=\"reason\" value=\"seen it\"")
    );
    assert_eq!(
        state(&site, &picks[0]).await,
        "held",
        "nothing is done by looking"
    );
    let done = press(&site, &asks.text, "/held/approve", &[("reason", "seen it")]).await;
    says(
        &done,
        &[
            "1 decision was approved",
            "approved: a scan was begun",
            "See the scan",
        ],
    );
    assert_eq!(state(&site, &picks[0]).await, "scan");
    assert_eq!(state(&site, &picks[1]).await, "held");
    let audit = site.get("/api/v1/audit?what=approve").await;
    let entry = &audit["items"][0]["entry"];
    assert_eq!(
        (&entry["what"], &entry["reason"], &entry["result"]),
        (&json!("approve"), &json!("seen it"), &json!("approved"))
    );
}

#[tokio::test]
async fn the_whole_group_is_denied_where_nothing_is_picked() {
    let site = site().await;
    for n in 1..4 {
        send(&site, &n.to_string(), "high", "Ransom", n).await;
    }
    let (path, text) = group(&site).await;
    let asks = press(&site, &text, "/held/confirm", &[("verb", "deny")]).await;
    says(
        &asks,
        &[
            "Deny 3 decisions about 3 machines?",
            "is denied: no scan",
            "Deny 3 decisions",
        ],
    );
    let done = press(&site, &asks.text, "/held/deny", &[]).await;
    says(&done, &["3 decisions were denied"]);
    says(&page(&site, "/held").await, &["Nothing is held"]);
    let gone = page(&site, &path).await;
    assert_eq!(gone.status, 404);
    says(&gone, &["unknown-id", "What to do"]);
}

#[tokio::test]
async fn what_changed_since_it_was_looked_at_is_asked_again() {
    let site = site().await;
    send(&site, "a", "medium", "Phishing", 1).await;
    let (_, text) = group(&site).await;
    let asks = press(&site, &text, "/held/confirm", &[("verb", "approve")]).await;
    says(&asks, &["Begin a quick scan of 1 machine?"]);
    send(&site, "b", "medium", "Phishing", 2).await;
    let again = press(&site, &asks.text, "/held/approve", &[("reason", "kept")]).await;
    assert_eq!(again.status, 409);
    says(
        &again,
        &[
            "Changed since: this is about 2 machines and 2 decisions now",
            "Begin a quick scan of 2 machines?",
            "Begin 2 scans",
        ],
    );
    assert!(again.text.contains("value=\"kept\""), "the reason is kept");
    let held = site.get("/api/v1/held").await;
    assert_eq!(held["decisions"], 2, "nothing was done");
    let refused = site.get("/api/v1/audit?what=approve").await;
    assert_eq!(refused["items"][0]["entry"]["result"], "changed-since");
    let done = press(&site, &again.text, "/held/approve", &[]).await;
    says(&done, &["2 decisions were approved"]);
}

#[tokio::test]
async fn a_device_that_may_be_several_machines_is_chosen_by_a_person() {
    let site = site().await;
    let body = json!({ "alert_id": "a", "title": "Beacon", "severity": "medium", "devices": [{ "name": "ws-7" }] });
    site.accepted(body.to_string()).await;
    site.resolved().await;
    let (_, text) = group(&site).await;
    assert!(
        read(&text).contains("needs a machine: 2 candidates"),
        "{}",
        read(&text)
    );
    let held = site.get("/api/v1/decisions?state=held").await;
    let id = held["items"][0]["id"].as_str().unwrap();
    let one = page(&site, &format!("/held/{id}")).await;
    says(&one, &["Which machine is it?", &machine(7), &machine(8)]);
    let radios = one
        .text
        .lines()
        .filter(|line| line.contains("type=\"radio\""));
    assert_eq!(radios.clone().count(), 2);
    assert!(
        radios.clone().all(|line| !line.contains("checked")),
        "none is chosen before"
    );
    // Without a machine nothing would happen, and it is said.
    let asks = press(&site, &one.text, "/held/confirm", &[("verb", "approve")]).await;
    says(&asks, &["needs a machine: nothing happens to it"]);
    let chosen = [("verb", "approve"), ("machine", &*machine(8))];
    let asks = press(&site, &one.text, "/held/confirm", &chosen).await;
    says(
        &asks,
        &["Begin a quick scan of 1 machine?", "a new scan begins"],
    );
    let done = press(&site, &asks.text, "/held/approve", &[]).await;
    says(&done, &["1 decision was approved"]);
    let after = site.get(&format!("/api/v1/decisions/{id}")).await;
    assert_eq!(after["machine"], json!(machine(8)));
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let site = site().await;
    send(&site, "a", "medium", "Phishing", 1).await;
    let (_, text) = group(&site).await;
    let asks = press(&site, &text, "/held/confirm", &[("verb", "approve")]).await;
    let fields = hidden(&asks.text, "/held/approve");
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let own = format!("http://{}", site.admin);
    for lines in [
        vec![],
        vec![("origin", "null")],
        vec![("origin", "https://evil.example")],
        vec![("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
        vec![("origin", own.as_str()), ("sec-fetch-site", "same-site")],
    ] {
        let refused = ask(&site, Method::POST, "/held/approve", &lines, Some(&fields)).await;
        assert_eq!(refused.status, 403, "{lines:?}");
        says(&refused, &["foreign-origin"]);
    }
    let json = [
        ("origin", own.as_str()),
        ("content-type", "application/json"),
    ];
    let refused = ask(&site, Method::POST, "/held/approve", &json, None).await;
    assert_eq!(refused.status, 415);
    let got = page(&site, "/held/approve").await;
    assert_eq!(got.status, 405, "{}", got.text);
    assert_eq!(site.get("/api/v1/held").await["decisions"], 1);
    let without = submit(&site, "/held/approve", &fields[..1]).await;
    assert_eq!(without.status, 400, "an order says what it was shown");
    says(&without, &["bad-value", "expect"]);
}

#[tokio::test]
async fn text_of_an_alert_is_text() {
    let site = site().await;
    let title = format!(
        "<script>alert(1)</script>\"><img src=x onerror=alert(2)> {{{{7*7}}}} \u{202e}gnp.exe {}",
        "x".repeat(1_000)
    );
    let device = json!([{ "mde_id": machine(1), "name": "<b>ws</b>" }]);
    let body = json!({ "alert_id": "<i>1", "title": title, "severity": "medium", "devices": device, "url": "javascript:alert(3)" });
    site.accepted(body.to_string()).await;
    site.resolved().await;
    let (_, text) = group(&site).await;
    let held = site.get("/api/v1/decisions?state=held").await;
    let id = held["items"][0]["id"].as_str().unwrap();
    let one = page(&site, &format!("/held/{id}")).await.text;
    let list = page(&site, "/held").await.text;
    let asks = press(&site, &text, "/held/confirm", &[("verb", "approve")])
        .await
        .text;
    for html in [&text, &one, &list, &asks] {
        for banned in [
            "<script>alert",
            "<img",
            "<i>1",
            "javascript:",
            "\u{202e}",
            ">49<",
        ] {
            assert!(!html.contains(banned), "{banned}: {html}");
        }
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
            "{html}"
        );
        assert!(
            html.contains("{{7*7}}") && html.contains("\\u202e"),
            "{html}"
        );
        assert!(!html.contains(&"x".repeat(300)), "it is cut");
    }
}

#[tokio::test]
async fn the_url_holds_the_filter_and_a_wrong_one_is_said() {
    let site = site().await;
    send(&site, "a", "medium", "Phishing", 1).await;
    let shown = page(
        &site,
        "/held?group=rule&rule=ask&device=lt-*&since=1h&reason=",
    )
    .await;
    says(&shown, &["1 decision, 1 machine, 1 group"]);
    for expected in [
        "name=\"rule\" value=\"ask\"",
        "name=\"device\" value=\"lt-*\"",
        "name=\"since\" value=\"1h\"",
        "<option value=\"rule\" selected>",
    ] {
        assert!(shown.text.contains(expected), "{expected}: {}", shown.text);
    }
    says(
        &page(&site, "/held?rule=high").await,
        &["Nothing that is held matches this filter"],
    );
    let wrong = page(&site, "/held?ruel=ask").await;
    assert_eq!(wrong.status, 400);
    says(&wrong, &["unknown-parameter", "ruel"]);
}

#[tokio::test]
async fn a_pause_is_set_and_ended_by_forms_that_ask_first() {
    let site = site().await;
    says(&page(&site, "/pause").await, &["Nothing is paused"]);
    let asks = page(&site, "/pause/confirm?rule=ask&until=2h&reason=change").await;
    says(&asks, &["Pause rule `ask`?", "Until: 2h"]);
    assert_eq!(
        site.get("/api/v1/status").await["pauses"],
        json!([]),
        "nothing is changed by looking"
    );
    let set = press(&site, &asks.text, "/pause", &[("reason", "change")]).await;
    says(
        &set,
        &["rule `ask` by somebody since", ": change", "Resume…"],
    );
    let asks = page(&site, "/resume?rule=ask").await;
    says(&asks, &["Resume rule `ask`?"]);
    let ended = press(&site, &asks.text, "/resume", &[]).await;
    says(&ended, &["Nothing is paused"]);
}

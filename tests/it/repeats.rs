//! What counts as the same finding again. A repeat adds nothing; whatever asks for more than before is decided.

use std::collections::BTreeMap;

use rusqlite::Connection;
use scanhook_simulator::Setup;
use serde_json::{Value, json};

use crate::harness::{Site, Wish, alert, fault, machine, scan_id};

/// Ransomware asks for a Full, whatever the severity; phishing for nothing; the rest for a Quick.
const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[rule]]
name = "ransomware"
scan = "full"
priority = 95
when = { alert.techniques = "T1486" }

[[rule]]
name = "phishing"
scan = "none"
when = { alert.category = "Phishing" }

[[rule]]
name = "careful"
scan = "quick"
mode = "approve"
when = { alert.category = "Odd" }

[[rule]]
name = "unrated"
scan = "quick"
when = { alert.category = "Unrated" }

[[rule]]
name = "rest"
scan = "quick"
priority = 50
when = { severity.gte = "low" }
"#;

async fn open() -> Site {
    Site::with(Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    })
    .await
}

/// One finding about one device, with these members beside.
fn finding(device: Value, severity: &str, extra: Value) -> String {
    let mut body = json!({ "alert_id": "incident-7", "severity": severity, "devices": [device] });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body.to_string()
}

fn by_id(n: u32) -> Value {
    json!({ "mde_id": machine(n) })
}

fn state(receipt: &Value) -> &str {
    receipt["alerts"][0]["state"].as_str().unwrap()
}

/// What happens to one row of every table that holds a time, when the clock ran this far ahead and was set back.
fn from_the_future(site: &Site, hours: i64) {
    let millis = hours * 3_600_000;
    let db = Connection::open(site.journal()).unwrap();
    db.execute_batch(&format!(
        "UPDATE delivery SET received_at = received_at + {millis};
         UPDATE scan SET created_at = created_at + {millis}, ended_at = ended_at + {millis}"
    ))
    .unwrap();
}

#[tokio::test]
async fn a_finding_that_asks_for_another_scan_than_before_is_no_repeat() {
    let site = open().await;
    let first = site
        .accepted(finding(by_id(1), "high", json!({ "category": "Phishing" })))
        .await;
    assert_eq!(first["alerts"][0]["decisions"][0]["scan"], "none");
    let worse = json!({ "category": "Phishing", "technique": ["T1486"] });
    let second = site
        .accepted(finding(by_id(1), "high", worse.clone()))
        .await;
    assert_eq!(
        (state(&second), &second["alerts"][0]["decisions"][0]["scan"]),
        ("decided", &"full".into())
    );
    let again = site.accepted(finding(by_id(1), "high", worse) + " ").await;
    assert_eq!(
        state(&again),
        "duplicate",
        "now that has been decided as well"
    );
    let milder = site
        .accepted(finding(by_id(1), "high", json!({ "category": "Malware" })))
        .await;
    assert_eq!(
        state(&milder),
        "duplicate",
        "a Quick of a lower priority is less than what was decided"
    );
}

#[tokio::test]
async fn what_was_held_before_and_may_be_sent_now_is_no_repeat() {
    let site = open().await;
    let first = site
        .accepted(finding(by_id(1), "high", json!({ "category": "Odd" })))
        .await;
    assert_eq!(first["alerts"][0]["decisions"][0]["state"], "held");
    assert_eq!(
        state(
            &site
                .accepted(finding(by_id(1), "high", json!({ "category": "Odd" })) + " ")
                .await
        ),
        "duplicate"
    );
    let second = site.accepted(finding(by_id(1), "high", json!({}))).await;
    assert_eq!(
        (
            state(&second),
            &second["alerts"][0]["decisions"][0]["state"]
        ),
        ("decided", &"scan".into())
    );
}

#[tokio::test]
async fn a_named_device_is_decided_anew_where_the_alert_has_changed_and_only_there() {
    let mut site = Site::with(Wish {
        rules: RULES.replace("[[rule]]\nname = \"rest\"", "[[rule]]\nname = \"tagged\"\nscan = \"quick\"\nwhen = { device.tags = \"never\" }\n\n[[rule]]\nname = \"rest\""),
        ..Wish::default()
    })
    .await;
    let device = json!({ "name": "lt-042" });
    let with = |extra| finding(device.clone(), "high", extra);
    let first = site.accepted(with(json!({ "category": "Phishing" }))).await;
    assert_eq!(state(&first), "decided");
    site.resolved().await;
    let same = site
        .accepted(with(
            json!({ "category": "Phishing", "time": "2026-11-02T08:00:00Z" }),
        ))
        .await;
    assert_eq!(state(&same), "duplicate", "only its time is another");
    let worse = site.accepted(with(json!({ "category": "Malware" }))).await;
    assert_eq!(
        state(&worse),
        "decided",
        "nobody knows yet what it asks for"
    );
    site.stop().await;
}

#[tokio::test]
async fn a_severity_off_the_scale_is_not_less_than_informational() {
    let site = open().await;
    site.accepted(finding(
        by_id(1),
        "informational",
        json!({ "category": "Unrated" }),
    ))
    .await;
    let odd = site
        .accepted(finding(
            by_id(1),
            "sev-0!",
            json!({ "category": "Unrated" }),
        ))
        .await;
    assert_eq!(state(&odd), "decided");
    let again = site
        .accepted(finding(
            by_id(1),
            "sev-1!",
            json!({ "category": "Unrated" }),
        ))
        .await;
    assert_eq!(state(&again), "duplicate");
}

#[tokio::test]
async fn a_finding_whose_scan_came_to_nothing_is_no_repeat() {
    let outcomes = BTreeMap::from([(machine(1), "Failed".to_owned())]);
    let setup = Setup {
        outcomes,
        ..Wish::default().setup
    };
    let site = Site::with(Wish {
        rules: RULES.to_owned(),
        setup,
        ..Wish::default()
    })
    .await;
    for n in [1, 2] {
        let first = site.accepted(finding(by_id(n), "high", json!({}))).await;
        let ended = site.scan_in(&scan_id(&first), "finished").await;
        assert_eq!(
            ended["outcome"],
            if n == 1 { "failed" } else { "succeeded" }
        );
    }
    let again = |n| site.accepted(finding(by_id(n), "high", json!({})) + " ");
    assert_eq!(state(&again(1).await), "decided", "its scan has failed");
    assert_eq!(
        state(&again(2).await),
        "duplicate",
        "its scan has succeeded"
    );
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_wrote_is_no_repeat_and_neither_cools_nor_counts() {
    let rules = RULES.replace(
        "priority = 50",
        "priority = 50\nlimit = { scans = 1, per = \"1h\" }",
    );
    let mut site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    let body = alert("of-the-future", "high", &machine(1));
    let first = site.accepted(&body).await;
    site.scan_in(&scan_id(&first), "finished").await;
    let held = site.accepted(alert("another", "high", &machine(2))).await;
    assert_eq!(held["alerts"][0]["decisions"][0]["reason"], "limit");
    site.stop().await;
    from_the_future(&site, 24 * 30);
    site.restart().await;
    assert_eq!(
        site.post("siem", &body).await.status,
        200,
        "the same bytes are the same delivery"
    );
    let again = site.accepted(body + " ").await;
    assert_eq!(
        (&again["duplicate"], state(&again)),
        (&false.into(), "decided")
    );
    assert_eq!(
        again["alerts"][0]["decisions"][0]["reason"], "new",
        "{again}"
    );
    assert_eq!(
        site.accepted(alert("third", "high", &machine(3))).await["alerts"][0]["decisions"][0]["reason"],
        "limit"
    );
}

#[tokio::test]
async fn a_limit_counts_any_window_exactly_and_in_each_mode_by_itself() {
    let rules = RULES.replace(
        "priority = 50",
        "priority = 50\nlimit = { scans = 3, per = \"1h\" }",
    );
    let mut site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    site.far
        .fault("scan", 1, 1000, fault(403, "DisabledFeature", None));
    let mut n = 0;
    let mut next = async |site: &Site| {
        n += 1;
        let receipt = site
            .accepted(alert(&format!("a-{n}"), "high", &machine(n)))
            .await;
        receipt["alerts"][0]["decisions"][0]["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for _ in 0..3 {
        assert_eq!(next(&site).await, "new");
    }
    assert_eq!(next(&site).await, "limit");
    // The first of them leaves the window, and the two others stay.
    site.stop().await;
    let db = Connection::open(site.journal()).unwrap();
    let aged = db
        .execute(
            "UPDATE scan SET created_at = created_at - 3600000 WHERE of_rule = 1",
            [],
        )
        .unwrap();
    assert_eq!(aged, 1);
    drop(db);
    site.restart().await;
    assert_eq!(next(&site).await, "new");
    assert_eq!(next(&site).await, "limit");
    site.restart_dry().await;
    assert_eq!(
        next(&site).await,
        "new",
        "what is not sent is counted apart"
    );
}

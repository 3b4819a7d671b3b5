//! Once more: scans, dropped decisions, deliveries that could not be read.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{ASKING, SIEM, begun, configure, line, results};
use crate::harness::{Site, Wish, alert, machine, scan_id, until};

#[tokio::test]
async fn a_failed_scan_is_tried_again_as_a_new_one_once() {
    let mut wish = Wish::default();
    wish.setup.outcomes = [(machine(1), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    let first = begun(&site, "1", "high", &machine(1)).await;
    assert_eq!(site.scan_in(&first, "finished").await["outcome"], "failed");
    site.far.shared.with(|far| far.setup().outcomes.clear());
    let retry = json!({ "ids": [first], "by": "anna", "reason": "repaired" });
    let told = site.ordered("/api/v1/retry", retry.clone()).await;
    assert_eq!(results(&told), ["retried"]);
    let old = site.scan(&first).await;
    let link = line(&old, "retried");
    assert_eq!(link["who"], "anna");
    let decisions = site.get("/api/v1/decisions").await;
    let second = decisions["items"][0]["scan_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(second, first);
    assert_eq!(link["detail"], format!("as scan {second}: repaired"));
    assert_eq!(
        site.scan_in(&second, "finished").await["outcome"],
        "succeeded"
    );
    assert!(
        decisions["items"][0]["why"]
            .as_str()
            .unwrap()
            .ends_with("tried again by anna (repaired)")
    );
    assert_eq!(
        results(&site.ordered("/api/v1/retry", retry).await),
        ["already"]
    );
    assert_eq!(site.far.scans().len(), 2);
    let told = site
        .ordered("/api/v1/retry", json!({ "ids": [second] }))
        .await;
    assert_eq!(results(&told), ["not-retryable"], "it has succeeded");
}

#[tokio::test]
async fn a_retry_counts_against_the_limit_like_anything_new() {
    let mut wish = Wish {
        rules: ASKING.to_owned(),
        ..Wish::default()
    };
    wish.setup.outcomes = [(machine(1), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    let first = begun(&site, "1", "low", &machine(1)).await;
    site.scan_in(&first, "finished").await;
    site.ordered("/api/v1/retry", json!({ "ids": [first] }))
        .await;
    let decisions = site.get("/api/v1/decisions").await;
    let decision = &decisions["items"][0];
    assert_eq!(
        (&decision["state"], &decision["reason"]),
        (&"held".into(), &"limit".into())
    );
    assert_eq!(site.far.scans().len(), 1);
}

/// An alert whose device stands where no preset looks, beside one that says it as it should.
fn half() -> String {
    let good = json!({ "alert_id": "good", "title": "t", "severity": "high", "devices": [{ "mde_id": machine(1) }] });
    let odd = json!({ "alert_id": "odd", "title": "t", "severity": "high", "asset": machine(2) });
    json!({ "alerts": [good, odd] }).to_string()
}

#[tokio::test]
async fn a_parked_alert_is_read_again_as_the_configuration_is_now_and_the_others_are_left_alone() {
    let mut site = Site::open().await;
    let receipt = site.accepted(half()).await;
    assert_eq!(receipt["alerts"][1]["reason"], "no-device", "{receipt}");
    let delivery = receipt["delivery"].as_str().unwrap().to_owned();
    site.scan_in(&scan_id(&receipt), "finished").await;

    // As long as nothing is corrected it is parked again.
    let told = site
        .ordered("/api/v1/retry", json!({ "ids": [delivery] }))
        .await;
    assert_eq!(
        (&told["items"][0]["state"], &told["items"][0]["reason"]),
        (&"parked".into(), &"no-device".into())
    );
    let devices = r#"map = { devices = [{ each = "/devices/*", mde_id = "/mde_id" }, { mde_id = "/asset" }] }"#;
    configure(&site, SIEM, &format!("{SIEM}\n{devices}"));
    site.restart().await;
    let preview = site
        .ordered(
            "/api/v1/retry",
            json!({ "state": "parked", "preview": true }),
        )
        .await;
    assert_eq!(
        (&preview["count"], &preview["items"][0]["id"]),
        (&1.into(), &delivery.as_str().into())
    );
    let told = site
        .ordered("/api/v1/retry", json!({ "ids": [delivery], "by": "anna" }))
        .await;
    assert_eq!(
        (results(&told), &told["items"][0]["state"]),
        (vec!["retried"], &"decided".into())
    );
    until("both machines are scanned", async || {
        (site.far.scans().len() == 2).then_some(())
    })
    .await;
    let alerts = site.get("/api/v1/alerts").await;
    let alerts = alerts["items"].as_array().unwrap().iter();
    let states: Vec<_> = alerts
        .map(|alert| (alert["id"].clone(), alert["state"].clone()))
        .collect();
    assert_eq!(
        states,
        [
            (json!("odd"), json!("decided")),
            (json!("good"), json!("decided"))
        ]
    );
    let decisions = site.get("/api/v1/decisions").await;
    assert_eq!(decisions["items"].as_array().unwrap().len(), 2);
    assert_eq!(line(&decisions["items"][0], "retried")["who"], "anna");
    let again = site
        .ordered("/api/v1/retry", json!({ "ids": [delivery] }))
        .await;
    assert_eq!(results(&again), ["already"]);
    assert_eq!(
        site.post("siem", half()).await.status,
        200,
        "and the delivery is still the same delivery"
    );
}

#[tokio::test]
async fn a_delivery_that_was_parked_as_one_is_read_again_as_all_its_alerts() {
    let mut site = Site::open().await;
    configure(&site, SIEM, &format!("{SIEM}\nmax_alerts = 1"));
    site.restart().await;
    let list = (1..4).map(|n| {
        serde_json::from_str::<Value>(&alert(&n.to_string(), "high", &machine(n))).unwrap()
    });
    let list = list.collect::<Vec<_>>();
    let receipt = site.accepted(json!(list).to_string()).await;
    assert_eq!(
        receipt["alerts"][0]["reason"], "too-many-alerts",
        "{receipt}"
    );
    configure(&site, "max_alerts = 1", "max_alerts = 9");
    site.restart().await;
    let told = site
        .ordered("/api/v1/retry", json!({ "ids": [receipt["delivery"]] }))
        .await;
    assert_eq!(told["items"][0]["alerts"], json!(["1", "2", "3"]));
    until("all are scanned", async || {
        (site.far.scans().len() == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_parked_alert_whose_body_is_gone_says_so() {
    let mut site = Site::open().await;
    let receipt = site
        .accepted(json!({ "alert_id": "1", "severity": "high" }).to_string())
        .await;
    assert_eq!(receipt["alerts"][0]["reason"], "no-device");
    site.stop().await;
    Connection::open(site.journal())
        .unwrap()
        .execute("UPDATE delivery SET body = NULL", [])
        .unwrap();
    site.restart().await;
    let told = site
        .ordered("/api/v1/retry", json!({ "ids": [receipt["delivery"]] }))
        .await;
    assert_eq!(results(&told), ["body-gone"]);
    assert_eq!(told["items"][0]["state"], "parked");
}

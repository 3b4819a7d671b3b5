//! The number that grows with each change, and what is to be known now.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RULES, send, site};
use crate::harness::{Site, Wish, alert, machine, storm, until};

async fn seq(site: &Site) -> u64 {
    site.get("/api/v1/live").await["seq"].as_u64().unwrap()
}

/// The summary, once what was put together before is too old.
async fn summary(site: &Site, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(what, async || {
        let summary = site.get("/api/v1/summary").await;
        is(&summary).then_some(summary)
    })
    .await
}

#[tokio::test]
async fn the_live_number_grows_with_whatever_is_shown_and_rests_while_nothing_happens() {
    let mut site = site().await;
    until("the lane has its token", async || {
        let status = site.get("/api/v1/status").await;
        status["tenants"][0]["lane"]["token_expires_at"]
            .is_string()
            .then_some(())
    })
    .await;
    let first = seq(&site).await;
    send(&site, "1", "medium", "t", &[(1, "lt-1")]).await;
    let second = seq(&site).await;
    assert!(second > first, "an alert");
    site.accepted(r#"{"alert_id":"2","title":"t","severity":"high"}"#)
        .await;
    let third = seq(&site).await;
    assert!(third > second, "a parked alert");
    site.ordered("/api/v1/decisions/deny", json!({ "rule": "ask" }))
        .await;
    let fourth = seq(&site).await;
    assert!(fourth > third, "an order");
    // Reading changes nothing.
    for path in ["decisions", "held", "summary", "live", "status", "rules"] {
        site.get(&format!("/api/v1/{path}")).await;
    }
    assert_eq!(seq(&site).await, fourth);
    site.restart().await;
    assert!(seq(&site).await > fourth, "it does not begin anew");
}

#[tokio::test]
async fn a_summary_says_what_waits_for_people_and_what_flows() {
    let mut wish = Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    };
    wish.setup.outcomes = [(machine(5), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    for n in 1..4 {
        send(&site, &format!("m-{n}"), "medium", "t", &[(n, "lt")]).await;
    }
    send(&site, "dc", "high", "t", &[(4, "dc-4")]).await;
    site.accepted(r#"{"alert_id":"p","title":"t","severity":"high"}"#)
        .await;
    send(&site, "f", "high", "t", &[(5, "lt-5")]).await;
    let view = summary(&site, "the scan has failed", |view| {
        view["person"]["failed_24h"] == json!({ "failed": 1 })
    })
    .await;
    let person = &view["person"];
    assert_eq!(person["held"], json!({ "approval": 3, "protection": 1 }));
    assert_eq!(
        (&person["parked"], &person["ending_1h"]),
        (&json!(1), &json!(0))
    );
    assert!(person["oldest"].is_string(), "{person}");
    let flow = &view["flow"];
    assert_eq!(
        (
            &flow["alerts_5m"],
            &flow["machines_5m"],
            &flow["waiting"],
            &flow["running"]
        ),
        (&json!(6), &json!(5), &json!(0), &json!(0))
    );
    let minutes = view["minutes"].as_array().unwrap();
    let sum = |key: &str| {
        minutes
            .iter()
            .map(|one| one[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        (minutes.len(), sum("alerts"), sum("scan_calls"), sum("held")),
        (60, 6, 1, 4)
    );
    assert_eq!(
        (&view["banners"], &view["directory"]["resolving"]),
        (&json!([]), &json!(0))
    );
    assert!(view["seq"].as_u64().unwrap() <= seq(&site).await);
    // What it said before is there as before.
    assert_eq!((&view["held"], &view["deliveries"]), (&json!(4), &json!(6)));

    // An answer takes it out of the number.
    site.ordered("/api/v1/decisions/deny", json!({ "rule": "ask" }))
        .await;
    summary(&site, "three are denied", |view| {
        view["person"]["held"] == json!({ "protection": 1 })
    })
    .await;
    // Of one tenant: what belongs to none is not told.
    let one = site.get("/api/v1/summary?tenant=default").await;
    assert_eq!(
        (&one["person"]["parked"], &one["flow"]["alerts_5m"]),
        (&json!(0), &json!(5))
    );
    let nobody = site.get("/api/v1/summary?tenant=nobody").await;
    assert_eq!(
        (&nobody["person"]["held"], &nobody["flow"]["alerts_5m"]),
        (&json!({}), &json!(0))
    );
}

#[tokio::test]
async fn a_pause_a_stop_and_a_refused_reload_are_banners_in_that_order() {
    let site = Site::with(Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    })
    .await;
    site.ordered(
        "/api/v1/pause",
        json!({ "by": "anna", "reason": "change freeze", "until": "2h" }),
    )
    .await;
    std::fs::write(site.rules(), "version = 1\nnonsense = true\n").unwrap();
    site.refused("/-/reload", json!({})).await;
    let view = summary(&site, "both are told", |view| {
        view["banners"].as_array().unwrap().len() == 2
    })
    .await;
    let codes: Vec<&str> = view["banners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["paused", "reload-refused"]);
    let paused = &view["banners"][0];
    assert!(
        paused["text"].as_str().unwrap().contains("change freeze"),
        "{paused}"
    );
    assert_eq!(
        (&paused["tenant"], &paused["link"]),
        (&Value::Null, &json!("/system#pauses"))
    );
    assert!(paused["since"].is_string());
    assert!(
        view["banners"][1]["text"]
            .as_str()
            .unwrap()
            .contains("nonsense"),
        "{view}"
    );
}

#[tokio::test]
async fn a_storm_is_a_banner_that_says_how_many_will_be_held() {
    let site = Site::with(Wish {
        rules: RULES.replace("[defaults]", "[defaults]\nresolve_within = \"2m\""),
        ..Wish::default()
    })
    .await;
    storm(&site).await;
    let view = summary(&site, "the storm is told", |view| {
        view["banners"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["code"] == "storm")
    })
    .await;
    let directory = &view["directory"];
    let number = |key: &str| directory[key].as_u64().unwrap();
    assert!(number("will_be_held") > 100, "{directory}");
    assert_eq!(
        number("will_be_held") + number("will_be_answered"),
        number("resolving")
    );
    assert!(number("per_minute") > 0 && directory["first_ends_at"].is_string());
    assert_eq!(view["flow"]["alerts_5m"], 12);
    let text = view["banners"][0]["text"].as_str().unwrap();
    assert!(text.contains("will be held"), "{text}");
}

#[tokio::test]
async fn the_summary_is_put_together_once_a_second_for_all_who_ask() {
    let site = site().await;
    let first = summary(&site, "it is there", |_| true).await;
    let begun = std::time::Instant::now();
    site.accepted(alert("1", "medium", &machine(1))).await;
    let second = site.get("/api/v1/summary").await;
    if begun.elapsed() < Duration::from_millis(500) {
        assert_eq!(first["at"], second["at"], "the same for all");
    }
    summary(&site, "it is put together anew", |view| {
        view["at"] != first["at"]
    })
    .await;
}

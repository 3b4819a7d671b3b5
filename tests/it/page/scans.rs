//! Scans that are cancelled and tried again from pages, by links and forms alone.

use serde_json::json;

use super::{page, press, read, says};
use crate::harness::{HELD, Site, Wish, alert, machine, scan_id};

#[tokio::test]
async fn a_waiting_scan_is_cancelled_by_forms_alone() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({})).await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    let beside = scan_id(&site.accepted(alert("2", "high", &machine(2))).await);
    let list = page(&site, "/scans").await;
    for id in [&scan, &beside] {
        let pick = format!("type=\"checkbox\" name=\"pick\" value=\"{id}\"");
        assert!(list.text.contains(&pick), "{}", list.text);
    }
    let more = [
        ("pick", scan.as_str()),
        ("reason", "reinstalled"),
        ("verb", "cancel"),
    ];
    let asks = press(&site, &list.text, "/scans/confirm", &more).await;
    says(
        &asks,
        &[
            "Cancel 1 scan?",
            "1 machine",
            "is cancelled before it begins",
        ],
    );
    assert!(asks.text.contains("value=\"reinstalled\""), "it is kept");
    assert_eq!(site.scan(&scan).await["state"], "waiting", "it was asked");
    let reason = [("reason", "reinstalled")];
    let done = press(&site, &asks.text, "/scans/cancel", &reason).await;
    says(&done, &["1 scan was cancelled"]);
    let dropped = site.scan(&scan).await;
    assert_eq!(dropped["outcome"], "cancelled");
    assert!(
        dropped["detail"]
            .as_str()
            .unwrap()
            .ends_with(": reinstalled")
    );
    assert_eq!(site.scan(&beside).await["state"], "waiting");
    let audit = site.get("/api/v1/audit?what=cancel").await;
    let entry = &audit["items"][0]["entry"];
    assert_eq!(entry["result"], "cancelled", "{audit}");
    assert_eq!(entry["reason"], "reinstalled", "{audit}");
    assert_eq!(entry["ids"], json!([scan]), "{audit}");
    // What cannot be cancelled any more is said before anything is pressed.
    let asks = press(&site, &list.text, "/scans/confirm", &more).await;
    says(
        &asks,
        &["was cancelled before", "Nothing would come of this"],
    );
}

#[tokio::test]
async fn a_failed_scan_is_tried_again_from_its_page() {
    let mut wish = Wish::default();
    wish.setup.outcomes = [(machine(1), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    let first = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    assert_eq!(site.scan_in(&first, "finished").await["outcome"], "failed");
    site.far.shared.with(|far| far.setup().outcomes.clear());
    let path = format!("/scans/{first}");
    let one = page(&site, &path).await;
    says(&one, &["Retry…"]);
    assert!(!read(&one.text).contains("Cancel…"), "it is over");
    let verb = [("verb", "retry")];
    let asks = press(&site, &one.text, "/scans/confirm", &verb).await;
    says(
        &asks,
        &["Try 1 scan again?", "is decided again: a new scan"],
    );
    assert_eq!(site.far.scans().len(), 1, "it was asked");
    let done = press(&site, &asks.text, "/scans/retry", &[("reason", "repaired")]).await;
    says(&done, &["1 scan was tried again"]);
    let decisions = site.get("/api/v1/decisions").await;
    let second = decisions["items"][0]["scan_id"].as_str().unwrap();
    assert_ne!(second, first);
    let ended = site.scan_in(second, "finished").await;
    assert_eq!(ended["outcome"], "succeeded");
    let again = press(&site, &one.text, "/scans/confirm", &verb).await;
    says(&again, &["was tried again before: nothing happens to it"]);
    // The page that asked is pressed once more: nothing is begun twice.
    let twice = press(&site, &asks.text, "/scans/retry", &[]).await;
    says(
        &twice,
        &["0 scans were tried again", "had been done before"],
    );
    assert_eq!(site.far.scans().len(), 2);
}

#[tokio::test]
async fn a_decision_that_was_dropped_is_tried_again_from_the_page_of_its_alert() {
    let site = Site::with(Wish {
        rules: HELD.to_owned(),
        ..Wish::default()
    })
    .await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    site.resolved().await;
    let path = format!("/alerts/{}/0", receipt["delivery"].as_str().unwrap());
    let shown = page(&site, &path).await;
    assert!(!read(&shown.text).contains("Retry…"), "it is held");
    let id = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    site.ordered(&format!("/api/v1/decisions/{id}/deny"), json!({}))
        .await;
    let shown = page(&site, &path).await;
    let verb = [("verb", "retry")];
    let asks = press(&site, &shown.text, "/scans/confirm", &verb).await;
    says(&asks, &["Try 1 decision again?", "dropped denied"]);
    let done = press(&site, &asks.text, "/scans/retry", &[]).await;
    says(&done, &["1 decision was tried again"]);
    let decision = site.get(&format!("/api/v1/decisions/{id}")).await;
    assert_eq!(decision["state"], "held", "a retry is not an approval");
}

#[tokio::test]
async fn an_alert_that_was_parked_is_read_again_from_its_page() {
    let site = Site::open().await;
    let receipt = site
        .accepted(json!({ "alert_id": "1", "title": "t", "severity": "high" }).to_string())
        .await;
    let parked = &receipt["alerts"][0]["state"];
    assert_eq!(parked, "parked", "{receipt}");
    let path = format!("/alerts/{}/0", receipt["delivery"].as_str().unwrap());
    let shown = page(&site, &path).await;
    let verb = [("verb", "retry")];
    let asks = press(&site, &shown.text, "/scans/confirm", &verb).await;
    says(
        &asks,
        &[
            "Try 1 delivery again?",
            "is read again, with the rules of today",
        ],
    );
    let done = press(&site, &asks.text, "/scans/retry", &[]).await;
    says(&done, &["1 delivery was tried again", "was read again"]);
}

#[tokio::test]
async fn an_order_about_nothing_or_with_another_verb_is_refused() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({})).await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    let list = page(&site, "/scans").await.text;
    let nothing = press(&site, &list, "/scans/confirm", &[("verb", "cancel")]).await;
    assert_eq!(nothing.status, 400, "{}", nothing.text);
    says(&nothing, &["nothing-selected"]);
    let more = [("pick", scan.as_str()), ("verb", "approve")];
    let other = press(&site, &list, "/scans/confirm", &more).await;
    assert_eq!(other.status, 400);
    says(&other, &["bad-value", "cancel or retry"]);
    let preview = json!({ "ids": [scan], "preview": true });
    let told = site.ordered("/api/v1/scans/cancel", preview).await;
    assert_eq!(told["items"][0]["will"], "cancelled", "{told}");
    assert_eq!(site.scan(&scan).await["state"], "waiting");
}

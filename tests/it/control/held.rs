//! A person's word on held decisions.

use serde_json::json;

use super::{ASKING, approve, asking, begun, decided, decision, line, results};
use crate::harness::{Site, Wish, alert, machine, scan_id, until};

#[tokio::test]
async fn an_approval_begins_one_scan_for_all_that_is_held_of_the_device_for_that_reason() {
    let site = asking().await;
    let first = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let second = decided(&site, alert("2", "medium", &machine(1)), "held", "approval").await;
    let other = decided(&site, alert("3", "medium", &machine(2)), "held", "approval").await;
    let told = approve(&site, &first, json!({ "by": "anna", "reason": "INC-7" })).await;
    assert_eq!(results(&told), ["approved", "approved"]);
    let scan = told["items"][0]["scan_id"].as_str().unwrap().to_owned();
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["alerts"]),
        (&"succeeded".into(), &json!(["1", "2"]))
    );
    let who = line(&ended, "approved");
    assert_eq!(
        (&who["who"], &who["detail"]),
        (&"anna".into(), &"INC-7".into())
    );
    for (id, reason) in [(&first, "new"), (&second, "merged")] {
        let decision = decision(&site, id).await;
        assert_eq!(
            (&decision["state"], &decision["reason"]),
            (&"scan".into(), &reason.into())
        );
        assert!(
            decision["why"]
                .as_str()
                .unwrap()
                .ends_with("approved by anna (INC-7)"),
            "{decision}"
        );
        assert_eq!(line(&decision, "approved")["who"], "anna");
    }
    assert_eq!(decision(&site, &other).await["state"], "held");

    // Whoever says it again hears what became of it.
    let again = approve(&site, &second, json!({ "by": "ben" })).await;
    assert_eq!(
        (results(&again), &again["items"][0]["scan_id"]),
        (vec!["already"], &scan.as_str().into())
    );
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn what_is_not_held_cannot_be_approved_and_the_answer_says_what_it_is() {
    let site = asking().await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let id = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    for verb in ["approve", "deny"] {
        let (status, problem) = site
            .refused(&format!("/api/v1/decisions/{id}/{verb}"), json!({}))
            .await;
        assert_eq!((status, &problem["code"]), (409, &"not-held".into()));
        assert_eq!(
            (&problem["item"]["state"], &problem["item"]["reason"]),
            (&"scan".into(), &"new".into())
        );
        for unknown in [
            "nonsense",
            "01a19b54-1b98-7000-8000-000000000001",
            &scan_id(&receipt),
        ] {
            let (status, problem) = site
                .refused(&format!("/api/v1/decisions/{unknown}/{verb}"), json!({}))
                .await;
            assert_eq!(
                (status, &problem["code"]),
                (404, &"unknown-id".into()),
                "{unknown}"
            );
        }
    }
}

#[tokio::test]
async fn a_device_that_only_has_a_name_is_approved_with_a_machine_that_a_person_names() {
    let site = asking().await;
    let body = r#"{"alert_id":"1","title":"t","severity":"high","device_name":"lt-042"}"#;
    let id = decided(&site, body, "held", "unresolved_device").await;
    let path = format!("/api/v1/decisions/{id}/approve");
    let (status, problem) = site.refused(&path, json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &"machine-needed".into()));
    for wrong in ["lt-042", "../../alerts", &machine(1)[1..]] {
        let (status, problem) = site.refused(&path, json!({ "machine": wrong })).await;
        assert_eq!(
            (status, &problem["code"], &problem["key"]),
            (400, &"bad-value".into(), &"machine".into())
        );
    }
    let told = approve(&site, &id, json!({ "machine": machine(7).to_uppercase() })).await;
    let scan = told["items"][0]["scan_id"].as_str().unwrap().to_owned();
    assert_eq!(
        site.scan_in(&scan, "finished").await["machine"],
        machine(7).as_str()
    );
    assert_eq!(site.far.scans()[0].machine, machine(7));

    let known = decided(&site, alert("2", "medium", &machine(1)), "held", "approval").await;
    let path = format!("/api/v1/decisions/{known}/approve");
    let (status, problem) = site.refused(&path, json!({ "machine": machine(2) })).await;
    assert_eq!((status, &problem["code"]), (409, &"machine-known".into()));
    assert_eq!(decision(&site, &known).await["state"], "held");
}

#[tokio::test]
async fn no_limit_stands_against_a_person_and_an_approved_scan_spends_none() {
    let site = asking().await;
    let first = begun(&site, "1", "low", &machine(1)).await;
    site.scan_in(&first, "finished").await;
    let beyond = decided(&site, alert("2", "low", &machine(2)), "held", "limit").await;
    let told = approve(&site, &beyond, json!({})).await;
    site.scan_in(told["items"][0]["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(site.far.scans().len(), 2);

    // The rule itself has still begun one.
    let next = site.accepted(alert("3", "low", &machine(3))).await;
    let why = next["alerts"][0]["decisions"][0]["why"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        why.contains("rule `few` has begun 1 of the 1 scans that its limit allows in 1h"),
        "{why}"
    );
}

#[tokio::test]
async fn an_approval_in_a_dry_run_is_played_dry() {
    let site = Site::with(Wish {
        rules: ASKING.to_owned(),
        dry_run: true,
        ..Wish::default()
    })
    .await;
    let body = r#"{"alert_id":"1","title":"t","severity":"high","device_name":"lt-042"}"#;
    let id = decided(&site, body, "held", "unresolved_device").await;
    let told = approve(&site, &id, json!({ "machine": machine(1) })).await;
    assert!(
        told["items"][0]["why"]
            .as_str()
            .unwrap()
            .contains("dry run: nothing is sent"),
        "{told}"
    );
    let ended = site
        .scan_in(told["items"][0]["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(ended["outcome"], "dry_run");
    assert!(site.far.calls_of("scan").is_empty());
}

#[tokio::test]
async fn a_denied_decision_is_dropped_with_the_persons_words_and_a_retry_holds_it_again() {
    let site = asking().await;
    let id = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let deny = format!("/api/v1/decisions/{id}/deny");
    let told = site
        .ordered(&deny, json!({ "by": "anna", "reason": "known test" }))
        .await;
    assert_eq!(results(&told), ["denied"]);
    let dropped = decision(&site, &id).await;
    assert_eq!(
        (&dropped["state"], &dropped["reason"]),
        (&"dropped".into(), &"denied".into())
    );
    assert!(
        dropped["why"]
            .as_str()
            .unwrap()
            .ends_with("denied by anna (known test)"),
        "{dropped}"
    );
    assert_eq!(results(&site.ordered(&deny, json!({})).await), ["already"]);
    let (_, problem) = site
        .refused(&format!("/api/v1/decisions/{id}/approve"), json!({}))
        .await;
    assert_eq!(problem["code"], "not-held");

    // A retry is no approval: it is where it was.
    assert_eq!(
        results(
            &site
                .ordered("/api/v1/retry", json!({ "ids": [id], "by": "ben" }))
                .await
        ),
        ["retried"]
    );
    let held = decision(&site, &id).await;
    assert_eq!(
        (&held["state"], &held["reason"]),
        (&"held".into(), &"approval".into())
    );
    approve(&site, &id, json!({ "by": "ben" })).await;
    site.scan_in(
        decision(&site, &id).await["scan_id"].as_str().unwrap(),
        "finished",
    )
    .await;
    assert!(
        site.admin("/metrics")
            .await
            .text
            .contains("scanhook_not_scanned_total{reason=\"denied\"} 1\n")
    );
}

#[tokio::test]
async fn what_nobody_answers_expires_is_counted_and_can_be_held_again() {
    let rules = ASKING.replace("[defaults]", "[defaults]\nhold_for = \"1s\"");
    let site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    let body = r#"{"alert_id":"1","title":"t","severity":"high","device_name":"lt-042"}"#;
    let id = decided(&site, body, "held", "unresolved_device").await;
    let expired = until("it expires", async || {
        let decision = decision(&site, &id).await;
        (decision["reason"] == "expired").then_some(decision)
    })
    .await;
    assert_eq!(line(&expired, "expired")["detail"], "unresolved_device");
    assert!(
        site.admin("/metrics")
            .await
            .text
            .contains("scanhook_not_scanned_total{reason=\"expired\"} 1\n")
    );
    site.ordered("/api/v1/retry", json!({ "ids": [id] })).await;
    let held = decision(&site, &id).await;
    assert_eq!(
        (&held["state"], &held["reason"]),
        (&"held".into(), &"unresolved_device".into())
    );
    approve(&site, &id, json!({ "machine": machine(1) })).await;
}

/// Hours of the day that begin two hours from now.
fn not_now() -> String {
    let hour = |ahead: i64| (jiff::Timestamp::now().as_second() / 3_600 + ahead) % 24;
    format!(
        "[windows.later]\ntimezone = \"UTC\"\nhours = [\"{:02}:00-{:02}:00\"]\n",
        hour(2),
        hour(3)
    )
}

#[tokio::test]
async fn an_approval_and_a_retry_wait_for_the_window_unless_the_person_says_now() {
    let rules = ASKING.replace("name = \"ask\"", "name = \"ask\"\nstart = \"later\"");
    let mut wish = Wish {
        rules: format!("{rules}\n{}", not_now()),
        ..Wish::default()
    };
    wish.setup.outcomes = [(machine(2), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    let waits = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let told = approve(&site, &waits, json!({ "by": "anna" })).await;
    let waiting = site
        .scan(told["items"][0]["scan_id"].as_str().unwrap())
        .await;
    assert_eq!(waiting["state"], "waiting");
    assert!(waiting["opens_at"].is_string(), "{waiting}");

    let now = decided(&site, alert("2", "medium", &machine(2)), "held", "approval").await;
    let told = approve(
        &site,
        &now,
        json!({ "by": "anna", "now": true, "reason": "INC-7" }),
    )
    .await;
    let sent = site
        .scan_in(told["items"][0]["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(
        line(&sent, "approved")["detail"],
        "regardless of windows: INC-7"
    );
    let record = decision(&site, &now).await;
    assert!(
        record["why"]
            .as_str()
            .unwrap()
            .ends_with("approved regardless of windows by anna (INC-7)"),
        "{record}"
    );

    // It failed, and once more is not now.
    let retried = site
        .ordered("/api/v1/retry", json!({ "ids": [sent["id"]] }))
        .await;
    assert_eq!(results(&retried), ["retried"]);
    approve(&site, &now, json!({})).await;
    let again = decision(&site, &now).await["scan_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(site.scan(&again).await["opens_at"].is_string());
    assert_eq!(site.far.scans().len(), 1);
}

//! Calling scans off: waiting ones, running ones of ours, and never anybody else's.

use std::time::Duration;

use scanhook_simulator::How;
use serde_json::json;

use super::{begun, cancel, cancels, line, results};
use crate::harness::{Site, Wish, alert, fault, machine, scan_id, until};

#[tokio::test]
async fn a_scan_that_has_not_begun_is_called_off_without_a_call() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({})).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    let told = cancel(
        &site,
        &scan,
        json!({ "by": "anna", "reason": "reinstalled" }),
    )
    .await;
    assert_eq!(results(&told), ["cancelled"]);
    let dropped = site.scan(&scan).await;
    assert_eq!(
        (&dropped["state"], &dropped["outcome"]),
        (&"dropped".into(), &"cancelled".into())
    );
    assert_eq!(dropped["detail"], "by anna: reinstalled");
    assert_eq!(line(&dropped, "cancelled")["who"], "anna");
    assert_eq!(
        dropped["alerts"],
        json!(["1"]),
        "its decisions still point to it"
    );
    assert_eq!(results(&cancel(&site, &scan, json!({})).await), ["already"]);
    // What comes after it is another matter.
    let next = begun(&site, "2", "high", &machine(1)).await;
    assert_ne!(next, scan);
    site.ordered("/api/v1/resume", json!({})).await;
    site.scan_in(&next, "finished").await;
    assert_eq!((site.far.scans().len(), cancels(&site).len()), (1, 0));
    let (status, problem) = site
        .refused(&format!("/api/v1/scans/{next}/cancel"), json!({}))
        .await;
    assert_eq!(
        (status, &problem["code"], &problem["item"]["reason"]),
        (409, &"already-over".into(), &"succeeded".into())
    );
}

/// Scans that do not end by themselves while somebody looks.
fn long() -> Wish {
    let mut wish = Wish::default();
    wish.setup.full_ms = 3_600_000;
    wish.setup.quick_ms = 3_600_000;
    wish
}

#[tokio::test]
async fn a_running_scan_of_ours_is_called_off_at_defender_which_is_told_who_and_why() {
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    let beside = begun(&site, "2", "high", &machine(2)).await;
    site.scan_in(&scan, "running").await;
    site.scan_in(&beside, "running").await;
    let told = cancel(
        &site,
        &scan,
        json!({ "by": "anna", "reason": "false alarm" }),
    )
    .await;
    assert_eq!(results(&told), ["cancelling"]);
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "cancelled");
    assert!(
        ended["detail"]
            .as_str()
            .unwrap()
            .contains("anna: false alarm"),
        "{ended}"
    );
    let calls = cancels(&site);
    assert_eq!((calls.len(), calls[0].executed), (1, true));
    assert!(
        calls[0].path.contains(ended["action"].as_str().unwrap()),
        "{calls:?}"
    );
    assert!(
        calls[0]
            .comment
            .as_ref()
            .unwrap()
            .starts_with("Called off by anna: false alarm [sh-"),
        "{calls:?}"
    );
    assert_eq!(site.scan(&beside).await["state"], "running");
    let quota = &site.get("/api/v1/status").await["tenants"][0]["quota"];
    assert_eq!(
        (&quota["cancel"]["hour"], &quota["scan"]["hour"]),
        (&1.into(), &2.into()),
        "a budget of its own"
    );
    // Neither it nor its cool-down answers for what comes next.
    let next = site.accepted(alert("3", "high", &machine(1))).await;
    assert_eq!(next["alerts"][0]["decisions"][0]["reason"], "new");
}

#[tokio::test]
async fn an_alert_that_comes_while_a_scan_is_being_called_off_gets_one_of_its_own() {
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far
        .fault("cancel", 1, 1, How::Silence { executed: false });
    cancel(&site, &scan, json!({})).await;
    let next = site.accepted(alert("2", "medium", &machine(1))).await;
    assert_eq!(next["alerts"][0]["decisions"][0]["reason"], "new", "{next}");
    assert_ne!(scan_id(&next), scan);
}

#[tokio::test]
async fn nobody_elses_action_is_ever_called_off() {
    let site = Site::with(long()).await;
    let foreign = site.far.foreign(&machine(1), "Full");
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    let (status, problem) = site
        .refused(&format!("/api/v1/scans/{scan}/cancel"), json!({}))
        .await;
    assert_eq!((status, &problem["code"]), (409, &"foreign-action".into()));
    // A selection does not even name it.
    let all = site
        .ordered(
            "/api/v1/scans/cancel",
            json!({ "since": "1h", "preview": true }),
        )
        .await;
    assert_eq!(all["count"], 0);
    assert!(cancels(&site).is_empty());
    assert!(site.far.shared.with(|far| {
        far.scans()
            .iter()
            .any(|a| a.id == foreign && a.is_open(jiff::Timestamp::now()))
    }));
}

#[tokio::test]
async fn a_scan_of_unknown_fate_is_called_off_once_it_is_known_even_after_a_restart() {
    for executed in [true, false] {
        let mut site = Site::with(long()).await;
        site.far.fault("scan", 1, 1, How::Silence { executed });
        let scan = begun(&site, "1", "high", &machine(1)).await;
        until("the call has left", async || {
            (site.far.calls_of("scan").len() == 1).then_some(())
        })
        .await;
        assert_eq!(
            results(&cancel(&site, &scan, json!({ "by": "anna" })).await),
            ["cancelling"]
        );
        assert_eq!(
            results(&cancel(&site, &scan, json!({ "by": "anna" })).await),
            ["already"]
        );
        assert_eq!(site.scan(&scan).await["called_off"], "anna");
        site.restart().await;
        let ended = site.scan_ended(&scan).await;
        assert_eq!(ended["outcome"], "cancelled", "executed: {executed}");
        assert_eq!(
            ended["state"],
            if executed { "finished" } else { "dropped" }
        );
        assert_eq!(site.far.calls_of("scan").len(), 1, "it is not sent again");
        assert_eq!(cancels(&site).len(), usize::from(executed));
    }
}

#[tokio::test]
async fn a_scan_that_meets_somebody_elses_ends_there_once_it_was_called_off() {
    let site = Site::with(long()).await;
    site.far.foreign(&machine(1), "Full");
    site.far.fault("scan", 1, 1, How::Delay { ms: 1_000 });
    let scan = begun(&site, "1", "high", &machine(1)).await;
    until("the call has left", async || {
        (site.far.calls_of("scan").len() == 1).then_some(())
    })
    .await;
    assert_eq!(
        results(&cancel(&site, &scan, json!({})).await),
        ["cancelling"]
    );
    let ended = site.scan_ended(&scan).await;
    assert_eq!(
        (&ended["state"], &ended["outcome"]),
        (&"dropped".into(), &"cancelled".into())
    );
    assert!(cancels(&site).is_empty());
}

#[tokio::test]
async fn an_answer_that_is_lost_or_a_refusal_leaves_the_word_to_the_list() {
    // Executed, and nobody heard of it.
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far.fault("cancel", 1, 1, How::LostAnswer);
    cancel(&site, &scan, json!({ "by": "anna" })).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "cancelled"
    );

    // Refused, because it is over by then, as only the list tells.
    let mut wish = Wish::default();
    wish.setup.full_ms = 700;
    wish.pace.follow_first = Duration::from_secs(600);
    let site = Site::with(wish).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far
        .fault("cancel", 1, 1, fault(400, "BadRequest", None));
    cancel(&site, &scan, json!({})).await;
    let refused = until("the refusal is noted", async || {
        let scan = site.scan(&scan).await;
        scan["events"]
            .as_array()
            .unwrap()
            .iter()
            .any(|event| event["what"] == "cancel_refused")
            .then_some(scan)
    })
    .await;
    assert!(
        line(&refused, "cancel_refused")["detail"]
            .as_str()
            .unwrap()
            .contains("BadRequest"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_action_that_defender_will_not_call_off_is_followed_and_not_asked_for_ever() {
    let mut wish = Wish::default();
    wish.setup.full_ms = 3_000;
    let site = Site::with(wish).await;
    site.far
        .fault("cancel", 1, 1000, fault(400, "BadRequest", None));
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    cancel(&site, &scan, json!({})).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded",
        "what it did is what is told"
    );
    assert_eq!(cancels(&site).len(), 3);
}

#[tokio::test]
async fn a_429_to_a_cancellation_is_obeyed_and_the_cancellation_not_forgotten() {
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far
        .fault("cancel", 1, 1, fault(429, "TooManyRequests", Some("1")));
    cancel(&site, &scan, json!({})).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "cancelled"
    );
    let calls = cancels(&site);
    assert_eq!(calls.len(), 2);
    assert!(calls[1].at >= calls[0].at + Duration::from_secs(1));
}

#[tokio::test]
async fn a_dry_run_calls_nothing_off_at_defender() {
    let mut site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.restart_dry().await;
    let (status, problem) = site
        .refused(&format!("/api/v1/scans/{scan}/cancel"), json!({}))
        .await;
    assert_eq!((status, &problem["code"]), (409, &"dry-run".into()));
    assert!(cancels(&site).is_empty());
}

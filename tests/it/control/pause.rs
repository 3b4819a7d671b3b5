//! Holding back and letting go.

use serde_json::{Value, json};

use super::{begun, configure, line, token};
use crate::harness::{RULES, Site, Wish, alert, machine, never, scan_id, until};

#[tokio::test]
async fn a_pause_keeps_scans_waiting_over_a_restart_and_a_resume_sends_them() {
    let mut site = Site::open().await;
    token(&site).await;
    let set = site
        .ordered(
            "/api/v1/pause",
            json!({ "by": "anna", "reason": "change freeze" }),
        )
        .await;
    assert_eq!(
        (&set["in_force"][0]["by"], &set["in_force"][0]["tenant"]),
        (&"anna".into(), &Value::Null)
    );
    let scan = begun(&site, "1", "high", &machine(1)).await;
    never("a scan is sent in a pause", || {
        !site.far.calls_of("scan").is_empty()
    })
    .await;
    let waiting = site.scan(&scan).await;
    assert_eq!(
        (&waiting["state"], &waiting["paused"]["reason"]),
        (&"waiting".into(), &"change freeze".into())
    );
    assert_eq!(line(&waiting, "paused")["who"], "anna");
    assert!(
        site.admin("/metrics")
            .await
            .text
            .contains("scanhook_paused 1\n")
    );

    site.restart().await;
    token(&site).await;
    let later = begun(&site, "2", "high", &machine(2)).await;
    never("a restart lets something go", || {
        !site.far.calls_of("scan").is_empty()
    })
    .await;
    assert_eq!(
        site.get("/api/v1/status").await["pauses"][0]["reason"],
        "change freeze"
    );

    let ended = site.ordered("/api/v1/resume", json!({ "by": "ben" })).await;
    assert_eq!(
        (&ended["items"][0]["by"], &ended["in_force"]),
        (&"anna".into(), &json!([]))
    );
    for scan in [&scan, &later] {
        let over = site.scan_in(scan, "finished").await;
        assert_eq!(
            (&over["outcome"], &over["paused"]),
            (&"succeeded".into(), &Value::Null)
        );
        assert!(
            line(&over, "resumed")["detail"]
                .as_str()
                .unwrap()
                .contains("ben"),
            "{over}"
        );
    }
    assert!(
        site.admin("/metrics")
            .await
            .text
            .contains("scanhook_paused 0\n")
    );
}

#[tokio::test]
async fn a_pause_of_a_rule_or_of_devices_stops_what_it_is_for_and_nothing_else() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({ "rule": "medium" }))
        .await;
    site.ordered("/api/v1/pause", json!({ "device": "dc-*" }))
        .await;
    let named = |id: &str, severity: &str, name: &str, n| {
        let device = json!({ "name": name, "mde_id": machine(n) });
        json!({ "alert_id": id, "title": "t", "severity": severity, "devices": [device] })
            .to_string()
    };
    let by_rule = begun(&site, "1", "medium", &machine(1)).await;
    let by_name = scan_id(
        &site
            .accepted(named("2", "high", "DC-7.corp.example", 2))
            .await,
    );
    let free = scan_id(&site.accepted(named("3", "high", "lt-042", 3)).await);
    site.scan_in(&free, "finished").await;
    never("what is paused is sent", || {
        site.far.calls_of("scan").len() > 1
    })
    .await;
    let (rule, device) = (site.scan(&by_rule).await, site.scan(&by_name).await);
    assert_eq!(
        (&rule["state"], &rule["paused"]["rule"]),
        (&"waiting".into(), &"medium".into())
    );
    assert_eq!(
        (&device["state"], &device["paused"]["device"]),
        (&"waiting".into(), &"dc-*".into())
    );

    // What another rule wants of that machine is not silenced by the pause of this one.
    assert_eq!(begun(&site, "4", "high", &machine(1)).await, by_rule);
    assert_eq!(site.scan_in(&by_rule, "finished").await["kind"], "full");
    site.ordered("/api/v1/resume", json!({ "device": "dc-*" }))
        .await;
    site.scan_in(&by_name, "finished").await;
    assert_eq!(
        site.get("/api/v1/status").await["pauses"][0]["rule"],
        "medium",
        "the other one stays"
    );
    assert_eq!(site.far.scans().len(), 3);
}

#[tokio::test]
async fn a_pause_ends_by_itself_when_it_was_to_end() {
    let site = Site::open().await;
    site.ordered(
        "/api/v1/pause",
        json!({ "tenant": "default", "until": "1500ms" }),
    )
    .await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    assert_eq!(site.scan(&scan).await["paused"]["tenant"], "default");
    let ended = site.scan_in(&scan, "finished").await;
    assert!(
        line(&ended, "resumed")["detail"]
            .as_str()
            .unwrap()
            .contains("its time was over"),
        "{ended}"
    );
    let until: jiff::Timestamp = site_time(&line(&ended, "resumed")["at"]);
    assert!(
        site.far.calls_of("scan")[0].at >= until,
        "not before its end"
    );
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
}

#[tokio::test]
async fn a_pause_of_one_tenant_is_none_of_another() {
    let mut site = Site::open().await;
    configure(
        &site,
        "preset = \"generic\"",
        "tenants = [\"default\"]\npreset = \"generic\"",
    );
    let file = std::fs::read_to_string(site.folder.path().join("scanhook.toml")).unwrap();
    let default = file
        .split("[tenants.default]")
        .nth(1)
        .unwrap()
        .split("[sources.siem]")
        .next()
        .unwrap()
        .to_owned();
    let second = regex::Regex::new(r#"client_id *= *"[^"]*""#).unwrap();
    let second = second.replace(
        &default,
        "client_id = \"5d1f0a77-2c4b-4e8a-9f10-6b7c8d9e0f21\"",
    );
    configure(
        &site,
        "[sources.siem]",
        &format!("[tenants.second]{second}\n[sources.siem]"),
    );
    for source in ["other", "sentinel", "defender"] {
        let head = format!("[sources.{source}]");
        configure(&site, &head, &format!("{head}\ntenants = [\"second\"]"));
    }
    site.restart().await;
    site.ordered("/api/v1/pause", json!({ "tenant": "default" }))
        .await;
    let paused = begun(&site, "1", "high", &machine(1)).await;
    let other = scan_id(
        &site
            .post("other", alert("2", "high", &machine(2)))
            .await
            .json(),
    );
    assert_eq!(site.scan_in(&other, "finished").await["tenant"], "second");
    assert_eq!(site.scan(&paused).await["paused"]["tenant"], "default");
    let told = site
        .ordered("/api/v1/resume", json!({ "tenant": "second" }))
        .await;
    assert_eq!(
        (&told["items"], told["in_force"].as_array().unwrap().len()),
        (&json!([]), 1)
    );
    site.ordered("/api/v1/resume", json!({ "tenant": "default" }))
        .await;
    site.scan_in(&paused, "finished").await;
}

fn site_time(at: &Value) -> jiff::Timestamp {
    at.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_waited_in_a_pause_is_as_young_as_the_resume() {
    let rules = RULES.replace("[defaults]", "[defaults]\nmax_age = \"900ms\"");
    for narrow in [json!({}), json!({ "rule": "high" })] {
        let site = Site::with(Wish {
            rules: rules.clone(),
            ..Wish::default()
        })
        .await;
        token(&site).await;
        site.ordered("/api/v1/pause", narrow).await;
        let scan = begun(&site, "1", "high", &machine(1)).await;
        never("it is sent or given up in the pause", || {
            !site.far.calls_of("scan").is_empty()
        })
        .await;
        assert_eq!(site.scan(&scan).await["state"], "waiting");
        site.ordered("/api/v1/resume", json!({})).await;
        assert_eq!(site.scan_ended(&scan).await["outcome"], "succeeded");
    }
}

#[tokio::test]
async fn started_paused_it_sends_nothing_until_somebody_resumes() {
    let mut site = Site::with(Wish {
        paused: true,
        ..Wish::default()
    })
    .await;
    token(&site).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    never("a scan is sent", || !site.far.calls_of("scan").is_empty()).await;
    assert_eq!(site.scan(&scan).await["paused"]["by"], "start");
    // A restart with the flag is no second pause, and one without it no resume.
    site.restart().await;
    site.wish.paused = false;
    site.restart().await;
    assert_eq!(
        site.get("/api/v1/status").await["pauses"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    site.ordered("/api/v1/resume", json!({})).await;
    site.scan_in(&scan, "finished").await;
}

#[tokio::test]
async fn a_pause_stops_scan_calls_alone() {
    let mut wish = Wish::default();
    wish.setup.full_ms = 1_500;
    let site = Site::with(wish).await;
    let running = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&running, "running").await;
    site.ordered("/api/v1/pause", json!({})).await;
    assert_eq!(
        site.scan_in(&running, "finished").await["outcome"],
        "succeeded",
        "it is followed to its end"
    );
}

#[tokio::test]
async fn a_pause_that_would_pause_nothing_is_refused_and_names_its_key() {
    let site = Site::open().await;
    for (body, code, key) in [
        (json!({ "rule": "hihg" }), "bad-value", "rule"),
        (json!({ "tenant": "defualt" }), "bad-value", "tenant"),
        (json!({ "device": "[" }), "bad-value", "device"),
        (
            json!({ "until": "2020-01-01T00:00:00Z" }),
            "bad-value",
            "until",
        ),
        (json!({ "until": 7 }), "bad-value", "until"),
        (json!({ "unitl": "1h" }), "unknown-key", "unitl"),
    ] {
        let (status, problem) = site.refused("/api/v1/pause", body.clone()).await;
        assert_eq!(
            (status, &problem["code"], &problem["key"]),
            (400, &code.into(), &key.into()),
            "{body}"
        );
    }
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
    let again = json!({ "by": "anna" });
    site.ordered("/api/v1/pause", again.clone()).await;
    let changed = site
        .ordered("/api/v1/pause", json!({ "by": "ben", "until": "1h" }))
        .await;
    assert_eq!(
        changed["in_force"].as_array().unwrap().len(),
        1,
        "the same pause, changed"
    );
    assert_eq!(changed["in_force"][0]["by"], "ben");
}

#[tokio::test]
async fn a_pause_whose_rule_has_another_name_now_says_that_it_pauses_nothing_new() {
    let mut site = Site::open().await;
    site.ordered("/api/v1/pause", json!({ "rule": "high" }))
        .await;
    assert!(site.get("/api/v1/status").await["pauses"][0]["note"].is_null());
    site.restart_with(&RULES.replace("name = \"high\"", "name = \"grave\""))
        .await;
    let note = site.get("/api/v1/status").await["pauses"][0]["note"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(note.contains("no rule `high`"), "{note}");
}

#[tokio::test]
async fn a_scan_whose_first_call_was_lost_is_shown_as_paused_and_is_sent_again_after_the_resume() {
    let mut wish = Wish::default();
    wish.pace.follow_for = Some(std::time::Duration::from_secs(2));
    let site = Site::with(wish).await;
    site.far
        .fault("scan", 1, 1, scanhook_simulator::How::LostRequest);
    // Nothing holds it back before its call has left.
    let scan = begun(&site, "1", "high", &machine(1)).await;
    until("its call is lost", async || {
        (site.scan(&scan).await["state"] == "unknown").then_some(())
    })
    .await;
    site.ordered("/api/v1/pause", json!({ "rule": "high" }))
        .await;
    let paused = until("it is shown as paused", async || {
        let seen = site.scan(&scan).await;
        seen["paused"].is_object().then_some(seen)
    })
    .await;
    assert_eq!(paused["state"], "unknown");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(
        site.scan(&scan).await["state"],
        "unknown",
        "the pause counts for no time in which it was not found"
    );
    site.ordered("/api/v1/resume", json!({})).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
}

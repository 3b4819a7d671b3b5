//! What people can do to a running responder, through its admin listener: hold back, let go, approve, deny, call off,
//! try again. The far side's own record says what was sent.

use std::time::Duration;

use rusqlite::Connection;
use scanhook::simulator::{How, Logged};
use serde_json::{Value, json};

use crate::harness::{RULES, Site, Wish, alert, fault, machine, never, say, scan_id, until};

/// High is scanned, medium is held, low has a limit of one.
const ASKING: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "medium" }

[[rule]]
name = "few"
scan = "quick"
limit = { scans = 1, per = "1h" }
when = { severity = "low" }
"#;

async fn asking() -> Site {
    Site::with(Wish { rules: ASKING.to_owned(), ..Wish::default() }).await
}

async fn begun(site: &Site, id: &str, severity: &str, machine: &str) -> String {
    scan_id(&site.accepted(alert(id, severity, machine)).await)
}

/// The id of the first decision of a receipt, which is in this state for this reason.
async fn decided(site: &Site, body: impl AsRef<[u8]>, state: &str, reason: &str) -> String {
    let receipt = site.accepted(body).await;
    let decision = &receipt["alerts"][0]["decisions"][0];
    assert_eq!((&decision["state"], &decision["reason"]), (&state.into(), &reason.into()), "{receipt}");
    decision["id"].as_str().unwrap().to_owned()
}

async fn decision(site: &Site, id: &str) -> Value {
    let all = site.get("/api/v1/decisions").await;
    all["items"].as_array().unwrap().iter().find(|item| item["id"] == id).expect("it is listed").clone()
}

async fn approve(site: &Site, id: &str, body: Value) -> Value {
    site.ordered(&format!("/api/v1/decisions/{id}/approve"), body).await
}

async fn cancel(site: &Site, id: &str, body: Value) -> Value {
    site.ordered(&format!("/api/v1/scans/{id}/cancel"), body).await
}

/// What an order says became of each thing.
fn results(told: &Value) -> Vec<&str> {
    told["items"].as_array().unwrap().iter().map(|item| item["result"].as_str().unwrap()).collect()
}

/// A line of the history of a scan or decision.
fn line<'v>(of: &'v Value, what: &str) -> &'v Value {
    let events = of["events"].as_array().unwrap_or_else(|| panic!("no history in {of}"));
    events.iter().find(|event| event["what"] == what).unwrap_or_else(|| panic!("no {what} in {of}"))
}

/// Waits until the lane has said what it is for.
async fn token(site: &Site) {
    until("a token is there", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["token_expires_at"].is_string().then_some(())
    })
    .await;
}

fn cancels(site: &Site) -> Vec<Logged> {
    site.far.calls_of("cancel")
}

#[tokio::test]
async fn a_pause_keeps_scans_waiting_over_a_restart_and_a_resume_sends_them() {
    let mut site = Site::open().await;
    token(&site).await;
    let set = site.ordered("/api/v1/pause", json!({ "by": "anna", "reason": "change freeze" })).await;
    assert_eq!((&set["in_force"][0]["by"], &set["in_force"][0]["tenant"]), (&"anna".into(), &Value::Null));
    let scan = begun(&site, "1", "high", &machine(1)).await;
    never("a scan is sent in a pause", || !site.far.calls_of("scan").is_empty()).await;
    let waiting = site.scan(&scan).await;
    assert_eq!((&waiting["state"], &waiting["paused"]["reason"]), (&"waiting".into(), &"change freeze".into()));
    assert_eq!(line(&waiting, "paused")["who"], "anna");
    assert!(site.admin("/metrics").await.text.contains("scanhook_paused 1\n"));

    site.restart().await;
    token(&site).await;
    let later = begun(&site, "2", "high", &machine(2)).await;
    never("a restart lets something go", || !site.far.calls_of("scan").is_empty()).await;
    assert_eq!(site.get("/api/v1/status").await["pauses"][0]["reason"], "change freeze");

    let ended = site.ordered("/api/v1/resume", json!({ "by": "ben" })).await;
    assert_eq!((&ended["items"][0]["by"], &ended["in_force"]), (&"anna".into(), &json!([])));
    for scan in [&scan, &later] {
        let over = site.scan_in(scan, "finished").await;
        assert_eq!((&over["outcome"], &over["paused"]), (&"succeeded".into(), &Value::Null));
        assert!(line(&over, "resumed")["detail"].as_str().unwrap().contains("ben"), "{over}");
    }
    assert!(site.admin("/metrics").await.text.contains("scanhook_paused 0\n"));
}

#[tokio::test]
async fn a_pause_of_a_rule_or_of_devices_stops_what_it_is_for_and_nothing_else() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({ "rule": "medium" })).await;
    site.ordered("/api/v1/pause", json!({ "device": "dc-*" })).await;
    let named = |id: &str, severity: &str, name: &str, n| {
        let device = json!({ "name": name, "mde_id": machine(n) });
        json!({ "alert_id": id, "title": "t", "severity": severity, "devices": [device] }).to_string()
    };
    let by_rule = begun(&site, "1", "medium", &machine(1)).await;
    let by_name = scan_id(&site.accepted(named("2", "high", "DC-7.corp.example", 2)).await);
    let free = scan_id(&site.accepted(named("3", "high", "lt-042", 3)).await);
    site.scan_in(&free, "finished").await;
    never("what is paused is sent", || site.far.calls_of("scan").len() > 1).await;
    let (rule, device) = (site.scan(&by_rule).await, site.scan(&by_name).await);
    assert_eq!((&rule["state"], &rule["paused"]["rule"]), (&"waiting".into(), &"medium".into()));
    assert_eq!((&device["state"], &device["paused"]["device"]), (&"waiting".into(), &"dc-*".into()));

    // What another rule wants of that machine is not silenced by the pause of this one.
    assert_eq!(begun(&site, "4", "high", &machine(1)).await, by_rule);
    assert_eq!(site.scan_in(&by_rule, "finished").await["kind"], "full");
    site.ordered("/api/v1/resume", json!({ "device": "dc-*" })).await;
    site.scan_in(&by_name, "finished").await;
    assert_eq!(site.get("/api/v1/status").await["pauses"][0]["rule"], "medium", "the other one stays");
    assert_eq!(site.far.scans().len(), 3);
}

#[tokio::test]
async fn a_pause_ends_by_itself_when_it_was_to_end() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({ "tenant": "default", "until": "1500ms" })).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    assert_eq!(site.scan(&scan).await["paused"]["tenant"], "default");
    let ended = site.scan_in(&scan, "finished").await;
    assert!(line(&ended, "resumed")["detail"].as_str().unwrap().contains("its time was over"), "{ended}");
    let until: jiff::Timestamp = site_time(&line(&ended, "resumed")["at"]);
    assert!(site.far.calls_of("scan")[0].at >= until, "not before its end");
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
}

#[tokio::test]
async fn a_pause_of_one_tenant_is_none_of_another() {
    let mut site = Site::open().await;
    configure(&site, "preset = \"generic\"", "tenants = [\"default\"]\npreset = \"generic\"");
    let file = std::fs::read_to_string(site.folder.path().join("scanhook.toml")).unwrap();
    let default = file.split("[tenants.default]").nth(1).unwrap().split("[sources.siem]").next().unwrap().to_owned();
    configure(&site, "[sources.siem]", &format!("[tenants.second]{default}\n[sources.siem]"));
    for source in ["other", "sentinel", "defender"] {
        let head = format!("[sources.{source}]");
        configure(&site, &head, &format!("{head}\ntenants = [\"second\"]"));
    }
    site.restart().await;
    site.ordered("/api/v1/pause", json!({ "tenant": "default" })).await;
    let paused = begun(&site, "1", "high", &machine(1)).await;
    let other = scan_id(&site.post("other", alert("2", "high", &machine(2))).await.json());
    assert_eq!(site.scan_in(&other, "finished").await["tenant"], "second");
    assert_eq!(site.scan(&paused).await["paused"]["tenant"], "default");
    let told = site.ordered("/api/v1/resume", json!({ "tenant": "second" })).await;
    assert_eq!((&told["items"], told["in_force"].as_array().unwrap().len()), (&json!([]), 1));
    site.ordered("/api/v1/resume", json!({ "tenant": "default" })).await;
    site.scan_in(&paused, "finished").await;
}

fn site_time(at: &Value) -> jiff::Timestamp {
    at.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_waited_in_a_pause_is_as_young_as_the_resume() {
    let rules = RULES.replace("[defaults]", "[defaults]\nmax_age = \"900ms\"");
    for narrow in [json!({}), json!({ "rule": "high" })] {
        let site = Site::with(Wish { rules: rules.clone(), ..Wish::default() }).await;
        token(&site).await;
        site.ordered("/api/v1/pause", narrow).await;
        let scan = begun(&site, "1", "high", &machine(1)).await;
        never("it is sent or given up in the pause", || !site.far.calls_of("scan").is_empty()).await;
        assert_eq!(site.scan(&scan).await["state"], "waiting");
        site.ordered("/api/v1/resume", json!({})).await;
        assert_eq!(site.scan_ended(&scan).await["outcome"], "succeeded");
    }
}

#[tokio::test]
async fn started_paused_it_sends_nothing_until_somebody_resumes() {
    let mut site = Site::with(Wish { paused: true, ..Wish::default() }).await;
    token(&site).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    never("a scan is sent", || !site.far.calls_of("scan").is_empty()).await;
    assert_eq!(site.scan(&scan).await["paused"]["by"], "start");
    // A restart with the flag is no second pause, and one without it no resume.
    site.restart().await;
    site.wish.paused = false;
    site.restart().await;
    assert_eq!(site.get("/api/v1/status").await["pauses"].as_array().unwrap().len(), 1);
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
    assert_eq!(site.scan_in(&running, "finished").await["outcome"], "succeeded", "it is followed to its end");
}

#[tokio::test]
async fn a_pause_that_would_pause_nothing_is_refused_and_names_its_key() {
    let site = Site::open().await;
    for (body, code, key) in [
        (json!({ "rule": "hihg" }), "bad-value", "rule"),
        (json!({ "tenant": "defualt" }), "bad-value", "tenant"),
        (json!({ "device": "[" }), "bad-value", "device"),
        (json!({ "until": "2020-01-01T00:00:00Z" }), "bad-value", "until"),
        (json!({ "until": 7 }), "bad-value", "until"),
        (json!({ "unitl": "1h" }), "unknown-key", "unitl"),
    ] {
        let (status, problem) = site.refused("/api/v1/pause", body.clone()).await;
        assert_eq!((status, &problem["code"], &problem["key"]), (400, &code.into(), &key.into()), "{body}");
    }
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
    let again = json!({ "by": "anna" });
    site.ordered("/api/v1/pause", again.clone()).await;
    let changed = site.ordered("/api/v1/pause", json!({ "by": "ben", "until": "1h" })).await;
    assert_eq!(changed["in_force"].as_array().unwrap().len(), 1, "the same pause, changed");
    assert_eq!(changed["in_force"][0]["by"], "ben");
}

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
    assert_eq!((&ended["outcome"], &ended["alerts"]), (&"succeeded".into(), &json!(["1", "2"])));
    let who = line(&ended, "approved");
    assert_eq!((&who["who"], &who["detail"]), (&"anna".into(), &"INC-7".into()));
    for (id, reason) in [(&first, "new"), (&second, "merged")] {
        let decision = decision(&site, id).await;
        assert_eq!((&decision["state"], &decision["reason"]), (&"scan".into(), &reason.into()));
        assert!(decision["why"].as_str().unwrap().ends_with("approved by anna (INC-7)"), "{decision}");
        assert_eq!(line(&decision, "approved")["who"], "anna");
    }
    assert_eq!(decision(&site, &other).await["state"], "held");

    // Whoever says it again hears what became of it.
    let again = approve(&site, &second, json!({ "by": "ben" })).await;
    assert_eq!((results(&again), &again["items"][0]["scan_id"]), (vec!["already"], &scan.as_str().into()));
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn what_is_not_held_cannot_be_approved_and_the_answer_says_what_it_is() {
    let site = asking().await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let id = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    for verb in ["approve", "deny"] {
        let (status, problem) = site.refused(&format!("/api/v1/decisions/{id}/{verb}"), json!({})).await;
        assert_eq!((status, &problem["code"]), (409, &"not-held".into()));
        assert_eq!((&problem["item"]["state"], &problem["item"]["reason"]), (&"scan".into(), &"new".into()));
        for unknown in ["nonsense", "01a19b54-1b98-7000-8000-000000000001", &scan_id(&receipt)] {
            let (status, problem) = site.refused(&format!("/api/v1/decisions/{unknown}/{verb}"), json!({})).await;
            assert_eq!((status, &problem["code"]), (404, &"unknown-id".into()), "{unknown}");
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
        assert_eq!((status, &problem["code"], &problem["key"]), (400, &"bad-value".into(), &"machine".into()));
    }
    let told = approve(&site, &id, json!({ "machine": machine(7).to_uppercase() })).await;
    let scan = told["items"][0]["scan_id"].as_str().unwrap().to_owned();
    assert_eq!(site.scan_in(&scan, "finished").await["machine"], machine(7).as_str());
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
    site.scan_in(told["items"][0]["scan_id"].as_str().unwrap(), "finished").await;
    assert_eq!(site.far.scans().len(), 2);

    // The rule itself has still begun one.
    let next = site.accepted(alert("3", "low", &machine(3))).await;
    let why = next["alerts"][0]["decisions"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("1 of 1 scans of the limit"), "{why}");
}

#[tokio::test]
async fn an_approval_in_a_dry_run_is_played_dry() {
    let site = Site::with(Wish { rules: ASKING.to_owned(), dry_run: true, ..Wish::default() }).await;
    let body = r#"{"alert_id":"1","title":"t","severity":"high","device_name":"lt-042"}"#;
    let id = decided(&site, body, "held", "unresolved_device").await;
    let told = approve(&site, &id, json!({ "machine": machine(1) })).await;
    assert!(told["items"][0]["why"].as_str().unwrap().contains("dry run: nothing is sent"), "{told}");
    let ended = site.scan_in(told["items"][0]["scan_id"].as_str().unwrap(), "finished").await;
    assert_eq!(ended["outcome"], "dry_run");
    assert!(site.far.calls_of("scan").is_empty());
}

#[tokio::test]
async fn a_denied_decision_is_dropped_with_the_persons_words_and_a_retry_holds_it_again() {
    let site = asking().await;
    let id = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let deny = format!("/api/v1/decisions/{id}/deny");
    let told = site.ordered(&deny, json!({ "by": "anna", "reason": "known test" })).await;
    assert_eq!(results(&told), ["denied"]);
    let dropped = decision(&site, &id).await;
    assert_eq!((&dropped["state"], &dropped["reason"]), (&"dropped".into(), &"denied".into()));
    assert!(dropped["why"].as_str().unwrap().ends_with("denied by anna (known test)"), "{dropped}");
    assert_eq!(results(&site.ordered(&deny, json!({})).await), ["already"]);
    let (_, problem) = site.refused(&format!("/api/v1/decisions/{id}/approve"), json!({})).await;
    assert_eq!(problem["code"], "not-held");

    // A retry is no approval: it is where it was.
    assert_eq!(results(&site.ordered("/api/v1/retry", json!({ "ids": [id], "by": "ben" })).await), ["retried"]);
    let held = decision(&site, &id).await;
    assert_eq!((&held["state"], &held["reason"]), (&"held".into(), &"approval".into()));
    approve(&site, &id, json!({ "by": "ben" })).await;
    site.scan_in(decision(&site, &id).await["scan_id"].as_str().unwrap(), "finished").await;
    assert!(site.admin("/metrics").await.text.contains("scanhook_not_scanned_total{reason=\"denied\"} 1\n"));
}

#[tokio::test]
async fn what_nobody_answers_expires_is_counted_and_can_be_held_again() {
    let rules = ASKING.replace("[defaults]", "[defaults]\nhold_for = \"1s\"");
    let site = Site::with(Wish { rules, ..Wish::default() }).await;
    let body = r#"{"alert_id":"1","title":"t","severity":"high","device_name":"lt-042"}"#;
    let id = decided(&site, body, "held", "unresolved_device").await;
    let expired = until("it expires", async || {
        let decision = decision(&site, &id).await;
        (decision["reason"] == "expired").then_some(decision)
    })
    .await;
    assert_eq!(line(&expired, "expired")["detail"], "unresolved_device");
    assert!(site.admin("/metrics").await.text.contains("scanhook_not_scanned_total{reason=\"expired\"} 1\n"));
    site.ordered("/api/v1/retry", json!({ "ids": [id] })).await;
    let held = decision(&site, &id).await;
    assert_eq!((&held["state"], &held["reason"]), (&"held".into(), &"unresolved_device".into()));
    approve(&site, &id, json!({ "machine": machine(1) })).await;
}

#[tokio::test]
async fn a_scan_that_has_not_begun_is_called_off_without_a_call() {
    let site = Site::open().await;
    site.ordered("/api/v1/pause", json!({})).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    let told = cancel(&site, &scan, json!({ "by": "anna", "reason": "reinstalled" })).await;
    assert_eq!(results(&told), ["cancelled"]);
    let dropped = site.scan(&scan).await;
    assert_eq!((&dropped["state"], &dropped["outcome"]), (&"dropped".into(), &"cancelled".into()));
    assert_eq!(dropped["detail"], "by anna: reinstalled");
    assert_eq!(line(&dropped, "cancelled")["who"], "anna");
    assert_eq!(dropped["alerts"], json!(["1"]), "its decisions still point to it");
    assert_eq!(results(&cancel(&site, &scan, json!({})).await), ["already"]);
    // What comes after it is another matter.
    let next = begun(&site, "2", "high", &machine(1)).await;
    assert_ne!(next, scan);
    site.ordered("/api/v1/resume", json!({})).await;
    site.scan_in(&next, "finished").await;
    assert_eq!((site.far.scans().len(), cancels(&site).len()), (1, 0));
    let (status, problem) = site.refused(&format!("/api/v1/scans/{next}/cancel"), json!({})).await;
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
    let told = cancel(&site, &scan, json!({ "by": "anna", "reason": "false alarm" })).await;
    assert_eq!(results(&told), ["cancelling"]);
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "cancelled");
    assert!(ended["detail"].as_str().unwrap().contains("anna: false alarm"), "{ended}");
    let calls = cancels(&site);
    assert_eq!((calls.len(), calls[0].executed), (1, true));
    assert!(calls[0].path.contains(ended["action"].as_str().unwrap()), "{calls:?}");
    assert!(calls[0].comment.as_ref().unwrap().starts_with("Called off by anna: false alarm [sh-"), "{calls:?}");
    assert_eq!(site.scan(&beside).await["state"], "running");
    let quota = &site.get("/api/v1/status").await["tenants"][0]["quota"];
    assert_eq!((&quota["cancel"]["hour"], &quota["scan"]["hour"]), (&1.into(), &2.into()), "a budget of its own");
    // Neither it nor its cool-down answers for what comes next.
    let next = site.accepted(alert("3", "high", &machine(1))).await;
    assert_eq!(next["alerts"][0]["decisions"][0]["reason"], "new");
}

#[tokio::test]
async fn an_alert_that_comes_while_a_scan_is_being_called_off_gets_one_of_its_own() {
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far.fault("cancel", 1, 1, How::Silence { executed: false });
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
    let (status, problem) = site.refused(&format!("/api/v1/scans/{scan}/cancel"), json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &"foreign-action".into()));
    // A selection does not even name it.
    let all = site.ordered("/api/v1/scans/cancel", json!({ "since": "1h", "preview": true })).await;
    assert_eq!(all["count"], 0);
    assert!(cancels(&site).is_empty());
    assert!(
        site.far.shared.with(|far| far.scans().iter().any(|a| a.id == foreign && a.is_open(jiff::Timestamp::now())))
    );
}

#[tokio::test]
async fn a_scan_of_unknown_fate_is_called_off_once_it_is_known_even_after_a_restart() {
    for executed in [true, false] {
        let mut site = Site::with(long()).await;
        site.far.fault("scan", 1, 1, How::Silence { executed });
        let scan = begun(&site, "1", "high", &machine(1)).await;
        until("the call has left", async || (site.far.calls_of("scan").len() == 1).then_some(())).await;
        assert_eq!(results(&cancel(&site, &scan, json!({ "by": "anna" })).await), ["cancelling"]);
        assert_eq!(results(&cancel(&site, &scan, json!({ "by": "anna" })).await), ["already"]);
        assert_eq!(site.scan(&scan).await["called_off"], "anna");
        site.restart().await;
        let ended = site.scan_ended(&scan).await;
        assert_eq!(ended["outcome"], "cancelled", "executed: {executed}");
        assert_eq!(ended["state"], if executed { "finished" } else { "dropped" });
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
    until("the call has left", async || (site.far.calls_of("scan").len() == 1).then_some(())).await;
    assert_eq!(results(&cancel(&site, &scan, json!({})).await), ["cancelling"]);
    let ended = site.scan_ended(&scan).await;
    assert_eq!((&ended["state"], &ended["outcome"]), (&"dropped".into(), &"cancelled".into()));
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
    assert_eq!(site.scan_in(&scan, "finished").await["outcome"], "cancelled");

    // Refused, because it is over by then, as only the list tells.
    let mut wish = Wish::default();
    wish.setup.full_ms = 700;
    wish.pace.follow_first = Duration::from_secs(600);
    let site = Site::with(wish).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far.fault("cancel", 1, 1, fault(400, "BadRequest", None));
    cancel(&site, &scan, json!({})).await;
    let refused = until("the refusal is noted", async || {
        let scan = site.scan(&scan).await;
        scan["events"].as_array().unwrap().iter().any(|event| event["what"] == "cancel_refused").then_some(scan)
    })
    .await;
    assert!(line(&refused, "cancel_refused")["detail"].as_str().unwrap().contains("BadRequest"), "{refused}");
}

#[tokio::test]
async fn an_action_that_defender_will_not_call_off_is_followed_and_not_asked_for_ever() {
    let mut wish = Wish::default();
    wish.setup.full_ms = 3_000;
    let site = Site::with(wish).await;
    site.far.fault("cancel", 1, 1000, fault(400, "BadRequest", None));
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    cancel(&site, &scan, json!({})).await;
    assert_eq!(site.scan_in(&scan, "finished").await["outcome"], "succeeded", "what it did is what is told");
    assert_eq!(cancels(&site).len(), 3);
}

#[tokio::test]
async fn a_429_to_a_cancellation_is_obeyed_and_the_cancellation_not_forgotten() {
    let site = Site::with(long()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    site.scan_in(&scan, "running").await;
    site.far.fault("cancel", 1, 1, fault(429, "TooManyRequests", Some("1")));
    cancel(&site, &scan, json!({})).await;
    assert_eq!(site.scan_in(&scan, "finished").await["outcome"], "cancelled");
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
    let (status, problem) = site.refused(&format!("/api/v1/scans/{scan}/cancel"), json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &"dry-run".into()));
    assert!(cancels(&site).is_empty());
}

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
    let second = decisions["items"][0]["scan_id"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(link["detail"], format!("as scan {second}: repaired"));
    assert_eq!(site.scan_in(&second, "finished").await["outcome"], "succeeded");
    assert!(decisions["items"][0]["why"].as_str().unwrap().ends_with("tried again by anna (repaired)"));
    assert_eq!(results(&site.ordered("/api/v1/retry", retry).await), ["already"]);
    assert_eq!(site.far.scans().len(), 2);
    let told = site.ordered("/api/v1/retry", json!({ "ids": [second] })).await;
    assert_eq!(results(&told), ["not-retryable"], "it has succeeded");
}

#[tokio::test]
async fn a_retry_counts_against_the_limit_like_anything_new() {
    let mut wish = Wish { rules: ASKING.to_owned(), ..Wish::default() };
    wish.setup.outcomes = [(machine(1), "Failed".to_owned())].into();
    let site = Site::with(wish).await;
    let first = begun(&site, "1", "low", &machine(1)).await;
    site.scan_in(&first, "finished").await;
    site.ordered("/api/v1/retry", json!({ "ids": [first] })).await;
    let decisions = site.get("/api/v1/decisions").await;
    let decision = &decisions["items"][0];
    assert_eq!((&decision["state"], &decision["reason"]), (&"held".into(), &"limit".into()));
    assert_eq!(site.far.scans().len(), 1);
}

/// An alert whose device stands where no preset looks, beside one that says it as it should.
fn half() -> String {
    let good = json!({ "alert_id": "good", "title": "t", "severity": "high", "devices": [{ "mde_id": machine(1) }] });
    let odd = json!({ "alert_id": "odd", "title": "t", "severity": "high", "asset": machine(2) });
    json!({ "alerts": [good, odd] }).to_string()
}

/// Another configuration, from the next start on.
fn configure(site: &Site, from: &str, to: &str) {
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

const SIEM: &str = "[sources.siem]\npreset = \"generic\"";

#[tokio::test]
async fn a_parked_alert_is_read_again_as_the_configuration_is_now_and_the_others_are_left_alone() {
    let mut site = Site::open().await;
    let receipt = site.accepted(half()).await;
    assert_eq!(receipt["alerts"][1]["reason"], "no-device", "{receipt}");
    let delivery = receipt["delivery"].as_str().unwrap().to_owned();
    site.scan_in(&scan_id(&receipt), "finished").await;

    // As long as nothing is corrected it is parked again.
    let told = site.ordered("/api/v1/retry", json!({ "ids": [delivery] })).await;
    assert_eq!((&told["items"][0]["state"], &told["items"][0]["reason"]), (&"parked".into(), &"no-device".into()));
    let devices = r#"map = { devices = [{ each = "/devices/*", mde_id = "/mde_id" }, { mde_id = "/asset" }] }"#;
    configure(&site, SIEM, &format!("{SIEM}\n{devices}"));
    site.restart().await;
    let preview = site.ordered("/api/v1/retry", json!({ "state": "parked", "preview": true })).await;
    assert_eq!((&preview["count"], &preview["items"][0]["id"]), (&1.into(), &delivery.as_str().into()));
    let told = site.ordered("/api/v1/retry", json!({ "ids": [delivery], "by": "anna" })).await;
    assert_eq!((results(&told), &told["items"][0]["state"]), (vec!["retried"], &"decided".into()));
    until("both machines are scanned", async || (site.far.scans().len() == 2).then_some(())).await;
    let alerts = site.get("/api/v1/alerts").await;
    let alerts = alerts["items"].as_array().unwrap().iter();
    let states: Vec<_> = alerts.map(|alert| (alert["id"].clone(), alert["state"].clone())).collect();
    assert_eq!(states, [(json!("odd"), json!("decided")), (json!("good"), json!("decided"))]);
    let decisions = site.get("/api/v1/decisions").await;
    assert_eq!(decisions["items"].as_array().unwrap().len(), 2);
    assert_eq!(line(&decisions["items"][0], "retried")["who"], "anna");
    let again = site.ordered("/api/v1/retry", json!({ "ids": [delivery] })).await;
    assert_eq!(results(&again), ["already"]);
    assert_eq!(site.post("siem", half()).await.status, 200, "and the delivery is still the same delivery");
}

#[tokio::test]
async fn a_delivery_that_was_parked_as_one_is_read_again_as_all_its_alerts() {
    let mut site = Site::open().await;
    configure(&site, SIEM, &format!("{SIEM}\nmax_alerts = 1"));
    site.restart().await;
    let list = (1..4).map(|n| serde_json::from_str::<Value>(&alert(&n.to_string(), "high", &machine(n))).unwrap());
    let list = list.collect::<Vec<_>>();
    let receipt = site.accepted(json!(list).to_string()).await;
    assert_eq!(receipt["alerts"][0]["reason"], "too-many-alerts", "{receipt}");
    configure(&site, "max_alerts = 1", "max_alerts = 9");
    site.restart().await;
    let told = site.ordered("/api/v1/retry", json!({ "ids": [receipt["delivery"]] })).await;
    assert_eq!(told["items"][0]["alerts"], json!(["1", "2", "3"]));
    until("all are scanned", async || (site.far.scans().len() == 3).then_some(())).await;
}

#[tokio::test]
async fn a_parked_alert_whose_body_is_gone_says_so() {
    let mut site = Site::open().await;
    let receipt = site.accepted(json!({ "alert_id": "1", "severity": "high" }).to_string()).await;
    assert_eq!(receipt["alerts"][0]["reason"], "no-device");
    site.stop().await;
    Connection::open(site.journal()).unwrap().execute("UPDATE delivery SET body = NULL", []).unwrap();
    site.restart().await;
    let told = site.ordered("/api/v1/retry", json!({ "ids": [receipt["delivery"]] })).await;
    assert_eq!(results(&told), ["body-gone"]);
    assert_eq!(told["items"][0]["state"], "parked");
}

#[tokio::test]
async fn a_selection_is_seen_before_anything_is_done_and_means_what_it_says() {
    let site = asking().await;
    let first = decided(&site, alert("1", "medium", &machine(1)), "held", "approval").await;
    let second = decided(&site, alert("2", "medium", &machine(2)), "held", "approval").await;
    let nameless = r#"{"alert_id":"3","title":"t","severity":"high","device_name":"lt-042.corp.example"}"#;
    let third = decided(&site, nameless, "held", "unresolved_device").await;
    let seen = async |selection: Value| {
        let mut order = selection;
        order["preview"] = true.into();
        let told = site.ordered("/api/v1/decisions/approve", order).await;
        let mut ids: Vec<_> = told["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
        assert_eq!((&told["preview"], &told["count"]), (&true.into(), &ids.len().into()));
        ids.sort_by_key(Value::to_string);
        ids
    };
    assert_eq!(seen(json!({ "rule": "ask" })).await, [first.as_str(), &second]);
    assert_eq!(seen(json!({ "rule": "ask", "device": machine(2) })).await, [second.as_str()]);
    assert_eq!(seen(json!({ "device": "LT-*" })).await, [third.as_str()]);
    assert_eq!(seen(json!({ "held": "approval", "since": "1h", "tenant": "default" })).await.len(), 2);
    assert_eq!(seen(json!({ "since": "2099-01-01T00:00:00Z" })).await, Vec::<Value>::new());
    assert!(site.far.calls_of("scan").is_empty() && decision(&site, &first).await["state"] == "held");

    let told = site.ordered("/api/v1/decisions/deny", json!({ "since": "1h", "reason": "drill" })).await;
    assert_eq!((results(&told).len(), &told["count"]), (3, &3.into()));
    assert_eq!(seen(json!({ "since": "1h" })).await, Vec::<Value>::new());
    let preview = site.ordered("/api/v1/retry", json!({ "state": "denied", "rule": "ask", "preview": true })).await;
    assert_eq!(preview["count"], 2);
    let told = site.ordered("/api/v1/retry", json!({ "state": "denied" })).await;
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
        (approve, json!({ "held": "aproval" }), "bad-value", json!("held")),
        (approve, json!({ "state": "held" }), "unknown-key", json!("state")),
        (approve, json!({ "rule": "ask", "perview": true }), "unknown-key", json!("perview")),
        (approve, json!({ "rule": "ask", "preview": "yes" }), "bad-value", json!("preview")),
        ("/api/v1/scans/cancel", json!({ "state": "finished" }), "bad-value", json!("state")),
        ("/api/v1/scans/cancel", json!({ "since": "yesterday" }), "bad-value", json!("since")),
        ("/api/v1/retry", json!({ "tenant": "other" }), "bad-value", json!("tenant")),
    ] {
        let (status, problem) = site.refused(path, body.clone()).await;
        assert_eq!((status, &problem["code"], &problem["key"]), (400, &code.into(), &key), "{body}");
    }
    for (body, code) in
        [("[]", "bad-value"), ("{", "json-syntax"), (r#"{"rule":"a","rule":"b"}"#, "json-duplicate-key")]
    {
        let answer = post(&site, approve, &[("content-type", "application/json")], body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &code.into()), "{body}");
    }
    assert_eq!(site.get("/api/v1/decisions?state=held").await["items"].as_array().unwrap().len(), 1);
}

/// A request as its bytes, with headers that a library would not write.
async fn post(site: &Site, path: &str, headers: &[(&str, &str)], body: &str) -> crate::harness::Answer {
    let host = format!("127.0.0.1:{}", site.admin.port());
    let own = headers.iter().any(|(name, _)| *name == "host");
    let host = if own { String::new() } else { format!("host: {host}\r\n") };
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request =
        format!("POST {path} HTTP/1.1\r\n{host}{lines}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    say([127, 0, 0, 1], site.admin, request.as_bytes()).await
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_give_orders_through_the_operators_browser() {
    let site = Site::open().await;
    let json = ("content-type", "application/json");
    let rebound = ("host", "rebound.example:9090");
    for (headers, status, code) in [
        (vec![json, ("origin", "https://evil.example")], 403, "foreign-origin"),
        (vec![json, ("origin", "null")], 403, "foreign-origin"),
        (vec![json, rebound], 403, "foreign-host"),
        (vec![json, rebound, ("origin", "http://rebound.example:9090")], 403, "foreign-host"),
        (vec![("content-type", "text/plain")], 415, "media-type"),
        (vec![("content-type", "application/x-www-form-urlencoded")], 415, "media-type"),
        (vec![], 415, "media-type"),
    ] {
        let answer = post(&site, "/api/v1/pause", &headers, "{}").await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &code.into()), "{headers:?}");
    }
    assert_eq!(site.get("/api/v1/status").await["pauses"], json!([]));
    let own = format!("http://127.0.0.1:{}", site.admin.port());
    assert_eq!(post(&site, "/api/v1/pause", &[json, ("origin", &own)], "{}").await.status, 200);
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(post(&site, "/api/v1/pause", &[json], &large).await.status, 413);
}

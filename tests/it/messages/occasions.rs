//! What messages are about: each occasion is told once, and its end as well.

use scanhook_simulator::Fault;
use serde_json::{Value, json};

use super::{telling, wish};
use crate::harness::{Inbox, Site, Wish, alert, fault, machine, scan_id, until};

#[tokio::test]
async fn each_scan_that_ends_is_told_to_a_program_that_asked_for_all() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "events = [\"all\"]").await;
    let mut scans = Vec::new();
    for n in 1..=3 {
        scans.push(scan_id(
            &site
                .accepted(alert(&n.to_string(), "high", &machine(n)))
                .await,
        ));
    }
    let told = inbox.heard_of("scan.ended", 3).await;
    let mut named: Vec<String> = told
        .iter()
        .map(|told| {
            let body = told.json();
            assert_eq!(body["data"]["scan"]["outcome"], "succeeded");
            assert_eq!(body["data"]["scan"]["kind"], "full");
            let text = body["data"]["text"].as_str().unwrap().to_owned();
            assert!(
                text.contains("succeeded: the device carried out the command."),
                "{text}"
            );
            body["data"]["scan"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    named.sort();
    scans.sort();
    assert_eq!(named, scans);
}

#[tokio::test]
async fn a_person_hears_of_no_scan_that_went_well() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let id = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    site.scan_in(&id, "finished").await;
    site.accepted(alert("2", "medium", &machine(2))).await;
    inbox.heard_of("decision.held", 1).await;
    assert_eq!(inbox.all().len(), 1);
}

#[tokio::test]
async fn a_tenant_that_stops_is_told_once_and_that_it_goes_on_as_well() {
    let inbox = Inbox::open().await;
    let mut wish = wish(&format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\n",
        inbox.url()
    ));
    wish.faults = vec![Fault {
        route: "token".to_owned(),
        nth: 1,
        times: 1,
        how: fault(401, "7000215", None),
    }];
    wish.pace.stopped = std::time::Duration::from_millis(500);
    let site = Site::with(wish).await;
    let stopped = inbox.heard_of("tenant.stopped", 1).await[0].json();
    assert_eq!(stopped["data"]["tenant"], "default");
    assert!(
        stopped["data"]["detail"]
            .as_str()
            .unwrap()
            .contains("Entra refuses a token"),
        "{stopped}"
    );
    inbox.heard_of("tenant.recovered", 1).await;
    let kinds: Vec<String> = inbox.all().iter().map(|told| told.kind()).collect();
    assert_eq!(kinds, ["tenant.stopped", "tenant.recovered"]);
    drop(site);
}

#[tokio::test]
async fn a_pause_is_told_with_who_set_it_and_until_when_and_its_end() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let order = json!({ "by": "anna", "reason": "change freeze", "until": "1h" });
    site.ordered("/api/v1/pause", order).await;
    site.ordered("/api/v1/resume", json!({ "by": "ben" })).await;
    let told = inbox.heard(2).await;
    let [set, ended] = [told[0].json(), told[1].json()];
    assert_eq!(
        (&set["type"], &set["data"]["by"]),
        (&"pause.set".into(), &"anna".into())
    );
    assert_eq!(set["data"]["detail"], "change freeze");
    assert!(set["data"]["until"].is_string());
    assert_eq!(
        (&ended["type"], &ended["data"]["by"]),
        (&"pause.ended".into(), &"ben".into())
    );
    assert_eq!(set["data"]["subject"], ended["data"]["subject"]);
}

#[tokio::test]
async fn files_with_faults_are_told_and_that_they_are_mended() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    std::fs::write(site.rules(), "version = 1\n[[rule]]\nname = \"x\"\n").unwrap();
    let answer = site.order("/-/reload", &json!({})).await;
    assert_eq!(answer.status, 422);
    let refused = inbox.heard_of("reload.refused", 1).await[0].json();
    assert!(
        refused["data"]["detail"]
            .as_str()
            .unwrap()
            .contains("rules.toml"),
        "{refused}"
    );
    std::fs::write(site.rules(), super::RULES).unwrap();
    site.ordered("/-/reload", json!({})).await;
    inbox.heard_of("reload.accepted", 1).await;
}

#[tokio::test]
async fn a_silent_source_is_told_and_that_it_is_heard_again() {
    let inbox = Inbox::open().await;
    let more = format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\n",
        inbox.url()
    );
    let mut site = Site::with(wish(&more)).await;
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let siem = "[sources.siem]\n";
    assert!(text.contains(siem));
    std::fs::write(
        &file,
        text.replace(siem, &format!("{siem}expect_every = \"1s\"\n")),
    )
    .unwrap();
    site.restart().await;
    let silent = inbox.heard_of("source.silent", 1).await[0].json();
    assert_eq!(silent["data"]["source"], "siem");
    site.accepted(alert("1", "high", &machine(1))).await;
    let heard = inbox.heard_of("source.heard", 1).await[0].json();
    assert_eq!(heard["data"]["subject"], silent["data"]["subject"]);
}

#[tokio::test]
async fn a_limit_that_is_spent_and_what_it_holds_are_told() {
    let inbox = Inbox::open().await;
    let rules = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "few"
scan = "quick"
limit = { scans = 1, per = "1h" }
when = { severity = "low" }
"#;
    let more = format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\n",
        inbox.url()
    );
    let site = Site::with(Wish {
        rules: rules.to_owned(),
        ..wish(&more)
    })
    .await;
    for n in 1..=2 {
        site.accepted(alert(&n.to_string(), "low", &machine(n)))
            .await;
    }
    let limit = inbox.heard_of("limit.reached", 1).await[0].json();
    assert_eq!(
        (&limit["data"]["rule"], &limit["data"]["tenant"]),
        (&"few".into(), &"default".into())
    );
    let held = inbox.heard_of("decision.held", 1).await[0].json();
    assert_eq!(held["data"]["decision"]["reason"], "limit");
}

#[tokio::test]
async fn the_stream_of_events_has_what_happened_in_order_and_says_what_is_forgotten() {
    let site = Site::with(wish("")).await;
    let id = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    site.scan_in(&id, "finished").await;
    let answer = site.admin("/api/v1/events").await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let events: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["scan.begun", "scan.sent", "scan.ended"]);
    for event in &events {
        assert_eq!(event["data"]["scan"]["id"], id.as_str());
    }
    let after = events[1]["data"]["seq"].as_i64().unwrap();
    let rest = site.admin(&format!("/api/v1/events?after={after}")).await;
    assert_eq!(rest.text.lines().count(), 1);
    let unknown = site.admin("/api/v1/events?since=1h").await;
    assert_eq!(
        (unknown.status, unknown.json()["code"].clone()),
        (400, "unknown-parameter".into())
    );
}

#[tokio::test]
async fn trying_a_receiver_says_what_it_answers() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let told = site
        .ordered("/api/v1/receivers/soar/test", json!({ "by": "anna" }))
        .await;
    assert_eq!(
        (&told["state"], &told["type"]),
        (&"sent".into(), &"test".into())
    );
    assert_eq!(inbox.all()[0].kind(), "test");
    let audit = site.get("/api/v1/audit?what=receiver%20test").await;
    assert_eq!(
        (
            &audit["items"][0]["entry"]["scope"],
            &audit["items"][0]["entry"]["for"]
        ),
        (&"receiver soar".into(), &"anna".into())
    );
    inbox.answers(500);
    let told = site.ordered("/api/v1/receivers/soar/test", json!({})).await;
    assert_eq!(
        (&told["state"], &told["answer"]),
        (&"dead".into(), &"500".into())
    );
    let (status, problem) = site
        .refused("/api/v1/receivers/nobody/test", json!({}))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &"unknown-receiver".into())
    );
    until("no message waits", async || {
        (super::receiver(&site, "soar").await["waiting"] == 0).then_some(())
    })
    .await;
}

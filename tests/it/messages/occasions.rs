//! What messages are about: each occasion is told once, and its end as well.

use std::time::Duration;

use scanhook::app::StormPace;
use scanhook_simulator::Fault;
use serde_json::{Value, json};

use super::{telling, wish};
use crate::harness::{ASKING, Inbox, Site, Wish, alert, fault, machine, scan_id, storm, until};

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
async fn a_pause_that_ends_by_itself_is_told_to_be_over() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let order = json!({ "by": "anna", "until": "1s" });
    site.ordered("/api/v1/pause", order).await;
    let ended = inbox.heard_of("pause.ended", 1).await[0].json();
    assert_eq!(ended["data"]["detail"], "Its time is over.");
    assert!(ended["data"]["by"].is_null(), "nobody ended it");
}

#[tokio::test]
async fn a_storm_is_told_once_with_what_will_be_held_and_its_end() {
    let inbox = Inbox::open().await;
    let rules = ASKING.replace("[defaults]", "[defaults]\nresolve_within = \"8s\"");
    let wish = wish(&format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\nevents = [\"storm.begun\", \"storm.over\"]\n",
        inbox.url()
    ));
    let site = Site::with(Wish {
        rules,
        storms: StormPace {
            look: Duration::from_millis(200),
            calm: Duration::from_secs(1),
        },
        ..wish
    })
    .await;
    storm(&site).await;
    let begun = inbox.heard_of("storm.begun", 1).await[0].json();
    assert_eq!(begun["data"]["tenant"], "default");
    let text = begun["data"]["text"].as_str().unwrap();
    assert!(text.contains("will be held"), "{text}");
    let over = inbox.heard_of("storm.over", 1).await[0].json();
    assert_eq!(over["data"]["subject"], begun["data"]["subject"]);
    let kinds: Vec<String> = inbox.all().iter().map(|told| told.kind()).collect();
    assert_eq!(kinds, ["storm.begun", "storm.over"]);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_told_once_and_shown_until_it_is_renewed() {
    let inbox = Inbox::open().await;
    let until = |days: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        format!("until = \"{then:.0}\"")
    };
    let (ends, renewed) = (until(5), until(400));
    let mut wish = wish(&format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\n\n[admin.tokens.soar]\nhash = \"sha256:{}\"\n\
         role = \"viewer\"\n{ends}\n",
        inbox.url(),
        "ab".repeat(32)
    ));
    wish.more.push_str("loopback = \"admin\"\n");
    let mut site = Site::with(wish).await;
    let ending = inbox.heard_of("credential.ending", 1).await[0].json();
    assert_eq!(ending["data"]["credential"], "token/soar");
    assert_eq!(ending["data"]["detail"], "Less than 7 days are left.");
    let banners = site.get("/api/v1/summary").await["banners"].clone();
    assert_eq!(banners[0]["code"], "credential-ending", "{banners}");

    site.restart().await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    inbox.heard_of("decision.held", 1).await;
    assert_eq!(
        inbox.of("credential.ending").len(),
        1,
        "a restart repeats nothing"
    );

    site.stop().await;
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&ends));
    std::fs::write(&file, text.replace(&ends, &renewed)).unwrap();
    site.restart().await;
    let over = inbox.heard_of("credential.ending", 2).await[1].json();
    assert_eq!(over["data"]["resolved"], true);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_from_memory_and_that_it_works_again() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let locker = rusqlite::Connection::open(site.journal()).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let failing = inbox.heard_of("journal.failing", 1).await[0].clone();
    let body = failing.json();
    assert!(body["data"]["resolved"].is_null(), "{body}");
    assert!(!failing.header("webhook-signature").is_empty());
    locker.execute_batch("ROLLBACK").unwrap();
    let works = inbox.heard_of("journal.failing", 2).await[1].json();
    assert_eq!(works["data"]["resolved"], true);
    assert_eq!(works["data"]["subject"], body["data"]["subject"]);
}

#[tokio::test]
async fn a_receiver_that_fails_is_a_banner() {
    let inbox = Inbox::open().await;
    inbox.answers(410);
    let site = telling(&inbox, "").await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let banner = until("it is shown", async || {
        let summary = site.get("/api/v1/summary").await;
        let banners = summary["banners"].as_array().unwrap();
        banners
            .iter()
            .find(|banner| banner["code"] == "receiver-failing")
            .cloned()
    })
    .await;
    assert_eq!(
        banner["text"],
        "Messages do not reach receiver soar. Its answer: 410."
    );
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
    std::fs::write(site.rules(), ASKING).unwrap();
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

//! What people saw of a file they see of the database, and the file is only read from then on.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use scanhook::journal::{Ids, copy_journal};
use scanhook::settings::{PostgresSettings, Settings};
use scanhook_core::time::Timestamp;
use serde_json::{Value, json};

use super::{password, verb};
use crate::harness::{Inbox, RULES, Site, Wish, alert, machine, scan_id, until};
use crate::server::{PASSWORD, Server};

const ASKS: &str = r#"
[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "low" }
"#;

/// What a person sees of a journal, in which nothing says when it was asked for.
const SEEN: &[&str] = &[
    "alerts?limit=100",
    "alerts?state=parked",
    "decisions?limit=100",
    "decisions?state=held",
    "scans?limit=100",
    "scans?state=waiting",
    "outbox",
    "audit",
    "held?group=machine",
];

/// Where the site of a test has its journal: in its file at first.
#[derive(Clone)]
struct Place {
    at: Arc<Mutex<PostgresSettings>>,
    moved: Arc<AtomicBool>,
}

/// A site with a file that holds of everything something, and the place it is served from when it starts again.
async fn busy(server: &Server, inbox: &Inbox) -> (Site, Place) {
    let place = Place {
        at: Arc::new(Mutex::new((*server.at()).clone())),
        moved: Arc::default(),
    };
    let seen = place.clone();
    let site = Site::with(Wish {
        rules: format!("{RULES}{ASKS}"),
        more: format!(
            "\n[receivers.soar]\nwebhook = {{ url = \"{}\", secret_file = \"out.secret\" }}\nevents = [\"pause.set\"]\n[admin]\npublic_url = \"https://scanhook.corp.example\"\n",
            inbox.url()
        ),
        secrets: vec![("out.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        adapt: Some(Box::new(move |settings: &mut Settings| {
            if seen.moved.load(Ordering::SeqCst) {
                settings.journal.postgres = Some(seen.at.lock().unwrap().clone());
            }
        })),
        ..Wish::default()
    })
    .await;
    for n in 0..6 {
        for (severity, machine) in [("high", machine(n)), ("low", machine(100 + n))] {
            let id = format!("{severity}-{n}");
            site.accepted(alert(&id, severity, &machine)).await;
        }
    }
    let named =
        r#"{"alert_id":"named","title":"t","severity":"high","device_name":"lt-042.corp.example"}"#;
    site.accepted(named).await;
    site.accepted(r#"{"alert_id":"parked","title":"t\u0000t","severity":"high"}"#)
        .await;
    assert_eq!(site.post("siem", "{ no JSON").await.status, 400);
    site.resolved().await;
    quiet(&site).await;
    for (path, order) in [
        (
            "decisions/deny",
            json!({ "device": machine(103), "by": "ben", "reason": "known" }),
        ),
        (
            "decisions/approve",
            json!({ "device": machine(104), "by": "ben" }),
        ),
        (
            "pause",
            json!({ "rule": "high", "by": "ben", "until": "9h" }),
        ),
        ("pause", json!({ "device": "srv-*" })),
    ] {
        site.ordered(&format!("/api/v1/{path}"), order).await;
    }
    quiet(&site).await;
    // It waits for the pause to be over.
    site.accepted(alert("paused", "high", &machine(9))).await;
    told(&site).await;
    until("the pause holds its scan back", async || {
        let alerts = site.get("/api/v1/alerts?alert=paused").await;
        (alerts["items"][0]["move"] == "person").then_some(())
    })
    .await;
    (site, place)
}

/// No scan is under way.
async fn quiet(site: &Site) {
    until("no scan is under way", async || {
        let mut open = 0;
        for state in ["waiting", "sending", "unknown", "running"] {
            let scans = site.get(&format!("/api/v1/scans?state={state}")).await;
            open += scans["items"].as_array().unwrap().len();
        }
        (open == 0).then_some(())
    })
    .await;
}

/// Both pauses were told.
async fn told(site: &Site) {
    until("both pauses were told", async || {
        let sent = site.get("/api/v1/outbox?state=sent").await;
        (sent["items"].as_array().unwrap().len() == 2).then_some(())
    })
    .await;
}

/// What is seen, with the counts of status.
async fn seen(site: &Site) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for path in SEEN {
        let path = format!("/api/v1/{path}");
        all.push((path.clone(), site.get(&path).await));
    }
    let events = site.admin("/api/v1/events?after=0&limit=100").await.text;
    all.push(("events".to_owned(), Value::String(events)));
    let status = site.get("/api/v1/status").await;
    let tenant = &status["tenants"][0];
    for name in ["held", "resolving", "scans", "held_since", "waiting_since"] {
        all.push((name.to_owned(), tenant[name].clone()));
    }
    for name in ["pauses", "parked"] {
        all.push((name.to_owned(), status[name].clone()));
    }
    let siem = &site.get("/api/v1/status?source=siem").await["sources"][0];
    for name in ["deliveries", "last_delivery_at", "unread"] {
        all.push((name.to_owned(), siem[name].clone()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_copied_is_served_with_all_that_was_seen_before() {
    let server = Server::initialised();
    let inbox = Inbox::open().await;
    let (mut site, place) = busy(&server, &inbox).await;
    let before = seen(&site).await;
    for (what, seen) in &before {
        let nothing = seen["items"]
            .as_array()
            .map_or(seen.is_null(), Vec::is_empty);
        assert!(
            !nothing,
            "{what} shows nothing, so it would prove nothing: {seen}"
        );
    }

    // Served, it is in use.
    password(site.folder.path());
    let arguments = [
        "sqlite:scanhook.db",
        &server.url(),
        "--password-file",
        "journal.secret",
    ];
    let (status, says) = verb(site.folder.path(), &arguments);
    assert!(
        status == Some(69) && says.contains("journal-in-use"),
        "{says}"
    );
    site.stop().await;

    let (status, says) = verb(site.folder.path(), &arguments);
    assert!(status == Some(0) && says.contains("copied from"), "{says}");
    assert!(!says.contains(PASSWORD));
    place.moved.store(true, Ordering::SeqCst);
    let last: i64 = server.look("SELECT max(id) FROM delivery").parse().unwrap();
    site.start().await;
    // A process that has just begun waits for a token, which is said of each scan until it has one.
    until("it has a token", async || {
        let scans = site.get("/api/v1/scans").await;
        (!scans.to_string().contains("no_token")).then_some(())
    })
    .await;
    for ((what, then), (_, now)) in before.iter().zip(&seen(&site).await) {
        assert_eq!(then, now, "{what}");
    }

    // It goes on: a repeat is known, what is new gets ids behind the others, and what waited leaves when it may.
    let again = site
        .post("siem", alert("high-1", "high", &machine(1)))
        .await;
    assert_eq!(again.status, 200, "{}", again.text);
    let receipt = site.accepted(alert("new", "medium", &machine(77))).await;
    assert_eq!(
        site.scan_ended(&scan_id(&receipt)).await["outcome"],
        "succeeded"
    );
    let id: i64 = server.look("SELECT max(id) FROM delivery").parse().unwrap();
    assert_eq!(id, last + 1);
    let counted = "SELECT deliveries FROM source WHERE name = 'siem'";
    assert_eq!(
        server.look(counted),
        server.look("SELECT count(*) FROM delivery WHERE source = 'siem'")
    );
    site.ordered("/api/v1/resume", json!({ "rule": "high" }))
        .await;
    quiet(&site).await;
    assert_eq!(server.complaints(), Vec::<String>::new());
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_moved_is_not_served_and_not_copied_again_but_read() {
    let server = Server::initialised();
    let inbox = Inbox::open().await;
    let (mut site, _) = busy(&server, &inbox).await;
    site.stop().await;
    let (folder, path) = (site.folder.path().to_owned(), site.journal());
    password(&folder);
    let file = path.clone();
    let at = server.at();
    tokio::task::spawn_blocking(move || {
        copy_journal(&file, &at, Ids::seeded(1), Timestamp::from_millis(7)).unwrap()
    })
    .await
    .unwrap();

    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_scanhook"))
            .args(arguments)
            .current_dir(&folder)
            .env_clear()
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    for (arguments, status) in [
        (&["serve", "--config", "scanhook.toml"][..], 78),
        (&["check", "--config", "scanhook.toml"], 1),
        (&["doctor", "--config", "scanhook.toml"], 1),
    ] {
        let (found, says) = run(arguments);
        assert_eq!(found, Some(status), "{arguments:?}: {says}");
        assert!(says.contains("was moved to postgres://scanhook@"), "{says}");
        assert!(!says.contains(PASSWORD));
    }
    assert!(
        run(&["serve", "--config", "scanhook.toml"])
            .1
            .contains("journal-moved")
    );
    let other = [
        "sqlite:scanhook.db",
        &server.url(),
        "--password-file",
        "journal.secret",
    ];
    let (status, says) = verb(&folder, &other);
    assert!(
        status == Some(78) && says.contains("journal-moved"),
        "{says}"
    );
    let (status, says) = run(&["replay", "scanhook.db", "--config", "scanhook.toml"]);
    assert_eq!(status, Some(0), "{says}");
    let (status, says) = run(&[
        "explain",
        "--device",
        &machine(1),
        "--config",
        "scanhook.toml",
    ]);
    assert_eq!(status, Some(0), "{says}");
}

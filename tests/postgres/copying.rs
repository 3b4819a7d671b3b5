//! A journal that moves from a file into PostgreSQL: it is served from there with everything that people saw before, and the
//! file is not served any more. Whatever stands in the way is said, and leaves both as they were.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use scanhook::journal::{Copied, Ids, OpenError, SCHEMA, Store, copy_journal};
use scanhook::settings::{PostgresSettings, Settings};
use scanhook_core::time::Timestamp;
use serde_json::{Value, json};

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

fn copied(path: &Path, server: &Server) -> Copied {
    copy_journal(
        path,
        &server.at(),
        Ids::seeded(1),
        Timestamp::from_millis(7),
    )
    .unwrap()
}

/// `scanhook journal copy`, with its exit status and what it says.
fn verb(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(["journal", "copy"])
        .args(arguments)
        .current_dir(folder)
        .env_clear();
    command
}

/// The file of the password, as a person would make it.
fn password(folder: &Path) {
    crate::harness::add(folder, "", &[("journal.secret", &format!("{PASSWORD}\n"))]);
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

#[test]
fn every_row_of_a_simulated_journal_is_there_byte_by_byte() {
    let server = Server::initialised();
    for seed in 0..6 {
        server.empty();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scanhook.db");
        let kept = crate::simulation::kept_in(&path, seed);
        let copied = copied(&path, &server);
        assert!(
            !copied.before && copied.rows > 20,
            "seed {seed}: {copied:?}"
        );
        for (there, here) in server.store(seed).dump().unwrap().lines().zip(kept.lines()) {
            assert_eq!(there, here, "seed {seed}");
        }
        for table in tables(&path) {
            let sql = format!("SELECT count(*) FROM {table}");
            let here: i64 = Connection::open(&path)
                .unwrap()
                .query_row(&sql, [], |row| row.get(0))
                .unwrap();
            assert_eq!(server.look(&sql), here.to_string(), "{table}");
        }
        // Ids go on, and the numbers of events with them.
        for (table, last) in [
            ("scan", "max(id)"),
            ("event", "max(id)"),
            ("occasion", "max(id)"),
        ] {
            let next = format!(
                "SELECT (SELECT CASE is_called WHEN TRUE THEN last_value ELSE 0 END FROM {table}_id_seq) = coalesce((SELECT {last} FROM {table}), 0)"
            );
            assert_eq!(server.look(&next), "t", "{table}");
        }
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
}

/// The tables of a file, but for those that only it has.
fn tables(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut statement = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'moved'")
        .unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// A small journal, closed.
fn small(path: &Path) {
    drop(crate::simulation::kept_in(path, 3));
}

fn is_empty(server: &Server) -> bool {
    ["delivery", "alert", "scan", "tenant", "event", "audit"]
        .iter()
        .all(|table| server.look(&format!("SELECT count(*) FROM {table}")) == "0")
}

#[test]
fn what_stands_in_the_way_is_said_with_a_code_and_changes_nothing() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    small(&path);
    let dump = || Store::open(&path, Ids::seeded(0)).unwrap().dump().unwrap();
    let kept = dump();
    std::fs::write(folder.path().join("scanhook.toml"), "").unwrap();
    password(folder.path());
    let url = server.url();
    let copy = |from: &str, into: &str, more: &[&str]| {
        verb(folder.path(), &[&[from, into], more].concat())
    };
    let with = ["--password-file", "journal.secret"];
    let refused = |(status, says): (Option<i32>, String), code: i32, words: &[&str]| {
        assert_eq!(status, Some(code), "{says}");
        for word in words {
            assert!(says.contains(word), "{word}: {says}");
        }
        assert!(
            !says.contains("hunter2") && !says.contains(PASSWORD),
            "{says}"
        );
    };
    let file = "sqlite:scanhook.db";
    refused(
        copy(file, &url, &with),
        78,
        &["journal-not-initialised", "journal init"],
    );
    let made = scanhook::journal::initialise_database(&server.at(), uuid::Uuid::nil());
    assert!(!made.unwrap());

    // How it is called.
    let with_password = url.replace("scanhook@", "scanhook:hunter2@");
    refused(copy(file, &with_password, &[]), 64, &["password_file"]);
    refused(
        copy(&url, file, &with),
        64,
        &["from a file into a database"],
    );
    refused(copy("scanhook.db", &url, &with), 64, &["sqlite:PATH"]);
    refused(copy("sqlite:none.db", &url, &with), 66, &["none.db"]);
    assert!(!folder.path().join("none.db.lock").exists());
    refused(copy(file, &url, &[]), 77, &["journal-password"]);
    std::fs::write(folder.path().join("wide.secret"), PASSWORD).unwrap();
    refused(
        copy(file, &url, &["--password-file", "wide.secret"]),
        64,
        &["chmod 600"],
    );

    // The file.
    std::fs::write(
        folder.path().join("text.db"),
        "no database, but long enough to be taken for one",
    )
    .unwrap();
    refused(copy("sqlite:text.db", &url, &with), 65, &["journal-source"]);
    Connection::open(folder.path().join("other.db"))
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    refused(
        copy("sqlite:other.db", &url, &with),
        65,
        &["not a scanhook journal"],
    );
    let later = folder.path().join("later.db");
    small(&later);
    Connection::open(&later)
        .unwrap()
        .execute_batch(&format!("PRAGMA user_version = {}", SCHEMA + 1))
        .unwrap();
    refused(
        copy("sqlite:later.db", &url, &with),
        78,
        &["newer scanhook"],
    );
    let played = folder.path().join("played.db");
    drop(
        Store::open(&played, Ids::seeded(0))
            .unwrap()
            .only_for(true)
            .unwrap(),
    );
    refused(
        copy("sqlite:played.db", &url, &with),
        78,
        &["serve --simulate"],
    );
    let odd = folder.path().join("odd.db");
    small(&odd);
    Connection::open(&odd)
        .unwrap()
        .execute_batch("CREATE TABLE notes (a TEXT)")
        .unwrap();
    refused(copy("sqlite:odd.db", &url, &with), 74, &["`notes`"]);

    // The database.
    server.look("CREATE ROLE guest LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest");
    let guest = Arc::new(PostgresSettings {
        user: "guest".to_owned(),
        ..(*server.at()).clone()
    });
    let not = copy_journal(&path, &guest, Ids::seeded(0), Timestamp::from_millis(7)).unwrap_err();
    assert!(
        not.code() == "journal-not-owner" && not.to_string().contains("guest"),
        "{not}"
    );
    server.look("INSERT INTO tenant(name) VALUES ('mine')");
    refused(
        copy(file, &url, &with),
        78,
        &["journal-not-empty", "`tenant`"],
    );
    server.look("DELETE FROM tenant");
    assert!(is_empty(&server));
    assert_eq!(dump(), kept);

    // From the environment, as the keys of `[journal]` are.
    let mut command = command(folder.path(), &[file, &url]);
    let output = command
        .env("SCANHOOK_JOURNAL__PASSWORD_FILE", "journal.secret")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_text_with_a_nul_and_a_journal_of_the_first_version_are_copied() {
    let server = Server::initialised();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "{}; PRAGMA application_id = 1935896168; PRAGMA user_version = 1;
             INSERT INTO delivery(uuid, key, source, received_at, body) VALUES (x'0123456789abcdef0123456789abcdef', x'02', 'si' || char(0) || 'em', 7, x'7b7d')",
            include_str!("../../src/journal/schema.sql")
        ))
        .unwrap();
    copied(&path, &server);
    assert_eq!(
        server.look("SELECT uuid, source, body FROM delivery"),
        "01234567-89ab-cdef-0123-456789abcdef|si\u{2400}em|\\x7b7d"
    );
}

#[test]
fn a_copy_that_is_killed_leaves_the_database_empty_and_the_file_as_it_was() {
    let server = Server::initialised();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    small(&path);
    let kept = Store::open(&path, Ids::seeded(0)).unwrap().dump().unwrap();
    std::fs::write(folder.path().join("scanhook.toml"), "").unwrap();
    password(folder.path());
    // In the middle: tables before this one are filled, and it takes its time.
    server.look(
        "CREATE FUNCTION nap() RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN TRUE; END $$;
         ALTER TABLE event ADD CONSTRAINT naps CHECK (nap())",
    );
    server.set("client_connection_check_interval", "'100ms'");
    let url = server.url();
    let arguments = [
        "sqlite:scanhook.db",
        url.as_str(),
        "--password-file",
        "journal.secret",
    ];
    let mut child = command(folder.path(), &arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sessions = |state: &str| {
        server.look(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scanhook' AND {state}"
        ))
    };
    wait(|| sessions("wait_event = 'PgSleep'") == "1");
    let refused = Store::open(&path, Ids::seeded(0)).err().unwrap();
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
    wait(|| sessions("TRUE") == "0");
    assert!(is_empty(&server));
    assert_eq!(
        Store::open(&path, Ids::seeded(0)).unwrap().dump().unwrap(),
        kept
    );

    server.look("ALTER TABLE event DROP CONSTRAINT naps");
    let (status, says) = verb(folder.path(), &arguments);
    assert_eq!(status, Some(0), "{says}");
    assert_eq!(server.store(0).dump().unwrap(), kept);
}

#[test]
fn a_copy_that_was_cut_off_before_its_mark_is_found_to_be_there() {
    let server = Server::initialised();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    small(&path);
    let first = copied(&path, &server);
    Connection::open(&path)
        .unwrap()
        .execute_batch("DROP TABLE moved")
        .unwrap();
    assert_eq!(
        copied(&path, &server),
        Copied {
            before: true,
            ..first
        }
    );
    assert!(matches!(
        Store::open(&path, Ids::seeded(0)),
        Err(OpenError::Moved { .. })
    ));

    // But not where one of the two has gone on.
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "DROP TABLE moved; UPDATE event SET at = at + 1 WHERE id = (SELECT max(id) FROM event)",
    )
    .unwrap();
    let not = copy_journal(
        &path,
        &server.at(),
        Ids::seeded(1),
        Timestamp::from_millis(7),
    )
    .unwrap_err();
    assert_eq!(not.code(), "journal-not-empty");
}

#[test]
fn what_the_database_keeps_otherwise_is_found_and_not_kept() {
    let server = Server::initialised();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    small(&path);
    server.look(
        "CREATE FUNCTION spoil() RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN UPDATE call SET answer = 'other'; RETURN TRUE; END $$;
         ALTER TABLE event ADD CONSTRAINT spoils CHECK (spoil())",
    );
    let not = copy_journal(
        &path,
        &server.at(),
        Ids::seeded(1),
        Timestamp::from_millis(7),
    );
    let not = not.unwrap_err();
    assert!(
        not.code() == "journal-copy-differs" && not.to_string().contains("`call`"),
        "{not}"
    );
    assert!(is_empty(&server));
    assert!(Store::open(&path, Ids::seeded(0)).is_ok());
}

fn wait(is: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
}

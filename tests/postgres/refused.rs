//! What is no journal, or not one that can be kept: each is refused with a code, and a sentence that says what to do.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scanhook::journal::{Ids, Refusal, SCHEMA, Store, check_database, initialise_database};
use scanhook::settings::PostgresSettings;
use scanhook_simulator::Setup;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::far::FarDatabase;
use crate::harness::{Far, Served, alert, client, machine, post};
use crate::replicas::files;
use crate::server::{PASSWORD, Server};
use crate::wire::{AtCommit, DatabaseWire};

fn refused(at: &Arc<PostgresSettings>, code: &str, says: &[&str]) {
    let refusal = check_database(at).expect_err(code);
    assert_eq!(refusal.code(), code, "{refusal}");
    for word in says {
        assert!(refusal.to_string().contains(word), "{word}: {refusal}");
    }
}

#[test]
fn a_journal_is_made_by_an_order_alone_and_once() {
    let server = Server::start();
    refused(
        &server.at(),
        "journal-not-initialised",
        &["scanhook journal init"],
    );
    let id = uuid::Uuid::from_u128(7);
    assert!(!initialise_database(&server.at(), id).unwrap());
    assert!(initialise_database(&server.at(), uuid::Uuid::from_u128(8)).unwrap());
    assert_eq!(
        server.look("SELECT id, schema FROM journal"),
        format!("{id}|{SCHEMA}")
    );
    check_database(&server.at()).unwrap();
}

#[test]
fn another_schema_and_tables_without_a_description_are_refused() {
    let server = Server::initialised();
    let schema = |n: i64| server.look(&format!("UPDATE journal SET schema = {n}"));
    schema(SCHEMA + 1);
    refused(&server.at(), "journal-newer", &["newer scanhook"]);
    assert_eq!(
        initialise_database(&server.at(), uuid::Uuid::nil())
            .unwrap_err()
            .code(),
        "journal-newer"
    );
    schema(SCHEMA - 1);
    refused(&server.at(), "journal-older", &["journal migrate"]);
    server.look("DROP TABLE journal");
    refused(&server.at(), "journal-not-described", &["table `journal`"]);
    assert_eq!(
        initialise_database(&server.at(), uuid::Uuid::nil())
            .unwrap_err()
            .code(),
        "journal-not-described"
    );
}

#[test]
fn a_server_that_may_lose_what_it_has_committed_is_refused_by_the_name_of_the_setting() {
    let server = Server::initialised();
    for name in ["synchronous_commit", "fsync", "full_page_writes"] {
        server.set(name, "'off'");
        refused(&server.at(), "journal-not-durable", &[name, "off"]);
        server.look(&format!("ALTER SYSTEM RESET {name}"));
        server.set(name, "'on'");
        check_database(&server.at()).unwrap();
    }
    server.look("ALTER ROLE scanhook SET default_transaction_read_only = on");
    refused(&server.at(), "journal-read-only", &["primary"]);
}

#[test]
fn a_role_that_lacks_a_right_is_told_which_and_where() {
    let server = Server::initialised();
    let at = |user: &str| {
        Arc::new(PostgresSettings {
            user: user.to_owned(),
            ..(*server.at()).clone()
        })
    };
    server.look("CREATE ROLE guest LOGIN");
    refused(&at("guest"), "journal-rights", &["journal"]);
    server.look("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest");
    check_database(&at("guest")).unwrap();
    server.look("REVOKE UPDATE ON scan FROM guest");
    refused(
        &at("guest"),
        "journal-rights",
        &["guest", "UPDATE", "scan", "GRANT"],
    );
}

#[test]
fn a_wrong_password_a_missing_one_and_a_server_that_is_away_are_told_apart() {
    let server = Server::initialised();
    let at = PostgresSettings::parse(&server.url()).unwrap();
    let with = |password: Option<&str>| {
        Arc::new(PostgresSettings {
            password: password.map(SecretString::from),
            ..at.clone()
        })
    };
    check_database(&with(Some(PASSWORD))).unwrap();
    refused(
        &with(Some("wrong")),
        "journal-password",
        &["scanhook", "password_file"],
    );
    refused(&with(None), "journal-password", &["password_file"]);
    // It speaks no TLS, and nothing is said to it without.
    let plain = check_database(&Arc::new(PostgresSettings {
        tls: true,
        ..at.clone()
    }))
    .unwrap_err();
    assert!(plain.to_string().contains("TLS"), "{plain}");
    server.cut();
    refused(
        &with(Some(PASSWORD)),
        "journal-unreachable",
        &["cannot be reached"],
    );
    assert!(matches!(
        check_database(&with(None)),
        Err(Refusal::Unreachable(_))
    ));
}

/// What the verbs of the program say, with its exit status.
pub fn verb(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(arguments)
        .args(["--config", "scanhook.toml"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_verbs_make_a_journal_look_at_it_and_serving_says_what_it_lacks() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    crate::harness::install(folder.path(), ([127, 0, 0, 1], 9).into(), "", "");
    let file = folder.path().join("scanhook.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let journal = format!(
        "url = \"{}\"\npassword_file = \"journal.secret\"",
        server.url()
    );
    std::fs::write(
        &file,
        config.replace("url = \"sqlite:scanhook.db\"", &journal),
    )
    .unwrap();
    crate::harness::add(
        folder.path(),
        "",
        &[("journal.secret", &format!("{PASSWORD}\n"))],
    );

    let begun = Instant::now();
    std::fs::write(folder.path().join("rules.toml"), crate::harness::RULES).unwrap();
    let (status, says) = verb(&folder, &["serve", "--rules", "rules.toml"]);
    assert_eq!(status, Some(78), "{says}");
    assert!(
        says.contains("journal-not-initialised") && says.contains("journal init"),
        "{says}"
    );
    assert!(begun.elapsed() < Duration::from_secs(12));

    std::fs::remove_file(folder.path().join("rules.toml")).unwrap();
    let (status, says) = verb(&folder, &["journal", "check"]);
    assert_eq!(status, Some(78), "{says}");
    for said in ["are made", "already"] {
        let (status, says) = verb(&folder, &["journal", "init"]);
        assert!(status == Some(0) && says.contains(said), "{says}");
    }
    for order in ["check", "migrate"] {
        let (status, says) = verb(&folder, &["journal", order]);
        assert_eq!(status, Some(0), "{says}");
    }
    server.look("UPDATE journal SET schema = 9");
    let (status, says) = verb(&folder, &["journal", "migrate"]);
    assert!(
        status == Some(78) && says.contains("journal-unmigrated"),
        "{says}"
    );
    assert!(!says.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_while_a_start_writes_to_it_is_not_told_as_a_fault_of_the_disk() {
    let server = Server::initialised();
    let wire = DatabaseWire::to(server.port()).await;
    let far = Far::open(Setup::default()).await;
    let folder = files(far.at, &Server::url_by(wire.port), "4s");
    for at in [AtCommit::Lost, AtCommit::Sent, AtCommit::Answered] {
        let (started, cut) = tokio::join!(
            Served::attempt(Served::command(folder.path())),
            wire.cut_at_commit(at, Duration::from_secs(60)),
        );
        assert!(cut);
        let said = started.err().expect("it does not start").join("\n");
        assert!(said.contains("[journal-unanswered]"), "{at:?}: {said}");
        assert!(said.contains("\"scanhook.status\":69"), "{at:?}: {said}");
    }
    Served::start(folder.path()).await.kill();
}

#[test]
fn wherever_a_connection_breaks_while_a_journal_is_opened_it_is_told_as_a_database_that_is_away() {
    let server = Server::initialised();
    for trips in 0..200 {
        let far = FarDatabase::off(server.at(), Duration::ZERO);
        far.breaks_after(trips);
        let opened = Store::connect(&far.at(), Ids::seeded(trips));
        let Err(why) = opened.and_then(|store| store.only_for(false)) else {
            assert!(trips > 20, "only {trips} trips");
            return;
        };
        assert_eq!(why.code(), "journal-unreachable", "{trips}: {why}");
    }
    panic!("a journal is not opened in 200 trips");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_meets_a_newer_schema_takes_nothing_more_and_ends() {
    let server = Server::initialised();
    let far = Far::open(Setup::default()).await;
    let folder = files(far.at, &server.url(), "60s");
    let mut served = Served::start(folder.path()).await;
    let body = |n: u32| alert(&n.to_string(), "high", &machine(n));
    assert_eq!(served.post(&client(), &body(0)).await.status, 202);
    server.look("UPDATE journal SET schema = schema + 1");
    let since = Instant::now();
    let mut n = 0;
    let status = loop {
        if let Some(status) = served.ended() {
            break status;
        }
        n += 1;
        let begun = since.elapsed();
        let answer = post(&client(), served.public, &body(n)).await;
        let taken = answer.is_some_and(|answer| (200..300).contains(&answer.status));
        assert!(!taken || begun < Duration::from_secs(2), "{begun:?}");
        assert!(since.elapsed() < Duration::from_secs(20), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(!status.success());
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap();
    assert!(log.contains("journal-newer"), "{log}");
}

//! Every row is copied as it is and compared, in one transaction: a copy that is cut off has changed nothing.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use scanhook::journal::{Copied, Ids, OpenError, Store, copy_journal};
use scanhook::settings::PostgresSettings;
use scanhook_core::time::Timestamp;

use super::{command, copied, is_empty, password, small, verb};
use crate::server::{PASSWORD, Server};
use crate::wire::{AtCommit, DatabaseWire};

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
            include_str!("../../../src/journal/schema.sql")
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_whose_commit_is_not_answered_says_so_and_the_next_one_finds_out() {
    for (cut, there) in [(AtCommit::Lost, false), (AtCommit::Answered, true)] {
        let server = Server::initialised();
        let wire = DatabaseWire::to(server.port()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scanhook.db");
        small(&path);
        let by_wire = Arc::new(PostgresSettings {
            host: "127.0.0.1".to_owned(),
            port: wire.port,
            password: Some(PASSWORD.into()),
            ..(*server.at()).clone()
        });
        let now = Timestamp::from_millis(7);
        let from = path.clone();
        let copying =
            tokio::task::spawn_blocking(move || copy_journal(&from, &by_wire, Ids::seeded(1), now));
        let (not, cut) = tokio::join!(copying, wire.cut_at_commit(cut, Duration::from_secs(60)));
        assert!(cut);
        assert_eq!(not.unwrap().unwrap_err().code(), "journal-copy-unanswered");
        let again = tokio::task::block_in_place(|| copied(&path, &server));
        assert_eq!(again.before, there);
    }
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
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
}

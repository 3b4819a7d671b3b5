//! Whatever stands in the way of a copy is said, and both sides stay as they were.

use std::sync::Arc;

use rusqlite::Connection;
use scanhook::journal::{Ids, SCHEMA, Store, copy_journal};
use scanhook::settings::PostgresSettings;
use scanhook_core::time::Timestamp;

use super::{command, is_empty, password, small, verb};
use crate::server::{PASSWORD, Server};

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

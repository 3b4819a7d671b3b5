//! The journal is copied while it is served, and a copy becomes the journal: nothing acknowledged is missing, nothing is
//! overwritten, and what is not a sound journal is refused.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags};
use scanhook::journal::SCHEMA;
use scanhook_simulator::Setup;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::harness::{Far, RULES, Served, alert, client, install, machine, post, until};
use crate::verbs::{Ran, has};

/// An installation whose tenant is played by a far side.
struct Installed {
    folder: TempDir,
    _far: Far,
}

impl Installed {
    async fn new() -> Installed {
        let (folder, far) = (
            tempfile::tempdir().unwrap(),
            Far::open(Setup::default()).await,
        );
        install(folder.path(), far.at, "", "");
        fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        Installed { folder, _far: far }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command.args(args).current_dir(self.path()).env_clear();
        let output = tokio::task::spawn_blocking(move || command.output());
        Ran::of(output.await.unwrap().unwrap())
    }

    fn journal(&self) -> std::path::PathBuf {
        self.path().join("scanhook.db")
    }

    /// Moves the journal away as the refusal says.
    fn lose_the_journal(&self) {
        let away = self.path().join("away");
        fs::create_dir_all(&away).unwrap();
        for name in ["scanhook.db", "scanhook.db-wal", "scanhook.db-shm"] {
            let from = self.path().join(name);
            if from.exists() {
                fs::rename(from, away.join(name)).unwrap();
            }
        }
    }
}

fn alerts_in(path: &Path) -> Vec<String> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut ids = db.prepare("SELECT alert_id FROM alert ORDER BY 1").unwrap();
    let rows = ids.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_every_alert_that_was_acknowledged_before_it_began() {
    let site = Installed::new().await;
    let served = Served::start(site.path()).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (stop, stopped) = watch::channel(false);
    let posters: Vec<_> = (0..3_u32)
        .map(|poster| {
            let (acknowledged, stopped, at) =
                (acknowledged.clone(), stopped.clone(), served.public);
            tokio::spawn(async move {
                let http = client();
                let mut n = poster;
                while !*stopped.borrow() {
                    let id = format!("a{n:06}");
                    let body = alert(&id, "low", &machine(n));
                    if post(&http, at, &body)
                        .await
                        .is_some_and(|one| one.status == 202)
                    {
                        acknowledged.lock().unwrap().push(id);
                    }
                    n += 3;
                }
            })
        })
        .collect();
    for round in 1..=3_usize {
        let so_far = round * 30;
        until("alerts are acknowledged", async || {
            (acknowledged.lock().unwrap().len() > so_far).then_some(())
        })
        .await;
        let before = acknowledged.lock().unwrap().clone();
        let name = format!("backup-{round}.db");
        let ran = site.run(&["backup", &name]).await.ends(0);
        has(
            &ran.out,
            &[
                "and checked",
                &format!("schema {SCHEMA}"),
                "the newest delivery of",
            ],
        );
        let copy = site.path().join(&name);
        let kept = alerts_in(&copy);
        assert!(
            before.iter().all(|id| kept.contains(id)),
            "{before:?} {kept:?}"
        );
        let said = format!("with {} alerts", kept.len());
        has(&ran.out, &[&said]);
        assert_eq!(
            fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let after = acknowledged.lock().unwrap().len();
        until("the writer goes on", async || {
            (acknowledged.lock().unwrap().len() > after + 5).then_some(())
        })
        .await;
    }
    stop.send_replace(true);
    for poster in posters {
        poster.await.unwrap();
    }
    let left: Vec<_> = fs::read_dir(site.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("backup-"))
        .collect();
    assert_eq!(
        left.len(),
        3,
        "a copy is one file, and nothing is left beside it: {left:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_is_served_again_after_the_journal_was_lost() {
    let site = Installed::new().await;
    let (http, served) = (client(), Served::start(site.path()).await);
    for n in 0..5 {
        let body = alert(&format!("kept-{n}"), "low", &machine(n));
        assert_eq!(served.post(&http, &body).await.status, 202);
    }
    let views = async |served: &Served| {
        let mut views = Vec::new();
        for path in ["/api/v1/alerts", "/api/v1/decisions", "/api/v1/scans"] {
            views.push(served.get(&http, path).await);
        }
        views
    };
    let before = views(&served).await;
    site.run(&["backup", "kept.db"]).await.ends(0);
    assert_eq!(
        served
            .post(&http, &alert("later", "low", &machine(9)))
            .await
            .status,
        202
    );

    let ran = site.run(&["restore", "kept.db"]).await.ends(69);
    has(&ran.err, &["[journal-served]", "stop scanhook"]);
    served.kill();
    let ran = site.run(&["restore", "kept.db"]).await.ends(65);
    has(
        &ran.err,
        &[
            "[journal-there]",
            "scanhook.db is there already",
            "scanhook.db-wal",
        ],
    );
    site.lose_the_journal();
    let ran = site.run(&["restore", "kept.db"]).await.ends(0);
    has(
        &ran.out,
        &[
            "5 deliveries with 5 alerts",
            "serve --paused",
            "wait an hour",
            "scanhook resume",
        ],
    );
    for name in ["scanhook.db", "scanhook.db.marker"] {
        let mode = fs::metadata(site.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    let mut paused = Served::command(site.path());
    paused.arg("--paused");
    let served = Served::run(paused).await;
    assert_eq!(views(&served).await, before);
    let status = served.get(&http, "/api/v1/status").await;
    assert_eq!(
        status["pauses"].as_array().map(Vec::len),
        Some(1),
        "{status}"
    );
    let again = served
        .post(&http, &alert("later", "low", &machine(9)))
        .await;
    assert_eq!(again.status, 202, "what came after the backup is new");
    served.kill();
    assert!(site.path().join("kept.db").exists(), "the backup stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_and_nothing_is_left_of_what_was_refused() {
    let site = Installed::new().await;
    let ran = site.run(&["backup", "kept.db"]).await.ends(66);
    has(&ran.err, &["[no-journal]", "scanhook.db"]);
    Served::start(site.path()).await.kill();
    fs::write(site.path().join("kept.db"), "mine").unwrap();
    let ran = site.run(&["backup", "kept.db"]).await.ends(65);
    has(&ran.err, &["[backup-exists]", "kept.db is there already"]);
    assert_eq!(fs::read(site.path().join("kept.db")).unwrap(), b"mine");

    fs::write(site.path().join("other.db.partial"), "").unwrap();
    let ran = site.run(&["backup", "other.db"]).await.ends(69);
    has(&ran.err, &["[copy-unfinished]", "other.db.partial"]);
    let ran = site
        .run(&["backup", "no-such-folder/other.db"])
        .await
        .ends(66);
    has(&ran.err, &["no-such-folder"]);
    fs::remove_file(site.path().join("other.db.partial")).unwrap();
    site.run(&["backup", "other.db"]).await.ends(0);
    assert!(!site.path().join("other.db.partial").exists());
}

/// Restores a file where there is no journal; nothing may be there afterwards.
async fn refused(site: &Installed, from: &str, status: i32, said: &[&str]) {
    let ran = site.run(&["restore", from]).await.ends(status);
    has(&ran.err, said);
    assert!(!site.journal().exists(), "{from}");
    let partial = site.path().join("scanhook.db.partial");
    assert!(!partial.exists(), "{from}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_sound_backup_of_real_work_is_not_restored() {
    let site = Installed::new().await;
    let (http, served) = (client(), Served::start(site.path()).await);
    for n in 0..200 {
        let body = alert(&format!("n-{n}"), "low", &machine(n));
        assert_eq!(served.post(&http, &body).await.status, 202);
    }
    served.kill();
    site.run(&["backup", "good.db"]).await.ends(0);
    site.lose_the_journal();
    fs::remove_file(site.path().join("scanhook.db.marker")).unwrap();
    let copied = |name: &str| {
        let path = site.path().join(name);
        fs::copy(site.path().join("good.db"), &path).unwrap();
        path
    };

    refused(&site, "missing.db", 66, &["[no-journal]", "missing.db"]).await;
    fs::write(
        site.path().join("text.db"),
        "not a database at all".repeat(100),
    )
    .unwrap();
    refused(&site, "text.db", 65, &["text.db", "not a database"]).await;

    let newer = copied("newer.db");
    let next = SCHEMA + 1;
    let db = Connection::open(newer).unwrap();
    db.execute_batch(&format!("PRAGMA user_version = {next}"))
        .unwrap();
    drop(db);
    let said = format!("the journal has schema {next}, this version knows up to {SCHEMA}");
    refused(&site, "newer.db", 78, &[&said, "use the newer scanhook"]).await;

    let foreign = copied("foreign.db");
    let db = Connection::open(foreign).unwrap();
    db.execute_batch("PRAGMA application_id = 1").unwrap();
    drop(db);
    refused(&site, "foreign.db", 65, &["not a scanhook journal"]).await;

    let played = copied("played.db");
    let db = Connection::open(played).unwrap();
    db.execute("UPDATE about SET simulated = 1", []).unwrap();
    drop(db);
    refused(
        &site,
        "played.db",
        65,
        &["[copy-simulated]", "serve --simulate"],
    )
    .await;

    let torn = copied("torn.db");
    let root: i64 = Connection::open(&torn)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'alert'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut file = fs::File::options().write(true).open(&torn).unwrap();
    file.seek(std::io::SeekFrom::Start(
        u64::try_from(root - 1).unwrap() * 4096,
    ))
    .unwrap();
    file.write_all(&[0xa5; 2000]).unwrap();
    drop(file);
    refused(
        &site,
        "torn.db",
        65,
        &["[copy-damaged]", "torn.db is damaged"],
    )
    .await;

    let lonely = copied("lonely.db");
    let db = Connection::open(lonely).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM delivery WHERE id = 3")
        .unwrap();
    drop(db);
    refused(
        &site,
        "lonely.db",
        65,
        &["[copy-damaged]", "refers to one that is not there"],
    )
    .await;

    assert!(!site.path().join("scanhook.db.marker").exists());
    site.run(&["restore", "good.db"]).await.ends(0);
    assert_eq!(alerts_in(&site.journal()).len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_in_postgresql_is_left_to_its_own_tools() {
    let site = Installed::new().await;
    let config = site.path().join("scanhook.toml");
    let text = fs::read_to_string(&config).unwrap();
    let postgres = text.replace(
        "sqlite:scanhook.db",
        "postgres://scanhook@127.0.0.1/scanhook",
    );
    assert_ne!(postgres, text);
    fs::write(&config, postgres).unwrap();
    for args in [["backup", "kept.db"], ["restore", "kept.db"]] {
        let ran = site.run(&args).await.ends(64);
        has(&ran.err, &["PostgreSQL", "pg_dump", "point in time"]);
    }
}

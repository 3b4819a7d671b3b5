//! The journal on disk: it keeps what it was given, it is nobody else's, and it never begins anew in silence.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use scanhook::clock;
use scanhook::journal::{
    Ids, Job, JournalError, MISSES, OpenError, PolicyId, Retention, SCHEMA, SessionProof,
    SessionRow, Store, Tx,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::desk::{Counter, NOW, write};
use crate::harness::{Site, Wish, alert, fault, machine, scan_id, until};

const DAY: Duration = Duration::from_secs(86_400);
/// How long somebody else holds the journal, and how soon it must work again.
const LOCKED: Duration = Duration::from_secs(5);

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Ids::random().unwrap())
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    PathBuf::from(format!("{}{extension}", path.display()))
}

fn look(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// A journal with one tenant in it, closed.
fn kept() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let mut store = open(&path).unwrap();
    assert_eq!(
        run(&mut store, |tx| tx.tenant("default").map(|_| ())),
        Ok(())
    );
    (folder, path)
}

fn run(
    store: &mut Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<(), JournalError> + Send + 'static,
) -> Result<(), JournalError> {
    run_all(store, vec![Box::new(work)]).pop().unwrap().unwrap()
}

type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(), JournalError> + Send>;

/// One batch; what each job was told, `None` where nothing.
fn run_all(store: &mut Store, works: Vec<Work>) -> Vec<Option<Result<(), JournalError>>> {
    let told = Arc::new(Mutex::new(vec![None; works.len()]));
    let job = |(n, work): (usize, Work)| {
        let told = told.clone();
        Job::new(0, work, move |result| {
            told.lock().unwrap()[n] = Some(result)
        })
    };
    let jobs = works.into_iter().enumerate().map(job).collect();
    store.commit(jobs);
    told.lock().unwrap().clone()
}

fn names(path: &Path) -> Vec<String> {
    let db = look(path);
    let mut statement = db.prepare("SELECT name FROM tenant ORDER BY id").unwrap();
    let names = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap);
    names.collect()
}

fn count(path: &Path, sql: &str) -> u32 {
    look(path).query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut site = Site::open().await;
    let first = site.accepted(alert("1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&first), "finished").await;
    site.accepted(r#"{"alert_id":"2","severity":"high","device_name":"lt-042"}"#)
        .await;
    site.accepted(alert("3", "low", &machine(3))).await;
    site.accepted(json!({ "alert_id": "4", "severity": "high" }).to_string())
        .await;
    site.resolved().await;
    let views = async |site: &Site| {
        let mut views = Vec::new();
        for path in ["/api/v1/alerts", "/api/v1/decisions", "/api/v1/scans"] {
            views.push(site.get(path).await);
        }
        views.push(site.scan(&scan_id(&first)).await);
        let status = site.get("/api/v1/status").await;
        views.push(json!([
            status["sources"],
            status["tenants"][0]["scans"],
            status["tenants"][0]["held"]
        ]));
        views
    };
    let before = views(&site).await;
    site.stop().await;
    let dump = open(&site.journal()).unwrap().dump().unwrap();
    assert_eq!(
        open(&site.journal()).unwrap().dump().unwrap(),
        dump,
        "opening changes nothing"
    );
    site.restart().await;
    assert_eq!(views(&site).await, before);
}

/// A journal as the first version wrote it: a decision is held, a scan waits, and one has failed.
fn of_the_first_schema(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(include_str!("../../src/journal/schema.sql"))
        .unwrap();
    db.pragma_update(None, "application_id", 0x7363_6e68)
        .unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    let now = clock::now().millis();
    let alert = json!({ "id": "1", "dedupe": "1", "devices": [{ "machine": machine(1) }] });
    db.execute_batch(&format!(
        "INSERT INTO tenant(id, name) VALUES (1, 'default');
         INSERT INTO policy VALUES (1, 'hash', '', {now});
         INSERT INTO delivery VALUES (1, randomblob(16), NULL, 'siem', {now}, NULL);
         INSERT INTO alert VALUES (1, 0, 'siem', '1', NULL, 'decided', NULL, NULL, '{alert}');
         INSERT INTO scan(id, uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_after)
           VALUES (1, randomblob(16), 1, '{two}', 0, 'full', 70, 'high', 'waiting', {now}, {now} + 60000);
         INSERT INTO scan(id, uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_after, ended_at, outcome)
           VALUES (2, randomblob(16), 1, '{three}', 0, 'full', 70, 'high', 'finished', {now}, {now} + 60000, {now}, 'failed');
         INSERT INTO decision VALUES (1, 1, 0, 1, '{one}', '{one}', {now}, 'held', 'approval', NULL, 'high', 'full', 70, 1, '{{}}', {now} + 60000);
         INSERT INTO decision VALUES (2, 1, 0, 1, '{two}', '{two}', {now}, 'scan', 'new', 1, 'high', 'full', 70, 1, '{{}}', NULL);
         INSERT INTO decision VALUES (3, 1, 0, 1, '{three}', '{three}', {now}, 'scan', 'new', 2, 'high', 'full', 70, 1, '{{}}', NULL);
         INSERT INTO decision VALUES (4, 1, 0, 1, '{four}', '{four}', {now}, 'dropped', 'expired', NULL, 'high', 'full', 70, 1, '{{}}', NULL);",
        one = machine(1), two = machine(2), three = machine(3), four = machine(4),
    ))
    .unwrap();
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_is_taken_over_with_all_that_is_open_in_it() {
    let mut site = Site::open().await;
    site.stop().await;
    for extension in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&site.journal(), extension));
    }
    of_the_first_schema(&site.journal());
    site.restart().await;
    until("what waited is scanned", async || {
        (site.far.scans().len() == 1).then_some(())
    })
    .await;
    let of = async |n| {
        let path = format!("/api/v1/decisions?device={}", machine(n));
        site.get(&path).await["items"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    site.ordered(
        &format!("/api/v1/decisions/{}/approve", of(1).await),
        json!({}),
    )
    .await;
    site.ordered(
        "/api/v1/retry",
        json!({ "ids": [of(3).await, of(4).await] }),
    )
    .await;
    until("what was approved and tried again, too", async || {
        (site.far.scans().len() == 3).then_some(())
    })
    .await;
    let again = site
        .get(&format!("/api/v1/decisions?device={}", machine(4)))
        .await;
    assert_eq!(
        (&again["items"][0]["state"], &again["items"][0]["reason"]),
        (&"held".into(), &"approval".into())
    );
}

#[test]
fn one_process_a_journal() {
    let (_folder, path) = kept();
    let first = open(&path).unwrap();
    let second = open(&path).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
    assert!(
        second.to_string().contains("scanhook.db") && second.to_string().contains("in use"),
        "{second}"
    );
    drop(first);
    assert!(open(&path).is_ok());
}

#[test]
fn a_journal_that_is_gone_is_not_replaced_by_an_empty_one() {
    for empty in [false, true] {
        let (_folder, path) = kept();
        for extension in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, extension));
        }
        if empty {
            fs::write(&path, "").unwrap();
        }
        let refused = open(&path).err().expect("an empty journal in silence");
        assert!(matches!(refused, OpenError::Lost(_)), "{refused}");
        assert!(refused.to_string().contains("restore it"), "{refused}");
        // Only the operator's own hand begins anew.
        let _ = fs::remove_file(&path);
        fs::remove_file(beside(&path, ".marker")).unwrap();
        let _new = open(&path).unwrap();
        assert!(
            fs::metadata(&path).unwrap().len() > 0,
            "even before it is closed"
        );
    }
}

#[test]
fn a_link_in_the_place_of_a_file_beside_the_journal_is_refused_and_leads_nobody_to_another_file() {
    for extension in [".marker", ".lock"] {
        let (folder, path) = kept();
        let (other, link) = (folder.path().join("other"), beside(&path, extension));
        fs::remove_file(&link).unwrap();
        fs::write(&other, "important").unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let refused = open(&path).err().unwrap();
        assert!(
            refused.to_string().contains("is a symbolic link"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&other).unwrap(), "important");
        fs::remove_file(&other).unwrap();
        assert!(
            open(&path).is_err() && !other.exists(),
            "nothing is made where the link leads"
        );
    }
}

#[test]
fn a_journal_that_others_could_read_is_closed_to_them() {
    let (folder, path) = kept();
    let store = open(&path).unwrap();
    let copy = folder.path().join("copy.db");
    for extension in ["", "-wal", "-shm", ".marker", ".lock"] {
        let to = beside(&copy, extension);
        fs::copy(beside(&path, extension), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o644)).unwrap();
    }
    drop(store);
    let _store = open(&copy).unwrap();
    for extension in ["", "-wal", "-shm", ".marker", ".lock"] {
        let mode = fs::metadata(beside(&copy, extension))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{extension}");
    }
}

#[test]
fn a_damaged_journal_is_refused() {
    let (_folder, path) = kept();
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 8192, "{}", whole.len());
    let header = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        bytes
    };
    let damages = [
        ("cut to half", whole[..whole.len() / 2].to_vec()),
        ("cut inside its first page", whole[..1000].to_vec()),
        ("its last page lost", whole[..whole.len() - 4096].to_vec()),
        ("a bit flipped in its name", header(3)),
        ("a bit flipped in its page size", header(16)),
        ("all zeroes", vec![0; whole.len()]),
        (
            "text",
            b"not a database, but long enough to be taken for one: ".repeat(100),
        ),
    ];
    for (name, bytes) in damages {
        for extension in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, extension));
        }
        fs::write(&path, &bytes).unwrap();
        assert!(
            open(&path).is_err(),
            "{name}: opened as if nothing were wrong"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}: written to");
    }
    fs::write(&path, &whole).unwrap();
    assert!(open(&path).is_ok());
}

#[test]
fn a_journal_of_a_later_version_is_refused_with_both_versions() {
    let (_folder, path) = kept();
    let later = SCHEMA + 41;
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!("PRAGMA user_version = {later}"))
        .unwrap();
    let refused = open(&path).err().unwrap();
    assert!(
        matches!(refused, OpenError::Newer { found, known: SCHEMA } if found == later),
        "{refused}"
    );
    let text = refused.to_string();
    assert!(
        text.contains(&later.to_string()) && text.contains(&format!("up to {SCHEMA}")),
        "{text}"
    );
    assert_eq!(names(&path), ["default"], "and left as it is");
}

#[test]
fn a_journal_of_the_first_version_is_brought_up_to_date_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let first = Connection::open(&path).unwrap();
    first
        .execute_batch(include_str!("../../src/journal/schema.sql"))
        .unwrap();
    let row = "INSERT INTO delivery(uuid, key, source, received_at, body) VALUES (x'01', x'02', 'siem', 7, x'7b7d')";
    first
        .execute_batch(&format!(
            "{row}; PRAGMA application_id = {}; PRAGMA user_version = 1",
            0x7363_6e68
        ))
        .unwrap();
    drop(first);
    drop(open(&path).unwrap());
    let db = look(&path);
    assert_eq!(
        db.query_row("PRAGMA user_version", [], |row| row.get(0)),
        Ok(SCHEMA)
    );
    let kept = db.query_row(
        "SELECT source, received_at, credential FROM delivery",
        [],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        },
    );
    assert_eq!(kept, Ok(("siem".to_owned(), 7, None)));
}

#[test]
fn a_journal_of_the_first_version_is_brought_up_to_date_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let first = Connection::open(&path).unwrap();
    first
        .execute_batch(include_str!("../../src/journal/schema.sql"))
        .unwrap();
    first
        .execute_batch(
            "PRAGMA application_id = 1935896168; PRAGMA user_version = 1;
             INSERT INTO tenant(name) VALUES ('default');
             INSERT INTO policy(hash, rules, loaded_at) VALUES ('h', '', 0);
             INSERT INTO decision(delivery, n, tenant, device, at, state, reason, policy, why, look_at)
               VALUES (1, 0, 1, 'lt-042', 5, 'held', 'unresolved_device', 1, '{}', 9);",
        )
        .unwrap();
    drop(first);
    let mut store = open(&path).unwrap();
    assert_eq!(
        count(&path, "SELECT user_version FROM pragma_user_version"),
        u32::try_from(SCHEMA).unwrap()
    );
    assert_eq!(
        (names(&path), count(&path, "SELECT count(*) FROM decision")),
        (vec!["default".to_owned()], 1)
    );
    run(&mut store, |tx| {
        let tenant = tx.tenant("default")?;
        tx.expire_held(tenant, clock::now()).map(|_| ())
    })
    .unwrap();
    assert_eq!(
        count(
            &path,
            "SELECT count(*) FROM decision WHERE reason = 'expired'"
        ),
        1,
        "and goes on with it"
    );
}

#[tokio::test]
async fn what_came_before_an_upgrade_is_a_repeat_after_it() {
    let mut site = Site::open().await;
    let body = alert("before", "high", &machine(1));
    let first = site.accepted(&body).await;
    site.scan_in(&scan_id(&first), "finished").await;
    site.stop().await;
    let to = site.folder.path().join("second.db");
    {
        let db = Connection::open(&to).unwrap();
        db.execute_batch(include_str!("../../src/journal/schema.sql"))
            .unwrap();
        db.execute_batch(include_str!("../../src/journal/schema-2.sql"))
            .unwrap();
        db.execute_batch(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = 2; ATTACH '{}' AS now",
            0x7363_6e68,
            site.journal().display()
        ))
        .unwrap();
        for table in [
            "tenant", "policy", "delivery", "alert", "scan", "decision", "event",
        ] {
            let columns: String = db
                .query_row(
                    "SELECT group_concat(name) FROM pragma_table_info(?, 'main')",
                    [table],
                    |row| row.get(0),
                )
                .unwrap();
            db.execute_batch(&format!(
                "INSERT INTO {table}({columns}) SELECT {columns} FROM now.{table}"
            ))
            .unwrap();
        }
        // As the second schema told the same finding: by a key of the alert that begins with its sameness.
        db.execute_batch("UPDATE alert SET key = unhex((SELECT hex(sameness) FROM now.finding) || '0102030405060708')")
            .unwrap();
    }
    for extension in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&site.journal(), extension));
    }
    fs::rename(&to, site.journal()).unwrap();
    site.restart().await;
    let again = site.accepted(body.clone() + " ").await;
    assert_eq!(
        again["alerts"][0]["state"], "duplicate",
        "another delivery of the same finding"
    );
    let worse = site
        .accepted(alert("before", "critical", &machine(1)))
        .await;
    assert_eq!(worse["alerts"][0]["state"], "decided");
    let status = site.get("/api/v1/status").await;
    let siem = status["sources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|source| source["name"] == "siem")
        .unwrap();
    assert_eq!(
        (
            &siem["deliveries"],
            &status["tenants"][0]["scans"]["finished"]
        ),
        (&3.into(), &1.into())
    );
}

#[test]
fn somebody_elses_database_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE invoice(id INTEGER); INSERT INTO invoice VALUES (7)")
        .unwrap();
    drop(other);
    let bytes = fs::read(&path).unwrap();
    let refused = open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Foreign), "{refused}");
    assert!(
        fs::read(&path).unwrap() == bytes,
        "not even its journal mode"
    );
}

#[test]
fn only_its_owner_can_read_it() {
    let (_folder, path) = kept();
    let mut store = open(&path).unwrap();
    run(&mut store, |tx| tx.tenant("another").map(|_| ())).unwrap();
    for extension in ["", "-wal", "-shm", ".lock"] {
        let mode = fs::metadata(beside(&path, extension))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{extension}");
    }
}

#[test]
fn it_writes_ahead() {
    let (_folder, path) = kept();
    let _store = open(&path).unwrap();
    let mode: String = look(&path)
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_job_that_fails_or_panics_takes_nobody_with_it() {
    let (_folder, path) = kept();
    let mut store = open(&path).unwrap();
    let told = run_all(
        &mut store,
        vec![
            Box::new(|tx| tx.tenant("first").map(|_| ())),
            Box::new(|tx| {
                tx.tenant("refused")
                    .and(Err(JournalError::Conflict("on purpose")))
            }),
            Box::new(|tx| {
                tx.tenant("panicked")?;
                panic!("on purpose");
            }),
            Box::new(|tx| tx.tenant("last").map(|_| ())),
        ],
    );
    assert_eq!(
        told,
        [
            Some(Ok(())),
            Some(Err(JournalError::Conflict("on purpose"))),
            None,
            Some(Ok(()))
        ]
    );
    assert_eq!(names(&path), ["default", "first", "last"]);
    assert_eq!(run(&mut store, |tx| tx.tenant("after").map(|_| ())), Ok(()));
}

#[test]
fn a_commit_that_fails_is_told_to_all_and_leaves_nothing() {
    let (_folder, path) = kept();
    let mut store = open(&path).unwrap();
    store.refuse_commits(true).unwrap();
    let works: Vec<Work> = ["a", "b"]
        .map(|name| -> Work { Box::new(move |tx| tx.tenant(name).map(|_| ())) })
        .into();
    assert_eq!(
        run_all(&mut store, works),
        [Some(Err(JournalError::Full)), Some(Err(JournalError::Full))]
    );
    assert_eq!(names(&path), ["default"]);
    store.refuse_commits(false).unwrap();
    assert_eq!(run(&mut store, |tx| tx.tenant("a").map(|_| ())), Ok(()));
    assert_eq!(names(&path), ["default", "a"]);
}

#[test]
fn a_scan_that_is_repeated_unseen_is_looked_for_first_as_soon_as_lists_can_be_read() {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let (tenant, delivery) = (counter.tenant, counter.delivery());
    write(&mut store, move |tx| tx.accept(&delivery, NOW));
    let due = move |tx: &mut Tx<'_>| {
        let (again, look) = (tx.next_again(tenant)?, tx.next_look(tenant, NOW)?);
        Ok((again.map(|scan| scan.unseen), look.is_some()))
    };
    let scan = write(&mut store, move |tx| {
        let scan = tx.next_scan(tenant, false)?.unwrap().id;
        tx.begin_sending(scan, NOW, NOW)?;
        tx.to_unknown(scan, false, "reset", NOW)?;
        Ok(scan)
    });
    assert_eq!(write(&mut store, due), (None, true), "the list is to tell");
    write(&mut store, move |tx| tx.again_unseen(scan, NOW));
    assert_eq!(
        write(&mut store, due),
        (Some(true), true),
        "none tells, but one may"
    );
    write(&mut store, move |tx| tx.look_again(scan, 1, Some(NOW)));
    assert_eq!(
        write(&mut store, due),
        (None, true),
        "one did: it waits for the next"
    );
    write(&mut store, move |tx| tx.look_again(scan, MISSES, None));
    assert_eq!(
        write(&mut store, due),
        (Some(false), false),
        "it is not there: nothing unseen about it"
    );
}

/// H110, with a lock of some seconds.
#[tokio::test]
async fn while_another_process_locks_the_journal_senders_are_told_to_come_back_and_nothing_leaves()
{
    let site = Site::open().await;
    // It waits for a second: its call would leave while the journal is locked.
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("1")));
    let waiting = scan_id(&site.accepted(alert("waiting", "high", &machine(1))).await);
    until("the 429 was answered", async || {
        let scan = site.scan(&waiting).await;
        (scan["state"] == "waiting" && scan["tries"] == 1).then_some(())
    })
    .await;
    let rows = site.rows();
    let locker = Connection::open(site.journal()).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = Instant::now();
    let mut refused = 0;
    while begun.elapsed() < LOCKED {
        let answer = site
            .post(
                "siem",
                alert(&format!("locked-{refused}"), "low", &machine(2)),
            )
            .await;
        assert_eq!(
            (answer.status, answer.header("retry-after").is_some()),
            (503, true),
            "{}",
            answer.text
        );
        refused += 1;
    }
    assert!(refused > 1, "{refused} answers");
    assert_eq!(site.rows(), rows);
    assert_eq!(
        site.far.calls_of("scan").len(),
        1,
        "no call leaves whose intent cannot be written"
    );
    locker.execute_batch("ROLLBACK").unwrap();

    let freed = Instant::now();
    until("it recovers by itself", async || {
        (site
            .post("siem", alert("after", "low", &machine(2)))
            .await
            .status
            == 202)
            .then_some(())
    })
    .await;
    assert!(freed.elapsed() < LOCKED, "{:?}", freed.elapsed());
    assert_eq!(
        site.rows().delivery,
        rows.delivery + 1,
        "what was acknowledged, and no more"
    );
    assert_eq!(
        site.scan_in(&waiting, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(site.far.scans().len(), 1);
}

/// A scanhook.toml whose journal may have this size.
fn of_size(max_size: &str) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[journal]
url = "sqlite:scanhook.db"
{max_size}
[tenants.default]
tenant_id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"
client_id = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = {{ secret_file = "app.secret" }}
api_base = "http://FAR"
authority = "http://FAR"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}
"#
    )
}

#[tokio::test]
async fn a_journal_that_is_as_large_as_it_may_be_takes_no_more_and_says_so_long_before() {
    let mut site = Site::with(Wish {
        config: Some(of_size("max_size = \"4MiB\"")),
        ..Wish::default()
    })
    .await;
    let warned = async |site: &Site| {
        let warnings = site.get("/api/v1/status").await["warnings"].to_string();
        warnings.contains("max_size")
    };
    assert!(!warned(&site).await);
    let mut stored = 0;
    let refused = loop {
        // What cannot be compressed.
        let pad: String = (0..1_600)
            .map(|n| hex::encode(Sha256::digest(format!("{stored} {n}"))))
            .collect();
        let body = json!({ "alert_id": format!("{stored}"), "severity": "low", "device_id": machine(1), "pad": pad });
        let warned = warned(&site).await;
        let answer = site.post("siem", body.to_string()).await;
        if answer.status != 202 {
            assert!(warned, "not before a warning");
            break answer;
        }
        stored += 1;
        assert!(stored < 60, "4 MiB hold no more than that");
    };
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (503, Some("journal-unavailable"))
    );
    assert!(refused.header("retry-after").is_some());
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains("scanhook_journal_max_bytes 4194304"),
        "{metrics}"
    );
    assert_eq!(
        site.rows().delivery,
        stored,
        "what was acknowledged, and no more"
    );
    // Room is made: here by allowing more.
    let file = site.folder.path().join("scanhook.toml");
    let more = fs::read_to_string(&file).unwrap().replace("4MiB", "20MiB");
    fs::write(&file, more).unwrap();
    site.restart().await;
    site.accepted(alert("after", "low", &machine(2))).await;
}

/// Forgets all that is due, step by step.
fn forget(store: &mut Store, retention: &Retention, later: Duration) {
    let more = Arc::new(Mutex::new(true));
    while *more.lock().unwrap() {
        let (retention, more) = (retention.clone(), more.clone());
        let work = move |tx: &mut Tx<'_>| {
            *more.lock().unwrap() = tx.forget(&retention, clock::now().plus(later))?;
            Ok(())
        };
        run(store, work).unwrap();
    }
}

#[test]
fn sessions_that_are_over_are_forgotten() {
    let (_folder, path) = kept();
    let mut store = open(&path).unwrap();
    for (name, ends) in [("short", 1), ("long", 10)] {
        let now = clock::now();
        let session = SessionRow {
            hash: name.to_owned(),
            subject: name.to_owned(),
            name: name.to_owned(),
            proof: SessionProof::Token("hash".to_owned()),
            at: now,
            seen: now,
            ends: now.plus(ends * 3600 * Duration::from_secs(1)),
        };
        run(&mut store, move |tx| tx.sign_in(&session)).unwrap();
    }
    let retention = Retention {
        idle: Duration::from_secs(7_200),
        bodies: 30 * DAY,
        records: 400 * DAY,
        audit: 400 * DAY,
        policy: PolicyId(1),
        remember: Vec::new(),
    };
    let left = "SELECT count(*) FROM session";
    for (later, expected) in [(0, 2), (3_700, 1), (7_300, 0)] {
        forget(&mut store, &retention, Duration::from_secs(later));
        assert_eq!(count(&path, left), expected, "after {later} s");
    }
}

#[tokio::test]
async fn what_is_past_its_time_is_forgotten_and_what_is_open_never() {
    let mut site = Site::open().await;
    let over = site.accepted(alert("over", "high", &machine(1))).await;
    site.scan_in(&scan_id(&over), "finished").await;
    let held = site
        .accepted(r#"{"alert_id":"held","severity":"high","device_name":"lt-042"}"#)
        .await;
    // Longer than a page of the file.
    let long = "of nobody's business, ".repeat(1_000);
    site.accepted(json!({ "alert_id": "parked", "severity": "high", "more": long }).to_string())
        .await;
    site.resolved().await;
    site.far
        .fault("scan", 1, 1000, fault(403, "DisabledFeature", None));
    let waiting = site.accepted(alert("waiting", "high", &machine(2))).await;
    site.stopped().await;
    site.stop().await;

    let path = site.journal();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO approval(decision, subject, account, for_others, name, at_once, at)
             SELECT id, 'token:anna', 'anna', 0, 'anna', 0, at FROM decision",
        )
        .unwrap();
    let retention = Retention {
        idle: Duration::from_secs(1_800),
        bodies: 30 * DAY,
        records: 400 * DAY,
        audit: 400 * DAY,
        policy: PolicyId(1),
        remember: vec![("siem".to_owned(), 3 * DAY)],
    };
    let mut store = open(&path).unwrap();
    run(&mut store, |tx| {
        tx.policy("another", "nothing was decided by it", clock::now())
            .map(drop)
    })
    .unwrap();
    let keys = "SELECT (SELECT count(*) FROM delivery WHERE key IS NOT NULL) + (SELECT count(*) FROM alert WHERE key IS NOT NULL)";
    let bodies = "SELECT count(*) FROM delivery WHERE body IS NOT NULL";
    let alerts =
        "SELECT group_concat(alert_id) FROM (SELECT alert_id FROM alert ORDER BY alert_id)";
    let ids = |path: &Path| {
        look(path)
            .query_row(alerts, [], |row| row.get::<_, String>(0))
            .unwrap()
    };

    let before = store.dump().unwrap();
    forget(&mut store, &retention, Duration::ZERO);
    assert_eq!(store.dump().unwrap(), before, "nothing is due");
    forget(&mut store, &retention, 4 * DAY);
    assert_eq!(
        (count(&path, keys), count(&path, bodies)),
        (0, 4),
        "what is no longer the same"
    );
    let shown = |path: &Path| {
        let holds = |bytes: Vec<u8>| {
            bytes
                .windows(20)
                .any(|part| part == b"of nobody's business")
        };
        Connection::open(path)
            .unwrap()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        holds(fs::read(path).unwrap()) || fs::read(beside(path, "-wal")).is_ok_and(holds)
    };
    assert!(shown(&path));
    forget(&mut store, &retention, 31 * DAY);
    assert!(
        !shown(&path),
        "what is forgotten is not left in the free pages of the file"
    );
    assert_eq!(
        (count(&path, bodies), ids(&path).as_str()),
        (0, "held,over,parked,waiting"),
        "the raw bodies"
    );
    forget(&mut store, &retention, 401 * DAY);
    assert_eq!(ids(&path), "held,waiting", "the records of what is over");
    assert_eq!(count(&path, "SELECT count(*) FROM decision"), 2);
    assert_eq!(
        count(&path, "SELECT count(*) FROM approval"),
        2,
        "who approved goes with what was decided"
    );
    assert_eq!(
        count(&path, "SELECT count(*) FROM policy"),
        1,
        "by the other nothing is decided any more"
    );
    assert_eq!(count(&path, "SELECT count(*) FROM scan"), 1);
    assert_eq!(
        count(
            &path,
            "SELECT count(*) FROM event WHERE scan NOT IN (SELECT id FROM scan)"
        ),
        0
    );
    drop(store);

    site.far.mend();
    site.restart().await;
    let shown = site.get("/api/v1/decisions?state=held").await;
    assert_eq!(
        shown["items"][0]["id"], held["alerts"][0]["decisions"][0]["id"],
        "a person still decides on it"
    );
    assert_eq!(
        site.scan_in(&scan_id(&waiting), "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(
        site.admin(&format!("/api/v1/scans/{}", scan_id(&over)))
            .await
            .status,
        404
    );
    let again = site.accepted(alert("over", "high", &machine(1))).await;
    assert_eq!(
        (
            &again["duplicate"],
            &again["alerts"][0]["decisions"][0]["reason"]
        ),
        (&Value::Bool(false), &"new".into()),
        "what is forgotten is new"
    );
}

#[tokio::test]
async fn after_remember_the_same_delivery_is_new_even_before_housekeeping_came_by() {
    let mut site = Site::with(Wish::default()).await;
    let body = alert("1", "low", &machine(1));
    let first = site.accepted(&body).await;
    site.stop().await;
    // Four days pass.
    let db = Connection::open(site.journal()).unwrap();
    db.execute(
        "UPDATE delivery SET received_at = received_at - ?",
        [4 * 86_400_000_i64],
    )
    .unwrap();
    drop(db);
    site.restart().await;
    let again = site.accepted(&body).await;
    assert_ne!(again["delivery"], first["delivery"]);
    assert_eq!(again["alerts"][0]["state"], "decided");
    assert_eq!(
        site.post("siem", &body).await.json()["delivery"],
        again["delivery"],
        "the younger one is remembered"
    );
}

#[test]
fn what_was_played_with_the_simulator_and_what_is_real_never_share_a_journal() {
    for simulated in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scanhook.db");
        drop(open(&path).unwrap().only_for(simulated).unwrap());
        let refused = open(&path)
            .unwrap()
            .only_for(!simulated)
            .map(drop)
            .unwrap_err();
        assert!(
            refused.to_string().contains("scanhook.db") && refused.to_string().contains("simulate"),
            "{refused}"
        );
        drop(open(&path).unwrap().only_for(simulated).unwrap());
    }
    // What a version wrote that did not know of this is real work.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let mut store = open(&path).unwrap();
    run(&mut store, |tx| tx.tenant("default").map(drop)).unwrap();
    assert!(matches!(
        store.only_for(true).map(drop),
        Err(OpenError::Real(_))
    ));
}

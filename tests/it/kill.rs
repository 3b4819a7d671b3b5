//! The program itself, killed in the middle of its work again and again, while the far side loses answers. What it said
//! yes to is there afterwards, and the far side was never asked twice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use scanhook_simulator::{How, Setup};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::harness::{
    Far, Served, alert, client, install, join, machine, post, until, until_in, until_or,
};

/// Kills of `cargo test`. `KILLS=n` asks for more; then requests are lost on their way, too, and every scan is waited
/// for. Clearing up a lost request takes more than a minute, for which `cargo test` has no time.
const KILLS: u32 = 50;
const POSTERS: u32 = 4;
/// Posts of a round that come quickly; those after them only keep it going.
const BURST: u32 = 40;
/// The far side takes so long that calls are on their way when the end comes.
const LATENCY_MS: u64 = 40;
/// Twice the settle time of the protocol, a minute until the quota is free again, and a good while for the rest.
const FOUND_AGAIN: Duration = Duration::from_secs(180);

/// Everything is urgent: what is not may wait for some seconds after a restart, and calls would be rare.
const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"
limit = { scans = 10000, per = "1h" }

[[rule]]
name = "high"
scan = "full"
priority = 95
when = { severity = "high" }

[[rule]]
name = "medium"
scan = "quick"
priority = 95
when = { severity = "medium" }
"#;

/// What the senders share.
struct Load {
    at: watch::Receiver<Option<SocketAddr>>,
    round: AtomicU32,
    /// The number of the round's first alert.
    begun_at: AtomicU32,
    next: AtomicU32,
    acknowledged: Mutex<Vec<String>>,
    count: AtomicUsize,
}

/// Every other round has a machine to scan, every eighth first with a Quick and then with a Full: so few that the quota
/// is not spent long before the end, and calls leave in all rounds. The other alerts only want to be kept.
fn body(n: u32, round: u32) -> String {
    let (severity, machine) = match (round % 8, n % 6) {
        (0, 0) => ("medium", machine(round)),
        (0, 3) | (2 | 4 | 6, 0) => ("high", machine(round)),
        _ => ("low", machine(n)),
    };
    alert(&n.to_string(), severity, &machine)
}

/// What the far side does to the next scan call: nothing, or it loses the answer, or is late with it, or the request
/// is lost.
fn fate(round: u32, patient: bool) -> Option<How> {
    match round % 16 {
        2 | 8 => Some(How::LostAnswer),
        4 | 10 => Some(How::Delay { ms: 300 }),
        6 if patient => Some(How::LostRequest),
        _ => None,
    }
}

/// Posts until there is nobody to post to any more.
async fn keep_posting(load: Arc<Load>) {
    let http = client();
    let mut at = load.at.clone();
    loop {
        let Ok(to) = at.wait_for(Option::is_some).await.map(|to| *to) else {
            return;
        };
        let round = load.round.load(Ordering::Relaxed);
        let n = load.next.fetch_add(1, Ordering::Relaxed);
        let body = body(n, round);
        match post(&http, to.unwrap(), &body)
            .await
            .map(|answer| answer.status)
        {
            Some(202) => {
                load.acknowledged.lock().unwrap().push(body);
                load.count.fetch_add(1, Ordering::SeqCst);
            }
            Some(503) | None => {}
            Some(other) => panic!("{other}"),
        }
        let burst = n < load.begun_at.load(Ordering::Relaxed) + BURST;
        sleep(Duration::from_millis(if burst { 5 } else { 100 })).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_nothing_acknowledged_and_scan_nothing_twice() {
    let kills =
        std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS is a number"));
    let patient = kills > KILLS;
    // Scans end before the program is back: the far side's own guard against a second one does not help us here.
    let setup = Setup {
        pending_ms: 10,
        quick_ms: 30,
        full_ms: 30,
        latency_ms: LATENCY_MS,
        ..Setup::default()
    };
    let far = Far::open(setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(
        folder.path(),
        far.at,
        "",
        "limit = { scans = 10000, per = \"1h\" }",
    );
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();

    let (tell, at) = watch::channel(None);
    let number = || AtomicU32::new(0);
    let (round, begun_at, next) = (number(), number(), number());
    let load = Load {
        at,
        round,
        begun_at,
        next,
        acknowledged: Mutex::default(),
        count: AtomicUsize::new(0),
    };
    let load = Arc::new(load);
    let posters: Vec<_> = (0..POSTERS)
        .map(|_| tokio::spawn(keep_posting(load.clone())))
        .collect();
    for n in 0..kills {
        load.round.store(n, Ordering::Relaxed);
        load.begun_at
            .store(load.next.load(Ordering::Relaxed), Ordering::Relaxed);
        if let Some(how) = fate(n, patient) {
            far.fault("scan", 1, 1, how);
        }
        let calls = far.calls_of("scan").len();
        let served = Served::start(folder.path()).await;
        let before = load.count.load(Ordering::SeqCst);
        tell.send_replace(Some(served.public));
        // At another moment each time: in the middle of the first requests, of a batch, of a call to the far side.
        let some = usize::try_from(n * 7 % 13).unwrap();
        until("deliveries are acknowledged", async || {
            (load.count.load(Ordering::SeqCst) > before + some).then_some(())
        })
        .await;
        let spread = if n.is_multiple_of(2) {
            let called = async || (far.calls_of("scan").len() > calls).then_some(());
            until_in(FOUND_AGAIN, "a scan call is on its way", called).await;
            60_000
        } else {
            200_000
        };
        sleep(Duration::from_micros(u64::from(n) * 37_199 % spread)).await;
        served.kill();
        tell.send_replace(None);
    }
    drop(tell);
    for poster in posters {
        poster.await.unwrap();
    }

    let served = Served::start(folder.path()).await;
    every_acknowledged_one_is_known(served.public, &load).await;
    every_executed_scan_is_found_again(folder.path(), &far).await;
    if patient {
        every_scan_is_executed(folder.path(), &far).await;
    }
    served.kill();
    the_far_side_was_asked_once(folder.path(), &far);
}

async fn every_acknowledged_one_is_known(at: SocketAddr, load: &Load) {
    let acknowledged = load.acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > usize::try_from(KILLS).unwrap(),
        "{}",
        acknowledged.len()
    );
    let http = client();
    let check = async |bodies: &[String]| {
        for body in bodies {
            let answer = post(&http, at, body).await.unwrap();
            assert_eq!(answer.status, 200, "acknowledged, and lost: {body}");
            assert_eq!(answer.json()["duplicate"], true, "{}", answer.text);
        }
    };
    join(
        acknowledged
            .chunks(acknowledged.len().div_ceil(8))
            .map(check)
            .collect(),
    )
    .await;
}

fn journal(folder: &Path) -> Connection {
    let path = folder.join("scanhook.db");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    db
}

/// Calls that were executed while their caller died are adopted once the settle time is over.
async fn every_executed_scan_is_found_again(folder: &Path, far: &Far) {
    until_in(FOUND_AGAIN, "every action is known", async || {
        let db = journal(folder);
        let mut statement = db
            .prepare("SELECT action FROM scan WHERE action IS NOT NULL")
            .unwrap();
        let known: BTreeSet<String> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        far.scans()
            .iter()
            .all(|action| known.contains(&action.id))
            .then_some(())
    })
    .await;
    let adopted = journal(folder).query_row(
        "SELECT count(*) FROM event WHERE what = 'adopted'",
        [],
        |row| row.get(0),
    );
    assert!(
        adopted.is_ok_and(|adopted: u32| adopted > 0),
        "no kill came while a call was on its way"
    );
}

/// Scans that are not over, each with its history.
fn open_scans(folder: &Path) -> Vec<String> {
    let db = journal(folder);
    let open = "SELECT state || ' misses ' || misses || ' tries ' || tries || coalesce((
                    SELECT group_concat(' ' || what || '=' || coalesce(data, '')) FROM event WHERE event.scan = scan.id
                ), '') FROM scan WHERE state NOT IN ('finished', 'dropped')";
    let mut statement = db.prepare(open).unwrap();
    statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// What never arrived is sent again, so that in the end no scan is missing.
async fn every_scan_is_executed(folder: &Path, far: &Far) {
    let over = async || open_scans(folder).is_empty().then_some(());
    until_or(FOUND_AGAIN, over, || {
        format!("every scan is over: {:#?}", open_scans(folder))
    })
    .await;
    let succeeded = "SELECT count(*) FROM scan WHERE outcome = 'succeeded'";
    let succeeded: u32 = journal(folder)
        .query_row(succeeded, [], |row| row.get(0))
        .unwrap();
    let succeeded = usize::try_from(succeeded).unwrap();
    assert_eq!(
        far.scans().len(),
        succeeded,
        "each scan that was decided, once"
    );
    let again = far.calls_of("scan").len() - succeeded;
    assert!(again > 0, "no request was lost on its way");
}

fn the_far_side_was_asked_once(folder: &Path, far: &Far) {
    let actions = far.scans();
    assert!(actions.len() > 10, "{} scans", actions.len());
    let ids: BTreeSet<_> = actions
        .iter()
        .filter_map(|action| action.external_id.clone())
        .collect();
    assert_eq!(ids.len(), actions.len(), "an ExternalId was executed twice");
    let kinds: BTreeSet<_> = actions
        .iter()
        .map(|action| (&action.machine, &action.kind))
        .collect();
    assert_eq!(
        kinds.len(),
        actions.len(),
        "a machine was scanned twice for one kind"
    );
    let calls = far.calls_of("scan");
    assert!(calls.iter().all(|call| !call.refused_by_quota));
    assert!(far.shared.with(|far| far.quota_peak("scan").0) <= 100);

    let db = journal(folder);
    for call in &calls {
        let id: uuid::Uuid = call.external_id.as_deref().unwrap().parse().unwrap();
        let known = db.query_row("SELECT tries > 0 FROM scan WHERE uuid = ?", [id], |row| {
            row.get(0)
        });
        assert_eq!(known, Ok(true), "{id} left before its intent was on disk");
    }
    assert_eq!(
        db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
            .as_deref(),
        Ok("ok")
    );
}

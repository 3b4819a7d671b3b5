//! Two processes on one journal, as a platform team runs them: both take alerts, one calls, and when that one is killed,
//! stands still or is asked to stop, the other goes on. The far side's own record tells whether anything was doubled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use scanhook_simulator::Setup;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Far, Served, alert, client, install, machine, until_in};
use crate::server::Server;

/// As *Settled* has it for a lease of four seconds.
const TAKEOVER: Duration = Duration::from_secs(19);
/// For what should come soon, on a computer that is busy.
const SOON: Duration = Duration::from_secs(60);

pub const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
limit = { scans = 10000, per = "1h" }
[[rule]]
name = "high"
scan = "quick"
priority = 95
when = { severity = "high" }
"#;

/// The files of a replica: all of them have the same but for their ports.
pub fn files(far: SocketAddr, url: &str, lease: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let limit = "limit = { scans = 10000, per = \"1h\" }";
    install(folder.path(), far, "", limit);
    let file = folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, journal) = text.split_once("[journal]\nurl = ").unwrap();
    let (_, behind) = journal.split_once('\n').unwrap();
    let ours = format!(
        "[journal]\nurl = \"{url}\"\nlease = \"{lease}\"\npassword_file = \"journal.secret\"\n"
    );
    std::fs::write(&file, format!("{head}{ours}{behind}")).unwrap();
    crate::harness::add(
        folder.path(),
        "",
        &[("journal.secret", crate::server::PASSWORD)],
    );
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    folder
}

pub fn signal(served: &Served, name: &str) {
    let pid = served.pid().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

async fn accepted(served: &Served, n: u32) {
    let body = alert(&n.to_string(), "high", &machine(n));
    let answer = served.post(&client(), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

/// Two replicas, the one that calls first.
struct Pair {
    caller: Served,
    other: Served,
    far: Far,
    _folders: [TempDir; 2],
    _server: Server,
}

impl Pair {
    async fn start(lease: &str) -> Pair {
        let server = Server::initialised();
        let far = Far::open(Setup {
            pending_ms: 10,
            quick_ms: 30,
            ..Setup::default()
        })
        .await;
        let folders = [(); 2].map(|()| files(far.at, &server.url(), lease));
        let one = Served::start(folders[0].path()).await;
        let other = Served::start(folders[1].path()).await;
        let calls = until_in(SOON, "one of them calls", async || {
            let (held, mine) = holder(&one).await;
            held.map(|held| held == mine)
        })
        .await;
        let (caller, other) = if calls { (one, other) } else { (other, one) };
        Pair {
            caller,
            other,
            far,
            _folders: folders,
            _server: server,
        }
    }
}

/// Which replica calls for the tenant, as one of them tells it, and which one tells.
async fn holder(served: &Served) -> (Option<i64>, i64) {
    let status = served.get(&client(), "/api/v1/status").await;
    let mine = status["replica"]["id"].as_i64().unwrap();
    (status["tenants"][0]["holder"]["id"].as_i64(), mine)
}

async fn calls(served: &Served) {
    let (held, mine) = holder(served).await;
    assert_eq!(held, Some(mine));
}

/// Waits until the far side was asked to scan all of these.
async fn called(far: &Far, machines: impl IntoIterator<Item = u32> + Clone) {
    until_in(SOON, "all are called for", async || {
        let calls = far.calls_of("scan");
        let is_called = |n| calls.iter().any(|call| call.path.contains(&machine(n)));
        machines.clone().into_iter().all(is_called).then_some(())
    })
    .await;
}

/// Each machine has one scan by the far side's own record.
fn nothing_is_doubled(far: &Far) {
    let mut scans: BTreeMap<String, u32> = BTreeMap::new();
    for call in far.calls_of("scan") {
        *scans.entry(call.path).or_default() += 1;
    }
    assert!(scans.values().all(|calls| *calls == 1), "{scans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_taken_by_both_and_both_tell_the_same() {
    let pair = Pair::start("4s").await;
    let Pair {
        caller, other, far, ..
    } = &pair;
    let body = alert("same", "high", &machine(1));
    let (first, second) = tokio::join!(async { caller.post(&client(), &body).await }, async {
        other.post(&client(), &body).await
    });
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 202]);
    assert_eq!(first.json()["id"], second.json()["id"]);
    for n in 2..20 {
        accepted(if n % 2 == 0 { caller } else { other }, n).await;
    }
    called(far, 1..20).await;
    let ids = async |served: &Served| {
        let status = served.get(&client(), "/api/v1/status").await;
        let all = status["replicas"].as_array().cloned().unwrap_or_default();
        (all.len() == 2).then(|| {
            let mut ids: Vec<Value> = all.iter().map(|one| one["id"].clone()).collect();
            ids.sort_by_key(Value::as_i64);
            (ids, status["tenants"][0]["holder"]["id"].clone())
        })
    };
    let told = until_in(SOON, "one tells of both", async || ids(caller).await).await;
    assert_eq!(
        until_in(SOON, "so does the other", async || ids(other).await).await,
        told
    );
    nothing_is_doubled(far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_one_that_calls_is_killed_the_other_takes_over() {
    let Pair {
        caller,
        other,
        far,
        _folders,
        _server,
    } = Pair::start("4s").await;
    for n in 1..6 {
        accepted(&caller, n).await;
    }
    caller.kill();
    let since = Instant::now();
    accepted(&other, 100).await;
    called(&far, [100]).await;
    assert!(since.elapsed() < TAKEOVER, "{:?}", since.elapsed());
    // What it took itself is not lost with it.
    called(&far, 1..6).await;
    calls(&other).await;
    nothing_is_doubled(&far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stood_still_calls_for_nothing_more_when_it_goes_on() {
    let pair = Pair::start("4s").await;
    let Pair {
        caller, other, far, ..
    } = &pair;
    accepted(caller, 1).await;
    signal(caller, "-STOP");
    let since = Instant::now();
    // It may have stopped in the middle of its turn, which the database ends after three seconds.
    until_in(SOON, "the other takes alerts", async || {
        let body = alert("100", "high", &machine(100));
        let answer = other.post(&client(), &body).await;
        (answer.status == 202).then_some(())
    })
    .await;
    called(far, [100]).await;
    assert!(since.elapsed() < TAKEOVER, "{:?}", since.elapsed());
    signal(caller, "-CONT");
    until_in(SOON, "it takes alerts again", async || {
        let body = alert("200", "high", &machine(200));
        let answer = crate::harness::post(&client(), caller.public, &body).await?;
        matches!(answer.status, 200 | 202).then_some(())
    })
    .await;
    called(far, [1, 200]).await;
    calls(other).await;
    nothing_is_doubled(far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_asked_to_stop_lets_the_other_call_at_once() {
    let pair = Pair::start("60s").await;
    signal(&pair.caller, "-TERM");
    let since = Instant::now();
    accepted(&pair.other, 100).await;
    called(&pair.far, [100]).await;
    // Without being let go it would be a whole lease.
    assert!(
        since.elapsed() < Duration::from_secs(30),
        "{:?}",
        since.elapsed()
    );
    calls(&pair.other).await;
    nothing_is_doubled(&pair.far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_takes_the_other_calls_for_as_soon_as_it_is_told() {
    // The one that calls looks by itself every ten seconds.
    let pair = Pair::start("60s").await;
    let since = Instant::now();
    for n in 1..=6 {
        accepted(&pair.other, n).await;
        called(&pair.far, [n]).await;
    }
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "{:?}",
        since.elapsed()
    );
}

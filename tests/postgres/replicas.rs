//! Two processes on one journal, as a platform team runs them: both take alerts, one calls, and when that one is killed,
//! stands still or is asked to stop, the other goes on. The far side's own record tells whether anything was doubled.

use std::collections::BTreeMap;
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

const RULES: &str = r#"
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

async fn far() -> Far {
    Far::open(Setup {
        pending_ms: 10,
        quick_ms: 30,
        ..Setup::default()
    })
    .await
}

/// The files of a replica: all of them have the same but for their ports.
fn files(far: &Far, server: &Server) -> TempDir {
    files_with(far, server, "4s")
}

fn files_with(far: &Far, server: &Server, lease: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let limit = "limit = { scans = 10000, per = \"1h\" }";
    install(folder.path(), far.at, "", limit);
    let file = folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, journal) = text.split_once("[journal]\nurl = ").unwrap();
    let (_, behind) = journal.split_once('\n').unwrap();
    let url = format!(
        "[journal]\nurl = \"{}\"\nlease = \"{lease}\"\npassword_file = \"journal.secret\"\n",
        server.url()
    );
    std::fs::write(&file, format!("{head}{url}{behind}")).unwrap();
    crate::harness::add(
        folder.path(),
        "",
        &[("journal.secret", crate::server::PASSWORD)],
    );
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    folder
}

fn signal(served: &Served, name: &str) {
    let pid = served.pid().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// Which replica calls for the tenant, as one of them tells it, and which one tells.
async fn holder(served: &Served) -> (Option<i64>, i64) {
    let status = served.get(&client(), "/api/v1/status").await;
    let mine = status["replica"]["id"].as_i64().unwrap();
    (status["tenants"][0]["holder"]["id"].as_i64(), mine)
}

/// The two, that which calls first.
async fn ordered(one: Served, other: Served) -> [Served; 2] {
    let calls = until_in(SOON, "one of them calls", async || {
        match holder(&one).await {
            (Some(held), mine) => Some(held == mine),
            _ => None,
        }
    })
    .await;
    if calls { [one, other] } else { [other, one] }
}

async fn accepted(served: &Served, n: u32) {
    let body = alert(&n.to_string(), "high", &machine(n));
    let answer = served.post(&client(), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

fn called(far: &Far, n: u32) -> bool {
    let calls = far.calls_of("scan");
    calls.iter().any(|call| call.path.contains(&machine(n)))
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
    let (server, far) = (Server::initialised(), far().await);
    let (one, other) = (files(&far, &server), files(&far, &server));
    let one = Served::start(one.path()).await;
    let other = Served::start(other.path()).await;
    let body = alert("same", "high", &machine(1));
    let (first, second) = tokio::join!(async { one.post(&client(), &body).await }, async {
        other.post(&client(), &body).await
    });
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 202]);
    assert_eq!(first.json()["id"], second.json()["id"]);
    for n in 2..20 {
        accepted(if n % 2 == 0 { &one } else { &other }, n).await;
    }
    until_in(SOON, "all are called for", async || {
        (1..20).all(|n| called(&far, n)).then_some(())
    })
    .await;
    let ids = async |served: &Served| {
        let status = served.get(&client(), "/api/v1/status").await;
        let all = status["replicas"].as_array().cloned().unwrap_or_default();
        (all.len() == 2).then(|| {
            let mut ids: Vec<Value> = all.iter().map(|one| one["id"].clone()).collect();
            ids.sort_by_key(Value::as_i64);
            (ids, status["tenants"][0]["holder"]["id"].clone())
        })
    };
    let told = until_in(SOON, "one tells of both", async || ids(&one).await).await;
    assert_eq!(
        until_in(SOON, "so does the other", async || ids(&other).await).await,
        told
    );
    nothing_is_doubled(&far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_one_that_calls_is_killed_the_other_takes_over() {
    let (server, far) = (Server::initialised(), far().await);
    let (one, other) = (files(&far, &server), files(&far, &server));
    let (a, b) = (
        Served::start(one.path()).await,
        Served::start(other.path()).await,
    );
    let [caller, survivor] = ordered(a, b).await;
    for n in 1..6 {
        accepted(&caller, n).await;
    }
    caller.kill();
    let since = Instant::now();
    accepted(&survivor, 100).await;
    until_in(SOON, "the survivor calls", async || {
        called(&far, 100).then_some(())
    })
    .await;
    assert!(since.elapsed() < TAKEOVER, "{:?}", since.elapsed());
    until_in(SOON, "what the other took is called for", async || {
        (1..6).all(|n| called(&far, n)).then_some(())
    })
    .await;
    let (held, mine) = holder(&survivor).await;
    assert_eq!(held, Some(mine));
    nothing_is_doubled(&far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stood_still_calls_for_nothing_more_when_it_goes_on() {
    let (server, far) = (Server::initialised(), far().await);
    let (one, other) = (files(&far, &server), files(&far, &server));
    let (a, b) = (
        Served::start(one.path()).await,
        Served::start(other.path()).await,
    );
    let [caller, survivor] = ordered(a, b).await;
    accepted(&caller, 1).await;
    signal(&caller, "-STOP");
    let since = Instant::now();
    // It may have stopped in the middle of its turn, which the database ends after three seconds.
    until_in(SOON, "the survivor takes alerts", async || {
        let body = alert("100", "high", &machine(100));
        let answer = survivor.post(&client(), &body).await;
        (answer.status == 202).then_some(())
    })
    .await;
    until_in(SOON, "the survivor calls", async || {
        called(&far, 100).then_some(())
    })
    .await;
    assert!(since.elapsed() < TAKEOVER, "{:?}", since.elapsed());
    signal(&caller, "-CONT");
    until_in(SOON, "it takes alerts again", async || {
        let body = alert("200", "high", &machine(200));
        let answer = crate::harness::post(&client(), caller.public, &body).await?;
        matches!(answer.status, 200 | 202).then_some(())
    })
    .await;
    until_in(SOON, "and the survivor calls for them", async || {
        (called(&far, 200) && called(&far, 1)).then_some(())
    })
    .await;
    let (held, mine) = holder(&survivor).await;
    assert_eq!(held, Some(mine));
    nothing_is_doubled(&far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_asked_to_stop_lets_the_other_call_at_once() {
    let (server, far) = (Server::initialised(), far().await);
    let (one, other) = (files(&far, &server), files(&far, &server));
    let (a, b) = (
        Served::start(one.path()).await,
        Served::start(other.path()).await,
    );
    let [caller, survivor] = ordered(a, b).await;
    signal(&caller, "-TERM");
    accepted(&survivor, 100).await;
    until_in(SOON, "the survivor calls", async || {
        called(&far, 100).then_some(())
    })
    .await;
    let (held, mine) = holder(&survivor).await;
    assert_eq!(held, Some(mine));
    nothing_is_doubled(&far);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_takes_the_other_calls_for_as_soon_as_it_is_told() {
    let (server, far) = (Server::initialised(), far().await);
    // The one that calls looks by itself every ten seconds.
    let (one, other) = (
        files_with(&far, &server, "60s"),
        files_with(&far, &server, "60s"),
    );
    let (a, b) = (
        Served::start(one.path()).await,
        Served::start(other.path()).await,
    );
    let [_caller, taker] = ordered(a, b).await;
    let since = Instant::now();
    for n in 1..=6 {
        accepted(&taker, n).await;
        until_in(SOON, "it is called for", async || {
            called(&far, n).then_some(())
        })
        .await;
    }
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "{:?}",
        since.elapsed()
    );
}

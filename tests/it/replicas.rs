//! A process that asks for leases, with its journal in a file of which a test is the other process.

mod leases;

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use scanhook::defender::client::{Client, Timeouts};
use scanhook::defender::network::NetworkSettings;
use scanhook::defender::{Answer, LATE};
use scanhook_core::lease::{LeaseTerms, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{CLIENT, Site, TENANT, Wish, alert, machine, never, scan_id, until};

const LEASE: Duration = Duration::from_secs(4);
/// A replica that is not there.
const STRANGER: i64 = 9_999;

fn wish() -> Wish {
    Wish {
        lease: Some(LeaseTerms::new(LEASE)),
        ..Wish::default()
    }
}

fn app() -> String {
    format!("{TENANT}/{CLIENT}")
}

fn journal(site: &Site) -> Connection {
    let db = Connection::open(site.journal()).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    db
}

/// Another replica has the lease for so long from now on.
fn taken_for(site: &Site, span: Duration) {
    let now = jiff::Timestamp::now().as_millisecond();
    let until = now + i64::try_from(span.as_millis()).unwrap();
    let changed = journal(site).execute(
        "UPDATE lane SET fence = fence + 1, holder = ?1, until = ?2 WHERE app = ?3",
        params![STRANGER, until, app()],
    );
    assert_eq!(changed.unwrap(), 1, "its lease has a row");
}

/// Fence, holder, and whether it is free.
fn lease(site: &Site) -> (i64, i64, bool) {
    let sql = "SELECT fence, holder, until = 0 FROM lane WHERE app = ?";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let lease = journal(site).query_row(sql, [app()], read);
    lease.unwrap_or((0, 0, true))
}

fn scans(site: &Site) -> usize {
    site.far.shared.with(|far| far.scans().len())
}

#[tokio::test]
async fn status_says_which_replica_calls_for_a_tenant_and_a_stop_lets_its_lease_go() {
    let mut site = Site::with(wish()).await;
    let receipt = site.accepted(alert("a-1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let status = site.get("/api/v1/status").await;
    let id = status["replica"]["id"].as_i64().unwrap();
    assert_eq!(status["replica"]["lease"], "4s");
    assert_eq!(status["replicas"].as_array().unwrap().len(), 1);
    assert_eq!(status["tenants"][0]["holder"]["id"], id);
    let metrics = site.admin("/metrics").await.text;
    for line in [
        "scanhook_lane_held{tenant=\"default\"} 1",
        "scanhook_replicas 1",
        "scanhook_replicas_differ 0",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let (fence, holder, free) = lease(&site);
    assert_eq!((holder, free), (id, false));
    site.stop().await;
    assert_eq!(lease(&site), (fence, id, true));
    site.start().await;
    until("another life of it has the lease", async || {
        (lease(&site).0 > fence).then_some(())
    })
    .await;
    let again = site.get("/api/v1/status").await["replica"]["id"].clone();
    assert_ne!(again.as_i64().unwrap(), id, "no number is given twice");
}

#[tokio::test]
async fn a_lease_that_another_has_is_waited_for_and_alerts_are_taken_meanwhile() {
    let mut site = Site::with(wish()).await;
    until("it has the lease", async || {
        (lease(&site).0 > 0).then_some(())
    })
    .await;
    site.stop().await;
    let (begun, span) = (Instant::now(), Duration::from_secs(3));
    taken_for(&site, span);
    site.start().await;
    let receipt = site.accepted(alert("a-1", "high", &machine(1))).await;
    let holder = &site.get("/api/v1/status").await["tenants"][0]["holder"];
    assert_eq!(holder["id"], STRANGER);
    site.scan_in(&scan_id(&receipt), "finished").await;
    assert!(begun.elapsed() >= span, "it was not its turn");
    assert_eq!((scans(&site), lease(&site).1 == STRANGER), (1, false));
}

#[tokio::test]
async fn the_system_page_says_for_how_many_tenants_a_replica_calls() {
    let site = Site::with(wish()).await;
    let id = site.get("/api/v1/status").await["replica"]["id"].clone();
    let said = async |what: &str| {
        until("the page says it", async || {
            let page = site.admin("/system").await.text;
            let (_, below) = page.split_once(&format!("<dt>Replica {id}</dt>"))?;
            let (row, _) = below.split_once("</dd>")?;
            (row.contains(", which answers: ") && row.ends_with(what)).then_some(())
        })
        .await;
    };
    said(", calls for 1 of the tenants").await;
    taken_for(&site, LEASE * 10);
    said(", calls for 0 of the tenants").await;
}

#[tokio::test]
async fn whoever_loses_its_lease_makes_no_call_until_it_has_it_again() {
    let site = Site::with(wish()).await;
    let first = site.accepted(alert("a-1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&first), "finished").await;
    taken_for(&site, LEASE * 10);
    let second = site.accepted(alert("a-2", "high", &machine(2))).await;
    never("a call of one that was deposed", || scans(&site) > 1).await;
    let fence = lease(&site).0;
    let free = "UPDATE lane SET until = 0 WHERE app = ?";
    journal(&site).execute(free, [app()]).unwrap();
    site.scan_in(&scan_id(&second), "finished").await;
    assert_eq!((scans(&site), lease(&site).0), (2, fence + 1));
}

#[tokio::test]
async fn a_process_alone_with_its_journal_asks_for_no_lease() {
    let site = Site::open().await;
    let receipt = site.accepted(alert("a-1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let leases = "SELECT count(*) FROM lane";
    let leases: u32 = journal(&site)
        .query_row(leases, [], |row| row.get(0))
        .unwrap();
    assert_eq!(leases, 0);
    let status = site.get("/api/v1/status").await;
    assert_eq!(
        status["tenants"][0]["holder"],
        status["replicas"][0]["id"]
            .as_i64()
            .map(|id| serde_json::json!({ "id": id }))
            .unwrap()
    );
}

/// Everything that reaches a far side, on one connection that answers the first request and is then kept.
async fn heard(listener: tokio::net::TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(length) = stream.read(&mut part).await {
        if length == 0 {
            break;
        }
        all.extend_from_slice(&part[..length]);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn no_byte_leaves_after_the_lease_on_a_new_connection_or_on_one_that_was_kept() {
    let body = || bytes::Bytes::from_static(b"{\"a\":1}");
    for (method, body) in [("POST", body()), ("GET", bytes::Bytes::new())] {
        for first in [false, true] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let far = tokio::spawn(heard(listener));
            let client = Client::build(Timeouts::default(), &NetworkSettings::default()).unwrap();
            let request = |path: &str| {
                let request = http::Request::builder().method(method);
                let request = request.uri(format!("http://{address}/{path}"));
                request.body(body.clone()).unwrap()
            };
            if first {
                let answer = client.send(request("first")).await;
                assert!(matches!(answer, Answer::Http(_)));
            }
            let mut late = request("late");
            let over = Trust::after(Duration::ZERO, LeaseTerms::new(Duration::from_secs(1)));
            late.extensions_mut().insert(over);
            let answer = client.send(late).await;
            assert!(matches!(answer, Answer::NotSent(unsent) if unsent.code == LATE));
            let seen = far.await.unwrap();
            assert_eq!(seen.contains("/first"), first, "{seen}");
            assert!(!seen.contains("late") && seen.is_empty() != first, "{seen}");
        }
    }
}

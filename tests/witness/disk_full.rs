//! A disk that is filled and freed again and again. Senders are told to come back; what was acknowledged is there; no
//! call leaves whose intent could not be written; and nobody has to help.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use scanhook_simulator::Setup;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::harness::{
    Far, RULES, Served, Wish, alert, client, fault, install, machine, never_in, until, until_in,
};

const FILLS: u32 = 100;
/// At so many of them a scan wants to leave. Not at more: each takes a 429, and those add up.
const SCANS: u32 = 4;
/// After some of them it may take so long until a call may leave again.
const IN_TIME: Duration = Duration::from_secs(120);
/// Before the last fills so many large alerts are stored that the log is written over from its beginning: from then on
/// it has room of its own when the disk is full.
const ROOMY: u32 = 10;
const LARGE: u32 = 200;
/// Far more than all that takes: the disk is full only when somebody else fills it.
const DISK: &str = "320m";
/// One refusal may be of a large alert where a smaller one would still fit.
const IN_A_ROW: u32 = 3;

/// The program on a small disk of its own, in memory, which nobody else sees.
struct Cramped {
    served: Served,
    /// The same disk, seen from here.
    disk: PathBuf,
}

impl Cramped {
    async fn start(folder: &Path) -> Cramped {
        let inner = Served::command(folder);
        fs::create_dir(folder.join("disk")).unwrap();
        let script =
            format!("mount -t tmpfs -o size={DISK} tmpfs disk && exec \"$@\" --data-dir disk");
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
            .arg(inner.get_program());
        command
            .args(inner.get_args())
            .current_dir(folder)
            .stdout(std::process::Stdio::null());
        let served = Served::run(command).await;
        let disk = PathBuf::from(format!(
            "/proc/{}/root{}",
            served.pid(),
            folder.join("disk").display()
        ));
        Cramped { served, disk }
    }

    /// Not a byte is left.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        let mut block = vec![0; 1 << 20];
        while !block.is_empty() {
            if filler.write_all(&block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.disk.join("filler")
    }

    /// Kills it, and takes the journal off the disk before that is gone as well.
    fn salvage(self, to: &Path) -> Connection {
        let kept = File::open(&self.disk).unwrap();
        self.served.kill();
        for name in ["scanhook.db", "scanhook.db-wal"] {
            fs::copy(
                format!("/proc/self/fd/{}/{name}", kept.as_raw_fd()),
                to.join(name),
            )
            .unwrap();
        }
        Connection::open(to.join("scanhook.db")).unwrap()
    }
}

/// An alert that is parked: the least that can be stored. Or a large one, which soon uses up what room the log has.
fn nothing_to_scan(n: u32, large: bool) -> String {
    // What cannot be compressed.
    let pad: String = (0..if large { 1_600 } else { 0 })
        .map(|i| hex::encode(Sha256::digest(format!("{n} {i}"))))
        .collect();
    json!({ "alert_id": format!("parked-{n}"), "severity": "high", "pad": pad }).to_string()
}

#[tokio::test]
async fn a_full_disk_is_told_to_senders_holds_every_call_back_and_needs_nobody_once_there_is_room()
{
    let far = Far::open(Wish::default().setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let site = Cramped::start(folder.path()).await;
    let http = client();
    let mut acknowledged = BTreeSet::new();
    let mut n = 0;
    let mut send = async |large: bool| {
        n += 1;
        let answer = site.served.post(&http, &nothing_to_scan(n, large)).await;
        match answer.status {
            202 => drop(acknowledged.insert(format!("parked-{n}"))),
            503 => assert!(answer.header("retry-after").is_some(), "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
        answer.status
    };
    let (mut scans, mut refused) = (0, 0);
    for fill in 0..FILLS {
        if fill == FILLS - ROOMY {
            for _ in 0..LARGE {
                assert_eq!(send(true).await, 202);
            }
        }
        let with_scan = fill.is_multiple_of(FILLS / SCANS);
        if with_scan {
            scans += 1;
            far.fault("scan", 1, 1, fault(429, "TooManyRequests", Some("2")));
            let body = alert(&format!("scan-{scans}"), "critical", &machine(scans));
            assert_eq!(site.served.post(&http, &body).await.status, 202);
            until("the call is answered 429", async || {
                let waiting = site.served.get(&http, "/api/v1/scans?state=waiting").await;
                (waiting["items"][0]["tries"] == 1).then_some(())
            })
            .await;
        }
        site.fill();
        while send(true).await == 202 {}
        let mut in_a_row = 0;
        while in_a_row < IN_A_ROW {
            in_a_row = if send(false).await == 503 {
                in_a_row + 1
            } else {
                0
            };
        }
        refused += 1 + in_a_row;
        let calls = far.calls_of("scan").len();
        if with_scan {
            // The pause is over, and the scan's turn has come.
            let called = || far.calls_of("scan").len() > calls;
            never_in(
                Duration::from_secs(3),
                "a call leaves without an intent",
                called,
            )
            .await;
        }
        site.free();
        until("it recovers by itself", async || {
            (send(false).await == 202).then_some(())
        })
        .await;
        if with_scan {
            let all = usize::try_from(scans).unwrap();
            until_in(IN_TIME, "the scan is sent", async || {
                (far.scans().len() == all).then_some(())
            })
            .await;
        }
    }
    let db = site.salvage(folder.path());
    let one = |sql| {
        db.query_row(sql, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    let mut statement = db
        .prepare("SELECT alert_id FROM alert WHERE state = 'parked'")
        .unwrap();
    let stored: BTreeSet<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        stored == acknowledged,
        "{} stored, {} acknowledged",
        stored.len(),
        acknowledged.len()
    );
    assert_eq!(
        far.calls_of("scan").len(),
        usize::try_from(2 * scans).unwrap(),
        "refused once, then sent once"
    );
    println!(
        "{FILLS} fills, {refused} refusals, {} acknowledged and stored",
        acknowledged.len()
    );
}

#[tokio::test]
async fn what_becomes_of_a_running_scan_is_written_down_though_the_disk_is_full() {
    let setup = Setup {
        pending_ms: 0,
        quick_ms: 20_000,
        full_ms: 20_000,
        ..Wish::default().setup
    };
    let far = Far::open(setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let site = Cramped::start(folder.path()).await;
    let http = client();
    assert_eq!(
        site.served
            .post(&http, &alert("running", "critical", &machine(1)))
            .await
            .status,
        202
    );
    until("it runs", async || {
        let running = site.served.get(&http, "/api/v1/scans?state=running").await;
        (running["items"].as_array().map(Vec::len) == Some(1)).then_some(())
    })
    .await;
    site.fill();
    while site
        .served
        .post(&http, &nothing_to_scan(1, false))
        .await
        .status
        == 202
    {}
    until_in(IN_TIME, "its outcome is written down", async || {
        let finished = site.served.get(&http, "/api/v1/scans?state=finished").await;
        (finished["items"][0]["outcome"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!(
        site.served
            .post(&http, &nothing_to_scan(2, false))
            .await
            .status,
        503,
        "and senders still wait"
    );
    site.free();
    until("it recovers by itself", async || {
        (site
            .served
            .post(&http, &nothing_to_scan(3, false))
            .await
            .status
            == 202)
            .then_some(())
    })
    .await;
}

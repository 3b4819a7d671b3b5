//! Both programs as an operator starts them, on the clock on the wall: a storm that needs more scans than a minute's
//! share has, with an urgent alert in its middle.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::harness::{RULES, Served, alert, client, install, machine, until_in};

const ALERTS: u32 = 120;
const MACHINES: u32 = 30;
/// Between two alerts: the storm takes half a minute, and the share is spent long before its middle.
const PAUSE: Duration = Duration::from_millis(250);
const SHARE: usize = 20;
const URGENT_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// The minute until the share is free again, and as long again.
const IN_TIME: Duration = Duration::from_secs(120);

/// `scanhook simulate`; gone when dropped.
struct Simulated {
    child: Child,
    at: SocketAddr,
    http: reqwest::Client,
}

impl Simulated {
    fn start() -> Simulated {
        let share = SHARE.to_string();
        let arguments = [
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--per-minute",
            &share,
            "--pending",
            "1s",
        ];
        let mut child = Command::new(env!("CARGO_BIN_EXE_scanhook"))
            .args(arguments)
            .args(["--quick", "5s", "--full", "5s"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let at = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.split(' ').next())
            .unwrap();
        Simulated {
            child,
            at: at.parse().unwrap(),
            http: client(),
        }
    }

    /// Its record of calls to one route.
    async fn calls(&self, route: &str) -> Vec<Value> {
        let answer = self
            .http
            .get(format!("http://{}/_simulator/calls", self.at))
            .send()
            .await
            .unwrap();
        let calls: Vec<Value> = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        calls
            .into_iter()
            .filter(|call| call["route"] == route)
            .collect()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at(call: &Value) -> Timestamp {
    call["at"].as_str().unwrap().parse().unwrap()
}

/// The most calls in any 60 seconds.
fn peak(calls: &[Value]) -> usize {
    let times: Vec<_> = calls.iter().map(at).collect();
    let minute = |first: &Timestamp| first.saturating_add(SignedDuration::from_secs(60)).unwrap();
    times
        .iter()
        .map(|first| {
            times
                .iter()
                .filter(|at| (*first..minute(first)).contains(*at))
                .count()
        })
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn a_storm_on_thirty_machines_is_thirty_scans_inside_the_share_and_what_is_urgent_does_not_wait()
 {
    let far = Simulated::start();
    let folder = tempfile::tempdir().unwrap();
    install(
        folder.path(),
        far.at,
        "",
        &format!("quota = {{ per_minute = {SHARE}, per_hour = 1500 }}"),
    );
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let served = Served::start(folder.path()).await;
    let http = client();

    let mut urgent = None;
    for n in 0..ALERTS {
        if n == ALERTS / 2 {
            let answer = served
                .post(&http, &alert("urgent", "critical", &machine(MACHINES)))
                .await;
            assert_eq!(answer.status, 202, "{}", answer.text);
            urgent = Some(Timestamp::now());
        }
        let answer = served
            .post(
                &http,
                &alert(&n.to_string(), "medium", &machine(n % MACHINES)),
            )
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        tokio::time::sleep(PAUSE).await;
    }
    let all = usize::try_from(MACHINES + 1).unwrap();
    let calls = until_in(IN_TIME, "every machine is scanned", async || {
        let calls = far.calls("scan").await;
        (calls.iter().filter(|call| call["executed"] == true).count() >= all).then_some(calls)
    })
    .await;

    let sent = calls
        .iter()
        .find(|call| call["machine"] == machine(MACHINES))
        .unwrap();
    let waited = at(sent).duration_since(urgent.unwrap());
    println!(
        "the urgent alert waited {waited:#}; at most {} calls in a minute",
        peak(&calls)
    );
    assert_eq!(calls.len(), all, "no call too many");
    let machines: BTreeSet<_> = calls
        .iter()
        .map(|call| call["machine"].as_str().unwrap())
        .collect();
    assert_eq!(machines.len(), all, "none twice");
    for route in ["scan", "list"] {
        let calls = far.calls(route).await;
        assert!(
            peak(&calls) <= SHARE,
            "{route}: {} calls in a minute",
            peak(&calls)
        );
        assert!(
            calls.iter().all(|call| call["status"] != 429),
            "{route}: a call beyond the quota"
        );
    }
    assert!(
        waited <= URGENT_WITHIN,
        "the urgent alert waited {waited:#}"
    );
}

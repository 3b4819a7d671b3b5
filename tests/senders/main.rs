//! Real senders against the real thing: each is the program that operators run, started on loopback, and what it posts
//! has to end as the right scan at the simulated Defender. Prometheus, too, has to read what the program shows.
//! `tests/senders/install` installs them; without them these tests fail, which is why `cargo test` alone leaves them out:
//! `cargo test --test senders`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod alertmanager;
mod elastalert2;
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the other tests, which use all of it"
)]
#[path = "../it/harness/mod.rs"]
mod harness;
mod node_red;
mod program;
mod promtool;
mod syslog_ng;

use harness::{CLIENT, Site, TENANT, Wish, until};
use serde_json::Value;

/// A site with one source, `sender`, of these lines.
async fn site(source: &str) -> Site {
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ngrace = \"2s\"\n\
         [journal]\nurl = \"sqlite:scanhook.db\"\n\
         [tenants.default]\ntenant_id = \"{TENANT}\"\nclient_id = \"{CLIENT}\"\n\
         credential = {{ secret_file = \"app.secret\" }}\napi_base = \"http://FAR\"\nauthority = \"http://FAR\"\n\
         [sources.sender]\n{source}\n"
    );
    Site::with(Wish {
        config: Some(config),
        ..Wish::default()
    })
    .await
}

/// The proof of senders that can send a header and no signature.
const BEARER: &str = "auth = { bearer = { secret_file = \"siem.secret\" } }";

/// Waits until so many alerts have arrived; all of them, oldest first.
async fn alerts(site: &Site, count: usize) -> Vec<Value> {
    until(&format!("{count} alerts arrive"), async || {
        let mut all = site.get("/api/v1/alerts?source=sender").await["items"]
            .as_array()
            .unwrap()
            .clone();
        all.reverse();
        (all.len() >= count).then_some(all)
    })
    .await
}

/// Id, state and title of an alert in a line.
fn brief(alert: &Value) -> String {
    let text = |key: &str| alert[key].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text("id"), text("state"), text("title"))
}

/// Waits until so many scans were really begun at the far side; machine and kind of each, in order of the machines.
async fn scans(site: &Site, count: usize) -> Vec<(String, String)> {
    let mut begun = until(&format!("{count} scans begin"), async || {
        let scans = site.far.scans();
        (scans.len() >= count).then_some(scans)
    })
    .await;
    begun.sort_by(|a, b| a.machine.cmp(&b.machine));
    begun
        .into_iter()
        .map(|scan| (scan.machine, scan.kind))
        .collect()
}

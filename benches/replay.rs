//! A replay of 100,000 alerts by the real program: from a journal that holds them with their decisions, and from a file
//! of bodies. They are spread over thirty days and 20,000 machines, and one in ten comes in a storm of an hour.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

mod desk;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use desk::{NOW, write};
use http::HeaderMap;
use scanhook::in_force::SourceBinding;
use scanhook::intake::accept;
use scanhook::journal::{Ids, Store};
use scanhook::policy::{Ceiling, Policy, Terms};
use scanhook::settings::Source;
use scanhook_core::signature::{Authentication, Check, Key, authenticate};
use scanhook_core::time::Timestamp;

const ALERTS: u64 = 100_000;
const MACHINES: u64 = 20_000;
const STEP: u64 = 1_000;
const SECRET: &str = "a secret of at least 16 bytes";
const MONTH: u64 = 30 * 86_400_000;
const HOUR: u64 = 3_600_000;

/// The `n`-th alert: when it comes, in milliseconds, and its body.
fn alert(n: u64) -> (u64, String) {
    // SplitMix64.
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let at = if n.is_multiple_of(10) {
        MONTH / 2 + z % HOUR
    } else {
        z % MONTH
    };
    let severity =
        ["low", "medium", "medium", "high", "critical"][usize::try_from(z >> 40).unwrap() % 5];
    let machine = (z >> 20) % MACHINES;
    let time = Timestamp::from_millis(NOW.millis() + i64::try_from(at).unwrap());
    // Half of the devices are only named.
    let device = match machine % 2 {
        0 => format!(r#"{{"mde_id":"{machine:040x}","name":"pc-{machine}"}}"#),
        _ => format!(r#"{{"name":"pc-{machine}.corp.example"}}"#),
    };
    let pad = "x".repeat(800);
    let body = format!(
        r#"{{"alert_id":"a-{n}","title":"Title {}","severity":"{severity}","category":"Malware","technique":["T1059"],"time":"{time}","devices":[{device}],"pad":"{pad}"}}"#,
        z % 300
    );
    (at, body)
}

fn fill(folder: &Path, rules: &str) {
    let mut alerts: Vec<_> = (0..ALERTS).map(alert).collect();
    alerts.sort();
    let mut lines = String::new();
    for (_, body) in &alerts {
        writeln!(lines, "{body}").unwrap();
    }
    std::fs::write(folder.join("alerts.ndjson"), lines).unwrap();

    let mut store = Store::open(&folder.join("scanhook.db"), Ids::random().unwrap()).unwrap();
    let policy = Policy::parse(rules.to_owned())
        .map_err(|_| "rules")
        .unwrap()
        .policy;
    let (hash, record) = (policy.fingerprint().to_owned(), policy.record());
    let (tenant, id) = write(&mut store, move |tx| {
        Ok((tx.tenant("default")?, tx.policy(&hash, &record, NOW)?))
    });
    let keys = vec![
        Key::new("bench", SECRET.as_bytes())
            .map_err(|_| "key")
            .unwrap(),
    ];
    let auth = Authentication {
        alternatives: vec![vec![Check::Bearer { keys }]],
    };
    let source = Source {
        auth,
        ..Source::of_preset("generic").unwrap()
    };
    let desk = SourceBinding::of_one(
        source,
        tenant,
        Terms {
            ceiling: Ceiling::Simulated,
            limit: None,
        },
    );
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::AUTHORIZATION,
        format!("Bearer {SECRET}").parse().unwrap(),
    );
    for step in alerts.chunks(usize::try_from(STEP).unwrap()) {
        let accepted = step.iter().map(|(at, body)| {
            let now = Timestamp::from_millis(NOW.millis() + i64::try_from(*at).unwrap());
            let delivery = authenticate(
                &desk.source.auth,
                "generic",
                &headers,
                Bytes::from(body.clone()),
                now,
            );
            (
                accept(&desk, &policy, id, delivery.map_err(|_| "refused").unwrap()).unwrap(),
                now,
            )
        });
        let accepted: Vec<_> = accepted.collect();
        write(&mut store, move |tx| {
            accepted
                .iter()
                .try_for_each(|(one, now)| tx.accept(one, *now).map(drop))
        });
    }
}

/// Runs it: how long it took, the most memory it had, and what it said.
fn run(folder: &Path, input: &str) -> (Duration, u64, serde_json::Value) {
    let begun = Instant::now();
    let out = std::fs::File::create(folder.join("report.json")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args([
            "replay",
            input,
            "--source",
            "generic",
            "--rules",
            "rules.toml",
            "-o",
            "json",
        ])
        .current_dir(folder)
        .stdout(out)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or(most);
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = begun.elapsed();
    assert!(child.wait().unwrap().success());
    (
        took,
        most,
        serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap(),
    )
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    // The shipped policy, and one by which every alert wants a scan, up to the 300 an hour that a tenant may begin.
    let shipped = include_str!("../rules.toml").to_owned();
    let rules = "version = 1\n[defaults]\nlimit = false\n[[rule]]\nname = \"all\"\nscan = \"quick\"\n\
                 when = { severity.gte = \"low\" }\n";
    fill(folder.path(), rules);
    for (name, policy) in [("scans all", rules.to_owned()), ("as shipped", shipped)] {
        std::fs::write(folder.path().join("rules.toml"), policy).unwrap();
        for input in ["scanhook.db", "alerts.ndjson"] {
            for _ in 0..3 {
                let (took, most, report) = run(folder.path(), input);
                let load = &report["tenants"]["default"];
                assert_eq!(report["alerts"]["total"], ALERTS);
                println!(
                    "policy {name}, {input}: {:.1} s, {} MiB; {} decisions, {} scans, at most {} in a minute and {} in an hour",
                    took.as_secs_f64(),
                    most / 1024,
                    report["decisions"],
                    load["quick"].as_u64().unwrap() + load["full"].as_u64().unwrap(),
                    load["per_minute"]["count"],
                    load["per_hour"]["count"],
                );
            }
        }
    }
}

//! The storm table: what becomes of thousands of alerts that arrive together, on a far side with 100 calls a minute and
//! 1,500 an hour, in virtual time. Ours is the real lane on a real journal in memory, against the simulator; the
//! policies of others are models of a few lines. `--quick` plays less of it, `--seed=N` storms that fall otherwise.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub
)]

#[path = "../desk/mod.rs"]
mod desk;
mod far;
mod ours;
mod peers;
mod scenario;

use scanhook_simulator::QuotaWindow;
use scenario::{Result, Scenario};

const WINDOWS: [(QuotaWindow, &str); 3] = [
    (QuotaWindow::Sliding, "sliding"),
    (QuotaWindow::Aligned, "clock-aligned"),
    (QuotaWindow::Bucket, "bucket"),
];

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let seed = std::env::args()
        .find_map(|arg| arg.strip_prefix("--seed=")?.parse().ok())
        .unwrap_or(0);
    let scenarios = if quick {
        Scenario::few(seed)
    } else {
        Scenario::all(seed)
    };
    for scenario in &scenarios {
        println!("\n{}", scenario.name);
        println!(
            "{:<46} {:>13} {:>8} {:>10} {:>12} {:>12} {:>13}",
            "policy", "far side", "429s", "1st hour", "urgent wait", "beyond 100/m", "1000th other"
        );
        for (window, name) in WINDOWS {
            let result = ours::play(scenario, window);
            line("scanhook", name, &result);
            assert_eq!(result.refused, 0, "a call was refused");
            assert!(
                result.first_hour >= 1_485,
                "99 % of the hour were to be used"
            );
        }
        for (policy, play) in peers::ALL {
            line(policy, "sliding", &play(scenario, QuotaWindow::Sliding));
        }
    }
}

fn line(policy: &str, far: &str, result: &Result) {
    let seconds = |ms: i64| format!("{:.1} s", ms as f64 / 1000.0);
    println!(
        "{policy:<46} {far:>13} {:>8} {:>10} {:>12} {:>12} {:>13}",
        result.refused,
        result.first_hour,
        seconds(result.urgent),
        seconds(result.beyond),
        result
            .thousandth
            .map_or_else(|| "not sent".to_owned(), seconds)
    );
}

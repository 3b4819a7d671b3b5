//! The load of one tenant: scans, the queue and how long they waited.

use core::fmt::Write as _;

use super::words::seconds;
use crate::cli::table::time;
use crate::replay::{Load, Peak, QuotaWait, Waits};

pub(super) fn of_load(load: &Load) -> String {
    let mut text = format!(
        "  scans    {} sent: {} Full, {} Quick; at most {}, and {}\n",
        load.full + load.quick,
        load.full,
        load.quick,
        peak(&load.per_minute, "in a minute"),
        peak(&load.per_hour, "in an hour"),
    );
    if load.too_old > 0 {
        let _ = writeln!(
            text,
            "  too old  {} were older than `max_age` before the quota let them leave",
            load.too_old
        );
    }
    let _ = writeln!(
        text,
        "  queue    at most {}",
        peak(&load.queue, "waiting for the quota")
    );
    for (whose, waits) in [("urgent", &load.urgent), ("others", &load.others)] {
        if waits.longest.at.is_some() {
            let _ = writeln!(
                text,
                "  {whose}   {}{}",
                spread(waits),
                longest(&waits.longest)
            );
        }
    }
    text
}

fn peak(peak: &Peak, of: &str) -> String {
    match peak.at {
        Some(at) if peak.count > 0 => format!("{} {of} ({})", peak.count, time(&at.to_string())),
        _ => format!("0 {of}"),
    }
}

fn spread(waits: &Waits) -> String {
    let parts = [
        (waits.a_second, "up to 1 s"),
        (waits.a_minute, "up to 1 min"),
        (waits.ten_minutes, "up to 10 min"),
        (waits.an_hour, "up to 1 h"),
        (waits.longer, "longer"),
    ];
    let parts = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} waited {words}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn longest(wait: &QuotaWait) -> String {
    match wait.at {
        Some(at) if wait.ms > 1_000 => format!(
            "; the longest {}, until {}",
            seconds(wait.ms),
            time(&at.to_string())
        ),
        _ => String::new(),
    }
}

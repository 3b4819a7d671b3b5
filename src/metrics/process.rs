//! What the operating system says of this process, under the names that all exporters share. It is read from /proc at each
//! scrape; where there is none, these metrics are left out. By hand, because it is two files of numbers.

use core::fmt;
use std::sync::OnceLock;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(seen) = std::fs::read_to_string("/proc/self/stat")
            .ok()
            .as_deref()
            .and_then(ProcessSeen::read)
        else {
            return Ok(());
        };
        let cpu = ConstCounter::new(seen.cpu_seconds);
        put(
            &mut to,
            "process_cpu_seconds",
            "Processor time that was used",
            &cpu,
        )?;
        for (name, help, value) in [
            (
                "process_resident_memory_bytes",
                "Memory in use",
                seen.resident,
            ),
            (
                "process_virtual_memory_bytes",
                "Address space",
                seen.virtual_memory,
            ),
            ("process_threads", "Threads", seen.threads),
        ] {
            put(&mut to, name, help, &ConstGauge::new(whole(value)))?;
        }
        if let Some(since) = start(seen.started) {
            put(
                &mut to,
                "process_start_time_seconds",
                "When it started, in Unix time",
                &ConstGauge::new(since),
            )?;
        }
        // One of them is the folder that is being read.
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            let open = open.count().saturating_sub(1) as u64;
            put(
                &mut to,
                "process_open_fds",
                "Open files and connections",
                &ConstGauge::new(whole(open)),
            )?;
        }
        match getrlimit(Resource::Nofile).current {
            Some(most) => put(
                &mut to,
                "process_max_fds",
                "How many may be open",
                &ConstGauge::new(whole(most)),
            ),
            None => Ok(()),
        }
    }
}

fn put(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &impl EncodeMetric,
) -> fmt::Result {
    value.encode(to.encode_descriptor(name, help, None, value.metric_type())?)
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What /proc/self/stat says.
#[derive(Debug, PartialEq)]
struct ProcessSeen {
    cpu_seconds: f64,
    threads: u64,
    /// Seconds from the computer's start to its own.
    started: f64,
    virtual_memory: u64,
    resident: u64,
}

impl ProcessSeen {
    /// Reads the fields by their places, which proc(5) lists. They are counted behind the program's name, which stands in
    /// brackets and may hold anything.
    fn read(stat: &str) -> Option<ProcessSeen> {
        let (_, behind) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
        // The first behind the name is the third of all.
        let field = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
        let ticks = clock_ticks_per_second();
        Some(ProcessSeen {
            cpu_seconds: seconds(field(14)? + field(15)?, ticks),
            threads: field(20)?,
            started: seconds(field(22)?, ticks),
            virtual_memory: field(23)?,
            resident: field(24)?.saturating_mul(page_size() as u64),
        })
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus keeps time in floats"
)]
fn seconds(ticks: u64, per_second: u64) -> f64 {
    ticks as f64 / per_second.max(1) as f64
}

/// When the process started, so many seconds after the computer. Read once: that file is long.
fn start(after: f64) -> Option<f64> {
    static COMPUTER: OnceLock<Option<f64>> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        text.lines()
            .find_map(|line| line.strip_prefix("btime "))?
            .trim()
            .parse::<f64>()
            .ok()
    };
    Some((*COMPUTER.get_or_init(read))? + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_that_looks_like_some() {
        let behind = "S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 9 18 1000 4096000 25 26";
        let seen =
            ProcessSeen::read(&format!("4711 (a) R 1 (b) {behind}")).expect("all fields are there");
        let (ticks, page) = (clock_ticks_per_second(), page_size() as u64);
        let expected = ProcessSeen {
            cpu_seconds: seconds(200, ticks),
            threads: 9,
            started: seconds(1000, ticks),
            virtual_memory: 4_096_000,
            resident: 25 * page,
        };
        assert_eq!(seen, expected);
        assert_eq!(ProcessSeen::read("4711 (a) S 1 2"), None);
    }
}

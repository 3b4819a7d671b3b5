//! What `/metrics` shows. Counters live here; gauges of the journal and the workers are set when somebody asks.
//! No device and no alert id is ever a label.

mod access;
mod deliveries;
mod expected;
mod exposition;
mod forgotten;
mod messages;
mod people;
mod process;
mod registration;
mod replicas;
mod scrape;
mod telemetry;
mod workers;

pub use access::AccessMetrics;
pub use exposition::Exposition;
pub use telemetry::TelemetryMetrics;

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::journal::Pulse;
use scanhook_core::time::Timestamp;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// All metrics with their registry.
pub struct Metrics {
    registry: Registry,
    turn: Mutex<()>,
    /// The admin listener.
    pub access: AccessMetrics,
    /// What is sent to a collector.
    pub telemetry: TelemetryMetrics,
    deliveries: Counters,
    refused: Counters,
    last_delivery: Gauges,
    expect_every: Gauges,
    old_secrets: Counters,
    unread: Counters,
    alerts: Counters,
    decisions: Counters,
    not_scanned: Counters,
    scan_requests: Counters,
    scan_outcomes: Counters,
    scans: Gauges,
    waiting_age: Gauges,
    held_age: Gauges,
    holds_ending: Gauges,
    quota_limit: Gauges,
    quota_used: Gauges,
    quota_effective: Gauges,
    quota_used_by_others: Gauges,
    token_expiry: Gauges,
    certificate_expiry: Gauges,
    alert_to_request: Histogram,
    action_duration: Histograms,
    request_duration: Histograms,
    messages: Counters,
    write_backs: Counters,
    outbox_waiting: Gauges,
    outbox_age: Gauges,
    outbox_dead: Gauges,
    forecast_held: Gauges,
    listeners: Gauge,
    journal_size: Gauge,
    journal_max_size: Gauge,
    journal_disk_free: Gauge,
    journal_waiting: Gauge,
    dry_run: Gauge,
    mode: Gauges,
    unreachable: Gauges,
    stopped: Gauges,
    remote_up: Gauges,
    paused: Gauge,
    lane_held: Gauges,
    replicas: Gauge,
    replicas_differ: Gauge,
    rules_loaded: Gauge,
    config_loaded: Gauge,
    rules_loaded_at: Gauge<f64, AtomicU64>,
}

fn seconds() -> Histogram {
    Histogram::new([
        0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    ])
}

fn long_seconds() -> Histogram {
    Histogram::new([
        10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0,
        259_200.0,
    ])
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            registry: Registry::default(),
            turn: Mutex::default(),
            access: AccessMetrics::default(),
            telemetry: TelemetryMetrics::default(),
            deliveries: Counters::default(),
            refused: Counters::default(),
            last_delivery: Gauges::default(),
            expect_every: Gauges::default(),
            old_secrets: Counters::default(),
            unread: Counters::default(),
            alerts: Counters::default(),
            decisions: Counters::default(),
            not_scanned: Counters::default(),
            scan_requests: Counters::default(),
            scan_outcomes: Counters::default(),
            scans: Gauges::default(),
            waiting_age: Gauges::default(),
            held_age: Gauges::default(),
            holds_ending: Gauges::default(),
            quota_limit: Gauges::default(),
            quota_used: Gauges::default(),
            quota_effective: Gauges::default(),
            quota_used_by_others: Gauges::default(),
            token_expiry: Gauges::default(),
            certificate_expiry: Gauges::default(),
            alert_to_request: seconds(),
            action_duration: Histograms::new_with_constructor(long_seconds),
            request_duration: Histograms::new_with_constructor(seconds),
            messages: Counters::default(),
            write_backs: Counters::default(),
            outbox_waiting: Gauges::default(),
            outbox_age: Gauges::default(),
            outbox_dead: Gauges::default(),
            forecast_held: Gauges::default(),
            listeners: Gauge::default(),
            journal_size: Gauge::default(),
            journal_max_size: Gauge::default(),
            journal_disk_free: Gauge::default(),
            journal_waiting: Gauge::default(),
            dry_run: Gauge::default(),
            mode: Gauges::default(),
            unreachable: Gauges::default(),
            stopped: Gauges::default(),
            remote_up: Gauges::default(),
            paused: Gauge::default(),
            lane_held: Gauges::default(),
            replicas: Gauge::default(),
            replicas_differ: Gauge::default(),
            rules_loaded: Gauge::default(),
            config_loaded: Gauge::default(),
            rules_loaded_at: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Metrics of a process that begins now; `dry_run` is the process's own ceiling, `pulse` that of its journal.
    #[must_use]
    pub fn new(dry_run: bool, pulse: &Pulse) -> Metrics {
        let mut metrics = Metrics::default();
        metrics.dry_run.set(i64::from(dry_run));
        metrics
            .registry
            .register_collector(Box::new(process::Process));
        metrics.register_intake();
        metrics.register_scans();
        metrics.register_calls();
        metrics.register_process();
        metrics.register_messages();
        metrics.register_access();
        metrics.register_telemetry();
        metrics.register_people();
        metrics.register_replicas();
        metrics.register_journal(pulse);
        metrics
    }

    /// For whoever sets gauges and writes all: two at once would see one another's half.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files were read; whether rules and settings are without fault.
    pub fn reloaded(&self, rules: bool, config: bool, now: Timestamp) {
        self.rules_loaded.set(i64::from(rules));
        self.config_loaded.set(i64::from(config));
        if rules {
            self.rules_loaded_at.set(unix(now));
        }
    }

    /// So many decisions came to nothing, for this reason.
    pub fn not_scanned(&self, reason: &str, count: usize) {
        self.not_scanned
            .get_or_create(&vec![("reason", reason.to_owned())])
            .inc_by(count as u64);
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus keeps time in floats"
)]
fn unix(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

//! What `/metrics` shows. Counters live here; gauges of the journal and the lanes are set when somebody asks.
//! No device and no alert id is ever a label.

mod expected;
mod process;

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::api::{DecisionCount, Receipt, TenantView};
use crate::in_force::armed;
use crate::intake::Subject;
use crate::journal::{Api, Journal, Pulse};
use crate::worker::WorkerEvent;
use scanhook_core::obstacles::FarSide;
use scanhook_core::scan::{DecisionState, Kind};
use scanhook_core::time::Timestamp;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// All metrics with their registry.
pub struct Metrics {
    registry: Registry,
    deliveries: Counters,
    refused: Counters,
    last_delivery: Gauges,
    old_secrets: Counters,
    unread: Counters,
    alerts: Counters,
    decisions: Counters,
    not_scanned: Counters,
    scan_requests: Counters,
    scans: Gauges,
    waiting_age: Gauges,
    held_age: Gauges,
    quota_limit: Gauges,
    quota_used: Gauges,
    quota_effective: Gauges,
    quota_used_by_others: Gauges,
    token_expiry: Gauges,
    alert_to_request: Histogram,
    action_duration: Histograms,
    request_duration: Histograms,
    journal_size: Gauge,
    journal_max_size: Gauge,
    journal_disk_free: Gauge,
    journal_waiting: Gauge,
    dry_run: Gauge,
    mode: Gauges,
    unreachable: Gauges,
    paused: Gauge,
    rules_loaded: Gauge,
    config_loaded: Gauge,
    rules_loaded_at: Gauge<f64, AtomicU64>,
}

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' text format, which every scraper reads.
    #[default]
    Classic,
    /// OpenMetrics text, for those who ask for it.
    OpenMetrics,
}

impl Exposition {
    /// What a scraper accepts.
    #[must_use]
    pub fn accepted(accept: &str) -> Exposition {
        let asked = accept.split(',').any(|range| {
            let kind = range.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/openmetrics-text")
        });
        if asked {
            Exposition::OpenMetrics
        } else {
            Exposition::Classic
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Exposition::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
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
            deliveries: Counters::default(),
            refused: Counters::default(),
            last_delivery: Gauges::default(),
            old_secrets: Counters::default(),
            unread: Counters::default(),
            alerts: Counters::default(),
            decisions: Counters::default(),
            not_scanned: Counters::default(),
            scan_requests: Counters::default(),
            scans: Gauges::default(),
            waiting_age: Gauges::default(),
            held_age: Gauges::default(),
            quota_limit: Gauges::default(),
            quota_used: Gauges::default(),
            quota_effective: Gauges::default(),
            quota_used_by_others: Gauges::default(),
            token_expiry: Gauges::default(),
            alert_to_request: seconds(),
            action_duration: Histograms::new_with_constructor(long_seconds),
            request_duration: Histograms::new_with_constructor(seconds),
            journal_size: Gauge::default(),
            journal_max_size: Gauge::default(),
            journal_disk_free: Gauge::default(),
            journal_waiting: Gauge::default(),
            dry_run: Gauge::default(),
            mode: Gauges::default(),
            unreachable: Gauges::default(),
            paused: Gauge::default(),
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
        metrics.register_journal(pulse);
        metrics
    }

    fn register_journal(&mut self, pulse: &Pulse) {
        let to = self.registry.sub_registry_with_prefix("scanhook_journal");
        to.register("bytes", "What the journal holds", self.journal_size.clone());
        to.register(
            "max_bytes",
            "What it may hold; 0: any size",
            self.journal_max_size.clone(),
        );
        to.register(
            "disk_free_bytes",
            "Free on its disk",
            self.journal_disk_free.clone(),
        );
        to.register(
            "waiting_jobs",
            "Jobs that the writer has not begun",
            self.journal_waiting.clone(),
        );
        to.register(
            "commit_duration_seconds",
            "From the begin of a transaction to its commit",
            pulse.commits.clone(),
        );
        to.register(
            "jobs",
            "Jobs that transactions were made of",
            pulse.jobs.clone(),
        );
    }

    /// What arrives, and what becomes of it.
    fn register_intake(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "deliveries",
            "Requests to webhook paths, by HTTP status",
            self.deliveries.clone(),
        );
        to.register(
            "refused_requests",
            "Requests to the public listener that were refused, by code",
            self.refused.clone(),
        );
        to.register(
            "source_last_delivery_timestamp_seconds",
            "When a source last delivered",
            self.last_delivery.clone(),
        );
        to.register(
            "old_secret_deliveries",
            "Deliveries proved by another secret than the first of its list",
            self.old_secrets.clone(),
        );
        to.register(
            "unreadable_bodies",
            "Authenticated requests whose body is not strict JSON, by the code of the answer",
            self.unread.clone(),
        );
        to.register(
            "alerts",
            "Alerts by what became of them",
            self.alerts.clone(),
        );
        to.register(
            "decisions",
            "Decisions by rule and state",
            self.decisions.clone(),
        );
        to.register(
            "not_scanned",
            "Alerts and decisions without a scan, by reason",
            self.not_scanned.clone(),
        );
    }

    /// Scans and decisions under way.
    fn register_scans(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "scan_requests",
            "Scan calls by what came of them",
            self.scan_requests.clone(),
        );
        to.register("scans", "Scans in the journal by state", self.scans.clone());
        to.register(
            "waiting_oldest_age_seconds",
            "Age of the oldest waiting scan",
            self.waiting_age.clone(),
        );
        to.register(
            "held_oldest_age_seconds",
            "Age of the oldest held decision",
            self.held_age.clone(),
        );
    }

    /// Calls to the far side: what they may cost, and how long they take.
    fn register_calls(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "quota_limit",
            "Our share of an API's budget",
            self.quota_limit.clone(),
        );
        to.register(
            "quota_used",
            "Calls that count against it",
            self.quota_used.clone(),
        );
        to.register(
            "quota_effective",
            "What others leave of our share",
            self.quota_effective.clone(),
        );
        to.register(
            "quota_used_by_others",
            "What others use of our share",
            self.quota_used_by_others.clone(),
        );
        to.register(
            "token_expiry_timestamp_seconds",
            "When the token expires",
            self.token_expiry.clone(),
        );
        to.register(
            "alert_to_request_seconds",
            "From the decision to the scan call",
            self.alert_to_request.clone(),
        );
        to.register(
            "action_duration_seconds",
            "From the scan call to its end",
            self.action_duration.clone(),
        );
        to.register(
            "defender_request_duration_seconds",
            "Calls to Entra and Defender",
            self.request_duration.clone(),
        );
    }

    /// How far the process goes, what stops it, and what it runs with.
    fn register_process(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "dry_run",
            "1 while the process sends nothing",
            self.dry_run.clone(),
        );
        to.register(
            "mode",
            "1 for how far what is decided for a tenant goes: enforce, approve, dry_run or simulated",
            self.mode.clone(),
        );
        to.register(
            "unreachable",
            "1 while Entra ID or Defender cannot be reached",
            self.unreachable.clone(),
        );
        to.register(
            "paused",
            "Pauses in force; 0: nothing is paused",
            self.paused.clone(),
        );
        to.register(
            "rules_last_reload_successful",
            "1 while the rules in force are those last read",
            self.rules_loaded.clone(),
        );
        to.register(
            "rules_last_reload_success_timestamp_seconds",
            "When the rules were last read without a fault",
            self.rules_loaded_at.clone(),
        );
        to.register(
            "config_last_reload_successful",
            "1 while the settings in force are those last read",
            self.config_loaded.clone(),
        );
        let build = Family::<Labels, Gauge>::default();
        build
            .get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())])
            .set(1);
        to.register("build_info", "The program's version", build);
    }

    /// The public listener has answered a request.
    pub fn answered(&self, source: Option<&str>, status: u16, refused: Option<&str>) {
        if let Some(source) = source {
            let labels = vec![
                ("source", source.to_owned()),
                ("status", status.to_string()),
            ];
            self.deliveries.get_or_create(&labels).inc();
        }
        if let Some(code) = refused {
            self.refused
                .get_or_create(&vec![("code", code.to_owned())])
                .inc();
        }
    }

    /// A delivery was accepted that a secret on its way out has proved; the secret's name, never the secret.
    pub fn old_secret(&self, source: &str, credential: &str) {
        let labels = vec![
            ("source", source.to_owned()),
            ("credential", credential.to_owned()),
        ];
        self.old_secrets.get_or_create(&labels).inc();
    }

    /// A delivery was authenticated, and its body could not be read.
    pub fn unread(&self, source: &str, code: &str) {
        self.unread
            .get_or_create(&vec![
                ("source", source.to_owned()),
                ("code", code.to_owned()),
            ])
            .inc();
    }

    /// A source was last heard then; known from the journal before it is heard in this process.
    pub fn heard(&self, source: &str, at: Timestamp) {
        self.last_delivery
            .get_or_create(&vec![("source", source.to_owned())])
            .set(unix(at));
    }

    /// A delivery was accepted; `subjects` are those of its alerts, in their order.
    pub fn accepted(&self, source: &str, subjects: &[Subject], receipt: &Receipt, now: Timestamp) {
        self.heard(source, now);
        if receipt.duplicate {
            return;
        }
        let tenant = |n: usize| {
            subjects
                .get(n)
                .and_then(|of| of.tenant.clone())
                .unwrap_or_default()
        };
        for (n, alert) in receipt.alerts.iter().enumerate() {
            self.alerts_are(source, &alert.state, alert.reason.as_deref(), 1);
            for decision in &alert.decisions {
                self.decisions_are(&tenant(n), &DecisionCount::of(n, decision));
            }
        }
        if let Some(unlisted) = &receipt.truncated {
            for (state, reason, count) in &unlisted.alert_counts {
                self.alerts_are(source, state, reason.as_deref(), *count);
            }
            for counted in &unlisted.decision_counts {
                self.decisions_are(&tenant(counted.alert), counted);
            }
        }
    }

    fn alerts_are(&self, source: &str, state: &str, reason: Option<&str>, count: u32) {
        let labels = vec![("source", source.to_owned()), ("state", state.to_owned())];
        self.alerts.get_or_create(&labels).inc_by(u64::from(count));
        if let Some(reason) = reason {
            self.not_scanned(reason, count as usize);
        }
    }

    fn decisions_are(&self, tenant: &str, decisions: &DecisionCount) {
        let DecisionCount {
            rule,
            state,
            reason,
            scanned,
            count,
            ..
        } = decisions;
        let rule = rule.clone().unwrap_or_default();
        let labels = vec![
            ("tenant", tenant.to_owned()),
            ("rule", rule),
            ("state", state.clone()),
        ];
        self.decisions
            .get_or_create(&labels)
            .inc_by(u64::from(*count));
        // One that is resolving is counted again when it is decided.
        if !scanned && state != DecisionState::Resolving.code() {
            self.not_scanned(reason, *count as usize);
        }
    }

    /// Something happened in a lane.
    pub fn happened(&self, tenant: &str, what: &WorkerEvent) {
        let kind = |kind: &Kind| ("type", kind.code().to_owned());
        match what {
            WorkerEvent::Called { api, answer, took } => {
                let labels = vec![
                    ("operation", api.code().to_owned()),
                    ("status", answer.clone()),
                ];
                self.request_duration
                    .get_or_create(&labels)
                    .observe(took.as_secs_f64());
            }
            WorkerEvent::Sent { waited, .. } => self.alert_to_request.observe(waited.as_secs_f64()),
            WorkerEvent::Answered { kind: of, what, .. } => {
                let labels = vec![
                    ("tenant", tenant.to_owned()),
                    kind(of),
                    ("outcome", (*what).to_owned()),
                ];
                self.scan_requests.get_or_create(&labels).inc();
            }
            WorkerEvent::Ended { kind: of, took, .. } => {
                self.action_duration
                    .get_or_create(&vec![kind(of)])
                    .observe(took.as_secs_f64());
            }
            WorkerEvent::Decided {
                about,
                state,
                reason,
                ..
            } => {
                let rule = about.rule.clone().unwrap_or_default();
                let labels = vec![
                    ("tenant", tenant.to_owned()),
                    ("rule", rule),
                    ("state", state.code().to_owned()),
                ];
                self.decisions.get_or_create(&labels).inc();
                if *state != DecisionState::Scan {
                    self.not_scanned
                        .get_or_create(&vec![("reason", reason.code().to_owned())])
                        .inc();
                }
            }
            WorkerEvent::Token { expires, .. } => {
                self.token_expiry
                    .get_or_create(&vec![("tenant", tenant.to_owned())])
                    .set(unix(*expires));
            }
            WorkerEvent::Expired { count, .. } => self.not_scanned("expired", *count),
            WorkerEvent::CalledOff { .. }
            | WorkerEvent::Paused { .. }
            | WorkerEvent::Lowered { .. }
            | WorkerEvent::ClockSet { .. }
            | WorkerEvent::ClocksDiffer { .. }
            | WorkerEvent::Stopped { .. }
            | WorkerEvent::Unreachable { .. }
            | WorkerEvent::Reached { .. }
            | WorkerEvent::Alarm { .. } => {}
        }
    }

    /// The files were read; whether rules and settings are without fault.
    pub fn reloaded(&self, rules: bool, config: bool, now: Timestamp) {
        self.rules_loaded.set(i64::from(rules));
        self.config_loaded.set(i64::from(config));
        if rules {
            self.rules_loaded_at.set(unix(now));
        }
    }

    /// A source is not configured any more, so nobody expects to hear from it.
    pub fn forget_source(&self, source: &str) {
        self.last_delivery
            .remove(&vec![("source", source.to_owned())]);
    }

    /// A tenant is not configured any more: its gauges would stay as they were. What is open of it is shown again.
    pub fn forget_tenant(&self, tenant: &str) {
        let name = || ("tenant", tenant.to_owned());
        for gauge in [&self.waiting_age, &self.held_age, &self.token_expiry] {
            gauge.remove(&vec![name()]);
        }
        for side in FarSide::ALL {
            self.unreachable
                .remove(&vec![name(), ("side", side.code().to_owned())]);
        }
        for mode in armed::MODES {
            self.mode.remove(&vec![name(), ("mode", mode.to_owned())]);
        }
        for state in scanhook_core::scan::ScanState::ALL {
            self.scans
                .remove(&vec![name(), ("state", state.code().to_owned())]);
        }
        for api in Api::ALL {
            for window in ["minute", "hour"] {
                let labels = vec![
                    name(),
                    ("api", api.code().to_owned()),
                    ("window", window.to_owned()),
                ];
                for gauge in [
                    &self.quota_limit,
                    &self.quota_used,
                    &self.quota_effective,
                    &self.quota_used_by_others,
                ] {
                    gauge.remove(&labels);
                }
            }
        }
    }

    fn reach_and_mode(&self, tenant: &TenantView) {
        let labels =
            |key, value: &str| vec![("tenant", tenant.name.clone()), (key, value.to_owned())];
        for side in FarSide::ALL {
            let silent = tenant
                .lane
                .unreachable
                .iter()
                .any(|one| one.side == side.code());
            self.unreachable
                .get_or_create(&labels("side", side.code()))
                .set(f64::from(u8::from(silent)));
        }
        for mode in armed::MODES {
            self.mode
                .get_or_create(&labels("mode", mode))
                .set(f64::from(u8::from(tenant.mode == mode)));
        }
    }

    /// So many decisions came to nothing, for this reason.
    pub fn not_scanned(&self, reason: &str, count: usize) {
        self.not_scanned
            .get_or_create(&vec![("reason", reason.to_owned())])
            .inc_by(count as u64);
    }

    /// The text of `/metrics`; so many pauses are in force.
    #[must_use]
    pub fn render(
        &self,
        format: Exposition,
        tenants: &[TenantView],
        pauses: usize,
        journal: &Journal,
        now: Timestamp,
    ) -> String {
        let room = journal.space().room();
        self.journal_waiting
            .set(i64::try_from(journal.waiting()).unwrap_or(i64::MAX));
        let gauges = [
            &self.journal_size,
            &self.journal_max_size,
            &self.journal_disk_free,
        ];
        for (gauge, bytes) in gauges.into_iter().zip([room.used, room.most, room.free]) {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        self.paused.set(i64::try_from(pauses).unwrap_or(i64::MAX));
        for tenant in tenants {
            let name = || ("tenant", tenant.name.clone());
            for state in scanhook_core::scan::ScanState::ALL {
                let count = tenant.scans.get(state.code()).copied().unwrap_or(0);
                self.scans
                    .get_or_create(&vec![name(), ("state", state.code().to_owned())])
                    .set(f64::from(count));
            }
            let age = |since: &Option<String>| {
                since
                    .as_deref()
                    .and_then(Timestamp::parse)
                    .map_or(0.0, |since| now.since(since).as_secs_f64())
            };
            self.waiting_age
                .get_or_create(&vec![name()])
                .set(age(&tenant.waiting_since));
            self.held_age
                .get_or_create(&vec![name()])
                .set(age(&tenant.held_since));
            self.reach_and_mode(tenant);
            for (api, quota) in &tenant.quota {
                let minute = [
                    quota.per_minute,
                    quota.minute,
                    quota.effective_per_minute,
                    quota.used_by_others_per_minute,
                ];
                let hour = [
                    quota.per_hour,
                    quota.hour,
                    quota.effective_per_hour,
                    quota.used_by_others_per_hour,
                ];
                for (window, calls) in [("minute", minute), ("hour", hour)] {
                    let labels = vec![name(), ("api", api.clone()), ("window", window.to_owned())];
                    let gauges = [
                        &self.quota_limit,
                        &self.quota_used,
                        &self.quota_effective,
                        &self.quota_used_by_others,
                    ];
                    for (gauge, calls) in gauges.into_iter().zip(calls) {
                        gauge.get_or_create(&labels).set(f64::from(calls));
                    }
                }
            }
        }
        let mut written = String::new();
        // Writing to a String cannot fail.
        let _ = match format {
            Exposition::Classic => prometheus_text::encode(&mut written, &self.registry),
            Exposition::OpenMetrics => text::encode(&mut written, &self.registry),
        };
        written
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus keeps time in floats"
)]
fn unix(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

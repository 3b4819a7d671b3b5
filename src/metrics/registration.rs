//! The names and help texts that each metric is registered with. They are what dashboards and alerts rely on, so they lie
//! in one place, apart from the code that counts.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::{Labels, Metrics};
use crate::journal::Pulse;

impl Metrics {
    /// What arrives, and what becomes of it.
    pub(super) fn register_intake(&mut self) {
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
            "source_expect_every_seconds",
            "The longest silence of a source that is ordinary: its `expect_every`",
            self.expect_every.clone(),
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
    pub(super) fn register_scans(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "scan_requests",
            "Scan calls by what came of them",
            self.scan_requests.clone(),
        );
        to.register(
            "scan_outcomes",
            "Scans that are over, by how they ended",
            self.scan_outcomes.clone(),
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
        to.register(
            "holds_ending",
            "Held decisions that are dropped within the hour if nobody answers",
            self.holds_ending.clone(),
        );
    }

    /// Calls to the far side: what they may cost, and how long they take.
    pub(super) fn register_calls(&mut self) {
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
    pub(super) fn register_process(&mut self) {
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
            "stopped",
            "1 while a tenant is stopped and nothing is sent for it",
            self.stopped.clone(),
        );
        to.register(
            "remote_up",
            "1 while an operation of Entra ID or Defender can be reached, 0 also if it never could",
            self.remote_up.clone(),
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
        to.register(
            "certificate_expiry_timestamp_seconds",
            "When the certificate ends that is used there: server, admin, or tenant/ and its name",
            self.certificate_expiry.clone(),
        );
        let build = Family::<Labels, Gauge>::default();
        build
            .get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())])
            .set(1);
        to.register("build_info", "The program's version", build);
    }

    pub(super) fn register_journal(&mut self, pulse: &Pulse) {
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
}

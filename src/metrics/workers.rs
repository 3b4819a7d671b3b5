//! What is counted when something happens in a worker: calls, scans, late decisions, tokens.

use core::time::Duration;

use super::{Metrics, unix};
use crate::worker::WorkerEvent;
use scanhook_core::scan::{DecisionState, Kind, Outcome};

impl Metrics {
    /// Something happened in a worker.
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
            WorkerEvent::Ended {
                kind,
                outcome,
                took,
                ..
            } => self.ended(tenant, *kind, *outcome, *took),
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
            | WorkerEvent::Awaited { .. }
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

    /// A scan is over.
    fn ended(&self, tenant: &str, kind: Kind, outcome: Outcome, took: Duration) {
        let kind = ("type", kind.code().to_owned());
        let labels = vec![
            ("tenant", tenant.to_owned()),
            kind.clone(),
            ("outcome", outcome.code().to_owned()),
        ];
        self.scan_outcomes.get_or_create(&labels).inc();
        self.action_duration
            .get_or_create(&vec![kind])
            .observe(took.as_secs_f64());
    }
}

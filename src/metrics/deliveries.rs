//! What is counted when requests arrive, and what the receipt of a delivery says of its alerts and decisions.

use super::{Metrics, unix};
use crate::api::{DecisionCount, Receipt};
use crate::intake::Subject;
use scanhook_core::scan::DecisionState;
use scanhook_core::time::Timestamp;

impl Metrics {
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
}

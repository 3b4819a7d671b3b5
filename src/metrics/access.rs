//! The admin listener: what is asked there and ordered, who signs in, and what ends.

use prometheus_client::metrics::gauge::Gauge;
use std::sync::atomic::AtomicU64;

use super::{Counters, Gauges, Metrics, unix};
use crate::settings::AdminSettings;
use scanhook_core::time::Timestamp;

/// What is counted at the admin listener.
#[derive(Default)]
pub struct AccessMetrics {
    requests: Counters,
    orders: Counters,
    sign_ins: Counters,
    sessions: Gauge,
    token_until: Gauges,
    audit_head: Gauge<f64, AtomicU64>,
}

impl AccessMetrics {
    /// A request was answered; `route` is a path as the table of routes writes it.
    pub fn answered(&self, route: &str, status: u16) {
        let labels = vec![("route", route.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    /// An order was carried out, or refused with this code.
    pub fn ordered(&self, verb: &str, result: &str) {
        let labels = vec![("verb", verb.to_owned()), ("result", result.to_owned())];
        self.orders.get_or_create(&labels).inc();
    }

    /// Counters that can come are there from the start, as 0.
    pub fn expect_routes(&self, routes: impl Iterator<Item = (&'static str, &'static str)>) {
        for (route, verb) in routes {
            let labels = vec![("route", route.to_owned()), ("status", "200".to_owned())];
            drop(self.requests.get_or_create(&labels));
            if !verb.is_empty() {
                let labels = vec![("verb", verb.to_owned()), ("result", "done".to_owned())];
                drop(self.orders.get_or_create(&labels));
            }
        }
        for result in ["done", "token-refused"] {
            let labels = vec![("how", "token".to_owned()), ("result", result.to_owned())];
            drop(self.sign_ins.get_or_create(&labels));
        }
    }

    /// Somebody signed in, or was refused with this code.
    pub fn signed_in(&self, how: &str, result: &str) {
        let labels = vec![("how", how.to_owned()), ("result", result.to_owned())];
        self.sign_ins.get_or_create(&labels).inc();
    }

    /// So many are signed in; when the newest row of the audit was written.
    pub fn gauge(&self, sessions: u32, audit_head: Option<Timestamp>) {
        self.sessions.set(i64::from(sessions));
        self.audit_head.set(audit_head.map_or(0.0, unix));
    }

    /// When each token ends that does.
    pub(super) fn expect(&self, admin: &AdminSettings) {
        self.token_until.clear();
        for token in &admin.tokens {
            if let Some(until) = token.until {
                let labels = vec![("token", token.name.clone())];
                self.token_until.get_or_create(&labels).set(unix(until));
            }
        }
    }
}

impl Metrics {
    pub(super) fn register_access(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        let of = &self.access;
        to.register(
            "admin_requests",
            "Requests to the admin listener by route and status",
            of.requests.clone(),
        );
        to.register(
            "orders",
            "Orders of people and programs by what came of them",
            of.orders.clone(),
        );
        to.register(
            "sign_ins",
            "Sign-ins, and credentials that were refused, by kind and result",
            of.sign_ins.clone(),
        );
        to.register(
            "sessions",
            "Browsers that are signed in",
            of.sessions.clone(),
        );
        to.register(
            "token_until_timestamp_seconds",
            "When a token of a program ends",
            of.token_until.clone(),
        );
        to.register(
            "audit_head_timestamp_seconds",
            "When the newest row of the audit was written; 0: there is none",
            of.audit_head.clone(),
        );
    }
}

//! What became of what is sent to a collector: if it does not arrive there, whoever scrapes still sees that.

use prometheus_client::metrics::counter::Counter;

use super::{Counters, Metrics};

/// What is counted of exports.
#[derive(Default)]
pub struct TelemetryMetrics {
    exports: Counters,
    lost: Counter,
}

impl TelemetryMetrics {
    /// A request to the collector is over: `sent`, or `failed`.
    pub fn exported(&self, signal: &str, result: &str) {
        let labels = vec![("signal", signal.to_owned()), ("result", result.to_owned())];
        self.exports.get_or_create(&labels).inc();
    }

    /// So many spans will never arrive.
    pub fn lost(&self, spans: usize) {
        self.lost.inc_by(spans as u64);
    }

    /// Counters that can come are there from the start, as 0.
    pub(super) fn expect(&self) {
        for signal in ["traces", "metrics"] {
            for result in ["sent", "failed"] {
                let labels = vec![("signal", signal.to_owned()), ("result", result.to_owned())];
                drop(self.exports.get_or_create(&labels));
            }
        }
    }
}

impl Metrics {
    pub(super) fn register_telemetry(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook_telemetry");
        to.register(
            "exports",
            "Requests to the collector by what they carry and what came of them",
            self.telemetry.exports.clone(),
        );
        to.register(
            "spans_lost",
            "Spans that found no room or that the collector did not take",
            self.telemetry.lost.clone(),
        );
    }
}

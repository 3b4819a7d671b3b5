//! Gauges of sources and tenants that are configured no more: nobody would ever set them again, so they are removed.

use super::Metrics;
use crate::in_force::armed;
use crate::journal::Api;
use scanhook_core::obstacles::FarSide;

impl Metrics {
    /// A source is not configured any more, so nobody expects to hear from it.
    pub fn forget_source(&self, source: &str) {
        self.last_delivery
            .remove(&vec![("source", source.to_owned())]);
    }

    /// A tenant is not configured any more: its gauges would stay as they were. What is open of it is shown again.
    pub fn forget_tenant(&self, tenant: &str) {
        let name = || ("tenant", tenant.to_owned());
        for gauge in [
            &self.waiting_age,
            &self.held_age,
            &self.holds_ending,
            &self.stopped,
            &self.token_expiry,
            &self.lane_held,
        ] {
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
            self.remote_up
                .remove(&vec![name(), ("operation", api.code().to_owned())]);
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
}

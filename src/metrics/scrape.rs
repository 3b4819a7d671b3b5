//! What `/metrics` answers: gauges of the journal and the workers are set when somebody asks, then everything is written.

use std::collections::BTreeMap;

use prometheus_client::encoding::{prometheus_text, text};

use super::Metrics;
use super::exposition::Exposition;
use crate::api::TenantView;
use crate::in_force::armed;
use crate::journal::{Api, Journal};
use scanhook_core::obstacles::FarSide;
use scanhook_core::time::Timestamp;

impl Metrics {
    /// The text of `/metrics`; so many pauses are in force, and so many held decisions of each tenant end within the hour.
    #[must_use]
    pub fn render(
        &self,
        format: Exposition,
        tenants: &[TenantView],
        pauses: usize,
        ending: &BTreeMap<String, u32>,
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
            self.waits(tenant, now);
            self.holds_ending
                .get_or_create(&vec![name()])
                .set(f64::from(ending.get(&tenant.name).copied().unwrap_or(0)));
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

    /// Since when something of the tenant waits, and whether it waits because the tenant is stopped.
    fn waits(&self, tenant: &TenantView, now: Timestamp) {
        let name = vec![("tenant", tenant.name.clone())];
        let age = |since: &Option<String>| {
            since
                .as_deref()
                .and_then(Timestamp::parse)
                .map_or(0.0, |since| now.since(since).as_secs_f64())
        };
        self.waiting_age
            .get_or_create(&name)
            .set(age(&tenant.waiting_since));
        self.held_age
            .get_or_create(&name)
            .set(age(&tenant.held_since));
        self.stopped
            .get_or_create(&name)
            .set(f64::from(u8::from(tenant.lane.stopped.is_some())));
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
        // Before its lane has said anything, no token was granted.
        let token = Api::Token.code().to_owned();
        let unknown = (!tenant.lane.remote_up.contains_key(&token)).then_some((token, false));
        for (api, up) in tenant.lane.remote_up.clone().into_iter().chain(unknown) {
            self.remote_up
                .get_or_create(&labels("operation", &api))
                .set(f64::from(u8::from(up)));
        }
        for mode in armed::MODES {
            self.mode
                .get_or_create(&labels("mode", mode))
                .set(f64::from(u8::from(tenant.mode == mode)));
        }
    }
}

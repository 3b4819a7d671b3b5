//! The processes that have the same journal, and for which tenants this one calls.

use super::Metrics;
use crate::api::{ReplicaView, TenantView};

impl Metrics {
    /// Registers what is counted of replicas.
    pub(super) fn register_replicas(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "lane_held",
            "1 while this process calls for the tenant",
            self.lane_held.clone(),
        );
        to.register(
            "replicas",
            "Processes that have the same journal and live",
            self.replicas.clone(),
        );
        to.register(
            "replicas_differ",
            "1 while they go by different policies or tenants",
            self.replicas_differ.clone(),
        );
    }

    /// Who lives, and for which tenants the one calls that answers.
    pub fn replicas(&self, mine: i64, replicas: &[ReplicaView], tenants: &[TenantView]) {
        self.replicas
            .set(i64::try_from(replicas.len()).unwrap_or(i64::MAX));
        self.replicas_differ
            .set(i64::from(ReplicaView::differ(replicas)));
        for tenant in tenants {
            let held = tenant.holder.as_ref().is_some_and(|one| one.id == mine);
            self.lane_held
                .get_or_create(&vec![("tenant", tenant.name.clone())])
                .set(f64::from(u8::from(held)));
        }
    }
}

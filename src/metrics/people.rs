//! What people will have to see to, and who follows the events.

use super::Metrics;

impl Metrics {
    /// For the next scrape: of each tenant the decisions that will be held because the directory cannot be asked in time, and
    /// how many programs follow the events.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a gauge is a float, and so many decisions nobody has"
    )]
    pub fn people(&self, forecasts: &[(String, u64)], listeners: usize) {
        self.forecast_held.clear();
        for (tenant, held) in forecasts {
            let labels = vec![("tenant", tenant.clone())];
            self.forecast_held.get_or_create(&labels).set(*held as f64);
        }
        self.listeners
            .set(i64::try_from(listeners).unwrap_or(i64::MAX));
    }

    pub(super) fn register_people(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "forecast_held",
            "Decisions that will be held because the directory cannot be asked in time",
            self.forecast_held.clone(),
        );
        to.register(
            "listeners",
            "Programs that follow the stream of events",
            self.listeners.clone(),
        );
    }
}

//! The text of `/metrics`: what is known by being asked for is asked for, and then all is written.

use super::refusal::HttpError;
use super::state::Admin;
use crate::clock;
use crate::metrics::Exposition;

impl Admin {
    /// Everything that is shown, as it is now.
    ///
    /// # Errors
    /// [`HttpError`] where the journal cannot be read.
    pub async fn exposition(&self, format: Exposition) -> Result<String, HttpError> {
        let tenants = self.tenants().await?;
        let pauses = self.read(|reader| reader.pauses()).await?.len();
        let now = clock::now();
        let ending = self.read(move |reader| reader.holds_ending(now)).await?;
        let receivers = self.receivers().await?;
        let idle = self.settings().admin.session.idle;
        let (sessions, head) = self
            .read(move |reader| {
                Ok((
                    reader.sessions(now.minus(idle), now)?,
                    reader.audit_head_at()?,
                ))
            })
            .await?;
        let forecasts = self.forecasts().await?;
        let (mine, replicas) = (self.membership.replica.0, self.replicas().await?);

        let _turn = self.metrics.turn();
        self.metrics.receivers(&receivers, now);
        self.metrics.access.gauge(sessions, head);
        self.metrics.people(&forecasts, self.subscribers.count());
        self.metrics.replicas(mine, &replicas, &tenants);
        let text = self
            .metrics
            .render(format, &tenants, pauses, &ending, &self.journal, now);
        Ok(text)
    }
}

//! Events with the bodies that they are told by.

use crate::server::access::AskedBy;
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use scanhook_core::message::body as event_body;

/// An event as it is told.
pub(super) struct ToldEvent {
    pub(super) seq: i64,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Admin {
    /// Events after a number, as far as the grant reaches.
    pub(super) async fn event_bodies(
        &self,
        asked: &AskedBy,
        after: i64,
        most: usize,
    ) -> Result<Vec<ToldEvent>, HttpError> {
        let in_force = self.intake.in_force();
        let tenants = asked.tenants(&in_force);
        let found = self.read(move |reader| reader.events_after(after, most, tenants.as_deref()));
        let public = in_force.settings.admin.public_url.as_ref();
        let told = found.await?.into_iter().map(|notice| ToldEvent {
            seq: notice.seq,
            kind: notice.kind.code(),
            body: event_body(&notice, public).to_string(),
        });
        Ok(told.collect())
    }
}

//! What others see of the backoff: what keeps the worker from calling, and what stands in its status.

use std::collections::BTreeMap;

use super::backoff::Backoff;
use crate::api::LaneView;
use scanhook_core::obstacles::Obstacles;
use scanhook_core::time::Timestamp;

impl Backoff {
    /// What keeps the worker from calling, by what the backoff knows.
    pub(super) fn obstacles(&self, now: Timestamp) -> Obstacles {
        let later = |at: Timestamp| Some(at).filter(|at| *at > now);
        Obstacles {
            stopped: self.stopped.as_ref().map(|stopped| stopped.why.clone()),
            no_token: self.bearer(now).is_none(),
            token_at: later(self.token_due).filter(|_| self.bearer(now).is_none()),
            token_lacks: self.awaiting.as_ref().map(|awaited| awaited.why.clone()),
            throttled_until: later(self.memory.paused_until),
            resting_until: later(self.resting_until),
            ..Obstacles::default()
        }
    }

    pub(super) fn view(&self, now: Timestamp) -> LaneView {
        let claims = self.token.as_ref().map(|token| &token.claims);
        LaneView {
            credential: None,
            audience: claims.and_then(|claims| claims.aud.clone()),
            tenant_id: claims.and_then(|claims| claims.tid.clone()),
            roles: claims.map_or_else(Vec::new, |claims| claims.roles.clone()),
            token_expires_at: self.token.as_ref().map(|token| token.expires.to_string()),
            paused_until: Some(self.memory.paused_until)
                .filter(|until| *until > now)
                .map(|until| until.to_string()),
            stopped: self.stopped.as_ref().map(|stopped| stopped.why.clone()),
            unreachable: Vec::new(),
            remote_up: BTreeMap::new(),
            notes: self
                .notes
                .iter()
                .chain(&self.unreadable.1)
                .chain(self.awaiting.as_ref().map(|awaited| &awaited.why))
                .cloned()
                .collect(),
        }
    }
}

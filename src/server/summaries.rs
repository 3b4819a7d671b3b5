//! What is to be known now is put together at most once a second for all who ask.

use core::time::Duration;
use std::collections::BTreeMap;

use tokio::sync::{Mutex, MutexGuard};

use crate::api::NowView;
use crate::journal::TenantId;

/// How long one answer serves all.
const FRESH: Duration = Duration::from_secs(1);

/// Whom it is about; `None`: all tenants, and what belongs to none.
pub(super) type AboutTenants = Option<Vec<TenantId>>;

/// What was put together last.
#[derive(Default)]
pub struct Summaries(Mutex<Kept>);

/// What was put together last, and when, for each of those it is about.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<AboutTenants, (Duration, NowView)>);

impl Summaries {
    pub(super) async fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().await
    }
}

impl Kept {
    /// What is not too old; everything else is let go.
    pub(super) fn fresh(&mut self, about: &AboutTenants, mono: Duration) -> Option<NowView> {
        self.0.retain(|_, (at, _)| mono.saturating_sub(*at) < FRESH);
        self.0.get(about).map(|(_, view)| view.clone())
    }

    pub(super) fn keep(&mut self, about: AboutTenants, mono: Duration, view: NowView) {
        self.0.insert(about, (mono, view));
    }
}

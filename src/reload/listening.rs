//! Whoever has to hear of new settings beside the decisions, and what each of them has to know.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock;
use crate::in_force::ActiveConfig;
use crate::in_force::door::{SourceDoor, Sources};
use crate::intake::LastSeen;
use crate::keyrings;
use crate::metrics::Metrics;
use crate::settings::{Settings, Source};
use scanhook_core::time::Timestamp;

/// Whoever has to hear of new settings beside the decisions.
pub struct Listening {
    /// What the public door takes.
    pub doors: watch::Sender<Sources>,
    /// Where the keys of tokens are published.
    pub keys: watch::Sender<BTreeSet<String>>,
    /// Who is expected to be heard.
    pub heard: LastSeen,
    pub metrics: Arc<Metrics>,
}

impl Listening {
    /// Tells each of them what is in force now; `heard` is when those that are new were heard before.
    pub(super) fn follow(
        &self,
        old: &ActiveConfig,
        in_force: &ActiveConfig,
        heard: BTreeMap<String, Timestamp>,
    ) {
        let settings = &in_force.settings;
        self.doors.send_replace(doors(&settings.sources));
        let keys = keyrings::urls(&settings.sources);
        self.keys
            .send_if_modified(|known| core::mem::replace(known, keys.clone()) != keys);
        self.metrics.expect(in_force);
        for source in old
            .desks
            .keys()
            .filter(|name| !in_force.desks.contains_key(*name))
        {
            self.metrics.forget_source(source);
        }
        for tenant in old
            .tenants
            .iter()
            .filter(|old| in_force.tenants.iter().all(|tenant| tenant.id != old.id))
        {
            self.metrics.forget_tenant(&tenant.name);
        }
        for (source, at) in &heard {
            self.metrics.heard(source, *at);
        }
        let expected = expected(settings);
        self.heard
            .with(|silence| silence.expect(expected, heard, clock::now()));
    }
}

/// How long each source may stay silent.
#[must_use]
pub fn expected(settings: &Settings) -> BTreeMap<String, Duration> {
    settings
        .sources
        .iter()
        .filter_map(|source| Some((source.name.clone(), source.expect_every?)))
        .collect()
}

/// What the public door takes of each source.
#[must_use]
pub fn doors(sources: &[Source]) -> Sources {
    Arc::new(
        sources
            .iter()
            .map(|source| (source.name.clone(), SourceDoor::of(source)))
            .collect(),
    )
}

//! Whoever has to hear of new settings beside those who decide, and what each of them has to know.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use super::renewal::ListenerCertificates;
use crate::clock;
use crate::defender::client::Client;
use crate::in_force::ActiveConfig;
use crate::in_force::door::{SourceDoor, Sources};
use crate::intake::LastSeen;
use crate::keyrings;
use crate::metrics::Metrics;
use crate::settings::{Settings, Source};
use scanhook_core::silence::SourceSilence;
use scanhook_core::time::Timestamp;

/// Whoever has to hear of new settings beside those who decide.
pub(super) struct Followers {
    /// What the public door takes.
    pub(super) doors: watch::Sender<Sources>,
    /// Where the keys of tokens are published.
    pub(super) keys: watch::Sender<BTreeSet<String>>,
    /// What sends bytes.
    pub(super) client: watch::Sender<Client>,
    /// Who is expected to be heard.
    pub(super) heard: LastSeen,
    pub(super) metrics: Arc<Metrics>,
    pub(super) certificates: ListenerCertificates,
}

impl Followers {
    /// Before anything is in force: no door is open, nobody is expected to be heard.
    pub(super) fn new(
        client: watch::Sender<Client>,
        metrics: Arc<Metrics>,
        settings: &Settings,
    ) -> Followers {
        let nobody = SourceSilence::new(BTreeMap::new(), BTreeMap::new(), clock::now());
        Followers {
            doors: watch::Sender::default(),
            keys: watch::Sender::default(),
            client,
            heard: LastSeen::new(nobody),
            metrics,
            certificates: ListenerCertificates::of(settings),
        }
    }

    /// Tells each of them what is in force now; `heard` is when those that are new were heard before.
    pub(super) fn follow(
        &self,
        old: Option<&ActiveConfig>,
        in_force: &ActiveConfig,
        heard: BTreeMap<String, Timestamp>,
    ) {
        let settings = &in_force.settings;
        self.doors.send_replace(doors(&settings.sources));
        let keys = keyrings::urls(&settings.sources);
        self.keys
            .send_if_modified(|known| core::mem::replace(known, keys.clone()) != keys);
        self.metrics.expect(in_force);
        if let Some(old) = old {
            self.forget(old, in_force);
            self.certificates.renew(&old.settings, settings);
        }
        for (source, at) in &heard {
            self.metrics.heard(source, *at);
        }
        let expected = expected(settings);
        self.heard
            .with(|silence| silence.expect(expected, heard, clock::now()));
    }

    /// Drops what the metrics show of sources and tenants that are gone.
    fn forget(&self, old: &ActiveConfig, in_force: &ActiveConfig) {
        for source in old
            .bindings
            .keys()
            .filter(|name| !in_force.bindings.contains_key(*name))
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
    }
}

/// How long each source may stay silent.
fn expected(settings: &Settings) -> BTreeMap<String, Duration> {
    settings
        .sources
        .iter()
        .filter_map(|source| Some((source.name.clone(), source.expect_every?)))
        .collect()
}

/// What the public door takes of each source.
fn doors(sources: &[Source]) -> Sources {
    Arc::new(
        sources
            .iter()
            .map(|source| (source.name.clone(), SourceDoor::of(source)))
            .collect(),
    )
}

//! Puts settings and a policy in force: the first ones at the start, others at a reload, in one order.
//!
//! 1. What can fail comes first and is seen by nobody: the rows of new tenants, the accounts of the workers, the record of
//!    the policy, what the journal knows of new sources. A fault leaves everything as it was.
//! 2. The [`ActiveConfig`] is published, at once and as a whole: whoever decides takes it from one `watch` channel.
//! 3. Then whoever only follows hears of it (`followers`), and last the workers, whose calls need all of the above.

mod followers;
mod renewal;

pub use renewal::Renewed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock;
use crate::defender::BadEndpoint;
use crate::defender::client::Client;
use crate::in_force::door::Sources;
use crate::in_force::{ActiveConfig, Current};
use crate::intake::LastSeen;
use crate::journal::{Journal, JournalError, PolicyId, Reader};
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::worker::Account;
use crate::workers::TenantWorkers;
use followers::Followers;
use scanhook_core::time::Timestamp;

/// Why nothing was put in force.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// The journal cannot be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A far side's address is not allowed.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
}

/// What is in force, and everybody who has to hear of it when that changes.
pub struct Activation {
    journal: Journal,
    workers: TenantWorkers,
    publish: watch::Sender<Arc<ActiveConfig>>,
    followers: Followers,
}

/// What was made ready to be put in force.
struct Prepared {
    config: Arc<ActiveConfig>,
    accounts: Vec<Account>,
    /// When sources that are new were heard before.
    heard: BTreeMap<String, Timestamp>,
}

impl Activation {
    /// Puts the first settings and policy in force.
    ///
    /// # Errors
    /// [`ActivationError`]; then no worker has begun.
    pub async fn begin(
        journal: Journal,
        mut workers: TenantWorkers,
        client: watch::Sender<Client>,
        metrics: Arc<Metrics>,
        settings: Settings,
        policy: Policy,
    ) -> Result<Activation, ActivationError> {
        let (settings, policy) = (Arc::new(settings), Arc::new(policy));
        let prepared = prepare(&journal, &mut workers, settings, policy, None).await?;
        let mut begun = Activation {
            journal,
            workers,
            publish: watch::Sender::new(prepared.config.clone()),
            followers: Followers::new(client, metrics, &prepared.config.settings),
        };
        begun.follow(None, prepared);
        Ok(begun)
    }

    /// Puts other settings, another policy or both in force, and lets calls leave by another client; what was before.
    ///
    /// # Errors
    /// [`ActivationError`]; then all stays as it was.
    pub async fn activate(
        &mut self,
        settings: Option<Settings>,
        policy: Option<Arc<Policy>>,
        client: Option<Client>,
    ) -> Result<Arc<ActiveConfig>, ActivationError> {
        let old = self.in_force();
        let settings = settings.map_or_else(|| old.settings.clone(), Arc::new);
        let policy = policy.unwrap_or_else(|| old.policy.clone());
        let (journal, workers) = (&self.journal, &mut self.workers);
        let prepared = prepare(journal, workers, settings, policy, Some(&old)).await?;
        self.publish.send_replace(prepared.config.clone());
        if let Some(client) = client {
            self.followers.client.send_replace(client);
        }
        self.follow(Some(&old), prepared);
        Ok(old)
    }

    /// What nobody decides by, once what they decide by is published.
    fn follow(&mut self, old: Option<&ActiveConfig>, prepared: Prepared) {
        let Prepared {
            config,
            accounts,
            heard,
        } = prepared;
        self.followers.follow(old, &config, heard);
        self.workers.employ(accounts, &self.publish.subscribe());
    }

    /// What is in force now.
    #[must_use]
    pub fn in_force(&self) -> Arc<ActiveConfig> {
        self.publish.borrow().clone()
    }

    /// What is in force, for whoever takes it anew for each piece of work.
    #[must_use]
    pub fn current(&self) -> Current {
        self.publish.subscribe()
    }

    /// What the public door takes of each source.
    #[must_use]
    pub fn sources(&self) -> watch::Receiver<Sources> {
        self.followers.doors.subscribe()
    }

    /// Where the keys are published that tokens may be signed with.
    #[must_use]
    pub fn keys(&self) -> watch::Receiver<BTreeSet<String>> {
        self.followers.keys.subscribe()
    }

    /// What sends bytes now.
    #[must_use]
    pub fn client(&self) -> Client {
        self.followers.client.borrow().clone()
    }

    /// What the next handshakes of the public and of the admin listener go by, if they have TLS.
    #[must_use]
    pub fn renewed(&self) -> [Option<Renewed>; 2] {
        self.followers.certificates.seen()
    }

    /// When each source was last heard.
    #[must_use]
    pub fn heard(&self) -> LastSeen {
        self.followers.heard.clone()
    }

    /// The counters of what is in force.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.followers.metrics
    }

    /// Where policies are recorded.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Waits until a worker has ended; false where none runs any more.
    pub async fn one_worker_ended(&mut self) -> bool {
        self.workers.one_ended().await
    }
}

/// All that can fail, before anybody sees any of it.
async fn prepare(
    journal: &Journal,
    workers: &mut TenantWorkers,
    settings: Arc<Settings>,
    policy: Arc<Policy>,
    old: Option<&ActiveConfig>,
) -> Result<Prepared, ActivationError> {
    let tenants = workers.register(&settings).await?;
    let accounts = workers.accounts(&settings)?;
    let id = match old.filter(|old| Arc::ptr_eq(&old.policy, &policy)) {
        Some(old) => old.id,
        None => record(journal, policy.clone()).await?,
    };
    let names = settings.sources.iter().map(|source| &source.name);
    let new = names.filter(|name| old.is_none_or(|old| !old.bindings.contains_key(*name)));
    let heard = last_heard(journal, new.cloned().collect()).await?;
    Ok(Prepared {
        config: Arc::new(ActiveConfig::of(policy, id, settings, tenants)),
        accounts,
        heard,
    })
}

/// Writes a policy down, so that what it decides can be explained later.
async fn record(journal: &Journal, policy: Arc<Policy>) -> Result<PolicyId, JournalError> {
    let now = clock::now();
    journal
        .write(move |tx| tx.policy(policy.fingerprint(), &policy.record(), now))
        .await
}

/// When each of these sources was last heard, as far as the journal knows.
async fn last_heard(
    journal: &Journal,
    names: Vec<String>,
) -> Result<BTreeMap<String, Timestamp>, JournalError> {
    let look = move |reader: &Reader<'_>| {
        let last = |name: String| Ok(reader.last_heard(&name)?.map(|at| (name, at)));
        names
            .into_iter()
            .map(last)
            .collect::<Result<Vec<_>, JournalError>>()
    };
    Ok(journal.read(look).await?.into_iter().flatten().collect())
}

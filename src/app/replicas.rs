//! This process among those that have the same journal: its row there, its signs of life, and whether the others were told
//! the same.

use core::time::Duration;

use tokio::sync::watch;

use super::log_target::APP;
use crate::clock;
use crate::in_force::Current;
use crate::journal::{Journal, JournalError, ReplicaAbout, ReplicaRow};
use crate::policy::Policy;
use crate::server::membership::Membership;
use crate::settings::Settings;
use scanhook_core::lease::LeaseTerms;

/// For so long replicas may differ while one after the other gets other files.
const ROLL_OUT: Duration = Duration::from_secs(300);

/// Writes down that this process begins.
pub(super) async fn join(
    journal: &Journal,
    settings: &Settings,
    policy: &Policy,
    lease: Option<LeaseTerms>,
) -> Result<Membership, JournalError> {
    let about = about(settings, policy);
    let joined = journal.write(move |tx| {
        let replica = tx.new_replica(&about)?;
        if lease.is_none() {
            tx.is_alone(replica)?;
        }
        Ok(replica)
    });
    let replica = joined.await?;
    Ok(Membership { replica, lease })
}

fn about(settings: &Settings, policy: &Policy) -> ReplicaAbout {
    ReplicaAbout {
        name: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: policy.fingerprint().to_owned(),
        settings: settings.agreement(),
    }
}

/// Says that this process lives, as often as leases are renewed, and what it goes by. Where it is alone, only the latter.
pub(super) async fn live(
    membership: Membership,
    journal: Journal,
    mut current: Current,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let replica = membership.replica;
    let mut differing = Differing::default();
    while !*stop.borrow() {
        let in_force = current.borrow_and_update().clone();
        let about = about(&in_force.settings, &in_force.policy);
        let said = journal.write(move |tx| tx.replica_lives(replica, &about));
        if let Err(error) = said.await {
            tracing::error!(target: APP, code = error.code(), %error, "a sign of life could not be written");
        }
        if let Some(terms) = membership.lease
            && let Ok(all) = journal.read(move |reader| reader.replicas(terms)).await
        {
            differing.look(&all, clock::mono());
        }
        let every = membership.lease.map(LeaseTerms::renew_every);
        tokio::select! {
            _ = stop.changed() => {}
            Ok(()) = current.changed() => {}
            () = tokio::time::sleep(every.unwrap_or(Duration::MAX)) => {}
        }
    }
    if let Err(error) = journal.write(move |tx| tx.replica_leaves(replica)).await {
        tracing::warn!(target: APP, code = error.code(), %error, "the others are not told that this process ends");
    }
    "the signs of life"
}

/// Since when replicas go by other files than one another.
#[derive(Default)]
struct Differing {
    since: Option<Duration>,
    told: bool,
}

impl Differing {
    /// One log line once a roll-out should be over.
    fn look(&mut self, all: &[ReplicaRow], now: Duration) {
        let by = |row: &ReplicaRow| (row.about.policy.clone(), row.about.settings.clone());
        if all.windows(2).all(|pair| by(&pair[0]) == by(&pair[1])) {
            *self = Differing::default();
            return;
        }
        let since = *self.since.get_or_insert(now);
        if !self.told && now.saturating_sub(since) >= ROLL_OUT {
            self.told = true;
            tracing::warn!(
                target: APP,
                "replicas go by different policies or tenants for more than five minutes: `scanhook status` lists them"
            );
        }
    }
}

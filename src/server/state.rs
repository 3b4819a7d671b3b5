//! What the admin listener reads, and gives orders to.

use core::time::Duration;
use std::sync::Arc;

use axum::extract::State;
use tokio::sync::watch;

use super::access::{AskedBy, RefusedCredentials};
use super::membership::{Membership, name_holders};
use super::reception::Refusals;
use super::refusal::HttpError;
use super::subscribers::Subscribers;
use super::summaries::Summaries;
use super::traces::Traces;
use crate::api::{PauseView, ReplicaView, SourceView, TenantView, WaitView};
use crate::clock;
use crate::intake::{Intake, LastSeen};
use crate::journal::{Journal, JournalError, Reader, TenantId};
use crate::metrics::Metrics;
use crate::openid::OpenId;
use crate::reload::Reloads;
use scanhook_core::rules::duration;
use scanhook_core::time::Timestamp;
use scanhook_core::wait::Wait;

/// How long a view of the page may take.
const LONGEST_VIEW: Duration = Duration::from_secs(2);

/// What the admin listener reads, and gives orders to.
#[derive(Clone)]
pub struct Admin {
    pub journal: Journal,
    /// The sources and the policy in force.
    pub intake: Arc<Intake>,
    pub metrics: Arc<Metrics>,
    pub refusals: Arc<Refusals>,
    /// What came no further than the door.
    pub traces: Arc<Traces>,
    pub heard: LastSeen,
    pub ready: watch::Receiver<bool>,
    pub started: Timestamp,
    pub reloads: Reloads,
    pub summaries: Arc<Summaries>,
    /// The issuer at which people sign in.
    pub openid: Arc<OpenId>,
    /// Credentials that were refused at the admin listener.
    pub credentials: Arc<RefusedCredentials>,
    /// Programs that follow the events.
    pub subscribers: Subscribers,
    /// Holds true once everything stops.
    pub stopping: watch::Receiver<bool>,
    /// This process among those that have the journal.
    pub membership: Membership,
}

pub(super) type SharedAdmin = State<Arc<Admin>>;

impl Admin {
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, HttpError> {
        self.journal.read(look).await.map_err(|error| {
            if error == JournalError::TooSlow {
                return HttpError::ViewTooSlow;
            }
            tracing::error!(code = error.code(), %error, "the journal could not be read");
            HttpError::JournalUnavailable
        })
    }

    /// The same for one view of the page: on the page's own connection, and not for longer than a view may take.
    pub(super) fn viewing(&self) -> Admin {
        Admin {
            journal: self.journal.viewing(clock::mono() + LONGEST_VIEW),
            ..self.clone()
        }
    }

    /// The pauses in force, held against the policy in force.
    pub(super) async fn pauses(&self) -> Result<Vec<PauseView>, HttpError> {
        let mut pauses = self.read(|reader| reader.pauses()).await?;
        let in_force = self.intake.in_force();
        pauses
            .iter_mut()
            .for_each(|pause| pause.compare(in_force.policy.rules().names()));
        Ok(pauses)
    }

    /// The same, as far as a grant reaches.
    pub(super) async fn pauses_for(&self, asked: &AskedBy) -> Result<Vec<PauseView>, HttpError> {
        let mut pauses = self.pauses().await?;
        pauses.retain(|pause| asked.sees_pause(pause));
        Ok(pauses)
    }

    /// Nobody calls for a tenant that the configuration does not name, so what its worker wrote last says nothing.
    pub(super) fn orphaned(&self, tenant: &str, waits: &mut Vec<WaitView>) {
        let in_force = self.intake.in_force();
        if !waits.is_empty() && in_force.tenants.iter().all(|known| known.name != tenant) {
            *waits = vec![WaitView::of(&Wait::NotConfigured(tenant.to_owned()))];
        }
    }

    /// Fills in whether a source is silent for too long.
    pub(super) fn silence(&self, source: &mut SourceView) {
        let (now, name) = (clock::now(), source.name.clone());
        let (expected, since) = self
            .heard
            .with(|silence| (silence.expected(&name), silence.since(&name, now)));
        source.expect_every = expected.map(duration::show);
        source.silent_since = since.map(|since| since.to_string());
    }

    /// Every source, and whether it is silent for too long.
    pub(super) async fn silences(&self) -> Result<Vec<SourceView>, HttpError> {
        let names: Vec<String> = self.intake.in_force().bindings.keys().cloned().collect();
        let mut sources = self
            .read(move |reader| {
                let views = names.iter().map(|name| reader.source(name));
                views.collect::<Result<Vec<_>, _>>()
            })
            .await?;
        sources.iter_mut().for_each(|source| self.silence(source));
        Ok(sources)
    }

    pub(super) fn tenant_called(&self, name: &str) -> Option<TenantId> {
        self.intake
            .in_force()
            .tenants
            .iter()
            .find(|tenant| tenant.name == name)
            .map(|tenant| tenant.id)
    }

    /// The replicas that live, this one among them.
    pub(super) async fn replicas(&self) -> Result<Vec<ReplicaView>, HttpError> {
        let mine = self.membership;
        let terms = mine.lease.unwrap_or_default();
        let rows = self.read(move |reader| reader.replicas(terms)).await?;
        Ok(rows.iter().map(|row| mine.view(row)).collect())
    }

    pub(super) async fn tenants(&self) -> Result<Vec<TenantView>, HttpError> {
        let in_force = self.intake.in_force();
        let named: Vec<(TenantId, String)> = in_force
            .tenants
            .iter()
            .map(|t| (t.id, t.name.clone()))
            .collect();
        let mut views = self
            .read(move |reader| {
                named
                    .iter()
                    .map(|(id, name)| reader.tenant(*id, name))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        for (view, tenant) in views.iter_mut().zip(&in_force.tenants) {
            let (lane, quota) = tenant.board.borrow().clone();
            view.mode = in_force.mode_of(tenant.terms.ceiling).to_owned();
            view.code = lane.unreachable.first().map(|outage| outage.code.clone());
            view.lane = lane;
            view.quota = quota;
        }
        let leases = match self.membership.lease {
            Some(_) => self.read(|reader| reader.leases()).await?,
            None => Vec::new(),
        };
        name_holders(self.membership, &leases, &in_force.settings, &mut views);
        let known: Vec<TenantId> = in_force.tenants.iter().map(|tenant| tenant.id).collect();
        views.extend(self.read(move |reader| reader.orphans(&known)).await?);
        Ok(views)
    }
}

//! The workers of all tenants: one loop a tenant, begun when its tenant is first configured and ended with the process. A
//! reload gives it another account, or takes it away: then the calls under way come to their end first.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock;
use crate::defender::client::Client;
use crate::defender::{BadEndpoint, Endpoints};
use crate::in_force::{ActiveTenant, Current, ceiling};
use crate::journal::{Journal, JournalError, Seat, TenantId};
use crate::policy::{Ceiling, Terms};
use crate::settings::{Settings, SettingsFault, Tenant};
use crate::worker::run::{Board, LoanBoard, Runner, Tell};
use crate::worker::{Account, Pace};
use scanhook_core::lease::LeaseWatch;
use scanhook_core::scan::Mode;

/// What every worker runs with.
pub struct Surroundings {
    pub journal: Journal,
    /// What sends bytes; another one once there are other settings of the network.
    pub client: watch::Receiver<Client>,
    pub pace: Pace,
    /// Where other processes have the same journal: in whose name the workers ask for leases.
    pub seat: Option<Seat>,
    /// The simulator that is played in the far side's place.
    pub simulated: Option<SocketAddr>,
    /// True once the process stops.
    pub stop: watch::Receiver<bool>,
    /// What the workers lend to whoever writes back.
    pub loans: LoanBoard,
    pub tell: Arc<Tell>,
}

/// The workers, by their tenant's name.
pub struct TenantWorkers {
    with: Surroundings,
    slots: BTreeMap<String, TenantSlot>,
    running: JoinSet<()>,
}

/// A tenant's place; it stays when the tenant goes, so that none ever has two workers.
struct TenantSlot {
    id: TenantId,
    account: watch::Sender<Option<Arc<Account>>>,
    board: Board,
    taken: bool,
}

/// Why a tenant has no credential, and what to do.
fn lacking(faults: &[SettingsFault]) -> String {
    let faults: Vec<_> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.key, fault.message))
        .collect();
    let faults = faults.join("; ");
    format!(
        "its credential cannot be read: {faults}. Put that right, and the tenant goes on by itself"
    )
}

impl TenantWorkers {
    /// No worker yet.
    #[must_use]
    pub fn new(with: Surroundings) -> TenantWorkers {
        TenantWorkers {
            with,
            slots: BTreeMap::new(),
            running: JoinSet::new(),
        }
    }

    /// Makes sure that each configured tenant has its row in the journal; how they are shown. Receivers have theirs as
    /// well, so that whatever happens from now on is told to them.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn register(
        &mut self,
        settings: &Settings,
    ) -> Result<Vec<ActiveTenant>, JournalError> {
        let receivers = settings.receivers.iter().map(|one| one.name.clone());
        let receivers: Vec<String> = receivers.collect();
        let registered = self
            .with
            .journal
            .write(move |tx| tx.register_receivers(&receivers, clock::now()));
        registered.await?;
        let mut shown = Vec::new();
        for tenant in &settings.tenants {
            let name = tenant.name.clone();
            if !self.slots.contains_key(&name) {
                let named = name.clone();
                let id = self.with.journal.write(move |tx| tx.tenant(&named)).await?;
                let slot = TenantSlot {
                    id,
                    account: watch::Sender::new(None),
                    board: Board::default(),
                    taken: false,
                };
                self.slots.insert(name.clone(), slot);
            }
            if let Some(slot) = self.slots.get(&name) {
                let terms = Terms {
                    ceiling: ceiling(settings, tenant),
                    limit: Some(tenant.limit),
                };
                shown.push(ActiveTenant {
                    name,
                    id: slot.id,
                    board: slot.board.subscribe(),
                    terms,
                });
            }
        }
        Ok(shown)
    }

    /// Who calls for each tenant.
    ///
    /// # Errors
    /// When a far side's address is not allowed.
    pub fn accounts(&self, settings: &Settings) -> Result<Vec<Account>, BadEndpoint> {
        settings
            .tenants
            .iter()
            .map(|tenant| self.account(settings, tenant))
            .collect()
    }

    fn account(&self, settings: &Settings, tenant: &Tenant) -> Result<Account, BadEndpoint> {
        let endpoints = match self.with.simulated {
            Some(address) => {
                let url = format!("http://{address}");
                Endpoints::custom(&url, &url, &Endpoints::commercial().token_scope, false)?
            }
            None => tenant.endpoints.clone(),
        };
        Ok(Account {
            name: tenant.name.clone(),
            endpoints,
            tenant_id: tenant.tenant_id.clone(),
            client_id: tenant.client_id.clone(),
            credential: tenant.credential.clone().map_err(|faults| lacking(&faults)),
            gives_way_to: tenant.gives_way_to(&settings.tenants),
            share: tenant.quota,
            on_unknown: tenant.on_unknown,
            azure: self
                .with
                .simulated
                .map(|address| format!("http://{address}")),
            comments: settings.comments_alerts_of(&tenant.name),
            external_id: tenant.external_id,
            follow_for: self.with.pace.follow_for.unwrap_or(tenant.follow_for),
            sends: ceiling(settings, tenant) != Ceiling::AtMost(Mode::DryRun),
        })
    }

    /// Lets these accounts call, and no others: new workers begin, those of tenants that are gone rest.
    pub fn employ(&mut self, accounts: Vec<Account>, current: &Current) {
        let mut accounts: BTreeMap<_, _> = accounts
            .into_iter()
            .map(|account| (account.name.clone(), account))
            .collect();
        for (name, slot) in &mut self.slots {
            let account = accounts.remove(name);
            let begins = account.is_some() && !slot.taken;
            slot.account.send_if_modified(|held| {
                // The same account must not be sent again: its worker would wait for all its calls and be loaded anew.
                let same = match (&*held, &account) {
                    (Some(held), Some(account)) => held.is_same(account),
                    (None, None) => true,
                    _ => false,
                };
                if !same {
                    *held = account.map(Arc::new);
                }
                !same
            });
            if begins {
                slot.taken = true;
                let runner = Runner {
                    name: name.clone(),
                    journal: self.with.journal.clone(),
                    tenant: slot.id,
                    seat: self.with.seat,
                    watch: LeaseWatch::default(),
                    account: slot.account.subscribe(),
                    pace: self.with.pace,
                    client: self.with.client.clone(),
                    current: current.clone(),
                    stop: self.with.stop.clone(),
                    board: slot.board.clone(),
                    loans: self.with.loans.clone(),
                    tell: self.with.tell.clone(),
                };
                self.running.spawn(runner.run());
            }
        }
    }

    /// Waits until a worker has ended; false where none runs any more.
    pub async fn one_ended(&mut self) -> bool {
        self.running.join_next().await.is_some()
    }
}

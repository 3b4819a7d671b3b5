//! A worker is loaded from the journal, at the start and whenever one was lost, and what it must not forget is written
//! back. A restart, a failing disk and a crash take this same way.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Account;
use super::backoff::Backoff;
use super::gets::Gets;
use super::lists::ListState;
use super::looks::Lookups;
use super::moved::is_elsewhere;
use super::pace::Pace;
use super::reach::Reach;
use super::state::TenantWorker;
use super::turn::Turn;
use super::wall_clock::{FarClock, WallClock};
use crate::in_force::SourceBindings;
use crate::journal::{ActivePauses, Api, JournalError, Seat, TenantId, Tx};
use scanhook_core::quota::{Budget, Learnt};
use scanhook_core::time::Now;

impl TenantWorker {
    /// Loads what the journal knows. Calls nobody waits for any more have ended, and what was being sent is unknown.
    /// Where other processes have the same journal, the one that loads takes the app's lease in its `seat`; `None`: another
    /// has it.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn load(
        tx: &mut Tx<'_>,
        (id, seat): (TenantId, Option<Seat>),
        account: Arc<Account>,
        bindings: Arc<SourceBindings>,
        pace: Pace,
        now: Now,
    ) -> Result<Option<TenantWorker>, JournalError> {
        let lease = match seat {
            Some(seat) => tx.take_lease(&account.app(), id, seat)?,
            None => None,
        };
        if seat.is_some() && lease.is_none() {
            return Ok(None);
        }
        let entra = account.tenant_id.parse().ok();
        let moved_to = if is_elsewhere(tx, id, entra)? {
            entra
        } else {
            None
        };
        if moved_to.is_none() {
            if let Some(entra) = entra {
                tx.now_belongs_to(id, entra)?;
            }
            tx.calls_as(id, &account.tenant_id, &account.client_id)?;
        }
        let backoff = Backoff::load(&tx.memory(id)?);
        let learnt = |api: &Api| (*api, Budget::load([], backoff.learnt(*api)));
        // Comments on alerts have a budget of their own, and whoever writes them counts them.
        let is_mine = |api: &&Api| **api != Api::Alert;
        let looks = Lookups::recalled(backoff.asked_for());
        let mut worker = TenantWorker {
            id,
            lease,
            ahead_of_database: 0,
            account,
            bindings,
            pace,
            wall_clock: backoff.wall_clock().unwrap_or_else(|| WallClock::new(now)),
            far_clock: FarClock::default(),
            budgets: Api::ALL.iter().filter(is_mine).map(learnt).collect(),
            backoff,
            leaving: BTreeMap::new(),
            lists: ListState::new(pace.rows),
            gets: Gets::default(),
            reach: Reach::default(),
            spent: None,
            written: None,
            condition: None,
            untold: Vec::new(),
            pauses: ActivePauses::default(),
            looks,
            moved_to,
        };
        let mut turn = Turn::new(tx, now.wall, Vec::new());
        worker.keep_time(&mut turn, now)?;
        worker.untold = turn.events;
        tx.abandon_calls(id, now.wall)?;
        tx.sending_is_unknown(id, now.wall.plus(pace.settle))?;
        for (api, budget) in &mut worker.budgets {
            *budget = Budget::load(tx.past_calls(id, *api, now.wall)?, budget.learnt());
            if !pace.lull.is_zero() {
                budget.watch(now.wall);
            }
        }
        Ok(Some(worker))
    }

    /// Takes the sources that are in force from now on.
    pub fn hear_from(&mut self, bindings: Arc<SourceBindings>) {
        self.bindings = bindings;
    }

    /// Writes down what a restart must not forget.
    pub(super) fn save_memory(&mut self, tx: &mut Tx<'_>) -> Result<(), JournalError> {
        let learnt = self
            .budgets
            .iter()
            .map(|(api, budget)| (api.code().to_owned(), budget.learnt()));
        self.backoff.memory.learnt = learnt
            .filter(|(_, learnt)| *learnt != Learnt::default())
            .collect();
        self.backoff.memory.probe = self.backoff.throttle.holds_back();
        self.backoff.memory.clock = Some(self.wall_clock);
        let asked_for = self.looks.time.at(self.wall_clock.seen());
        self.backoff.memory.asked_for = u64::try_from(asked_for.as_millis()).unwrap_or(u64::MAX);
        let memory = serde_json::to_string(&self.backoff.memory);
        tx.remember(
            self.id,
            &memory.map_err(|_| JournalError::Conflict("a lane's memory is not JSON"))?,
        )
    }
}

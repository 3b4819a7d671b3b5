//! One poll, step after step. What an answer leads to stands in `answer`.

use super::call::PollResult;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, PolicyId, Tx};
use crate::policy::Policy;
use scanhook_core::time::Now;

impl TenantWorker {
    /// Decides what leaves now, and by the policy of row `id` what has waited for the directory. The calls may be sent once
    /// the transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written; then the worker must be loaded again.
    pub fn poll(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &Policy,
        id: PolicyId,
        now: Now,
    ) -> Result<PollResult, JournalError> {
        self.hold(tx, now.wall)?;
        tx.ask_usual(self.id, now.wall)?;
        let mut turn = Turn::new(tx, now.wall, std::mem::take(&mut self.untold));
        if let Some(lease) = &self.lease {
            turn.wake(now.wall.plus(lease.terms().renew_every()));
        }
        self.keep_time(&mut turn, now)?;
        self.poll_all(&mut turn, policy, id)?;
        self.write_obstacles(turn.tx, turn.now)?;
        self.forget_previous(&mut turn);
        // Whoever takes over counts on from where both clocks stood at the last renewal.
        if !turn.calls.is_empty() || self.lease.is_some() {
            self.save_memory(turn.tx)?;
        }
        Ok(turn.done())
    }

    /// The steps, one after the other.
    fn poll_all(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        id: PolicyId,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        self.spent = None;
        self.expire_held(turn)?;
        self.poll_pauses(turn)?;
        let at = turn.tx.release_due(self.id, now)?;
        turn.wake(at);
        self.drop_overdue(turn)?;
        self.end_dry(turn)?;
        self.give_up(turn)?;
        self.drop_called_off(turn)?;
        let elsewhere = self.waits_for_the_old(turn)? || self.gives_way(turn)?;
        self.decide_resolving(turn, policy, id)?;
        if elsewhere {
            self.drop_too_old(turn)?;
        }
        if self.backoff.closed_until(now) > now {
            turn.wake(self.backoff.closed_until(now));
            return Ok(());
        }
        self.poll_token(turn)?;
        self.poll_cancel(turn)?;
        self.poll_actions(turn)?;
        self.settle_unfollowed(turn)?;
        self.poll_looks(turn)?;
        // On a full disk what is under way is followed to its end, and nothing new leaves.
        if !turn.tx.is_tight() {
            self.poll_scans(turn, policy)?;
        }
        self.poll_probe(turn)
    }
}

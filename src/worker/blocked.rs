//! The errand of waiting for somebody else's scan: a machine that their weaker one occupies is not called again before it
//! is over, so that a fleet of busy machines costs no scan calls. Their action is read by its id, the older the rarer.

use super::call::{Call, PollResult};
use super::event::WorkerEvent;
use super::state::TenantWorker;
use crate::defender::reply::ActionReply;
use crate::defender::{Answer, request};
use crate::journal::{Api, Blocked, JournalError, Tx};
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Reads the action that occupies a machine, when it is due. Where reading is forbidden the scan is tried again by the
    /// clock.
    pub(super) fn poll_blocked(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if self.is_under_way(Api::Get) {
            return Ok(());
        }
        while let Some(blocked) = tx.next_blocked(self.id)? {
            if blocked.look_at > now {
                todo.wake(blocked.look_at);
                return Ok(());
            }
            if !self.may_get() {
                self.try_by_the_clock(tx, &blocked, now)?;
                todo.wake(now);
                continue;
            }
            let free_at = self.get_at(now);
            if free_at > now {
                todo.wake(free_at);
                return Ok(());
            }
            let Some((bearer, generation)) = self.gate.bearer(now) else {
                return Ok(());
            };
            let request = request::action(&self.account.endpoints, bearer, &blocked.action);
            return self.enter(
                tx,
                todo,
                Call::Blocked(Box::new(blocked), generation),
                request,
                now,
            );
        }
        Ok(())
    }

    pub(super) fn blocked_answer(
        &mut self,
        tx: &mut Tx<'_>,
        blocked: &Blocked,
        generation: u64,
        answer: Answer,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) -> Result<(), JournalError> {
        match self.action_reply(&answer, now) {
            ActionReply::Action(action) if action.status.outcome().is_none() => {
                let age = action
                    .created
                    .map_or(self.pace.busy, |created| self.far(now).since(created));
                let wait =
                    (age / 4).clamp(self.pace.busy, self.pace.follow_most.max(self.pace.busy));
                tx.still_blocked(blocked, now.plus(wait))?;
            }
            ActionReply::Action(_) | ActionReply::Gone => {
                if tx.unblock(blocked, None)? {
                    tx.event(
                        "unblocked",
                        self.id,
                        Some(blocked.scan.id),
                        &blocked.action,
                        now,
                    )?;
                }
            }
            ActionReply::Unauthorized(refusal) => {
                self.unauthorized(generation, &refusal, now, happened)
            }
            ActionReply::Forbidden(refusal) => {
                self.get_forbidden(generation, &refusal, happened);
                self.try_by_the_clock(tx, blocked, now)?;
            }
            ActionReply::Throttled(span) => self.pause(tx, span, now, happened)?,
            ActionReply::Failed(_) => {
                self.gets.failed(now);
                tx.still_blocked(blocked, now.plus(self.pace.busy))?;
            }
        }
        Ok(())
    }

    fn try_by_the_clock(
        &self,
        tx: &mut Tx<'_>,
        blocked: &Blocked,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        tx.unblock(blocked, Some(now.plus(self.put_off(blocked.scan.tries))))
            .map(drop)
    }
}

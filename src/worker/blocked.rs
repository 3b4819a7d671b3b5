//! Waits for somebody else's scan: a machine that their weaker one occupies is not called again before it
//! is over, so that a fleet of busy machines costs no scan calls. Their action is read by its id, the older the rarer.

use super::call::Call;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::reply::ActionReply;
use crate::defender::{Answer, request};
use crate::journal::{Api, Blocked, JournalError, Tx};
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Reads the action that occupies a machine, when it is due. Where reading is forbidden the scan is tried again by the
    /// clock.
    pub(super) fn poll_blocked(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::Get) {
            return Ok(());
        }
        while let Some(blocked) = turn.tx.next_blocked(self.id)? {
            if blocked.look_at > now {
                turn.wake(blocked.look_at);
                return Ok(());
            }
            if !self.may_get() {
                self.try_by_the_clock(turn.tx, &blocked, now)?;
                turn.wake(now);
                continue;
            }
            let free_at = self.get_at(now);
            if free_at > now {
                turn.wake(free_at);
                return Ok(());
            }
            let Some((bearer, generation)) = self.backoff.bearer(now) else {
                return Ok(());
            };
            let request = request::action(&self.account.endpoints, bearer, &blocked.action);
            return self.enter(turn, Call::Blocked(Box::new(blocked), generation), request);
        }
        Ok(())
    }

    pub(super) fn blocked_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        blocked: &Blocked,
        generation: u64,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        match self.action_reply(&answer, now) {
            ActionReply::Action(action) if action.status.outcome().is_none() => {
                let age = action
                    .created
                    .map_or(self.pace.busy, |created| self.far(now).since(created));
                let wait =
                    (age / 4).clamp(self.pace.busy, self.pace.follow_most.max(self.pace.busy));
                turn.tx.still_blocked(blocked, now.plus(wait))?;
            }
            ActionReply::Action(_) | ActionReply::Gone => {
                if turn.tx.unblock(blocked, None)? {
                    turn.tx.event(
                        "unblocked",
                        self.id,
                        Some(blocked.scan.id),
                        &blocked.action,
                        now,
                    )?;
                }
            }
            ActionReply::Unauthorized(refusal) => self.unauthorized(turn, generation, &refusal),
            ActionReply::Forbidden(refusal) => {
                self.get_forbidden(turn, generation, &refusal);
                self.try_by_the_clock(turn.tx, blocked, now)?;
            }
            ActionReply::Throttled(span) => self.pause(turn, span)?,
            ActionReply::Failed(_) => {
                self.gets.failed(now);
                turn.tx.still_blocked(blocked, now.plus(self.pace.busy))?;
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

//! Resolves devices: which machine is it, and what is it? One look-up serves every decision that waits for the
//! same answer; when it has come, or will not come, they are decided anew by the policy of that moment.
//!
//! 1. `Policy::decide` finds that a scan is wanted and the machine, or a fact that a rule needs, not known:
//!    `Asks::Resolve`. The decision is stored as *resolving*, to be decided by the end of `resolve_within` at the
//!    latest.
//! 2. `decide_resolving` takes resolving decisions whose `asks` is NULL. `directory::resolve` says which question comes
//!    next; `Tx::wait_for` opens it, or finds it open, and writes it into `asks`. However many decisions wait, a
//!    question is one row.
//! 3. `poll_looks` takes the most urgent open question whose API has quota. The answer, all its pages, is stored by
//!    `Tx::answered`, which sets `asks` of all who waited back to NULL; the next poll goes on with them.
//! 4. Once `resolve` has all it needs, the policy of that moment decides the stored alert with the record's facts, and
//!    `Tx::admit` writes into the decision's row: it keeps its time and its id.
//!
//! * Nobody or several: decided with facts unknown; a wanted scan is held, with the candidates in `why`. A machine that
//!   cannot be scanned: a wanted scan is dropped.
//! * An error or no answer: the question is due again 1 to 60 seconds later and its API rests; scans do not. A 403, or
//!   a token without a role that reads: nobody waits, all are decided as if the directory were silent.
//! * The end of `resolve_within`: `Tx::recall_late` sets `asks` back to NULL, and what is not known then is silence. An
//!   id is scanned if the rules say so; a name is held, and decided anew when its question, which stays open, is
//!   answered. The time is counted by a clock that stands while nobody may ask (`AskingTime`).
//! * The source is gone from scanhook.toml: held, `source_removed`. After a crash a look-up under way is made again.
//!
//! A 404 to a scan with Defender's code deletes what led to that machine; any other 404 comes from a
//! gateway, so the scan is *unknown* and the question failed.

use super::event::WorkerEvent;
use super::pending::Pending;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, PolicyId, Resolving};
use crate::policy::Policy;
use scanhook_core::directory::NoAnswer;
use scanhook_core::rules::Memo;
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// Decisions that are looked at in one poll.
const STEP: usize = 128;

impl TenantWorker {
    /// Decides what can be decided, and notes what the others wait for.
    pub(super) fn decide_resolving(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        id: PolicyId,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let silence = self.silence();
        if silence.is_some() {
            turn.tx.recall_resolving(self.id)?;
        }
        let may_ask = self.backoff.closed_until(now) <= now && self.backoff.bearer(now).is_some();
        self.looks.time.goes_on(may_ask, now);
        let asked = self.looks.time.at(now);
        if turn
            .tx
            .next_late(self.id)?
            .is_some_and(|late| late <= asked)
        {
            turn.tx.recall_late(self.id, asked)?;
        }
        let mut more = false;
        for rows in [
            turn.tx.resolving(self.id, STEP)?,
            turn.tx.answered_while_held(self.id, STEP)?,
        ] {
            more |= rows.len() == STEP;
            for of_one in rows.chunk_by(|a, b| a.delivery == b.delivery) {
                self.decide_delivery(turn, policy, id, of_one, silence)?;
            }
        }
        let late = turn.tx.next_late(self.id)?;
        let late = late.map_or(Timestamp::NEVER, |late| self.looks.time.when(late, now));
        turn.wake(if more { now } else { late });
        Ok(())
    }

    /// Resolving decisions of one delivery, whose body is read once.
    #[allow(
        clippy::too_many_arguments,
        reason = "what is decided, by what, and where to tell it"
    )]
    fn decide_delivery(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        id: PolicyId,
        rows: &[Resolving],
        silence: Option<NoAnswer>,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let (bindings, account) = (self.bindings.clone(), self.account.clone());
        // A source acts for this tenant if one of its own is the worker's.
        let acting = bindings.get(&first.source).and_then(|binding| {
            let acts_for = binding
                .tenants
                .values()
                .find(|acts_for| acts_for.tenant == self.id)?;
            Some((binding, acts_for.terms))
        });
        let body = turn.tx.body(first.delivery)?;
        let body = body
            .as_deref()
            .and_then(|body| strict_json::read(body).ok());
        let memo = Memo::default();
        for row in rows {
            memo.next_alert();
            let Some((binding, terms)) = acting else {
                if row.from == DecisionState::Held {
                    turn.tx.wait_while_held(self.id, row.decision, None, now)?;
                    continue;
                }
                let reason = Reason::SourceRemoved;
                let told = turn.tx.hold_resolving(
                    self.id,
                    row.decision,
                    reason,
                    policy.rules().hold_for(),
                    now,
                )?;
                let (state, about) = (
                    DecisionState::Held,
                    Box::new(turn.tx.about_decision(row.decision)?),
                );
                turn.events.push(WorkerEvent::Decided {
                    about,
                    state,
                    reason,
                    why: told.why,
                    answered: false,
                });
                continue;
            };
            let device = row
                .alert
                .devices
                .iter()
                .find(|device| device.label() == row.device);
            let device = device.cloned().unwrap_or_default();
            let tenant = &account.name;
            let case = Pending {
                policy,
                id,
                row,
                binding,
                tenant,
                terms,
                device,
                body: body.as_ref(),
                memo: &memo,
            };
            self.decide_case(turn, &case, silence)?;
        }
        Ok(())
    }
}

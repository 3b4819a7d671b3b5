//! One poll, errand after errand, and what an answer leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Account;
use super::anchor::{FarClock, WallClock};
use super::call::{Call, PollResult};
use super::event::WorkerEvent;
use super::gate::Backoff;
use super::gets::Gets;
use super::lists::ListState;
use super::looks::Lookups;
use super::moved::is_elsewhere;
use super::pace::Pace;
use super::reach::Reach;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::{Answer, request};
use crate::in_force::SourceBindings;
use crate::journal::{ActivePauses, Api, CallId, JournalError, PolicyId, TenantId, Tx};
use crate::policy::Policy;
use scanhook_core::quota::{Budget, Share};
use scanhook_core::time::{Now, Timestamp};

impl TenantWorker {
    /// Loads what the journal knows. Calls nobody waits for any more have ended, and what was being sent is unknown.
    /// `None`: another process has this lane (never, while one process holds a journal).
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn load(
        tx: &mut Tx<'_>,
        id: TenantId,
        account: Arc<Account>,
        desks: Arc<SourceBindings>,
        pace: Pace,
        now: Now,
    ) -> Result<Option<TenantWorker>, JournalError> {
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
        let gate = Backoff::load(&tx.memory(id)?);
        let learnt = |api: &Api| (*api, Budget::load([], gate.learnt(*api)));
        let looks = Lookups::recalled(gate.asked_for());
        let mut lane = TenantWorker {
            id,
            account,
            desks,
            pace,
            anchor: gate.anchor().unwrap_or_else(|| WallClock::new(now)),
            far_clock: FarClock::default(),
            budgets: Api::ALL.iter().map(learnt).collect(),
            gate,
            leaving: BTreeMap::new(),
            lists: ListState::new(pace.rows),
            gets: Gets::default(),
            reach: Reach::default(),
            spent: None,
            written: None,
            untold: Vec::new(),
            pauses: ActivePauses::default(),
            looks,
            moved_to,
        };
        let mut turn = Turn::new(tx, now.wall, Vec::new());
        lane.keep_time(&mut turn, now)?;
        lane.untold = turn.events;
        tx.abandon_calls(id, now.wall)?;
        tx.sending_is_unknown(id, now.wall.plus(pace.settle))?;
        for (api, budget) in &mut lane.budgets {
            *budget = Budget::load(tx.past_calls(id, *api, now.wall)?, budget.learnt());
            if !pace.lull.is_zero() {
                budget.watch(now.wall);
            }
        }
        Ok(Some(lane))
    }

    /// Takes the sources that are in force from now on.
    pub fn hear_from(&mut self, desks: Arc<SourceBindings>) {
        self.desks = desks;
    }

    /// Decides what leaves now, and by the policy of row `id` what has waited for the directory. The calls may be sent once
    /// the transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written; then the lane must be loaded again.
    pub fn poll(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &Policy,
        id: PolicyId,
        now: Now,
    ) -> Result<PollResult, JournalError> {
        let mut turn = Turn::new(tx, now.wall, std::mem::take(&mut self.untold));
        self.keep_time(&mut turn, now)?;
        self.poll_all(&mut turn, policy, id)?;
        self.write_obstacles(turn.tx, turn.now)?;
        if !turn.calls.is_empty() {
            self.save_memory(turn.tx)?;
        }
        Ok(turn.done())
    }

    /// The errands, one after the other.
    pub(super) fn poll_all(
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
        if self.gate.closed_until(now) > now {
            turn.wake(self.gate.closed_until(now));
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
        Ok(())
    }

    /// Takes the answer of a call.
    ///
    /// # Errors
    /// When the journal cannot be written; then the lane must be loaded again.
    pub fn answer(
        &mut self,
        tx: &mut Tx<'_>,
        id: CallId,
        call: Call,
        answer: Answer,
        now: Now,
    ) -> Result<Vec<WorkerEvent>, JournalError> {
        let turn = &mut Turn::new(tx, now.wall, Vec::new());
        self.keep_time(turn, now)?;
        let now = turn.now;
        let Some((api, sent_at)) = self.leaving.remove(&id) else {
            return Err(JournalError::Conflict(
                "an answer to a call that is not under way",
            ));
        };
        let word = match &answer {
            Answer::Http(response) => response.status().as_str().to_owned(),
            Answer::NotSent(code) | Answer::Unknown(code) => code.clone(),
        };
        turn.tx.end_call(id, &word, now)?;
        if matches!(&answer, Answer::NotSent(code) if code == "tls") {
            // Somebody else may stand where the far side should: nothing was told to them.
            turn.events.push(WorkerEvent::Alarm {
                code: "tls",
                about: None,
            });
        }
        turn.events.push(WorkerEvent::Called {
            api,
            answer: word,
            took: now.since(sent_at),
        });
        self.note_far_clock(turn, &answer);
        self.note_reach(turn, api, &answer);
        self.settle_account(turn, id, api, &answer, sent_at);
        match call {
            Call::Token => self.token_answer(turn, answer)?,
            Call::Scan(intent) => self.scan_answer(turn, &intent, answer)?,
            Call::List(call) => self.list_answer(turn, *call, &answer)?,
            Call::Get(scan, generation) => self.get_answer(turn, &scan, generation, answer)?,
            Call::Blocked(blocked, generation) => {
                self.blocked_answer(turn, &blocked, generation, answer)?;
            }
            Call::Cancel(withdrawal) => self.cancel_answer(turn, &withdrawal, answer)?,
            Call::Look(look) => self.look_answer(turn, look, answer)?,
        }
        self.save_memory(turn.tx)?;
        self.write_obstacles(turn.tx, now)?;
        Ok(core::mem::take(&mut turn.events))
    }

    /// What an answer says of the quota.
    pub(super) fn settle_account(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: CallId,
        api: Api,
        answer: &Answer,
        sent_at: Timestamp,
    ) {
        let now = turn.now;
        let share = self.account.share;
        let budget = self.budgets.entry(api).or_default();
        let status = if let Answer::Http(response) = answer {
            Some(response.status())
        } else {
            None
        };
        if status != Some(http::StatusCode::TOO_MANY_REQUESTS) || api == Api::Token {
            budget.ended(id.0, now);
            if api != Api::Token && status.is_some_and(|status| !status.is_server_error()) {
                self.gate.let_through(sent_at, now);
            }
        } else if budget.refused(id.0, share, sent_at, now) {
            let Share {
                per_minute,
                per_hour,
            } = budget.left(share, now);
            turn.events.push(WorkerEvent::Lowered {
                api,
                per_minute,
                per_hour,
            });
        }
    }

    pub(super) fn poll_token(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::Token) {
            return Ok(());
        }
        let due = self.gate.token_due();
        if due > now {
            turn.wake(due);
            return Ok(());
        }
        let account = self.account.clone();
        let request = request::token(
            &account.endpoints,
            &account.tenant_id,
            &account.client_id,
            &account.secret,
        );
        self.enter(turn, Call::Token, request)
    }
}

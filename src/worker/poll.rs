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
        let mut happened = Vec::new();
        lane.keep_time(tx, now, &mut happened)?;
        lane.untold = happened;
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
        let happened = std::mem::take(&mut self.untold);
        let mut todo = PollResult {
            calls: Vec::new(),
            wake_at: Timestamp::NEVER,
            happened,
        };
        self.keep_time(tx, now, &mut todo.happened)?;
        let now = now.wall;
        self.poll_all(tx, policy, id, &mut todo, now)?;
        self.write_obstacles(tx, now)?;
        if !todo.calls.is_empty() {
            self.save_memory(tx)?;
        }
        Ok(todo)
    }

    /// The errands, one after the other.
    pub(super) fn poll_all(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &Policy,
        id: PolicyId,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.spent = None;
        self.expire_held(tx, todo, now)?;
        self.poll_pauses(tx, todo, now)?;
        todo.wake(tx.release_due(self.id, now)?);
        self.drop_overdue(tx, todo, now)?;
        self.end_dry(tx, todo, now)?;
        self.give_up(tx, todo, now)?;
        self.drop_called_off(tx, todo, now)?;
        let elsewhere = self.waits_for_the_old(tx, now, &mut todo.happened)?
            || self.gives_way(tx, now, &mut todo.happened)?;
        self.decide_resolving(tx, policy, id, todo, now)?;
        if elsewhere {
            self.drop_too_old(tx, todo, now)?;
        }
        if self.gate.closed_until(now) > now {
            todo.wake(self.gate.closed_until(now));
            return Ok(());
        }
        self.poll_token(tx, todo, now)?;
        self.poll_cancel(tx, todo, now)?;
        self.poll_actions(tx, todo, now)?;
        self.settle_unfollowed(tx, todo, now)?;
        self.poll_looks(tx, todo, now)?;
        // On a full disk what is under way is followed to its end, and nothing new leaves.
        if !tx.is_tight() {
            self.poll_scans(tx, policy, todo, now)?;
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
        let mut happened = Vec::new();
        self.keep_time(tx, now, &mut happened)?;
        let now = now.wall;
        let Some((api, sent_at)) = self.leaving.remove(&id) else {
            return Err(JournalError::Conflict(
                "an answer to a call that is not under way",
            ));
        };
        let word = match &answer {
            Answer::Http(response) => response.status().as_str().to_owned(),
            Answer::NotSent(code) | Answer::Unknown(code) => code.clone(),
        };
        tx.end_call(id, &word, now)?;
        if matches!(&answer, Answer::NotSent(code) if code == "tls") {
            // Somebody else may stand where the far side should: nothing was told to them.
            happened.push(WorkerEvent::Alarm {
                code: "tls",
                about: None,
            });
        }
        happened.push(WorkerEvent::Called {
            api,
            answer: word,
            took: now.since(sent_at),
        });
        self.note_far_clock(&answer, now, &mut happened);
        self.note_reach(api, &answer, now, &mut happened);
        self.settle_account(id, api, &answer, sent_at, now, &mut happened);
        match call {
            Call::Token => self.token_answer(tx, answer, now, &mut happened)?,
            Call::Scan(intent) => self.scan_answer(tx, &intent, answer, now, &mut happened)?,
            Call::List(call) => self.list_answer(tx, *call, &answer, now, &mut happened)?,
            Call::Get(scan, generation) => {
                self.get_answer(tx, &scan, generation, answer, now, &mut happened)?
            }
            Call::Blocked(blocked, generation) => {
                self.blocked_answer(tx, &blocked, generation, answer, now, &mut happened)?;
            }
            Call::Cancel(withdrawal) => {
                self.cancel_answer(tx, &withdrawal, answer, now, &mut happened)?
            }
            Call::Look(look) => self.look_answer(tx, look, answer, now, &mut happened)?,
        }
        self.save_memory(tx)?;
        self.write_obstacles(tx, now)?;
        Ok(happened)
    }

    /// What an answer says of the quota.
    pub(super) fn settle_account(
        &mut self,
        id: CallId,
        api: Api,
        answer: &Answer,
        sent_at: Timestamp,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) {
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
            happened.push(WorkerEvent::Lowered {
                api,
                per_minute,
                per_hour,
            });
        }
    }

    pub(super) fn poll_token(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if self.is_under_way(Api::Token) {
            return Ok(());
        }
        let due = self.gate.token_due();
        if due > now {
            todo.wake(due);
            return Ok(());
        }
        let account = self.account.clone();
        let request = request::token(
            &account.endpoints,
            &account.tenant_id,
            &account.client_id,
            &account.secret,
        );
        self.enter(tx, todo, Call::Token, request, now)
    }
}

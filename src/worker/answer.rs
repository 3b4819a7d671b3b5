//! What came back for a call: it is accounted for first, and then goes to the step that sent it.

use super::call::Call;
use super::event::WorkerEvent;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::{Answer, LATE};
use crate::journal::{Api, CallId, JournalError, Tx};
use scanhook_core::quota::Share;
use scanhook_core::time::{Now, Timestamp};

impl TenantWorker {
    /// Takes the answer of a call.
    ///
    /// # Errors
    /// When the journal cannot be written; then the worker must be loaded again.
    pub fn answer(
        &mut self,
        tx: &mut Tx<'_>,
        id: CallId,
        call: Call,
        answer: Answer,
        now: Now,
    ) -> Result<Vec<WorkerEvent>, JournalError> {
        self.hold(tx, now.wall)?;
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
            Answer::NotSent(unsent) => unsent.code.to_owned(),
            Answer::Unknown(code) => code.clone(),
        };
        turn.tx.end_call(id, &word, now)?;
        turn.events.push(WorkerEvent::Called {
            api,
            answer: word,
            took: now.since(sent_at),
        });
        if api != Api::Token || self.asks_entra(&answer) {
            self.note_far_clock(turn, &answer);
            self.note_reach(turn, api, &answer);
        }
        let rested = (self.backoff.failures, self.backoff.resting_until);
        let was_late = matches!(&answer, Answer::NotSent(unsent) if unsent.code == LATE);
        self.settle_account(turn, id, api, &answer, sent_at);
        self.note_proof(api, &answer, sent_at);
        match call {
            Call::Token(used) => {
                self.backoff.acquisition.left_with(used);
                self.token_answer(turn, answer)?;
            }
            Call::Scan(intent) => self.scan_answer(turn, &intent, answer)?,
            Call::List(call) => self.list_answer(turn, *call, &answer)?,
            Call::Get(scan, generation) => self.get_answer(turn, &scan, generation, answer)?,
            Call::Blocked(blocked, generation) => {
                self.blocked_answer(turn, &blocked, generation, answer)?;
            }
            Call::Cancel(withdrawal) => self.cancel_answer(turn, &withdrawal, answer)?,
            Call::Look(look) => self.look_answer(turn, look, answer)?,
            Call::Probe(probe) => self.probe_answer(turn, &probe, &answer)?,
        }
        if was_late {
            // It says nothing of the far side, and needs no rest: the lease is held again.
            (self.backoff.failures, self.backoff.resting_until) = rested;
        }
        self.save_memory(turn.tx)?;
        self.write_obstacles(turn.tx, now)?;
        Ok(core::mem::take(&mut turn.events))
    }

    /// What an answer says of the quota.
    fn settle_account(
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
        // A 429 of Entra says nothing of the quota of Defender.
        if status != Some(http::StatusCode::TOO_MANY_REQUESTS) || api == Api::Token {
            budget.ended(id.0, now);
            // An error of the server is no sign that Defender lets calls through again.
            if api != Api::Token && status.is_some_and(|status| !status.is_server_error()) {
                self.backoff.let_through(sent_at, now);
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
}

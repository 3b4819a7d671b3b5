//! Reading one machine action by its id: of a scan that lists do not hold, and of old ones while they are few.

use super::call::{Call, PollResult};
use super::event::WorkerEvent;
use super::gets::ActionRead;
use super::gets::FORBIDDEN;
use super::intent::ended;
use super::state::TenantWorker;
use crate::defender::reply::{self, ActionReply, DefenderError};
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError, OpenScan, Tx};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Reads machine actions. The three kinds share one place and take it in turns: none of them waits for another that
    /// always has something to read.
    pub(super) fn poll_actions(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let turns = match self.gets.last {
            ActionRead::List => [ActionRead::Ours, ActionRead::Blocking, ActionRead::List],
            ActionRead::Ours => [ActionRead::Blocking, ActionRead::List, ActionRead::Ours],
            ActionRead::Blocking => [ActionRead::List, ActionRead::Ours, ActionRead::Blocking],
        };
        for read in turns {
            let before = todo.calls.len();
            match read {
                ActionRead::List => self.poll_list(tx, todo, now)?,
                ActionRead::Ours => self.poll_get(tx, todo, now)?,
                ActionRead::Blocking => self.poll_blocked(tx, todo, now)?,
            }
            if todo.calls.len() > before {
                self.gets.last = read;
            }
        }
        Ok(())
    }

    /// Whether a single action may be read, as far as is known.
    pub(super) fn may_get(&self) -> bool {
        self.gate.may_read() && self.gets.are_allowed(&self.gate)
    }

    /// When the next one may be.
    pub(super) fn get_at(&self, now: Timestamp) -> Timestamp {
        self.free_at(Api::Get, now).max(self.gets.until)
    }

    /// Reads the next running scan by its id that lists have missed, or an old one, when it is due.
    pub(super) fn poll_get(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut PollResult,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if self.is_under_way(Api::Get) || !self.may_get() {
            return Ok(());
        }
        if self.lists.by_id.is_empty() {
            let due = tx.next_missed(self.id)?;
            if due > now {
                todo.wake(due);
                return Ok(());
            }
        }
        let free_at = self.get_at(now);
        if free_at > now {
            todo.wake(free_at);
            return Ok(());
        }
        let Some((bearer, generation)) = self.gate.bearer(now) else {
            return Ok(());
        };
        let mut next = tx.missed(self.id, now)?;
        while next.is_none()
            && let Some(old) = self.lists.by_id.pop()
        {
            next = tx.open_scan(old)?.filter(|scan| scan.action.is_some());
        }
        let Some(scan) = next else { return Ok(()) };
        let request = request::action(
            &self.account.endpoints,
            bearer,
            scan.action.as_deref().unwrap_or_default(),
        );
        self.enter(
            tx,
            todo,
            Call::Get(Box::new(scan), generation),
            request,
            now,
        )
    }

    /// What an answer to the reading of a single action says, and what it says of reading at all.
    pub(super) fn action_reply(&mut self, answer: &Answer, now: Timestamp) -> ActionReply {
        let reply = match answer {
            Answer::Http(response) => reply::action(response),
            Answer::NotSent(_) => {
                self.rest(now);
                ActionReply::Failed("not-answered")
            }
            Answer::Unknown(_) => ActionReply::Failed("not-answered"),
        };
        if matches!(reply, ActionReply::Action(_) | ActionReply::Gone) {
            self.authorized();
            self.gets.worked();
        }
        reply
    }

    pub(super) fn get_answer(
        &mut self,
        tx: &mut Tx<'_>,
        asked: &OpenScan,
        generation: u64,
        answer: Answer,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) -> Result<(), JournalError> {
        // A list may have ended it meanwhile.
        let still = tx.open_scan(asked.scan.id)?;
        let reply = self.action_reply(&answer, now);
        match (reply, still) {
            (ActionReply::Action(action), Some(scan)) => match action.status.outcome() {
                Some(outcome) => self.end(
                    tx,
                    &scan.scan,
                    outcome,
                    &action,
                    scan.sent_at,
                    now,
                    happened,
                )?,
                None if asked.overdue_at.is_some() => self.lost(tx, &scan, now, happened)?,
                None => self.look_on(tx, &scan, true, now)?,
            },
            // A new action may answer 404 for its first seconds.
            (ActionReply::Gone, Some(scan)) if now.since(scan.sent_at) <= self.pace.settle => {
                self.look_on(tx, &scan, true, now)?;
            }
            (ActionReply::Gone, Some(scan)) => {
                let about = Some(Box::new(tx.about_scan(scan.scan.id)?));
                happened.push(WorkerEvent::Alarm {
                    code: "action-gone",
                    about,
                });
                let detail = "Defender no longer knows the machine action; what the machine did is not known";
                tx.finish(scan.scan.id, Outcome::Lost, Some(detail), now)?;
                happened.push(ended(
                    tx,
                    &scan.scan,
                    Outcome::Lost,
                    now.since(scan.sent_at),
                )?);
            }
            (ActionReply::Unauthorized(refusal), _) => {
                self.unauthorized(generation, &refusal, now, happened)
            }
            (ActionReply::Forbidden(refusal), still) => {
                self.get_forbidden(generation, &refusal, happened);
                if let Some(scan) = still {
                    self.look_on(tx, &scan, false, now)?;
                }
            }
            (ActionReply::Throttled(span), _) => self.pause(tx, span, now, happened)?,
            // One action that cannot be read must not keep others from being read, nor anything else from being done.
            (ActionReply::Failed(_), still) => {
                self.gets.failed(now);
                if let Some(scan) = still {
                    self.look_on(tx, &scan, false, now)?;
                }
            }
            (ActionReply::Action(_) | ActionReply::Gone, None) => {}
        }
        Ok(())
    }

    /// Lists may be allowed all the same: only single actions are not read any more, until there is another token.
    pub(super) fn get_forbidden(
        &mut self,
        generation: u64,
        refusal: &DefenderError,
        happened: &mut Vec<WorkerEvent>,
    ) {
        let before = if self.gets.forbidden.0 == generation {
            self.gets.forbidden.1
        } else {
            0
        };
        self.gets.forbidden = (generation, before + 1);
        if before + 1 == FORBIDDEN {
            happened.push(WorkerEvent::Alarm {
                code: "get-forbidden",
                about: None,
            });
            self.gate.note(format!(
                "Defender forbids reading single machine actions ({refusal}): a scan that lists do not hold is not followed"
            ));
        }
    }
}

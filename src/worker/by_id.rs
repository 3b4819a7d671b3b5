//! Reading one machine action by its id: of a scan that lists do not hold, and of old ones while they are few.

use super::call::Call;
use super::event::WorkerEvent;
use super::gets::ActionRead;
use super::gets::FORBIDDEN;
use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::reply::{self, ActionReply, DefenderError};
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError, OpenScan};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Reads machine actions. The three kinds share one place and take it in turns: none of them waits for another that
    /// always has something to read.
    pub(super) fn poll_actions(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let turns = match self.gets.last {
            ActionRead::List => [ActionRead::Ours, ActionRead::Blocking, ActionRead::List],
            ActionRead::Ours => [ActionRead::Blocking, ActionRead::List, ActionRead::Ours],
            ActionRead::Blocking => [ActionRead::List, ActionRead::Ours, ActionRead::Blocking],
        };
        for read in turns {
            let before = turn.calls.len();
            match read {
                ActionRead::List => self.poll_list(turn)?,
                ActionRead::Ours => self.poll_get(turn)?,
                ActionRead::Blocking => self.poll_blocked(turn)?,
            }
            if turn.calls.len() > before {
                self.gets.last = read;
            }
        }
        Ok(())
    }

    /// Whether a single action may be read, as far as is known.
    pub(super) fn may_get(&self) -> bool {
        self.backoff.may_read() && self.gets.are_allowed(&self.backoff)
    }

    /// When the next one may be.
    pub(super) fn get_at(&self, now: Timestamp) -> Timestamp {
        self.free_at(Api::Get, now).max(self.gets.until)
    }

    /// Reads the next running scan by its id that lists have missed, or an old one, when it is due.
    pub(super) fn poll_get(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::Get) || !self.may_get() {
            return Ok(());
        }
        if self.lists.by_id.is_empty() {
            let due = turn.tx.next_missed(self.id)?;
            if due > now {
                turn.wake(due);
                return Ok(());
            }
        }
        let free_at = self.get_at(now);
        if free_at > now {
            turn.wake(free_at);
            return Ok(());
        }
        let Some((bearer, generation)) = self.backoff.bearer(now) else {
            return Ok(());
        };
        let mut next = turn.tx.missed(self.id, now)?;
        while next.is_none()
            && let Some(old) = self.lists.by_id.pop()
        {
            next = turn.tx.open_scan(old)?.filter(|scan| scan.action.is_some());
        }
        let Some(scan) = next else { return Ok(()) };
        let request = request::action(
            &self.account.endpoints,
            bearer,
            scan.action.as_deref().unwrap_or_default(),
        );
        self.enter(turn, Call::Get(Box::new(scan), generation), request)
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
        turn: &mut Turn<'_, '_>,
        asked: &OpenScan,
        generation: u64,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        // A list may have ended it meanwhile.
        let still = turn.tx.open_scan(asked.scan.id)?;
        let reply = self.action_reply(&answer, now);
        match (reply, still) {
            (ActionReply::Action(action), Some(scan)) => match action.status.outcome() {
                Some(outcome) => self.end(turn, &scan.scan, outcome, &action, scan.sent_at)?,
                None if asked.overdue_at.is_some() => self.lost(turn, &scan)?,
                None => self.look_on(turn.tx, &scan, true, now)?,
            },
            // A new action may answer 404 for its first seconds.
            (ActionReply::Gone, Some(scan)) if now.since(scan.sent_at) <= self.pace.settle => {
                self.look_on(turn.tx, &scan, true, now)?;
            }
            (ActionReply::Gone, Some(scan)) => {
                let about = Some(Box::new(turn.tx.about_scan(scan.scan.id)?));
                turn.events.push(WorkerEvent::Alarm {
                    code: "action-gone",
                    about,
                });
                let detail = "Defender no longer knows the machine action; what the machine did is not known";
                turn.tx
                    .finish(scan.scan.id, Outcome::Lost, Some(detail), now)?;
                turn.events.push(ended(
                    turn.tx,
                    &scan.scan,
                    Outcome::Lost,
                    now.since(scan.sent_at),
                )?);
            }
            (ActionReply::Unauthorized(refusal), _) => {
                self.unauthorized(turn, generation, &refusal)
            }
            (ActionReply::Forbidden(refusal), still) => {
                self.get_forbidden(turn, generation, &refusal);
                if let Some(scan) = still {
                    self.look_on(turn.tx, &scan, false, now)?;
                }
            }
            (ActionReply::Throttled(span), _) => self.pause(turn, span)?,
            // One action that cannot be read must not keep others from being read, nor anything else from being done.
            (ActionReply::Failed(_), still) => {
                self.gets.failed(now);
                if let Some(scan) = still {
                    self.look_on(turn.tx, &scan, false, now)?;
                }
            }
            (ActionReply::Action(_) | ActionReply::Gone, None) => {}
        }
        Ok(())
    }

    /// Lists may be allowed all the same: only single actions are not read any more, until there is another token.
    pub(super) fn get_forbidden(
        &mut self,
        turn: &mut Turn<'_, '_>,
        generation: u64,
        refusal: &DefenderError,
    ) {
        let before = if self.gets.forbidden.0 == generation {
            self.gets.forbidden.1
        } else {
            0
        };
        self.gets.forbidden = (generation, before + 1);
        if before + 1 == FORBIDDEN {
            turn.events.push(WorkerEvent::Alarm {
                code: "get-forbidden",
                about: None,
            });
            self.backoff.note(format!(
                "Defender forbids reading single machine actions ({refusal}): a scan that lists do not hold is not followed"
            ));
        }
    }
}

//! Calls scans off: a running scan of ours that a person does not want any more. Never anybody else's.
//!
//! The wish stands in the scan's row until it has been taken or the scan is over, so a lost answer or a restart
//! repeats the call at worst; calling off twice is calling off once. What became of the scan the list tells, as ever.

use core::time::Duration;

use super::call::Call;
use super::event::WorkerEvent;
use super::intent::{ended, tail};
use super::state::TenantWorker;
use super::turn::Turn;
use super::unfollowed::lost_unseen;
use super::withdrawal::CancelCall;
use crate::defender::reply::{self, ActionView, CancelReply};
use crate::defender::{Answer, request};
use crate::journal::{Api, CalledOff, JournalError, MISSES, Tx};
use scanhook_core::plain::one_line;
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

/// Refusals before an action that is still open is believed not to be callable off.
const REFUSALS: u32 = 3;
/// The longest time between two tries of a call that nobody answers.
const LONGEST: Duration = Duration::from_secs(600);
/// Longer than any call is waited for.
const UNHEARD: Duration = Duration::from_secs(120);
/// Characters of the comment; more is not documented to be taken.
const COMMENT: usize = 400;

impl TenantWorker {
    /// A call that may not have been executed is not repeated for a scan that was called off meanwhile. If complete
    /// lists do not hold it, it has not begun; where none could be read, nobody knows.
    pub(super) fn drop_called_off(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        for scan in turn.tx.unknown_called_off(self.id, MISSES)? {
            let outcome = if lost_unseen(turn.tx, &scan, now)? {
                Outcome::Lost
            } else {
                Outcome::Cancelled
            };
            if outcome == Outcome::Cancelled {
                turn.tx.drop_if_called_off(scan.id, now)?;
            }
            turn.events
                .push(ended(turn.tx, &scan, outcome, Duration::ZERO)?);
        }
        Ok(())
    }

    /// Asks Defender to call off what people want called off, inside that call's own budget.
    pub(super) fn poll_cancel(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if !self.account.sends {
            return Ok(());
        }
        while let Some((due, of)) = turn.tx.next_called_off(self.id)? {
            let at = due.max(self.free_at(Api::Cancel, now));
            if at > now {
                turn.wake(at);
                return Ok(());
            }
            let Some((bearer, generation)) = self.backoff.bearer(now) else {
                return Ok(());
            };
            let comment = one_line(&format!("Called off by {}", of.by), COMMENT);
            let comment = format!("{comment} [sh-{}]", tail(&of.scan));
            let request = request::cancel(&self.account.endpoints, bearer, &of.action, &comment);
            turn.tx.begin_calling_off(of.scan.id, now.plus(UNHEARD))?;
            turn.tx
                .event("cancel_sent", self.id, Some(of.scan.id), &of.action, now)?;
            let of = CalledOff {
                tries: of.tries + 1,
                ..of
            };
            self.enter(turn, Call::Cancel(CancelCall { of, generation }), request)?;
        }
        Ok(())
    }

    pub(super) fn cancel_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        withdrawal: &CancelCall,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let of = &withdrawal.of;
        let (id, again) = (of.scan.id, now.plus(self.patience(of.tries)));
        let reply = match answer {
            Answer::NotSent(_) => {
                self.rest(now);
                turn.tx.calling_off(id, Some(now), Timestamp::NEVER)?;
                turn.events.push(called_off(turn.tx, of, "not_sent")?);
                return Ok(());
            }
            Answer::Unknown(_) => CancelReply::Unknown("not-answered"),
            Answer::Http(response) => reply::cancel(&response, &of.action),
        };
        let what = match reply {
            CancelReply::Taken(action) => self.taken(turn, of, &action)?,
            CancelReply::Refused(refusal) => {
                self.authorized();
                let last = of.tries >= REFUSALS;
                if turn
                    .tx
                    .calling_off(id, Some(again).filter(|_| !last), now)?
                {
                    turn.tx.event(
                        "cancel_refused",
                        self.id,
                        Some(id),
                        &refusal.to_string(),
                        now,
                    )?;
                }
                "refused"
            }
            CancelReply::Unauthorized(refusal) => {
                turn.tx.calling_off(id, Some(now), Timestamp::NEVER)?;
                self.unauthorized(turn, withdrawal.generation, &refusal);
                "unauthorized"
            }
            CancelReply::Throttled(span) => {
                turn.tx.calling_off(id, Some(now), Timestamp::NEVER)?;
                self.pause(turn, span)?;
                "throttled"
            }
            CancelReply::Unknown(_) => {
                self.rest(now);
                turn.tx.calling_off(id, Some(again), now)?;
                "unknown"
            }
        };
        turn.events.push(called_off(turn.tx, of, what)?);
        Ok(())
    }

    /// Defender took it. The action may still be open: it is followed to its end like any other, soon.
    fn taken(
        &mut self,
        turn: &mut Turn<'_, '_>,
        of: &CalledOff,
        action: &ActionView,
    ) -> Result<&'static str, JournalError> {
        let now = turn.now;
        self.authorized();
        if !turn
            .tx
            .calling_off(of.scan.id, None, now.plus(self.pace.follow_first))?
        {
            return Ok("over");
        }
        turn.tx.event(
            "cancel_taken",
            self.id,
            Some(of.scan.id),
            action.status.as_str(),
            now,
        )?;
        if let Some(outcome) = action.status.outcome() {
            self.end(turn, &of.scan, outcome, action, of.sent_at)?;
        }
        Ok("taken")
    }

    /// The list is read first; and each time it takes longer.
    fn patience(&self, tries: u32) -> Duration {
        let doubled = 2_u32
            .checked_pow(tries.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.pace.settle.saturating_mul(doubled).min(LONGEST)
    }
}

fn called_off(
    tx: &Tx<'_>,
    of: &CalledOff,
    what: &'static str,
) -> Result<WorkerEvent, JournalError> {
    Ok(WorkerEvent::CalledOff {
        about: Box::new(tx.about_scan(of.scan.id)?),
        what,
    })
}

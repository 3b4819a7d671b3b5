//! What the directory answers. All pages of an answer are stored at once; one that fails makes its own API rest, and
//! scans do not.

use core::time::Duration;

use super::event::WorkerEvent;
use super::looks::{Lookup, wait};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::directory::{self, LookReply};
use crate::defender::reply::DefenderError;
use crate::journal::{Api, JournalError, OpenQuestion, Tx};
use scanhook_core::directory::Records;
use scanhook_core::time::Timestamp;

/// A look-up that is refused with a 429 was a try, and counts for as long as one that nobody answers: otherwise a directory
/// that refuses each of them would be waited for without an end.
const REFUSED: Duration = Duration::from_secs(30);

/// Pages of one answer; more are an error of the far side.
const PAGES: u32 = 10;

impl TenantWorker {
    /// What an answer says to a question.
    fn look_reply(&mut self, look: &Lookup, answer: &Answer, now: Timestamp) -> LookReply {
        match answer {
            Answer::Http(response) => {
                directory::read(response, &look.question, &self.account.endpoints)
            }
            Answer::NotSent(_) => {
                self.rest(now);
                LookReply::Failed("not-answered")
            }
            Answer::Unknown(_) => LookReply::Failed("not-answered"),
        }
    }

    pub(super) fn look_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        look: Lookup,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(mut pages) = self.looks.open.remove(&look.question) else {
            return Err(JournalError::Conflict(
                "an answer to a question that nobody asked",
            ));
        };
        pages.leaving = false;
        if matches!(answer, Answer::NotSent(_)) {
            turn.tx
                .not_asked(self.id, &look.question, look.asked_before)?;
        }
        match self.look_reply(&look, &answer, now) {
            LookReply::Page {
                rows,
                unreadable,
                next,
                foreign_next,
            } => {
                self.authorized();
                pages.rows.extend(rows);
                pages.read += 1;
                let found = Records::of(pages.rows.clone());
                if unreadable > 0
                    || (!found.more && (foreign_next || (next.is_some() && pages.read >= PAGES)))
                {
                    // What cannot be read may be a second machine of the same name.
                    turn.events.push(WorkerEvent::Alarm {
                        code: "look-incomplete",
                        about: None,
                    });
                    return self.look_failed(turn.tx, &pages.asked, now);
                }
                pages.next = next.filter(|_| !found.more);
                if pages.next.is_some() {
                    self.looks.open.insert(look.question, pages);
                    return Ok(());
                }
                self.look_done(turn.tx, &look, &found, now)
            }
            // Where there was a first page, a later one that is not there proves nothing.
            LookReply::Nobody if pages.read > 0 => self.look_failed(turn.tx, &pages.asked, now),
            LookReply::Nobody => {
                self.authorized();
                self.look_done(turn.tx, &look, &Records::default(), now)
            }
            LookReply::Refused(_) => {
                self.authorized();
                turn.events.push(WorkerEvent::Alarm {
                    code: "look-refused",
                    about: None,
                });
                self.look_done(turn.tx, &look, &Records::refused(), now)
            }
            LookReply::Unauthorized(refusal) => {
                self.unauthorized(turn, look.generation, &refusal);
                Ok(())
            }
            LookReply::Forbidden(refusal) => {
                self.looks_forbidden(turn, look.generation, &refusal);
                Ok(())
            }
            LookReply::Throttled(span) => {
                self.looks.time.passed += REFUSED;
                self.pause(turn, span)
            }
            LookReply::Failed(_) => self.look_failed(turn.tx, &pages.asked, now),
        }
    }

    fn look_done(
        &mut self,
        tx: &mut Tx<'_>,
        look: &Lookup,
        found: &Records,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.looks.rests.remove(&look.api());
        tx.answered(self.id, &look.question, found, now)
    }

    /// Only this API rests: one that fails must not keep scans from being sent.
    fn look_failed(
        &mut self,
        tx: &mut Tx<'_>,
        asked: &OpenQuestion,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let rest = self
            .looks
            .rests
            .entry(Api::of(&asked.question))
            .or_default();
        // Two that were under way together fail together, and count once.
        if rest.until <= now {
            rest.until = now.plus(wait(rest.failures));
            rest.failures = rest.failures.saturating_add(1);
        }
        tx.ask_again(self.id, &asked.question, now.plus(wait(asked.tries)))
    }

    /// Scans do not need the directory: only look-ups stop, until there is another token.
    fn looks_forbidden(
        &mut self,
        turn: &mut Turn<'_, '_>,
        generation: u64,
        refusal: &DefenderError,
    ) {
        if self.looks.forbidden != Some(generation) {
            turn.events.push(WorkerEvent::Alarm {
                code: "look-forbidden",
                about: None,
            });
            self.backoff.note(format!(
                "Defender forbids reading machines ({refusal}), so devices without a machine id are held: grant Machine.Read.All"
            ));
        }
        self.looks.forbidden = Some(generation);
    }
}

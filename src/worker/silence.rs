//! What the directory has said already, and from when on its silence counts as an answer. Which is how long a decision
//! waits, apart from what is decided.
//!
//! An answer is good for decisions of the next 10 minutes (2, where it is nobody or several) and for those that were
//! there before it.

use core::time::Duration;

use super::state::TenantWorker;
use crate::journal::{JournalError, Resolving, Tx};
use scanhook_core::directory::{NoAnswer, Question, Records};
use scanhook_core::obstacles::FarSide;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Why there is no use in asking, if there is none.
    pub(super) fn silence(&self) -> Option<NoAnswer> {
        if self.moved_to.is_some() {
            return Some(NoAnswer::Moved);
        }
        if !self.backoff.reads() {
            return Some(NoAnswer::NoRole);
        }
        self.looks
            .forbidden
            .filter(|generation| *generation == self.backoff.generation())
            .map(|_| NoAnswer::Forbidden)
    }

    /// What the directory has said already, if that is still good for this decision.
    pub(super) fn said_lately(
        &self,
        tx: &Tx<'_>,
        row: &Resolving,
        question: &Question,
        now: Timestamp,
    ) -> Result<Option<Records>, JournalError> {
        let said = tx.said(self.id, question)?;
        // What was said after the decision was made is good for it however long the next question takes. What
        // was said in the future was said before the clock was set back, nobody knows how long ago.
        // A person who says *once more* wants it asked once more.
        let kept =
            |at: Timestamp, found: &Records| row.said.is_none() && now < at.plus(self.kept(found));
        let fresh = |at: Timestamp, found: &Records| at <= now && (at >= row.at || kept(at, found));
        Ok(said
            .filter(|(at, found)| fresh(*at, found))
            .map(|(_, found)| found))
    }

    /// Why a question is not waited for any longer, if it is not.
    pub(super) fn silent_on(
        &self,
        tx: &Tx<'_>,
        row: &Resolving,
        question: &Question,
        silence: Option<NoAnswer>,
        now: Timestamp,
    ) -> Result<Option<NoAnswer>, JournalError> {
        let late = row
            .late_at
            .is_some_and(|late_at| late_at <= self.looks.time.at(now));
        Ok(match silence {
            None if late && self.reach.is_silent(FarSide::Defender) => Some(NoAnswer::Unreachable),
            None if late && tx.was_asked(self.id, question)? => Some(NoAnswer::Late),
            None if late && tx.was_tried(self.id, question)? => Some(NoAnswer::Unreachable),
            None => late.then_some(NoAnswer::Queued),
            Some(silence) => Some(silence),
        })
    }

    /// How long an answer is good for decisions that come after it.
    fn kept(&self, found: &Records) -> Duration {
        if found.machine().is_some() {
            self.pace.known_for
        } else {
            self.pace.unknown_for
        }
    }
}

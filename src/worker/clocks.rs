//! Moves along what waits for a span of time when the clock is set, and tells of a far clock that is off.

use core::time::Duration;

use super::event::WorkerEvent;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::journal::JournalError;
use scanhook_core::time::{Now, Timestamp};

impl TenantWorker {
    /// Moves along what waits for a span of time, in the journal and here, if the clock was set.
    pub(super) fn keep_time(
        &mut self,
        turn: &mut Turn<'_, '_>,
        now: Now,
    ) -> Result<(), JournalError> {
        let Some(set) = self.wall_clock.follow(now) else {
            return Ok(());
        };
        turn.tx.clock_was_set(self.id, set, now.wall)?;
        let (by, now) = (set.by, now.wall);
        self.budgets
            .values_mut()
            .for_each(|budget| budget.moved(by, now));
        self.backoff.moved(by);
        self.reach.moved(by);
        self.looks.time.moved(by);
        self.leaving
            .values_mut()
            .for_each(|(_, sent_at)| *sent_at = sent_at.moved(by));
        self.lists.moved(by);
        self.gets.moved(by);
        self.far_clock.moved(by);
        turn.events.push(WorkerEvent::ClockSet {
            by,
            restarted: set.restarted,
        });
        self.save_memory(turn.tx)
    }

    /// What the far side's clock says now, as far as its answers have told.
    pub(super) fn far(&self, now: Timestamp) -> Timestamp {
        now.moved(self.far_clock.ahead())
    }

    /// The same for a call that leaves now, and not too late: before its first answer the far side may stand an hour behind
    /// us, and what it then writes would seem older than the call. A list that reaches back too far does no harm.
    pub(super) fn far_at_the_earliest(&self, now: Timestamp) -> Timestamp {
        const UNHEARD: Duration = Duration::from_secs(24 * 60 * 60);
        let far = self.far(now);
        if self.far_clock.is_heard() {
            far
        } else {
            far.minus(UNHEARD)
        }
    }

    /// Takes the far side's clock from the `Date` of an answer, and tells once that the two are too far apart.
    pub(super) fn note_far_clock(&mut self, turn: &mut Turn<'_, '_>, answer: &Answer) {
        let now = turn.now;
        let was_off = self.far_clock.is_off();
        self.far_clock.note(answer, now);
        if self.far_clock.is_off() && !was_off {
            turn.events.push(WorkerEvent::ClocksDiffer {
                ahead: self.far_clock.last,
            });
        }
    }

    /// What the operator should know where the two clocks are too far apart.
    pub(super) fn note_of_clocks(&self) -> Option<String> {
        let ahead = self.far_clock.last;
        let seconds = ahead.unsigned_abs() / 1000;
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        let what = "one of the two is wrong: check this machine's time, then what answers on the way to Defender";
        self.far_clock
            .is_off()
            .then(|| format!("Defender's clock is {seconds} s {way} this machine's; {what}"))
    }
}

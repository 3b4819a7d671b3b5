//! What a tenant does that may not call: it pauses after a 429, rests while the far side is down, and stops where an
//! operator must mend something. And what ends each of them.

use core::time::Duration;

use super::backoff::{LONGEST_REST, Stopped, longer};
use super::event::WorkerEvent;
use super::state::TenantWorker;
use super::throttle::Throttle;
use super::turn::Turn;
use crate::defender::reply::DefenderError;
use crate::journal::JournalError;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// A 429: nobody calls before it is over. Survives restarts.
    pub(super) fn pause(
        &mut self,
        turn: &mut Turn<'_, '_>,
        span: Duration,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        if matches!(self.backoff.throttle, Throttle::Probe) {
            self.backoff.memory.refused_probes =
                self.backoff.memory.refused_probes.saturating_add(1);
        }
        let span = span.max(longer(self.backoff.memory.refused_probes));
        let until = self.backoff.memory.paused_until.max(now.plus(span));
        self.backoff.memory.paused_until = until;
        self.backoff.throttle = Throttle::Probe;
        turn.events.push(WorkerEvent::Paused { until });
        self.save_memory(turn.tx)
    }

    /// A call did not reach a working far side: rest, twice as long each time. Calls that were under way together
    /// fail together, and count once.
    pub(super) fn rest(&mut self, now: Timestamp) {
        if now < self.backoff.resting_until {
            return;
        }
        let seconds = 1_u64
            .checked_shl(self.backoff.failures)
            .unwrap_or(LONGEST_REST)
            .min(LONGEST_REST);
        self.backoff.failures = self.backoff.failures.saturating_add(1);
        self.backoff.resting_until = now.plus(Duration::from_secs(seconds));
    }

    /// The far side works.
    pub(super) fn reached(&mut self) {
        self.backoff.failures = 0;
    }

    /// Machine actions were read.
    pub(super) fn could_read(&mut self) {
        self.backoff.unreadable = (0, None);
        self.authorized();
    }

    /// A scan call was taken with this token.
    pub(super) fn carried(&mut self, generation: u64) {
        self.backoff.carried = Some(generation);
        self.authorized();
    }

    /// A call was accepted with its token.
    pub(super) fn authorized(&mut self) {
        self.backoff.refused_once = false;
        self.reached();
    }

    /// A 401: one new token, then the tenant stops. Answers to calls with an older token say nothing.
    pub(super) fn unauthorized(
        &mut self,
        turn: &mut Turn<'_, '_>,
        generation: u64,
        refusal: &DefenderError,
    ) {
        let now = turn.now;
        if generation != self.backoff.generation || self.backoff.token.is_none() {
            return;
        }
        if self.backoff.refused_once {
            let why = format!("Defender refuses a fresh token: {refusal}");
            return self.stop(turn, "unauthorized", why);
        }
        self.backoff.refused_once = true;
        self.backoff.token = None;
        self.backoff.token_due = now;
    }

    /// The app may send scans but not read what became of them. Another token may have more roles, so each is tried.
    pub(super) fn reading_forbidden(&mut self, turn: &mut Turn<'_, '_>, refusal: &DefenderError) {
        self.reached();
        turn.events.push(WorkerEvent::Alarm {
            code: "list-forbidden",
            about: None,
        });
        self.backoff.unreadable.0 += 1;
        self.backoff.unreadable.1 = Some(format!(
            "Defender forbids reading machine actions ({refusal}): nothing is followed, and a call whose answer is lost \
             is subject to on_unknown; grant Machine.Read.All, or Machine.ReadWrite.All where that is refused"
        ));
    }

    /// Nothing leaves until an operator mends something; a new token is tried once a minute.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_, '_>, code: &str, why: String) {
        self.stop_for(turn, code, why, self.pace.stopped);
    }

    /// The same, with a look whether it was mended after this time.
    pub(super) fn stop_for(
        &mut self,
        turn: &mut Turn<'_, '_>,
        code: &str,
        why: String,
        span: Duration,
    ) {
        let until = turn.now.plus(span);
        if self
            .backoff
            .stopped
            .as_ref()
            .is_none_or(|stopped| stopped.why != why)
        {
            turn.events.push(WorkerEvent::Stopped {
                code: code.to_owned(),
                why: why.clone(),
            });
        }
        self.backoff.stopped = Some(Stopped { why, until });
        self.backoff.token = None;
        self.backoff.token_due = until;
    }

    /// What stopped the tenant is over.
    pub(super) fn stopped_no_more(&mut self) {
        self.backoff.stopped = None;
        self.backoff.token_due = Timestamp::default();
    }
}

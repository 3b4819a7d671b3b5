//! The errand of the token, and what stops a tenant or makes it pause.

use core::time::Duration;

use uuid::Uuid;

use super::event::WorkerEvent;
use super::gate::{LONGEST_REST, Stopped, WithoutExternalId, longer};
use super::moved::is_elsewhere;
use super::state::TenantWorker;
use super::throttle::Throttle;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::reply::DefenderError;
use crate::defender::token::{self, ClaimFault, Token, TokenReply};
use crate::journal::{JournalError, Tx};
use scanhook_core::quota::Learnt;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// A 429: nobody calls before it is over. Survives restarts.
    pub(super) fn pause(
        &mut self,
        turn: &mut Turn<'_, '_>,
        span: Duration,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        if matches!(self.gate.throttle, Throttle::Probe) {
            self.gate.memory.refused_probes = self.gate.memory.refused_probes.saturating_add(1);
        }
        let span = span.max(longer(self.gate.memory.refused_probes));
        let until = self.gate.memory.paused_until.max(now.plus(span));
        self.gate.memory.paused_until = until;
        self.gate.throttle = Throttle::Probe;
        turn.events.push(WorkerEvent::Paused { until });
        self.save_memory(turn.tx)
    }

    /// Writes down what a restart must not forget.
    pub(super) fn save_memory(&mut self, tx: &mut Tx<'_>) -> Result<(), JournalError> {
        let learnt = self
            .budgets
            .iter()
            .map(|(api, budget)| (api.code().to_owned(), budget.learnt()));
        self.gate.memory.learnt = learnt
            .filter(|(_, learnt)| *learnt != Learnt::default())
            .collect();
        self.gate.memory.probe = self.gate.throttle.holds_back();
        self.gate.memory.clock = Some(self.anchor);
        let asked_for = self.looks.time.at(self.anchor.seen());
        self.gate.memory.asked_for = u64::try_from(asked_for.as_millis()).unwrap_or(u64::MAX);
        let memory = serde_json::to_string(&self.gate.memory);
        tx.remember(
            self.id,
            &memory.map_err(|_| JournalError::Conflict("a lane's memory is not JSON"))?,
        )
    }

    /// A call did not reach a working far side: rest, twice as long each time. Calls that were under way together
    /// fail together, and count once.
    pub(super) fn rest(&mut self, now: Timestamp) {
        if now < self.gate.resting_until {
            return;
        }
        let seconds = 1_u64
            .checked_shl(self.gate.failures)
            .unwrap_or(LONGEST_REST)
            .min(LONGEST_REST);
        self.gate.failures = self.gate.failures.saturating_add(1);
        self.gate.resting_until = now.plus(Duration::from_secs(seconds));
    }

    /// The far side works.
    pub(super) fn reached(&mut self) {
        self.gate.failures = 0;
    }

    /// Machine actions were read.
    pub(super) fn could_read(&mut self) {
        self.gate.unreadable = (0, None);
        self.authorized();
    }

    /// A scan call was taken with this token.
    pub(super) fn carried(&mut self, generation: u64) {
        self.gate.carried = Some(generation);
        self.authorized();
    }

    /// A call was accepted with its token.
    pub(super) fn authorized(&mut self) {
        self.gate.refused_once = false;
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
        if generation != self.gate.generation || self.gate.token.is_none() {
            return;
        }
        if self.gate.refused_once {
            let why = format!("Defender refuses a fresh token: {refusal}");
            return self.stop(turn, "unauthorized", why);
        }
        self.gate.refused_once = true;
        self.gate.token = None;
        self.gate.token_due = now;
    }

    /// The app may send scans but not read what became of them. Another token may have more roles, so each is tried.
    pub(super) fn reading_forbidden(&mut self, turn: &mut Turn<'_, '_>, refusal: &DefenderError) {
        self.reached();
        turn.events.push(WorkerEvent::Alarm {
            code: "list-forbidden",
            about: None,
        });
        self.gate.unreadable.0 += 1;
        self.gate.unreadable.1 = Some(format!(
            "Defender forbids reading machine actions ({refusal}): nothing is followed, and a call whose answer is lost \
             is subject to on_unknown; grant Machine.Read.All, or Machine.ReadWrite.All where that is refused"
        ));
    }

    /// Nothing leaves until an operator mends something; a new token is tried once a minute.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_, '_>, code: &str, why: String) {
        let now = turn.now;
        let until = now.plus(self.pace.stopped);
        if self
            .gate
            .stopped
            .as_ref()
            .is_none_or(|stopped| stopped.why != why)
        {
            turn.events.push(WorkerEvent::Stopped {
                code: code.to_owned(),
                why: why.clone(),
            });
        }
        self.gate.stopped = Some(Stopped { why, until });
        self.gate.token = None;
        self.gate.token_due = until;
    }

    /// What stopped the tenant is over.
    pub(super) fn stopped_no_more(&mut self) {
        self.gate.stopped = None;
        self.gate.token_due = Timestamp::default();
    }

    pub(super) fn token_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Answer::Http(response) = answer else {
            self.gate.token_due = now.plus(self.pace.token_retry);
            return Ok(());
        };
        match token::read(&response, now) {
            TokenReply::Granted(token) => {
                // Where the settings have the id, a token of another tenant is a fault of its own.
                let by_id = self.account.tenant_id.parse::<Uuid>().is_ok();
                let entra = token
                    .claims
                    .tid
                    .as_ref()
                    .and_then(|tid| tid.parse().ok())
                    .filter(|_| !by_id);
                if is_elsewhere(turn.tx, self.id, entra)? {
                    self.moved_to = entra;
                    return Ok(());
                }
                if let Some(entra) = entra {
                    turn.tx.now_belongs_to(self.id, entra)?;
                }
                self.token_granted(turn, token);
            }
            TokenReply::Refused(refusal) => {
                let why = format!(
                    "Entra refuses a token ({}): {}",
                    refusal.code, refusal.meaning
                );
                self.stop(turn, &refusal.code, why);
            }
            TokenReply::Later(span, _) => {
                self.gate.token_due = now.plus(span.max(self.pace.token_retry))
            }
        }
        Ok(())
    }

    fn token_granted(&mut self, turn: &mut Turn<'_, '_>, token: Token) {
        let now = turn.now;
        let faults = token::check(
            &token.claims,
            &self.account.endpoints,
            &self.account.tenant_id,
        );
        self.gate.blind = faults.contains(&ClaimFault::NoReadRole);
        let (stops, notes): (Vec<_>, Vec<_>) = faults.into_iter().partition(ClaimFault::stops);
        self.gate.notes = notes.iter().map(ToString::to_string).collect();
        if let Some(fault) = stops.first() {
            return self.stop(turn, fault.code(), fault.to_string());
        }
        turn.events.push(WorkerEvent::Token {
            audience: token.claims.aud.clone().unwrap_or_default(),
            tenant_id: token.claims.tid.clone().unwrap_or_default(),
            roles: token.claims.roles.clone(),
            expires: token.expires,
        });
        self.gate.stopped = None;
        self.gate.unreadable = (0, None);
        self.gate.without_external_id = WithoutExternalId::default();
        self.gate.generation += 1;
        // A token that lives a moment must not become a storm of token calls.
        self.gate.token_due = token.refresh.max(now.plus(self.pace.token_retry));
        self.gate.token = Some(token);
    }
}

//! The errand of the token, and what stops a tenant or makes it pause.

use core::time::Duration;

use uuid::Uuid;

use super::event::WorkerEvent;
use super::gate::{LONGEST_REST, Stopped, WithoutExternalId, longer};
use super::moved::is_elsewhere;
use super::state::TenantWorker;
use super::throttle::Throttle;
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
        tx: &mut Tx<'_>,
        span: Duration,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) -> Result<(), JournalError> {
        if matches!(self.gate.throttle, Throttle::Probe) {
            self.gate.memory.refused_probes = self.gate.memory.refused_probes.saturating_add(1);
        }
        let span = span.max(longer(self.gate.memory.refused_probes));
        let until = self.gate.memory.paused_until.max(now.plus(span));
        self.gate.memory.paused_until = until;
        self.gate.throttle = Throttle::Probe;
        happened.push(WorkerEvent::Paused { until });
        self.save_memory(tx)
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
        generation: u64,
        refusal: &DefenderError,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) {
        if generation != self.gate.generation || self.gate.token.is_none() {
            return;
        }
        if self.gate.refused_once {
            let why = format!("Defender refuses a fresh token: {refusal}");
            return self.stop("unauthorized", why, now, happened);
        }
        self.gate.refused_once = true;
        self.gate.token = None;
        self.gate.token_due = now;
    }

    /// The app may send scans but not read what became of them. Another token may have more roles, so each is tried.
    pub(super) fn reading_forbidden(
        &mut self,
        refusal: &DefenderError,
        happened: &mut Vec<WorkerEvent>,
    ) {
        self.reached();
        happened.push(WorkerEvent::Alarm {
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
    pub(super) fn stop(
        &mut self,
        code: &str,
        why: String,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) {
        let until = now.plus(self.pace.stopped);
        if self
            .gate
            .stopped
            .as_ref()
            .is_none_or(|stopped| stopped.why != why)
        {
            happened.push(WorkerEvent::Stopped {
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
        tx: &mut Tx<'_>,
        answer: Answer,
        now: Timestamp,
        happened: &mut Vec<WorkerEvent>,
    ) -> Result<(), JournalError> {
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
                if is_elsewhere(tx, self.id, entra)? {
                    self.moved_to = entra;
                    return Ok(());
                }
                if let Some(entra) = entra {
                    tx.now_belongs_to(self.id, entra)?;
                }
                self.token_granted(token, now, happened);
            }
            TokenReply::Refused(refusal) => {
                let why = format!(
                    "Entra refuses a token ({}): {}",
                    refusal.code, refusal.meaning
                );
                self.stop(&refusal.code, why, now, happened);
            }
            TokenReply::Later(span, _) => {
                self.gate.token_due = now.plus(span.max(self.pace.token_retry))
            }
        }
        Ok(())
    }

    fn token_granted(&mut self, token: Token, now: Timestamp, happened: &mut Vec<WorkerEvent>) {
        let faults = token::check(
            &token.claims,
            &self.account.endpoints,
            &self.account.tenant_id,
        );
        self.gate.blind = faults.contains(&ClaimFault::NoReadRole);
        let (stops, notes): (Vec<_>, Vec<_>) = faults.into_iter().partition(ClaimFault::stops);
        self.gate.notes = notes.iter().map(ToString::to_string).collect();
        if let Some(fault) = stops.first() {
            return self.stop(fault.code(), fault.to_string(), now, happened);
        }
        happened.push(WorkerEvent::Token {
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

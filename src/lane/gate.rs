//! What keeps a lane from calling: no token, a pause after 429, a far side that is down, a tenant that is stopped.

use core::time::Duration;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::anchor::Anchor;
use super::moved::is_elsewhere;
use super::throttle::Throttle;
use super::{Happened, Lane};
use crate::api::LaneView;
use crate::defender::Answer;
use crate::defender::reply::Refusal;
use crate::defender::token::{self, Bearer, ClaimFault, Token, TokenReply};
use crate::domain::alert::MachineId;
use crate::domain::obstacles::Obstacles;
use crate::domain::quota::Learnt;
use crate::domain::scan::ScanId;
use crate::domain::time::Timestamp;
use crate::journal::{Api, JournalError, Tx};

/// So often reading must be forbidden before it is believed: one 403 may be a role that has not spread yet.
const FORBIDDEN: u32 = 2;
/// The role that scans.
const SCAN_ROLE: &str = "Machine.Scan";
/// The longest rest after calls that did not reach a working far side.
const LONGEST_REST: u64 = 60;

/// What a restart must not forget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// End of the pause after a 429.
    paused_until: Timestamp,
    /// The tenant has not come all the way back from it.
    probe: bool,
    /// Probes that were refused in a row, although each left when the far side had said.
    refused_probes: u32,
    /// What refusals have told of others who use the same quota, by API.
    learnt: BTreeMap<String, Learnt>,
    /// For how long the directory could be asked, in milliseconds.
    asked_for: u64,
    /// Where both clocks stood when this was written.
    clock: Option<Anchor>,
}

/// How long a pause is at least after so many refused probes. Where others spend nearly all of the hour and refused calls
/// count as well, obeying the far side's word alone could keep a tenant out for good: beyond an hour, none of ours counts.
fn longer(refused_probes: u32) -> Duration {
    const PATIENCE: u32 = 10;
    let minutes = refused_probes.checked_sub(PATIENCE).map_or(0, |beyond| 1 << beyond.min(6));
    Duration::from_secs(minutes * 60)
}

/// The state of the gate.
#[derive(Default)]
pub(super) struct Gate {
    memory: Memory,
    pub(super) throttle: Throttle,
    token: Option<Token>,
    /// Counts tokens, so that an answer to a call with an old one says nothing about the new one.
    generation: u64,
    token_due: Timestamp,
    /// A 401 has used up the one refresh.
    refused_once: bool,
    resting_until: Timestamp,
    failures: u32,
    stopped: Option<Stopped>,
    notes: Vec<String>,
    /// How often in a row reading machine actions was forbidden with this token, and what Defender said.
    unreadable: (u32, Option<String>),
    /// The token has no role that reads.
    blind: bool,
    /// The token with which a scan call was last taken.
    carried: Option<u64>,
    /// The machine whose scan was forbidden with this token before any other was taken.
    forbidden: Option<(u64, MachineId)>,
    without_external_id: WithoutExternalId,
}

/// What is known of calls without `ExternalId`, until there is another token.
#[derive(Default)]
struct WithoutExternalId {
    /// Scans whose body was refused with it: once more without it.
    tries: BTreeSet<ScanId>,
    /// Such a call was accepted: it is left out from now on.
    proven: bool,
}

struct Stopped {
    why: String,
    until: Timestamp,
}

impl Gate {
    pub(super) fn load(memory: &str) -> Gate {
        // An unreadable memory forgets a pause, which the far side will then repeat: no reason not to start.
        let memory: Memory = serde_json::from_str(memory).unwrap_or_default();
        let throttle = if memory.probe { Throttle::Probe } else { Throttle::Open };
        Gate { memory, throttle, ..Gate::default() }
    }

    /// Where both clocks stood when the lane last wrote.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        self.memory.clock
    }

    /// For how long the directory could be asked when the lane last wrote.
    pub(super) fn asked_for(&self) -> Duration {
        Duration::from_millis(self.memory.asked_for)
    }

    /// What was learnt of others who use this API's quota.
    pub(super) fn learnt(&self, api: Api) -> Learnt {
        self.memory.learnt.get(api.code()).copied().unwrap_or_default()
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        let ends = [&mut self.memory.paused_until, &mut self.token_due, &mut self.resting_until];
        let stopped = self.stopped.as_mut().map(|stopped| &mut stopped.until);
        let token = self.token.as_mut().map_or_else(Vec::new, |token| vec![&mut token.expires, &mut token.refresh]);
        ends.into_iter().chain(stopped).chain(token).for_each(|at| *at = at.moved(by));
        self.throttle.moved(by);
    }

    /// A call that left at `sent_at` was let through. One that had left before the pause was over says nothing.
    pub(super) fn let_through(&mut self, sent_at: Timestamp, now: Timestamp) {
        if sent_at >= self.memory.paused_until {
            self.memory.refused_probes = 0;
            self.throttle.let_through(now);
        }
    }

    /// No call at all before this.
    pub(super) fn closed_until(&self, now: Timestamp) -> Timestamp {
        let stopped = self.stopped.as_ref().map_or(now, |stopped| stopped.until);
        self.memory.paused_until.max(self.resting_until).max(stopped)
    }

    /// When a token must be asked for.
    pub(super) fn token_due(&self) -> Timestamp {
        self.token_due
    }

    /// A token for a call that leaves now, with its generation.
    pub(super) fn bearer(&self, now: Timestamp) -> Option<(&Bearer, u64)> {
        let token = self.token.as_ref().filter(|token| token.expires > now && self.stopped.is_none())?;
        Some((&token.bearer, self.generation))
    }

    /// Whether machine actions may be read, as far as is known.
    pub(super) fn may_read(&self) -> bool {
        self.unreadable.0 < FORBIDDEN
    }

    /// Counts tokens.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the token may read machines, as far as it tells.
    pub(super) fn reads(&self) -> bool {
        !self.blind
    }

    /// Whether a scan call was taken with this token.
    pub(super) fn has_carried(&self, generation: u64) -> bool {
        self.carried == Some(generation)
    }

    /// Whether a 403 says something of this machine alone: the token was good for another scan. If it was not tried yet,
    /// its roles speak for it, until a second machine is forbidden as well.
    pub(super) fn is_about_one_machine(&mut self, generation: u64, machine: &MachineId) -> bool {
        if self.has_carried(generation) || generation != self.generation {
            return true;
        }
        let roles = self.token.iter().flat_map(|token| &token.claims.roles);
        let first = self.forbidden.take().filter(|(with, _)| *with == generation).map(|(_, first)| first);
        let first = first.unwrap_or_else(|| machine.clone());
        let only = first == *machine;
        self.forbidden = Some((generation, first));
        only && roles.into_iter().any(|role| role == SCAN_ROLE)
    }

    /// What is wrong, but stops nothing, until there is another token.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether the call for this scan carries `ExternalId`.
    pub(super) fn with_external_id(&self, scan: ScanId) -> bool {
        !self.without_external_id.proven && !self.without_external_id.tries.contains(&scan)
    }

    /// A body with `ExternalId` was refused. That may have another reason, so only this scan is sent without it.
    pub(super) fn try_without_external_id(&mut self, scan: ScanId) {
        self.without_external_id.tries.insert(scan);
    }

    /// A scan that was sent without `ExternalId` was accepted. If its body was refused with it, that was the reason.
    pub(super) fn took_without_external_id(&mut self, scan: ScanId) {
        if self.without_external_id.tries.remove(&scan) && !self.without_external_id.proven {
            self.without_external_id.proven = true;
            self.note(
                "Defender refuses scan calls with ExternalId and takes them without: it is left out until the next token, \
                 and the comment alone tells which actions are ours"
                    .to_owned(),
            );
        }
    }

    /// What keeps the lane from calling, by what the gate knows.
    pub(super) fn obstacles(&self, now: Timestamp) -> Obstacles {
        let later = |at: Timestamp| Some(at).filter(|at| *at > now);
        Obstacles {
            stopped: self.stopped.as_ref().map(|stopped| stopped.why.clone()),
            no_token: self.bearer(now).is_none(),
            token_at: later(self.token_due).filter(|_| self.bearer(now).is_none()),
            throttled_until: later(self.memory.paused_until),
            resting_until: later(self.resting_until),
            ..Obstacles::default()
        }
    }

    pub(super) fn view(&self, now: Timestamp) -> LaneView {
        let claims = self.token.as_ref().map(|token| &token.claims);
        LaneView {
            audience: claims.and_then(|claims| claims.aud.clone()),
            tenant_id: claims.and_then(|claims| claims.tid.clone()),
            roles: claims.map_or_else(Vec::new, |claims| claims.roles.clone()),
            token_expires_at: self.token.as_ref().map(|token| token.expires.to_string()),
            paused_until: Some(self.memory.paused_until).filter(|until| *until > now).map(|until| until.to_string()),
            stopped: self.stopped.as_ref().map(|stopped| stopped.why.clone()),
            unreachable: Vec::new(),
            notes: self.notes.iter().chain(&self.unreadable.1).cloned().collect(),
        }
    }
}

impl Lane {
    /// A 429: nobody calls before it is over. Survives restarts.
    pub(super) fn pause(
        &mut self,
        tx: &mut Tx<'_>,
        span: Duration,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        if matches!(self.gate.throttle, Throttle::Probe) {
            self.gate.memory.refused_probes = self.gate.memory.refused_probes.saturating_add(1);
        }
        let span = span.max(longer(self.gate.memory.refused_probes));
        let until = self.gate.memory.paused_until.max(now.plus(span));
        self.gate.memory.paused_until = until;
        self.gate.throttle = Throttle::Probe;
        happened.push(Happened::Paused { until });
        self.save_memory(tx)
    }

    /// Writes down what a restart must not forget.
    pub(super) fn save_memory(&mut self, tx: &mut Tx<'_>) -> Result<(), JournalError> {
        let learnt = self.budgets.iter().map(|(api, budget)| (api.code().to_owned(), budget.learnt()));
        self.gate.memory.learnt = learnt.filter(|(_, learnt)| *learnt != Learnt::default()).collect();
        self.gate.memory.probe = self.gate.throttle.holds_back();
        self.gate.memory.clock = Some(self.anchor);
        let asked_for = self.looks.time.at(self.anchor.seen());
        self.gate.memory.asked_for = u64::try_from(asked_for.as_millis()).unwrap_or(u64::MAX);
        let memory = serde_json::to_string(&self.gate.memory);
        tx.remember(self.id, &memory.map_err(|_| JournalError::Conflict("a lane's memory is not JSON"))?)
    }

    /// A call did not reach a working far side: rest, twice as long each time. Calls that were under way together
    /// fail together, and count once.
    pub(super) fn rest(&mut self, now: Timestamp) {
        if now < self.gate.resting_until {
            return;
        }
        let seconds = 1_u64.checked_shl(self.gate.failures).unwrap_or(LONGEST_REST).min(LONGEST_REST);
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
        refusal: &Refusal,
        now: Timestamp,
        happened: &mut Vec<Happened>,
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
    pub(super) fn reading_forbidden(&mut self, refusal: &Refusal, happened: &mut Vec<Happened>) {
        self.reached();
        happened.push(Happened::Alarm { code: "list-forbidden", about: None });
        self.gate.unreadable.0 += 1;
        self.gate.unreadable.1 = Some(format!(
            "Defender forbids reading machine actions ({refusal}): nothing is followed, and a call whose answer is lost \
             is subject to on_unknown; grant Machine.Read.All, or Machine.ReadWrite.All where that is refused"
        ));
    }

    /// Nothing leaves until an operator mends something; a new token is tried once a minute.
    pub(super) fn stop(&mut self, code: &str, why: String, now: Timestamp, happened: &mut Vec<Happened>) {
        let until = now.plus(self.pace.stopped);
        if self.gate.stopped.as_ref().is_none_or(|stopped| stopped.why != why) {
            happened.push(Happened::Stopped { code: code.to_owned(), why: why.clone() });
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
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        let Answer::Http(response) = answer else {
            self.gate.token_due = now.plus(self.pace.token_retry);
            return Ok(());
        };
        match token::read(&response, now) {
            TokenReply::Granted(token) => {
                // Where the settings have the id, a token of another tenant is a fault of its own.
                let by_id = self.account.tenant_id.parse::<Uuid>().is_ok();
                let entra = token.claims.tid.as_ref().and_then(|tid| tid.parse().ok()).filter(|_| !by_id);
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
                let why = format!("Entra refuses a token ({}): {}", refusal.code, refusal.meaning);
                self.stop(&refusal.code, why, now, happened);
            }
            TokenReply::Later(span, _) => self.gate.token_due = now.plus(span.max(self.pace.token_retry)),
        }
        Ok(())
    }

    fn token_granted(&mut self, token: Token, now: Timestamp, happened: &mut Vec<Happened>) {
        let faults = token::check(&token.claims, &self.account.endpoints, &self.account.tenant_id);
        self.gate.blind = faults.contains(&ClaimFault::NoReadRole);
        let (stops, notes): (Vec<_>, Vec<_>) = faults.into_iter().partition(ClaimFault::stops);
        self.gate.notes = notes.iter().map(ToString::to_string).collect();
        if let Some(fault) = stops.first() {
            return self.stop(fault.code(), fault.to_string(), now, happened);
        }
        happened.push(Happened::Token {
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

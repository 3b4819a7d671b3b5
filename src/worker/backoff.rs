//! What keeps a worker from calling: no token, a pause after 429, a far side that is down, a tenant that is stopped.
//!
//! It is closed for three reasons. A *pause* after a 429 is kept in the journal, and `throttle` is the way back from
//! it. A *rest* after calls that reached no working far side lasts 1, 2, 4 … 30 seconds, so that with
//! the 30 seconds that a call may take tries are at most a minute apart. A *stop* (a refused
//! credential, a missing role) lasts until a token is granted again, which is tried once a minute. Where reading is
//! forbidden only reads stop.

use core::time::Duration;
use std::collections::BTreeSet;

use super::memory::Memory;
use super::throttle::Throttle;
use super::wall_clock::WallClock;
use crate::defender::acquisition::Acquisition;
use crate::defender::token::{Bearer, Token};
use crate::journal::Api;
use scanhook_core::alert::MachineId;
use scanhook_core::quota::Learnt;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// So often reading must be forbidden before it is believed: one 403 may be a role that has not spread yet.
const FORBIDDEN: u32 = 2;
/// The role that scans.
const SCAN_ROLE: &str = "Machine.Scan";
/// The longest rest after calls that did not reach a working far side.
pub(super) const LONGEST_REST: u64 = 30;

/// How long a pause is at least after so many refused probes. Where others spend nearly all of the hour and refused calls
/// count as well, obeying the far side's word alone could keep a tenant out for good: beyond an hour, none of ours counts.
pub(super) fn longer(refused_probes: u32) -> Duration {
    const PATIENCE: u32 = 10;
    let minutes = refused_probes
        .checked_sub(PATIENCE)
        .map_or(0, |beyond| 1 << beyond.min(6));
    Duration::from_secs(minutes * 60)
}

/// What keeps from calling now, and the token to call with.
#[derive(Default)]
pub(super) struct Backoff {
    pub(super) memory: Memory,
    pub(super) throttle: Throttle,
    pub(super) token: Option<Token>,
    /// How far getting the next token has come.
    pub(super) acquisition: Acquisition,
    pub(super) awaiting: Option<Awaited>,
    /// Whether the refresh token before the last one is needed any more.
    pub(super) succession: Succession,
    /// Counts tokens, so that an answer to a call with an old one says nothing about the new one.
    pub(super) generation: u64,
    pub(super) token_due: Timestamp,
    /// A 401 has used up the one refresh.
    pub(super) refused_once: bool,
    pub(super) resting_until: Timestamp,
    pub(super) failures: u32,
    pub(super) stopped: Option<Stopped>,
    pub(super) notes: Vec<String>,
    /// How often in a row reading machine actions was forbidden with this token, and what Defender said.
    pub(super) unreadable: (u32, Option<String>),
    /// The token has no role that reads.
    pub(super) blind: bool,
    /// The token with which a scan call was last taken.
    pub(super) carried: Option<u64>,
    /// The machine whose scan was forbidden with this token before any other was taken.
    pub(super) forbidden: Option<(u64, MachineId)>,
    pub(super) without_external_id: WithoutExternalId,
}

/// What is known of calls without `ExternalId`, until there is another token.
#[derive(Default)]
pub(super) struct WithoutExternalId {
    /// Scans whose body was refused with it: once more without it.
    pub(super) tries: BTreeSet<ScanId>,
    /// Such a call was accepted: it is left out from now on.
    pub(super) proven: bool,
}

/// How far a person's new refresh token has proved itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Succession {
    /// There is nothing to prove.
    #[default]
    Settled,
    /// The access token that came with it, since then, was not used for a call yet.
    Unproved(Timestamp),
    /// It was: the one before can go.
    Proved,
}

/// Why there is no token yet, where nobody refuses it.
pub(super) struct Awaited {
    pub(super) why: String,
    /// How often in a row.
    pub(super) tries: u32,
}

pub(super) struct Stopped {
    pub(super) why: String,
    pub(super) until: Timestamp,
}

impl Backoff {
    pub(super) fn load(memory: &str) -> Backoff {
        // An unreadable memory forgets a pause, which the far side will then repeat: no reason not to start.
        let memory: Memory = serde_json::from_str(memory).unwrap_or_default();
        let throttle = if memory.probe {
            Throttle::Probe
        } else {
            Throttle::Open
        };
        Backoff {
            memory,
            throttle,
            ..Backoff::default()
        }
    }

    /// Where both clocks stood when the worker last wrote.
    pub(super) fn wall_clock(&self) -> Option<WallClock> {
        self.memory.clock
    }

    /// For how long the directory could be asked when the worker last wrote.
    pub(super) fn asked_for(&self) -> Duration {
        Duration::from_millis(self.memory.asked_for)
    }

    /// What was learnt of others who use this API's quota.
    pub(super) fn learnt(&self, api: Api) -> Learnt {
        self.memory
            .learnt
            .get(api.code())
            .copied()
            .unwrap_or_default()
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        let ends = [
            &mut self.memory.paused_until,
            &mut self.token_due,
            &mut self.resting_until,
        ];
        let stopped = self.stopped.as_mut().map(|stopped| &mut stopped.until);
        let token = self.token.as_mut().map_or_else(Vec::new, |token| {
            vec![&mut token.expires, &mut token.refresh]
        });
        ends.into_iter()
            .chain(stopped)
            .chain(token)
            .for_each(|at| *at = at.moved(by));
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
        self.memory
            .paused_until
            .max(self.resting_until)
            .max(stopped)
    }

    /// When a token must be asked for.
    pub(super) fn token_due(&self) -> Timestamp {
        self.token_due
    }

    /// A token for a call that leaves now, with its generation.
    pub(super) fn bearer(&self, now: Timestamp) -> Option<(&Bearer, u64)> {
        let token = self
            .token
            .as_ref()
            .filter(|token| token.expires > now && self.stopped.is_none())?;
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
        let first = self
            .forbidden
            .take()
            .filter(|(with, _)| *with == generation)
            .map(|(_, first)| first);
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
}

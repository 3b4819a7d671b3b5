//! Who cannot be reached: told once when it begins and once when it is over, and shown for as long as it lasts.

use super::{Happened, Lane};
use crate::defender::Answer;
use crate::domain::obstacles::{FarSide, Obstacles, Outage, Spent};
use crate::domain::time::Timestamp;
use crate::journal::{Api, JournalError, Tx};

/// Far sides that do not answer.
#[derive(Default)]
pub(super) struct Reach {
    entra: Option<Silent>,
    defender: Option<Silent>,
}

/// Since when, and what came instead of an answer.
struct Silent {
    since: Timestamp,
    code: String,
}

impl Reach {
    fn of(&mut self, side: FarSide) -> &mut Option<Silent> {
        match side {
            FarSide::Entra => &mut self.entra,
            FarSide::Defender => &mut self.defender,
        }
    }

    /// Whether this side cannot be reached.
    pub(super) fn is_silent(&self, side: FarSide) -> bool {
        match side {
            FarSide::Entra => self.entra.is_some(),
            FarSide::Defender => self.defender.is_some(),
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        for silent in [&mut self.entra, &mut self.defender].into_iter().flatten() {
            silent.since = silent.since.moved(by);
        }
    }
}

/// What an answer says of the way to the far side: `Some(None)`: it is there; `None`: nothing.
fn heard(api: Api, answer: &Answer) -> Option<Option<String>> {
    match answer {
        Answer::NotSent(code) => Some(Some(code.clone())),
        // Look-ups and reads of single actions have ways of their own to be slow, and rest alone.
        Answer::Unknown(_) if !matches!(api, Api::Token | Api::Scan | Api::Cancel | Api::List) => None,
        // What cannot be read is an answer all the same.
        Answer::Unknown(code) => {
            matches!(code.as_str(), "timeout" | "connection-lost" | "answer-cut-off").then(|| Some(code.clone()))
        }
        Answer::Http(response) => {
            let status = response.status();
            // A gateway that stands before it answers so; any other error of the server is an answer of Defender.
            let gateway = matches!(status.as_u16(), 502..=504) && matches!(api, Api::Scan | Api::Cancel);
            let silent = if api == Api::Token { status.is_server_error() } else { gateway };
            match (silent, status.is_server_error()) {
                (true, _) => Some(Some(format!("http-{}", status.as_u16()))),
                (false, true) => None,
                (false, false) => Some(None),
            }
        }
    }
}

impl Lane {
    /// Takes from an answer whether the far side is in reach, and tells where that has changed.
    pub(super) fn note_reach(&mut self, api: Api, answer: &Answer, now: Timestamp, happened: &mut Vec<Happened>) {
        let Some(code) = heard(api, answer) else { return };
        let side = if api == Api::Token { FarSide::Entra } else { FarSide::Defender };
        let address = self.address(side);
        let silent = self.reach.of(side);
        match (code, silent.as_mut()) {
            (Some(code), Some(silent)) => silent.code = code,
            (Some(code), None) => {
                *silent = Some(Silent { since: now, code: code.clone() });
                happened.push(Happened::Unreachable { side, address, code });
            }
            (None, Some(was)) => {
                happened.push(Happened::Reached { side, address, after: now.since(was.since) });
                *silent = None;
            }
            (None, None) => {}
        }
    }

    fn address(&self, side: FarSide) -> String {
        match side {
            FarSide::Entra => self.account.endpoints.authority.clone(),
            FarSide::Defender => self.account.endpoints.api_base.clone(),
        }
    }

    /// What keeps this lane from sending.
    pub(super) fn obstacles(&self, now: Timestamp, disk_full: bool) -> Obstacles {
        let mut obstacles = self.gate.obstacles(now);
        let later = |at: Timestamp| Some(at).filter(|at| *at > now);
        let outage = |side, silent: &Option<Silent>, again: Timestamp| {
            let silent = silent.as_ref()?;
            let (address, code) = (self.address(side), silent.code.clone());
            Some(Outage { side, address, code, since: silent.since, again: later(again) })
        };
        let entra = outage(FarSide::Entra, &self.reach.entra, self.gate.token_due());
        let defender = outage(FarSide::Defender, &self.reach.defender, self.gate.closed_until(now));
        obstacles.outages = entra.into_iter().chain(defender).collect();
        obstacles.dry_run = !self.account.sends;
        obstacles.disk_full = disk_full;
        obstacles.spent = self.spent;
        obstacles
    }

    /// Writes down what keeps this lane from sending, where that has changed.
    pub(super) fn write_obstacles(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), JournalError> {
        let obstacles = self.obstacles(now, tx.is_tight());
        if self.written.as_ref() != Some(&obstacles) {
            tx.hindered_by(self.id, &obstacles)?;
            self.written = Some(obstacles);
        }
        Ok(())
    }

    /// The quota leaves no room for the scan whose turn it is before `until`; never: its place is taken by calls that
    /// are under way.
    pub(super) fn has_spent(&mut self, until: Timestamp, now: Timestamp) {
        self.spent = (until < Timestamp::NEVER).then(|| {
            let share = self.account.share;
            let budget = self.budgets.get(&Api::Scan);
            let left = budget.map_or(share, |budget| budget.left(share, now));
            Spent {
                used: budget.map_or((0, 0), |budget| budget.used(now)),
                of: (left.per_minute, left.per_hour),
                until,
                kept: self.free_at(Api::Scan, now) <= now,
            }
        });
    }
}

//! Who cannot be reached: told once at its beginning and once at its end, and why what waits is not sent.

use super::event::WorkerEvent;
use super::reach::{Silent, heard};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::journal::{Api, JournalError, Tx};
use scanhook_core::obstacles::{FarSide, Obstacles, Outage, Spent};
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Takes from an answer whether the far side is in reach, and tells where that has changed.
    pub(super) fn note_reach(&mut self, turn: &mut Turn<'_, '_>, api: Api, answer: &Answer) {
        let now = turn.now;
        let Some(code) = heard(api, answer) else {
            return;
        };
        let side = if api == Api::Token {
            FarSide::Entra
        } else {
            FarSide::Defender
        };
        let address = self.address(side);
        let silent = self.reach.of(side);
        match (code, silent.as_mut()) {
            (Some(code), Some(silent)) => silent.code = code,
            (Some(code), None) => {
                *silent = Some(Silent {
                    since: now,
                    code: code.clone(),
                });
                turn.events.push(WorkerEvent::Unreachable {
                    side,
                    address,
                    code,
                });
            }
            (None, Some(was)) => {
                turn.events.push(WorkerEvent::Reached {
                    side,
                    address,
                    after: now.since(was.since),
                });
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

    /// What keeps this worker from sending.
    pub(super) fn obstacles(&self, now: Timestamp, disk_full: bool) -> Obstacles {
        let mut obstacles = self.backoff.obstacles(now);
        let later = |at: Timestamp| Some(at).filter(|at| *at > now);
        let outage = |side, silent: &Option<Silent>, again: Timestamp| {
            let silent = silent.as_ref()?;
            let (address, code) = (self.address(side), silent.code.clone());
            Some(Outage {
                side,
                address,
                code,
                since: silent.since,
                again: later(again),
            })
        };
        let entra = outage(FarSide::Entra, &self.reach.entra, self.backoff.token_due());
        let defender = outage(
            FarSide::Defender,
            &self.reach.defender,
            self.backoff.closed_until(now),
        );
        obstacles.outages = entra.into_iter().chain(defender).collect();
        obstacles.dry_run = !self.account.sends;
        obstacles.disk_full = disk_full;
        obstacles.spent = self.spent;
        obstacles
    }

    /// Writes down what keeps this worker from sending, where that has changed.
    pub(super) fn write_obstacles(
        &mut self,
        tx: &mut Tx<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
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

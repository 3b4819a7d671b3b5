//! Who cannot be reached: told once at its beginning and once at its end, and why what waits is not sent.

use super::event::WorkerEvent;
use super::reach::{Reach, ReachChange, SideReach, heard};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::{Answer, Unsent};
use crate::journal::{Api, JournalError, Tx};
use scanhook_core::obstacles::{FarSide, Obstacles, Outage, Spent};
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// Takes from an answer whether the far side is in reach. That is told once when the first side falls silent, and
    /// once when the last is back.
    pub(super) fn note_reach(&mut self, turn: &mut Turn<'_, '_>, api: Api, answer: &Answer) {
        let now = turn.now;
        let Some(nothing) = heard(api, answer) else {
            return;
        };
        let side = Reach::side(api);
        let address = self.address(side);
        let was_tls = self.fails_by_tls(side);
        let code = nothing.as_ref().map(|nothing| nothing.code.clone());
        let unsent = nothing.as_ref().and_then(|nothing| nothing.unsent.clone());
        match (self.reach.heard(side, nothing, now), code) {
            (Some(ReachChange::Began), Some(code)) => {
                turn.events.push(WorkerEvent::Unreachable {
                    side,
                    address,
                    code,
                    proxy: unsent.as_ref().and_then(|unsent| unsent.proxy.clone()),
                    tls: unsent.and_then(|unsent| unsent.tls),
                });
            }
            (Some(ReachChange::Ended(since)), _) => {
                turn.events.push(WorkerEvent::Reached {
                    side,
                    address,
                    after: now.since(since),
                });
            }
            _ => {}
        }
        if self.fails_by_tls(side) && !was_tls {
            // Somebody else may stand where the far side should: nothing was told to them.
            turn.events.push(WorkerEvent::Alarm {
                code: "tls",
                about: None,
            });
        }
    }

    fn fails_by_tls(&self, side: FarSide) -> bool {
        let silent = &self.side(side).silent;
        silent.as_ref().is_some_and(|silent| silent.code == "tls")
    }

    fn side(&self, side: FarSide) -> &SideReach {
        match side {
            FarSide::Entra => &self.reach.entra,
            FarSide::Defender => &self.reach.defender,
        }
    }

    /// The network is another one: whoever could not be reached is tried at once.
    pub(super) fn try_again(&mut self, now: Timestamp) {
        if self.reach.is_silent(FarSide::Entra) {
            self.backoff.token_due = now;
        }
        if self.reach.is_any_silent() {
            (self.backoff.resting_until, self.backoff.failures) = (now, 0);
            self.looks.rests.clear();
            self.gets.worked();
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
        let outage = |side, again: Timestamp| {
            let silent = self.side(side).silent.as_ref()?;
            let of = |unsent: &Unsent| (unsent.tls, unsent.proxy.clone());
            let (tls, proxy) = silent.unsent.as_ref().map_or((None, None), of);
            Some(Outage {
                side,
                address: self.address(side),
                code: silent.code.clone(),
                tls,
                proxy,
                since: silent.since,
                again: later(again),
            })
        };
        let entra = outage(FarSide::Entra, self.backoff.token_due());
        let defender = outage(FarSide::Defender, self.backoff.closed_until(now));
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
            self.written = Some(obstacles.clone());
        }
        self.tell_condition(tx, &obstacles, now)
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

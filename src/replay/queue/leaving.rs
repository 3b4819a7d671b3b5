//! How scans leave the queue: by priority, then age, inside the quota, or not at all once they are too old.

use core::time::Duration;

use super::Queue;
use super::scan::ReplayEvent;
use scanhook_core::rules::EXTENDED_FOR;
use scanhook_core::scan::Priority;
use scanhook_core::time::Timestamp;

/// From a call's leaving to its answer.
const ANSWER: Duration = Duration::from_millis(200);

impl<'p> Queue<'p> {
    /// Sends what may be sent, as a worker does: by priority, then age, inside the quota.
    pub(crate) fn poll(&mut self, now: Timestamp) {
        self.load.queue(self.ready.len(), now);
        while let Some(&first) = self.ready.first() {
            let (priority, id) = (first.priority(), first.id().0);
            let Some(scan) = self.scans.get(&id) else {
                self.ready.pop_first();
                continue;
            };
            if scan.not_after < now {
                self.too_old(id);
                continue;
            }
            let opens = self.policy.rules().opens(&scan.openings, now);
            if opens > now {
                self.wait_for_window(id, opens);
                continue;
            }
            let urgent = (priority >= Priority::URGENT).then_some(scan.created);
            let free_at = self.free_at(urgent.is_some(), now);
            if free_at > now {
                // Each poll says anew when the next one is; until an answer comes there is none.
                if core::mem::replace(&mut self.next_poll, free_at) != free_at
                    && free_at < Timestamp::NEVER
                {
                    self.at(free_at, ReplayEvent::Poll);
                }
                return;
            }
            self.send(id, urgent, now);
        }
        self.budget.calm();
        self.next_poll = Timestamp::NEVER;
    }

    /// Its windows are closed: its turn comes when they open.
    fn wait_for_window(&mut self, id: i64, opens: Timestamp) {
        self.ready.pop_first();
        let Some(scan) = self.scans.get_mut(&id) else {
            return;
        };
        (scan.due, scan.start) = (None, Some(opens));
        if opens <= scan.created.plus(EXTENDED_FOR) {
            scan.not_after = scan.not_after.max(opens.plus(scan.max_age));
        }
        if opens < Timestamp::NEVER {
            self.at(opens, ReplayEvent::Due(id));
        }
    }

    fn free_at(&mut self, urgent: bool, now: Timestamp) -> Timestamp {
        let full = self.leaving >= self.pace.in_flight;
        if urgent {
            return if full {
                Timestamp::NEVER
            } else {
                self.budget.free_at(self.share, now)
            };
        }
        let quota = self.budget.ordinary_at(self.share, self.pace.lull, now);
        // The last place is kept for an urgent one.
        if full || self.leaving + 1 >= self.pace.in_flight.max(2) {
            Timestamp::NEVER
        } else {
            quota
        }
    }

    fn send(&mut self, id: i64, urgent: Option<Timestamp>, now: Timestamp) {
        self.ready.pop_first();
        self.budget.sent(id, urgent, now);
        self.leaving += 1;
        let Some(scan) = self.scans.get(&id) else {
            return;
        };
        self.load.sent(
            scan.kind,
            urgent.is_some(),
            now.since(scan.due.unwrap_or(now)),
            now,
        );
        if let Some(machine) = self.machines.get_mut(&scan.machine) {
            machine.waiting = None;
            machine.open = Some(id);
        }
        self.at(now.plus(ANSWER), ReplayEvent::Answer(id));
    }

    fn too_old(&mut self, id: i64) {
        self.ready.pop_first();
        self.load.too_old += 1;
        if let Some(scan) = self.scans.remove(&id)
            && let Some(machine) = self.machines.get_mut(&scan.machine)
        {
            machine.waiting = None;
        }
    }
}

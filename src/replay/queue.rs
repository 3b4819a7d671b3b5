//! The scans of one tenant in virtual time. Planner, quota and pace are those that serve; what is assumed is that every
//! call is answered soon, and that every scan succeeds after the time its kind takes.

mod admission;
mod leaving;
mod scan;

pub use scan::Takes;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use super::load::Load;
use crate::policy::Policy;
use crate::worker::Pace;
use scan::{MachineState, ReplayEvent, Scan};
use scanhook_core::plan::Past;
use scanhook_core::quota::{Budget, Share};
use scanhook_core::rank::Rank;
use scanhook_core::scan::{Kind, ScanId};
use scanhook_core::time::Timestamp;

/// One tenant's queue. There are no dry scans in it.
pub(super) struct Queue<'p> {
    policy: &'p Policy,
    share: Share,
    takes: Takes,
    pace: Pace,
    budget: Budget,
    /// Calls that are not answered yet.
    leaving: usize,
    scans: HashMap<i64, Scan>,
    machines: HashMap<Rc<str>, MachineState>,
    /// Those that only the quota keeps back, the most urgent and oldest first.
    ready: BTreeSet<Rank>,
    agenda: BTreeMap<(Timestamp, u64), ReplayEvent>,
    next_poll: Timestamp,
    /// When scans were begun, by rule (`None`: by any), as far back as a limit looks.
    begun: HashMap<Option<String>, VecDeque<Timestamp>>,
    last: i64,
    sequence: u64,
    pub(super) load: Load,
}

impl<'p> Queue<'p> {
    pub(super) fn new(policy: &'p Policy, share: Share, takes: Takes) -> Queue<'p> {
        Queue {
            policy,
            share,
            takes,
            pace: Pace::default(),
            budget: Budget::default(),
            leaving: 0,
            scans: HashMap::new(),
            machines: HashMap::new(),
            ready: BTreeSet::new(),
            agenda: BTreeMap::new(),
            next_poll: Timestamp::NEVER,
            begun: HashMap::new(),
            last: 0,
            sequence: 0,
            load: Load::default(),
        }
    }

    /// Lets happen what is due until `now`.
    pub(super) fn run_until(&mut self, now: Timestamp) {
        while let Some(entry) = self
            .agenda
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let ((at, _), event) = entry.remove_entry();
            match event {
                ReplayEvent::Due(id) => self.when_due(id, at),
                ReplayEvent::Answer(id) => self.answered(id, at),
                ReplayEvent::End(id) => self.ended(id, at),
                // A later poll has said otherwise.
                ReplayEvent::Poll if at != self.next_poll => continue,
                ReplayEvent::Poll => {}
            }
            self.poll(at);
        }
    }

    /// Lets everything happen that is still to come.
    pub(super) fn run_out(&mut self) {
        self.run_until(Timestamp::NEVER);
    }

    /// A scan that waits is ready, or will be when its window opens.
    fn when_due(&mut self, id: i64, now: Timestamp) {
        let Some(scan) = self
            .scans
            .get_mut(&id)
            .filter(|scan| !scan.behind && scan.due.is_none())
        else {
            return;
        };
        match scan.start.filter(|start| *start > now) {
            Some(start) => self.at(start, ReplayEvent::Due(id)),
            None => {
                scan.due = Some(now);
                self.ready.insert(Rank::new(scan.priority, ScanId(id)));
            }
        }
    }

    fn answered(&mut self, id: i64, now: Timestamp) {
        self.budget.ended(id, now);
        self.leaving = self.leaving.saturating_sub(1);
        if let Some(scan) = self.scans.get(&id) {
            let takes = self.takes.of(scan.kind);
            self.at(now.plus(takes), ReplayEvent::End(id));
        }
    }

    fn ended(&mut self, id: i64, now: Timestamp) {
        let Some(scan) = self.scans.remove(&id) else {
            return;
        };
        let Some(machine) = self.machines.get_mut(&scan.machine) else {
            return;
        };
        machine.open = None;
        let past = if scan.kind == Kind::Full {
            &mut machine.full
        } else {
            &mut machine.quick
        };
        *past = Some(Past {
            scan: ScanId(id),
            ended: now,
        });
        // A stronger one that waited for this.
        if let Some(next) = machine.waiting {
            if let Some(next) = self.scans.get_mut(&next) {
                next.behind = false;
            }
            self.when_due(next, now);
        }
    }

    fn at(&mut self, at: Timestamp, event: ReplayEvent) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence), event);
    }
}

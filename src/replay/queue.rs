//! The scans of one tenant in virtual time. Planner, quota and pace are those that serve; what is assumed is that every
//! call is answered soon, and that every scan succeeds after the time its kind takes.

use core::time::Duration;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use super::load::Load;
use crate::policy::Policy;
use crate::worker::Pace;
use scanhook_core::plan::{History, Open, Past, Plan, Waiting, plan};
use scanhook_core::quota::{Budget, Share};
use scanhook_core::rank::Rank;
use scanhook_core::scan::{Kind, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Limit, Openings, Wanted};

/// From a call's leaving to its answer.
const ANSWER: Duration = Duration::from_millis(200);

/// How long scans are assumed to take.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// A Quick.
    pub quick: Duration,
    /// A Full.
    pub full: Duration,
}

impl Takes {
    const fn of(self, kind: Kind) -> Duration {
        match kind {
            Kind::Quick => self.quick,
            Kind::Full => self.full,
        }
    }
}

/// A scan that waits or is under way.
struct Scan {
    machine: Rc<str>,
    kind: Kind,
    priority: Priority,
    created: Timestamp,
    not_after: Timestamp,
    /// The opening of the window it waits for.
    start: Option<Timestamp>,
    /// When it may leave at all.
    openings: Openings,
    max_age: Duration,
    /// A weaker scan of its machine must end first.
    behind: bool,
    /// Since when nothing but the quota stands in its way.
    due: Option<Timestamp>,
}

/// What is known of a machine.
#[derive(Default)]
struct MachineState {
    waiting: Option<i64>,
    open: Option<i64>,
    quick: Option<Past>,
    full: Option<Past>,
}

enum ReplayEvent {
    /// A window opens for this scan.
    Due(i64),
    /// Its call is answered.
    Answer(i64),
    /// It is over.
    End(i64),
    /// A call may be free.
    Poll,
}

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

    /// What becomes of a wanted scan of this machine.
    pub(super) fn admit(
        &mut self,
        machine: &str,
        rule: Option<&str>,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Reason {
        let plan = plan(&self.history(machine, rule, wanted, now), wanted, now);
        let reason = plan.reason();
        match plan {
            Plan::Begin { after, start } => {
                self.begin(machine, rule, wanted, (after.is_some(), start), now)
            }
            Plan::Join(joined) => self.join(joined, wanted, now),
            Plan::Answered(..) | Plan::Hold(_) => {}
        }
        reason
    }

    fn history(
        &mut self,
        machine: &str,
        rule: Option<&str>,
        wanted: &Wanted,
        now: Timestamp,
    ) -> History {
        let rule_used = self.used(rule.map(str::to_owned), wanted.limit, now);
        let tenant_used = self.used(None, wanted.tenant_limit, now);
        let Some(known) = self.machines.get(machine) else {
            return History {
                rule_used,
                tenant_used,
                ..History::default()
            };
        };
        let waiting = known.waiting.and_then(|id| {
            let scan = self.scans.get(&id)?;
            let (kind, priority, start, openings) =
                (scan.kind, scan.priority, scan.start, scan.openings.clone());
            Some(Waiting {
                scan: ScanId(id),
                kind,
                priority,
                start,
                openings,
            })
        });
        let open = known.open.and_then(|id| {
            let kind = self.scans.get(&id)?.kind;
            Some(Open {
                scan: ScanId(id),
                kind,
                ours: true,
                called_off: false,
            })
        });
        History {
            waiting,
            open,
            last_quick: known.quick,
            last_full: known.full,
            rule_used,
            tenant_used,
        }
    }

    fn used(&mut self, rule: Option<String>, limit: Option<Limit>, now: Timestamp) -> u32 {
        let Some((limit, begun)) = limit.zip(self.begun.get_mut(&rule)) else {
            return 0;
        };
        let since = now.minus(limit.per);
        while begun.front().is_some_and(|at| *at <= since) {
            begun.pop_front();
        }
        u32::try_from(begun.len()).unwrap_or(u32::MAX)
    }

    fn begin(
        &mut self,
        machine: &str,
        rule: Option<&str>,
        wanted: &Wanted,
        (behind, start): (bool, Option<Timestamp>),
        now: Timestamp,
    ) {
        self.last += 1;
        let id = self.last;
        let name: Rc<str> = match self.machines.get_key_value(machine) {
            Some((name, _)) => name.clone(),
            None => machine.into(),
        };
        self.machines.entry(name.clone()).or_default().waiting = Some(id);
        let counts = [
            (rule.map(str::to_owned), wanted.limit),
            (None, wanted.tenant_limit),
        ];
        for (of, _) in counts.into_iter().filter(|(_, limit)| limit.is_some()) {
            self.begun.entry(of).or_default().push_back(now);
        }
        let scan = Scan {
            machine: name,
            kind: wanted.kind,
            priority: wanted.priority,
            created: now,
            not_after: not_after(wanted, start, now),
            start,
            openings: wanted.openings.clone(),
            max_age: wanted.max_age,
            behind,
            due: None,
        };
        self.scans.insert(id, scan);
        self.when_due(id, now);
    }

    fn join(&mut self, joined: Waiting, wanted: &Wanted, now: Timestamp) {
        let id = joined.scan.0;
        let Some(scan) = self.scans.get_mut(&id) else {
            return;
        };
        if scan.due.is_some() {
            self.ready.remove(&Rank::new(scan.priority, ScanId(id)));
            self.ready.insert(Rank::new(joined.priority, ScanId(id)));
        }
        (scan.kind, scan.priority, scan.start) = (joined.kind, joined.priority, joined.start);
        (scan.openings, scan.max_age) = (joined.openings, scan.max_age.max(wanted.max_age));
        scan.not_after = scan.not_after.max(not_after(wanted, joined.start, now));
        self.when_due(id, now);
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

    /// Sends what may be sent, as a lane does: by priority, then age, inside the quota.
    pub(super) fn poll(&mut self, now: Timestamp) {
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
        scan.not_after = scan.not_after.max(opens.plus(scan.max_age));
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

    fn too_old(&mut self, id: i64) {
        self.ready.pop_first();
        self.load.too_old += 1;
        if let Some(scan) = self.scans.remove(&id)
            && let Some(machine) = self.machines.get_mut(&scan.machine)
        {
            machine.waiting = None;
        }
    }

    fn at(&mut self, at: Timestamp, event: ReplayEvent) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence), event);
    }
}

/// How long it may wait to be sent: from receipt, or from the opening of its window.
fn not_after(wanted: &Wanted, start: Option<Timestamp>, now: Timestamp) -> Timestamp {
    start.unwrap_or(now).max(now).plus(wanted.max_age)
}

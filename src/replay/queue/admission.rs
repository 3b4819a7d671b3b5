//! What becomes of a scan that is wanted: the planner is asked with what is known of the machine and of the limits, and what
//! it says is noted.

use std::rc::Rc;

use super::Queue;
use super::scan::Scan;
use scanhook_core::plan::{History, Open, Plan, Waiting, plan};
use scanhook_core::rank::Rank;
use scanhook_core::scan::{Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Limit, Wanted};

impl<'p> Queue<'p> {
    /// What becomes of a wanted scan of this machine.
    pub(crate) fn admit(
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
}

/// How long it may wait to be sent: from receipt, or from the opening of its window.
fn not_after(wanted: &Wanted, start: Option<Timestamp>, now: Timestamp) -> Timestamp {
    start.unwrap_or(now).max(now).plus(wanted.max_age)
}

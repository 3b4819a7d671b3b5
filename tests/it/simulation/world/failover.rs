//! A database that fails over to a standby which lacks the last commits. What they held never was: the sender of a delivery
//! in them is not told, people see that their order is not there and give it again, and of a call in them nobody knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core::time::Duration;

use scanhook::journal::JournalCopy;

use super::super::throttle::Watch;
use super::{Event, World};

/// The most commits that are lost at once.
const MOST: usize = 3;

/// What somebody was told that a commit has done.
pub enum Said {
    Delivery(usize),
    Order(usize),
}

/// What a standby lacks, and what was lost by that.
#[derive(Default)]
pub struct Standby {
    /// As it was before each of the last commits. Empty where none is to be lost.
    before: VecDeque<JournalCopy>,
    commits: usize,
    said: Vec<(usize, Said)>,
    /// Deliveries that were acknowledged and are lost.
    pub deliveries: BTreeSet<usize>,
    /// Calls that left, or were to leave, and are in no ledger any more.
    pub calls: u32,
    /// How often something of a scan was lost, by the end of its id.
    pub scans: BTreeMap<String, u32>,
    failovers: u32,
}

impl Standby {
    pub fn said(&mut self, said: Said) {
        if !self.before.is_empty() {
            self.said.push((self.commits, said));
        }
    }

    /// Whether something was lost.
    pub fn has_lost(&self) -> bool {
        self.failovers > 0
    }

    /// How often something of a scan was lost: so often it may have been executed and nobody knows.
    pub fn lost_of(&self, tail: &str) -> u32 {
        self.scans.get(tail).copied().unwrap_or(0)
    }
}

/// The end of a scan's id, as comments have it.
fn tail(id: &str) -> String {
    id[id.len() - 12..].to_owned()
}

impl World {
    /// Each scan by the end of its id, as it is told.
    fn told_scans(&self) -> BTreeMap<String, String> {
        let scans = self.scans().into_iter();
        scans
            .map(|scan| (tail(&scan.id), format!("{scan:?}")))
            .collect()
    }

    /// The calls in the ledger.
    fn entered(&self) -> BTreeSet<i64> {
        let dump = self.store.dump().unwrap();
        let calls = dump.lines().filter_map(|line| line.strip_prefix("call|"));
        calls
            .map(|call| call.split('|').next().unwrap().parse().unwrap())
            .collect()
    }

    /// Before a commit that may be lost later.
    pub(super) fn before_commit(&mut self) {
        if !self.faults.loses_commits() {
            self.standby.before.clear();
            return;
        }
        self.standby.commits += 1;
        let copy = self.store.copied().unwrap();
        self.standby.before.push_back(copy);
        if self.standby.before.len() > MOST {
            self.standby.before.pop_front();
        }
    }

    /// The last commits never were.
    pub(super) fn fails_over(&mut self, lost: usize) {
        let lost = lost.min(self.standby.before.len());
        let kept = self.standby.before.len() - lost;
        let Some(then) = self.standby.before.get(kept) else {
            return;
        };
        self.trace(|| format!("{lost} commits are lost"));
        let (scans, calls) = (self.told_scans(), self.entered());
        self.store.go_back_to(then).unwrap();
        self.standby.before.truncate(kept);
        self.standby.failovers += 1;
        // Another end of the lease than was seen before is taken for a renewal.
        self.held();
        let (known, entered) = (self.told_scans(), self.entered());
        for (tail, told) in scans {
            if known.get(&tail) != Some(&told) {
                *self.standby.scans.entry(tail).or_default() += 1;
            }
        }
        let unknown: BTreeSet<i64> = calls.difference(&entered).copied().collect();
        self.standby.calls += u32::try_from(unknown.len()).unwrap();
        self.nobody_was_told(lost);
        // What leaves all the same is under a lease that may be another's.
        for (_, event) in self.agenda.values_mut() {
            match event {
                Event::Reach(_, fence, outgoing) if unknown.contains(&outgoing.id.0) => {
                    *fence = None;
                }
                _ => {}
            }
        }
        // A pause may be lost: one that people set, or one after a 429.
        self.paused.clear();
        self.watch = Watch::default();
    }

    /// What was said of these commits is not so.
    fn nobody_was_told(&mut self, lost: usize) {
        self.standby.commits -= lost;
        let last = self.standby.commits;
        let first = self
            .standby
            .said
            .partition_point(|(commit, _)| *commit <= last);
        for (_, said) in self.standby.said.split_off(first) {
            match said {
                Said::Delivery(n) => {
                    self.promised.retain(|(of, _)| *of != n);
                    self.standby.deliveries.insert(n);
                }
                Said::Order(n) => {
                    self.ordered -= 1;
                    self.after(Duration::from_secs(15), Event::Operator(n));
                }
            }
        }
    }
}

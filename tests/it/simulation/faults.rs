//! Where a run goes wrong, counted: at the N-th commit, or at the N-th call.

use core::time::Duration;
use std::collections::BTreeMap;

/// SplitMix64: small, and the same everywhere.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCommit {
    /// The process dies with the jobs uncommitted.
    CrashBefore,
    /// COMMIT itself fails.
    Fails,
    /// The file cannot grow: whatever needs another page fails on the way.
    DiskFull,
    /// The process dies after COMMIT, before anybody is told.
    CrashAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCall {
    /// The connection is refused.
    NeverLeaves,
    /// Executed, and the connection breaks.
    AnswerLost,
    /// Executed, and answered after the deadline.
    TooLate,
}

/// What goes wrong with one of several processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// It stands still after the commit, and goes on later as if nothing had been.
    Asleep(Duration),
    /// It cannot reach the database any more; whether what it said last takes effect.
    Cut(Duration, bool),
    /// The database's clock is from now on ahead by so many milliseconds.
    DbClock(i64),
    /// The database fails over to a standby that lacks so many of the last commits. Whether the process loses its connection in
    /// the middle of a transaction, or finds at the next one that it has another.
    Failover(usize, bool),
}

#[derive(Default)]
pub struct Faults {
    commits: BTreeMap<u64, AtCommit>,
    calls: BTreeMap<u64, AtCall>,
    /// By commit.
    disturbances: BTreeMap<u64, Disturbance>,
    /// By call: how long the process stands still before the first byte.
    naps: BTreeMap<u64, Duration>,
    nap: u64,
    commit: u64,
    call: u64,
    met: usize,
}

impl Faults {
    pub fn one_commit(n: u64, how: AtCommit) -> Faults {
        Faults {
            commits: [(n, how)].into(),
            ..Faults::default()
        }
    }

    pub fn one_call(n: u64, how: AtCall) -> Faults {
        Faults {
            calls: [(n, how)].into(),
            ..Faults::default()
        }
    }

    pub fn one_disturbance(n: u64, how: Disturbance) -> Faults {
        Faults {
            disturbances: [(n, how)].into(),
            ..Faults::default()
        }
    }

    pub fn one_nap(n: u64, span: Duration) -> Faults {
        Faults {
            naps: [(n, span)].into(),
            ..Faults::default()
        }
    }

    /// The same with what goes wrong with one of two processes.
    pub fn of_two(seed: u64) -> Faults {
        let mut dice = Dice::new(seed ^ 0x2b);
        let span = |dice: &mut Dice| Duration::from_secs(dice.pick(&[2, 20, 45, 90, 300]));
        let disturbances = (0..dice.roll(6)).map(|_| {
            let how = match dice.roll(5) {
                0 => Disturbance::DbClock(dice.pick(&[-4_000, -1_000, 0, 1_000, 4_000])),
                1 | 2 => {
                    let span = span(&mut dice);
                    Disturbance::Cut(span, dice.roll(2) == 0)
                }
                _ => Disturbance::Asleep(span(&mut dice)),
            };
            (1 + dice.roll(150), how)
        });
        let disturbances = disturbances.collect();
        let naps = (0..dice.roll(4)).map(|_| (1 + dice.roll(40), span(&mut dice)));
        Faults {
            disturbances,
            naps: naps.collect(),
            ..Faults::random(seed)
        }
    }

    /// The same with a database that loses the last commits, once or twice.
    pub fn with_lost_commits(mut self, seed: u64) -> Faults {
        let mut dice = Dice::new(seed ^ 0x5f);
        for _ in 0..1 + dice.roll(2) {
            let lost = usize::try_from(1 + dice.roll(3)).unwrap();
            let how = Disturbance::Failover(lost, dice.roll(2) == 0);
            self.disturbances.insert(1 + dice.roll(100), how);
        }
        self
    }

    /// Whether commits are to be lost: then each is kept for a while.
    pub fn loses_commits(&self) -> bool {
        let mut planned = self.disturbances.values();
        planned.any(|how| matches!(how, Disturbance::Failover(..)))
    }

    /// None to five of each.
    pub fn random(seed: u64) -> Faults {
        let mut dice = Dice::new(seed ^ 0xfa);
        let commits = (0..dice.roll(6)).map(|_| {
            let how = dice.pick(&[
                AtCommit::CrashBefore,
                AtCommit::Fails,
                AtCommit::DiskFull,
                AtCommit::CrashAfter,
            ]);
            (1 + dice.roll(60), how)
        });
        let commits = commits.collect();
        let calls = (0..dice.roll(6)).map(|_| {
            let how = dice.pick(&[AtCall::NeverLeaves, AtCall::AnswerLost, AtCall::TooLate]);
            (1 + dice.roll(40), how)
        });
        Faults {
            calls: calls.collect(),
            commits,
            ..Faults::default()
        }
    }

    /// Only stops: a call whose answer is lost stands still for thirty seconds, which is no use of a quota.
    pub fn without_lost_calls(self) -> Faults {
        Faults {
            calls: BTreeMap::new(),
            ..self
        }
    }

    pub fn at_commit(&mut self) -> Option<AtCommit> {
        self.commit += 1;
        let fault = self.commits.get(&self.commit).copied();
        self.met += usize::from(fault.is_some());
        fault
    }

    pub fn at_call(&mut self) -> Option<AtCall> {
        self.call += 1;
        let fault = self.calls.get(&self.call).copied();
        self.met += usize::from(fault.is_some());
        fault
    }

    /// What happens at the commit that was counted last, if the process is the one to be disturbed.
    pub fn disturbance(&mut self, may_be: bool) -> Option<Disturbance> {
        let fault = self.disturbances.remove(&self.commit);
        self.met += usize::from(fault.is_some());
        fault.filter(|_| may_be)
    }

    /// How long the process stands still before the first byte of the next call.
    pub fn nap(&mut self, may_be: bool) -> Option<Duration> {
        self.nap += 1;
        let nap = self.naps.remove(&self.nap);
        self.met += usize::from(nap.is_some());
        nap.filter(|_| may_be)
    }

    /// Whether the run reached a planned fault.
    pub fn met(&self) -> bool {
        self.met > 0
    }
}

//! Where a run goes wrong, counted: at the N-th commit, or at the N-th call.

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

#[derive(Default)]
pub struct Faults {
    commits: BTreeMap<u64, AtCommit>,
    calls: BTreeMap<u64, AtCall>,
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

    /// Whether the run reached a planned fault.
    pub fn met(&self) -> bool {
        self.met > 0
    }
}

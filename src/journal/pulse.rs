//! How the writer is: how long its transactions take, how many jobs they hold, and how many wait. Counted once for each
//! transaction, not for each job.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use scanhook_core::time::Timestamp;

/// Upper ends in seconds: from a disk that answers at once to one that hangs.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What is known of the writer; clones show the same.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// Seconds from the begin of a transaction to the end of its COMMIT.
    pub commits: Histogram,
    pub jobs: Counter,
    in_turn: Arc<AtomicUsize>,
    seq: Arc<AtomicU64>,
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse {
            commits: Histogram::new(SECONDS),
            jobs: Counter::default(),
            in_turn: Arc::default(),
            seq: Arc::default(),
        }
    }
}

impl Pulse {
    /// A transaction with so many jobs took so long.
    pub(super) fn committed(&self, jobs: usize, took: Duration) {
        self.commits.observe(took.as_secs_f64());
        self.jobs.inc_by(jobs as u64);
    }

    /// Begins to count changes at a number that is beyond all of an earlier start: the milliseconds of now.
    pub(super) fn begin(&self, now: Timestamp) {
        self.seq
            .store(now.millis().unsigned_abs(), Ordering::Relaxed);
    }

    /// Something was changed by a transaction that is committed.
    pub(super) fn changed(&self) {
        self.seq.fetch_add(1, Ordering::Relaxed);
    }

    /// A number that grows with each commit that changed something, also over restarts.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    /// So many jobs were taken from the queue and are not begun.
    pub(super) fn wait(&self, in_turn: usize) {
        self.in_turn.store(in_turn, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self) -> usize {
        self.in_turn.load(Ordering::Relaxed)
    }
}

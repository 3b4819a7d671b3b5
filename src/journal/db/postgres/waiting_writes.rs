//! What is written later: rows and the statements that frame jobs, in their order, and the ids that are known before.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::lost::Lost;
use super::text_kept::Text;
use super::wire::SentValue;

/// Transactions that write one by one after one that failed.
const ONE_BY_ONE: u32 = 64;

/// Tables whose ids are counted on from the highest, as SQLite does, so that a row has its id before it is sent.
const NUMBERED: [&str; 3] = ["delivery", "scan", "decision"];

/// What waits to be sent.
#[derive(Default)]
pub(super) struct WaitingWrites {
    writes: Vec<Write>,
    /// The job that runs.
    job: Option<RunningJob>,
    highest: Highest,
    one_by_one: u32,
    /// Why nothing of the transaction can be kept.
    lost: Option<Lost>,
}

/// The highest id of each table that is counted here.
type Highest = BTreeMap<&'static str, i64>;

pub(super) enum Write {
    Row(Arc<Text>, Vec<SentValue>),
    Frame(&'static str),
}

struct RunningJob {
    /// Its writes begin here.
    from: usize,
    highest: Highest,
    /// Its savepoint was sent.
    saved: bool,
}

impl WaitingWrites {
    /// A transaction begins, with these as the highest ids.
    pub(super) fn begin(&mut self, highest: impl IntoIterator<Item = i64>) {
        self.clear();
        self.highest = NUMBERED.into_iter().zip(highest).collect();
        self.one_by_one = self.one_by_one.saturating_sub(1);
    }

    /// What was begun is over.
    pub(super) fn clear(&mut self) {
        self.writes.clear();
        self.highest.clear();
        self.job = None;
        self.lost = None;
    }

    /// Why nothing of the transaction can be kept: something that a job before the one that runs has written was refused.
    pub(super) fn why_lost(&self) -> Option<Lost> {
        self.lost.clone()
    }

    /// The next id of this table, if it is counted here.
    pub(super) fn next(&mut self, table: &str) -> Option<i64> {
        let (_, highest) = self.highest.iter_mut().find(|(name, _)| **name == table)?;
        *highest += 1;
        Some(*highest)
    }

    /// This is to be written; whether at once.
    pub(super) fn push(&mut self, text: Arc<Text>, values: Vec<SentValue>) -> bool {
        self.writes.push(Write::Row(text, values));
        self.one_by_one > 0
    }

    /// What waited was not all written. `whole`: not only what the job that runs has written.
    pub(super) fn failed(&mut self, whole: Option<Lost>) {
        self.one_by_one = ONE_BY_ONE;
        self.lost = whole.or(self.lost.take());
    }

    /// What waits, how much of it is of earlier jobs, and whether the savepoint of the one that runs goes behind that.
    pub(super) fn taken(&mut self) -> (Vec<Write>, usize, bool) {
        let writes = core::mem::take(&mut self.writes);
        match &mut self.job {
            Some(job) if !job.saved => {
                let from = job.from.min(writes.len());
                (job.saved, job.from) = (true, 0);
                (writes, from, true)
            }
            _ => (writes, 0, false),
        }
    }

    /// A job begins.
    pub(super) fn begin_job(&mut self) {
        self.job = Some(RunningJob {
            from: self.writes.len(),
            highest: self.highest.clone(),
            saved: false,
        });
    }

    /// Nothing of the job is kept; whether some of it was sent.
    pub(super) fn undo_job(&mut self) -> bool {
        let Some(job) = &self.job else { return false };
        self.writes.truncate(job.from);
        self.highest.clone_from(&job.highest);
        if job.saved {
            self.writes.push(Write::Frame("ROLLBACK TO job"));
        }
        job.saved
    }

    /// The job is over.
    pub(super) fn end_job(&mut self) {
        if self.job.take().is_some_and(|job| job.saved) {
            self.writes.push(Write::Frame("RELEASE job"));
        }
    }
}

fn rank(write: &Write) -> Option<usize> {
    match write {
        Write::Row(text, _) => text.rank(),
        Write::Frame(_) => None,
    }
}

/// Rows of one text.
struct LotOfRows<'w> {
    rank: Option<usize>,
    writes: Vec<&'w Write>,
    /// What they replace.
    keys: HashSet<&'w [SentValue]>,
}

/// What may be one statement: rows of one text, where nothing between them could see the difference.
pub(super) fn lots(writes: &[Write]) -> Vec<Vec<&Write>> {
    let runs = writes.chunk_by(|one, next| rank(one).is_some() && rank(next).is_some());
    runs.flat_map(lots_of).collect()
}

/// The rows of each text, in the order of their tables. A row that replaces another one begins a lot of its own: a statement
/// cannot change one row twice.
fn lots_of(run: &[Write]) -> Vec<Vec<&Write>> {
    let mut lots: Vec<LotOfRows<'_>> = Vec::new();
    for write in run {
        let key = match write {
            Write::Row(text, values) => text.replaces_by().and_then(|many| values.get(..many)),
            Write::Frame(_) => None,
        };
        let same = |lot: &&mut LotOfRows<'_>| match (lot.writes.first(), write) {
            (Some(Write::Row(one, _)), Write::Row(other, _)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        match lots.iter_mut().rev().find(same) {
            Some(lot) if key.is_none_or(|key| !lot.keys.contains(key)) => {
                lot.writes.push(write);
                lot.keys.extend(key);
            }
            _ => lots.push(LotOfRows {
                rank: rank(write),
                writes: vec![write],
                keys: key.into_iter().collect(),
            }),
        }
    }
    lots.sort_by_key(|lot| lot.rank);
    lots.into_iter().map(|lot| lot.writes).collect()
}

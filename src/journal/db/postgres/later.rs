//! What is written without anybody waiting for it: kept until the next question, and then sent in one trip with it, rows of
//! one text as a set. A job's savepoint is sent only where something of the job is sent before its end.
//!
//! A statement that fails then is one of several, and those of other jobs of the transaction fail with it. So after one has
//! failed, a number of transactions write one by one: then each job fails alone, and whoever tries again succeeds.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::future::{join, try_join_all};
use tokio_postgres::{Error, Statement};

use super::super::fault::DbResult;
use super::super::params::Params;
use super::super::question::Subject;
use super::lost::Lost;
use super::session::{Session, bound};
use super::set::arrays;
use super::statement_text::{Text, Values};
use super::wire::SentValue;

/// Transactions that write one by one after one that failed.
const ONE_BY_ONE: u32 = 64;

/// Tables that are written as sets, in the order in which their rows refer to one another.
pub(super) const TABLES: [&str; 10] = [
    "delivery", "alert", "mention", "known_as", "machine", "scan", "decision", "finding",
    "lasting", "occasion",
];

/// Tables whose ids are counted on from the highest, as SQLite does, so that a row has its id before it is sent.
const NUMBERED: [&str; 3] = ["delivery", "scan", "decision"];

/// What waits to be sent.
#[derive(Default)]
pub(super) struct Waiting {
    writes: Vec<Write>,
    /// The job that runs.
    job: Option<RunningJob>,
    highest: Highest,
    one_by_one: u32,
}

/// The highest id of each table that is counted here.
type Highest = BTreeMap<&'static str, i64>;

enum Write {
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

/// What is sent, in this order.
enum Step<'w> {
    Frame(&'static str),
    Write(Statement, Values<'w>),
}

impl Waiting {
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
    }

    /// The next id of this table, if it is counted here.
    fn next(&mut self, table: &str) -> Option<i64> {
        let (_, highest) = self.highest.iter_mut().find(|(name, _)| **name == table)?;
        *highest += 1;
        Some(*highest)
    }

    /// A job begins.
    pub(super) fn begin_job(&mut self) {
        self.job = Some(RunningJob {
            from: self.writes.len(),
            highest: self.highest.clone(),
            saved: false,
        });
    }

    /// Nothing of the job is kept.
    pub(super) fn undo_job(&mut self) {
        if let Some(job) = &self.job {
            self.writes.truncate(job.from);
            self.highest.clone_from(&job.highest);
            if job.saved {
                self.writes.push(Write::Frame("ROLLBACK TO job"));
            }
        }
    }

    /// The job is over.
    pub(super) fn end_job(&mut self) {
        if self.job.take().is_some_and(|job| job.saved) {
            self.writes.push(Write::Frame("RELEASE job"));
        }
    }
}

impl Session {
    /// Writes it with the next question.
    pub(in crate::journal::db) fn later(&self, sql: &str, values: impl Params) -> DbResult<()> {
        let text = self.text(sql);
        let values = bound(&text.sql, values)?;
        self.keep(text, values)
    }

    /// Inserts a row and returns its id, which is known before it is sent where the table's ids are counted here.
    pub(in crate::journal::db) fn insert(&self, sql: &str, values: impl Params) -> DbResult<i64> {
        let text = self.text(sql);
        let numbered = text.table().and_then(|table| {
            let id = self.waiting.borrow_mut().next(table)?;
            Some((id, text.with_id()?.clone()))
        });
        let Some((id, numbered)) = numbered else {
            let rows = self.query(&self.text(&format!("{sql} RETURNING id")), values)?;
            self.changes.set(self.changes.get() + 1);
            let id = rows.first().map(|row| row.try_get(0));
            return Ok(id.transpose().map_err(Lost::of)?.unwrap_or_default());
        };
        let mut values = bound(&text.sql, values)?;
        values.push(SentValue::of(&id)?);
        self.keep(numbered, values)?;
        Ok(id)
    }

    fn keep(&self, text: Arc<Text>, values: Vec<SentValue>) -> DbResult<()> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.writes.push(Write::Row(text, values));
        let one_by_one = waiting.one_by_one > 0;
        drop(waiting);
        if one_by_one {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what waits.
    pub(super) fn flush(&self) -> DbResult<()> {
        self.flush_and(core::future::ready(Ok(())))
    }

    /// What is written about this is not what was answered.
    pub(in crate::journal::db) fn differs(&self, about: &Subject) {
        self.answers.borrow_mut().forget(about);
    }

    /// Sends what waits, and behind it this, whose answer is the one that is told.
    pub(super) fn flush_and<T>(&self, last: impl Future<Output = Result<T, Error>>) -> DbResult<T> {
        let (written, answer) = self.flush_with(last)?;
        written?;
        Ok(answer?)
    }

    /// Sends what waits, and behind it this: what came of each.
    pub(super) fn flush_with<T>(
        &self,
        last: impl Future<Output = Result<T, Error>>,
    ) -> DbResult<(Result<(), Lost>, Result<T, Lost>)> {
        let (writes, from, marks) = self.taken();
        let (of_others, own) = writes.split_at(from);
        let mut steps = self.steps(of_others)?;
        steps.extend(marks.then_some(Step::Frame("SAVEPOINT job")));
        steps.append(&mut self.steps(own)?);
        let each = try_join_all(steps.iter().map(|step| self.send(step)));
        let (written, answer) = self.wait(async { Ok(join(each, last).await) })?;
        let written = self.judged(written.map_err(Lost::of));
        let answer = self.judged(answer.map_err(Lost::of));
        let written = written.map(|changed| {
            let changed: u64 = changed.iter().sum();
            self.changes.set(self.changes.get() + changed);
        });
        if written.is_err() {
            self.waiting.borrow_mut().one_by_one = ONE_BY_ONE;
        }
        Ok((written, answer))
    }

    /// What waits, how much of it is of earlier jobs, and whether the savepoint of the one that runs goes behind that.
    fn taken(&self) -> (Vec<Write>, usize, bool) {
        let waiting = &mut *self.waiting.borrow_mut();
        let writes = core::mem::take(&mut waiting.writes);
        match &mut waiting.job {
            Some(job) if !job.saved => {
                let from = job.from.min(writes.len());
                (job.saved, job.from) = (true, 0);
                (writes, from, true)
            }
            _ => (writes, 0, false),
        }
    }

    /// The statements for these writes: rows of one text in one, where nothing between them could see the difference.
    fn steps<'w>(&self, writes: &'w [Write]) -> DbResult<Vec<Step<'w>>> {
        let mut steps = Vec::new();
        for run in writes.chunk_by(|one, next| rank(one).is_some() && rank(next).is_some()) {
            for lot in lots(run) {
                steps.push(self.step(&lot)?);
            }
        }
        Ok(steps)
    }

    fn step<'w>(&self, lot: &[&'w Write]) -> DbResult<Step<'w>> {
        let mut lists: Vec<&[SentValue]> = Vec::with_capacity(lot.len());
        let mut of = None;
        for write in lot {
            match write {
                Write::Frame(sql) => return Ok(Step::Frame(sql)),
                Write::Row(text, values) => {
                    of = Some(text);
                    lists.push(values);
                }
            }
        }
        let text = of.ok_or(rusqlite::Error::InvalidQuery)?;
        let (text, values) = match (lists.as_slice(), text.set()) {
            ([_, _, ..], Some(set)) => (set, Values::Set(arrays(&lists))),
            ([one, ..], _) => (text, Values::One(one)),
            ([], _) => return Err(rusqlite::Error::InvalidQuery.into()),
        };
        Ok(Step::Write(self.prepared(text, &values)?, values))
    }

    async fn send(&self, step: &Step<'_>) -> Result<u64, Error> {
        match step {
            Step::Frame(sql) => self.client().batch_execute(sql).await.map(|()| 0),
            Step::Write(statement, values) => {
                self.client().execute(statement, &values.sent()).await
            }
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
struct Rows<'w> {
    rank: Option<usize>,
    writes: Vec<&'w Write>,
    /// What they replace.
    keys: HashSet<&'w [SentValue]>,
}

/// The rows of each text, in the order of their tables. A row that replaces another one begins a lot of its own: a statement
/// cannot change one row twice.
fn lots(run: &[Write]) -> Vec<Vec<&Write>> {
    let mut lots: Vec<Rows<'_>> = Vec::new();
    for write in run {
        let key = match write {
            Write::Row(text, values) => text.replaces_by().and_then(|many| values.get(..many)),
            Write::Frame(_) => None,
        };
        let same = |lot: &&mut Rows<'_>| match (lot.writes.first(), write) {
            (Some(Write::Row(one, _)), Write::Row(other, _)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        match lots.iter_mut().rev().find(same) {
            Some(lot) if key.is_none_or(|key| !lot.keys.contains(key)) => {
                lot.writes.push(write);
                lot.keys.extend(key);
            }
            _ => lots.push(Rows {
                rank: rank(write),
                writes: vec![write],
                keys: key.into_iter().collect(),
            }),
        }
    }
    lots.sort_by_key(|lot| lot.rank);
    lots.into_iter().map(|lot| lot.writes).collect()
}

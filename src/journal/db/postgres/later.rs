//! What is written without anybody waiting for it: kept until the next question, and then sent in one trip with it, rows of
//! one text as a set. A job's savepoint is sent only where something of the job is sent before its end.
//!
//! A statement that fails then may be of a job that is over and believes itself kept: then the whole transaction fails, for
//! every job is told at its end. After that a number of transactions write one by one: each job fails alone, and whoever tries
//! again succeeds.

use std::sync::Arc;

use futures_util::future::{join, try_join_all};
use futures_util::{FutureExt as _, TryFutureExt as _};
use tokio_postgres::{Error, Statement};

use super::super::fault::DbResult;
use super::super::known_question::AskedAbout;
use super::super::params::Params;
use super::lost::Lost;
use super::session::Session;
use super::set::arrays;
use super::text_kept::{BoundValues, Text, bound};
use super::waiting_writes::{Write, lots};
use super::wire::SentValue;

/// What is sent, in this order.
enum TripStep<'w> {
    Frame(&'static str),
    Write(Statement, BoundValues<'w>),
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
        self.usual.borrow_mut().clear();
        if self.waiting.borrow_mut().push(text, values) {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what waits.
    pub(super) fn flush(&self) -> DbResult<()> {
        self.flush_and(core::future::ready(Ok(())))
    }

    /// What is written about this is not what was answered.
    pub(in crate::journal::db) fn differs(&self, about: &AskedAbout) {
        self.answers.borrow_mut().forget(about);
    }

    /// Sends what waits, and behind it this, whose answer is the one that is told.
    pub(super) fn flush_and<T>(&self, last: impl Future<Output = Result<T, Error>>) -> DbResult<T> {
        let (written, answer) = self.flush_with(last)?;
        written?;
        Ok(answer?)
    }

    /// Sends what waits, and behind it this: what came of each. Where the connection is lost on the way that is the answer
    /// to this, for it may have been carried out.
    pub(super) fn flush_with<T>(
        &self,
        last: impl Future<Output = Result<T, Error>>,
    ) -> DbResult<(Result<(), Lost>, Result<T, Lost>)> {
        if let Some(why) = self.waiting.borrow().why_lost() {
            return Err(why.into());
        }
        let (writes, from, marks) = self.waiting.borrow_mut().taken();
        let (of_others, own) = writes.split_at(from);
        let prepared = self.steps(of_others).and_then(|mut steps| {
            steps.extend(marks.then_some(TripStep::Frame("SAVEPOINT job")));
            let before = steps.len();
            steps.append(&mut self.steps(own)?);
            Ok((steps, before))
        });
        let (steps, before) = prepared.inspect_err(|error| {
            // Some of it is of others, or the savepoint is not there.
            let why = Lost::Broken(error.to_string());
            self.waiting.borrow_mut().failed(Some(why));
        })?;
        let numbered = steps.iter().enumerate();
        let each = numbered.map(|(at, step)| self.send(step).map_err(move |error| (at, error)));
        let (written, answer) = match self.wait(join(try_join_all(each), last).map(Ok)) {
            Ok(both) => both,
            Err(lost) => return Ok((Ok(()), Err(lost))),
        };
        let written = match written {
            Ok(changed) => {
                let changed: u64 = changed.iter().sum();
                self.changes.set(self.changes.get() + changed);
                Ok(())
            }
            Err((at, error)) => {
                let lost = Lost::of(error);
                let whole = (at < before).then(|| lost.clone());
                self.waiting.borrow_mut().failed(whole);
                self.judged(Err(lost))
            }
        };
        Ok((written, self.judged(answer.map_err(Lost::of))))
    }

    /// The statements for these writes: rows of one text in one, where nothing between them could see the difference.
    fn steps<'w>(&self, writes: &'w [Write]) -> DbResult<Vec<TripStep<'w>>> {
        let mut steps = Vec::new();
        for lot in lots(writes) {
            steps.push(self.step(&lot)?);
        }
        Ok(steps)
    }

    fn step<'w>(&self, lot: &[&'w Write]) -> DbResult<TripStep<'w>> {
        let mut lists: Vec<&[SentValue]> = Vec::with_capacity(lot.len());
        let mut of = None;
        for write in lot {
            match write {
                Write::Frame(sql) => return Ok(TripStep::Frame(sql)),
                Write::Row(text, values) => {
                    of = Some(text);
                    lists.push(values);
                }
            }
        }
        let text = of.ok_or(rusqlite::Error::InvalidQuery)?;
        let (text, values) = match (lists.as_slice(), text.set()) {
            ([_, _, ..], Some(set)) => (set, BoundValues::Set(arrays(&lists))),
            ([one, ..], _) => (text, BoundValues::One(one)),
            ([], _) => return Err(rusqlite::Error::InvalidQuery.into()),
        };
        Ok(TripStep::Write(self.prepared(text, &values)?, values))
    }

    fn send<'a>(&'a self, step: &'a TripStep<'_>) -> impl Future<Output = Result<u64, Error>> + 'a {
        match step {
            TripStep::Frame(sql) => self.client.batch_execute(sql).map_ok(|()| 0).left_future(),
            TripStep::Write(statement, values) => self.carry_out(statement, values).right_future(),
        }
    }
}

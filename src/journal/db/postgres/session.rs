//! One session with the database: statements that are prepared once, and what is known of its transaction.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{TryFutureExt as _, TryStreamExt};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::super::fault::{DbError, DbResult};
use super::super::params::Params;
use super::answers::Answers;
use super::line::Line;
use super::lost::Lost;
use super::text_kept::{BoundValues, Text, bound};
use super::usual_questions::UsualQuestions;
use super::waiting_writes::WaitingWrites;

/// A session.
pub(crate) struct Session {
    pub(super) client: Client,
    line: RefCell<Line>,
    texts: RefCell<HashMap<String, Arc<Text>>>,
    /// What was asked ahead.
    pub(super) answers: RefCell<Answers>,
    /// What jobs of a kind ask.
    pub(super) usual: RefCell<UsualQuestions>,
    /// What is written later.
    pub(super) waiting: RefCell<WaitingWrites>,
    /// Rows that were changed.
    pub(super) changes: Cell<u64>,
    /// A transaction is open.
    pub(super) open: Cell<bool>,
    /// Nothing can be asked any more.
    over: Cell<bool>,
    /// Whether whoever asks has waited for long enough.
    given_up: RefCell<Option<Box<dyn FnMut() -> bool + Send>>>,
}

impl Session {
    pub(super) fn new((line, client): (Line, Client)) -> Session {
        Session {
            client,
            line: RefCell::new(line),
            texts: RefCell::default(),
            answers: RefCell::default(),
            usual: RefCell::default(),
            waiting: RefCell::default(),
            changes: Cell::new(0),
            open: Cell::new(false),
            over: Cell::new(false),
            given_up: RefCell::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get() || self.client.is_closed()
    }

    pub(super) fn ask_whether(&self, given_up: Option<Box<dyn FnMut() -> bool + Send>>) {
        self.given_up.replace(given_up);
    }

    /// What others tell, within this time.
    pub(super) fn hear(&self, within: Duration) -> Result<Option<String>, Lost> {
        if self.is_over() {
            return Err(Lost::closed());
        }
        self.line.borrow_mut().hear(within)
    }

    /// Nothing of an earlier transaction is asked, written or known any more.
    pub(super) fn forget(&self) {
        self.all_differs();
        self.usual.borrow_mut().end();
        self.waiting.borrow_mut().clear();
    }

    /// No answer holds any more that was given before its turn.
    pub(in crate::journal::db) fn all_differs(&self) {
        self.answers.borrow_mut().clear();
        self.usual.borrow_mut().clear();
    }

    /// Ends it.
    pub(super) fn hang_up(&self) {
        self.over.set(true);
        self.line.borrow_mut().hang_up();
    }

    pub(super) fn wait<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Lost> {
        if self.is_over() {
            return Err(Lost::closed());
        }
        let answer = self.line.borrow_mut().wait(asked);
        self.judged(answer)
    }

    /// The text as the database reads it, translated once.
    pub(crate) fn text(&self, sql: &str) -> Arc<Text> {
        if let Some(known) = self.texts.borrow().get(sql) {
            return known.clone();
        }
        let text = Arc::new(Text::new(sql));
        self.texts.borrow_mut().insert(sql.to_owned(), text.clone());
        text
    }

    /// All rows of an answer.
    pub(crate) fn query(&self, text: &Arc<Text>, values: impl Params) -> DbResult<Arc<[Row]>> {
        let values = bound(&text.sql, values)?;
        if text.is_question() {
            let early = self.answers.borrow().to(text, &values);
            let usual = self.usual.borrow_mut().to(text, &values);
            if let Some(rows) = early.or(usual) {
                return Ok(rows);
            }
        } else {
            self.all_differs();
        }
        let statement = self.prepared(text, &BoundValues::One(&values))?;
        let values = BoundValues::One(&values);
        Ok(self.flush_and(self.ask(&statement, &values))?.into())
    }

    /// The rows of one statement, once they are waited for.
    pub(super) fn ask<'a>(
        &'a self,
        statement: &'a Statement,
        values: &'a BoundValues<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + 'a {
        let rows = self.client.query_raw(statement, values.sent());
        rows.and_then(TryStreamExt::try_collect)
    }

    /// How many rows one statement has changed, once that is waited for.
    pub(super) fn carry_out<'a>(
        &'a self,
        statement: &'a Statement,
        values: &'a BoundValues<'_>,
    ) -> impl Future<Output = Result<u64, tokio_postgres::Error>> + 'a {
        self.client.execute_raw(statement, values.sent())
    }

    /// How many rows were changed.
    pub(crate) fn execute(&self, text: &Arc<Text>, values: impl Params) -> DbResult<usize> {
        let values = bound(&text.sql, values)?;
        let statement = self.prepared(text, &BoundValues::One(&values))?;
        let values = BoundValues::One(&values);
        let changed = self.flush_and(self.carry_out(&statement, &values))?;
        self.changes.set(self.changes.get() + changed);
        if changed > 0 {
            self.all_differs();
        }
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(super) fn prepared(&self, text: &Text, values: &BoundValues<'_>) -> DbResult<Statement> {
        if self
            .given_up
            .borrow_mut()
            .as_mut()
            .is_some_and(|given_up| given_up())
        {
            return Err(DbError::TooSlow);
        }
        let types = values.types();
        let mut prepared = text.prepared();
        if let Some((_, statement)) = prepared.iter().find(|(of, _)| *of == types) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare_typed(&text.sql.text, &types))?;
        prepared.push((types, statement.clone()));
        Ok(statement)
    }

    /// Several statements without values. Returns the first column of the last row.
    pub(super) fn say(&self, sql: &str) -> Result<Option<String>, Lost> {
        let answer = self.wait(self.client.simple_query(sql))?;
        let last = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        });
        Ok(last.flatten())
    }

    /// Ends the transaction so that all of it is kept. Whatever is not a clean answer says nothing, and the connection is
    /// not used any more. A transaction that has failed would be rolled back by COMMIT without a word; then the question before
    /// it, which is `last`, is refused.
    pub(super) fn commit(&self, last: &str) -> DbResult<()> {
        self.line.borrow_mut().take_warning();
        let (written, answer) =
            self.flush_with(self.client.simple_query(&format!("{last}; COMMIT")))?;
        let warned = self.line.borrow_mut().take_warning();
        if let Err(refused @ Lost::Refused(..)) = &written
            && !self.is_over()
        {
            // What came behind it was not done.
            return Err(refused.clone().into());
        }
        self.open.set(false);
        let why = match written.and(answer) {
            Ok(_) if !warned => return Ok(()),
            Ok(_) => "it warned instead".to_owned(),
            Err(why) => why.to_string(),
        };
        self.over.set(true);
        Err(Lost::Unanswered(why).into())
    }

    /// What this answer says, after which the connection may be over.
    pub(super) fn judged<T>(&self, answer: Result<T, Lost>) -> Result<T, Lost> {
        if answer.as_ref().is_err_and(Lost::ends_the_connection) {
            self.over.set(true);
        }
        answer
    }
}

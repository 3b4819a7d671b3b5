//! One session with the database: statements that are prepared once, and what is known of its transaction.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::super::fault::{DbError, DbResult};
use super::super::params::{Params, Slot};
use super::line::Line;
use super::lost::Lost;
use super::text::{Translated, translated};
use super::wire::SentValue;

/// A session.
pub(crate) struct Session {
    pub(super) client: Client,
    line: RefCell<Line>,
    texts: RefCell<HashMap<String, Arc<Text>>>,
    /// Rows that were changed.
    pub(super) changes: Cell<u64>,
    /// A transaction is open.
    pub(super) open: Cell<bool>,
    /// Nothing can be asked any more.
    over: Cell<bool>,
    /// Whether whoever asks has waited for long enough.
    given_up: RefCell<Option<Box<dyn FnMut() -> bool + Send>>>,
}

/// A statement, with what it was prepared as. By types: the same text is bound with others where a value is made at run
/// time.
pub(crate) struct Text {
    sql: Translated,
    prepared: std::sync::Mutex<Vec<(Vec<Type>, Statement)>>,
}

impl Session {
    pub(super) fn new((line, client): (Line, Client)) -> Session {
        Session {
            client,
            line: RefCell::new(line),
            texts: RefCell::default(),
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
        if answer.as_ref().is_err_and(Lost::ends_the_connection) {
            self.over.set(true);
        }
        answer
    }

    /// The text as the database reads it, translated once.
    pub(crate) fn text(&self, sql: &str) -> Arc<Text> {
        if let Some(known) = self.texts.borrow().get(sql) {
            return known.clone();
        }
        let text = Arc::new(Text {
            sql: translated(sql),
            prepared: std::sync::Mutex::default(),
        });
        self.texts.borrow_mut().insert(sql.to_owned(), text.clone());
        text
    }

    /// Notes that a row is changed by a statement that answers with it.
    pub(crate) fn changed(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    /// All rows of an answer.
    pub(crate) fn query(&self, text: &Text, values: impl Params) -> DbResult<Vec<Row>> {
        let values = bound(&text.sql, values)?;
        let statement = self.prepared(text, &values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        Ok(self.wait(self.client.query(&statement, &values))?)
    }

    /// How many rows were changed.
    pub(crate) fn execute(&self, text: &Text, values: impl Params) -> DbResult<usize> {
        let values = bound(&text.sql, values)?;
        let statement = self.prepared(text, &values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let changed = self.wait(self.client.execute(&statement, &values))?;
        self.changes.set(self.changes.get() + changed);
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn prepared(&self, text: &Text, values: &[SentValue]) -> DbResult<Statement> {
        if self
            .given_up
            .borrow_mut()
            .as_mut()
            .is_some_and(|given_up| given_up())
        {
            return Err(DbError::TooSlow);
        }
        let types: Vec<Type> = values.iter().map(SentValue::type_of).collect();
        let mut prepared = text
            .prepared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
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
    pub(super) fn commit(&self, last: &str) -> Result<(), Lost> {
        self.line.borrow_mut().take_warning();
        let answer = self.say(&format!("{last}; COMMIT"));
        let warned = self.line.borrow_mut().take_warning();
        let why = match answer {
            Ok(_) if !warned => return Ok(()),
            Ok(_) => "it warned instead".to_owned(),
            Err(why) => why.to_string(),
        };
        self.over.set(true);
        Err(Lost::Unanswered(why))
    }
}

/// The values in the order of their numbers.
fn bound(sql: &Translated, values: impl Params) -> DbResult<Vec<SentValue>> {
    let mut sent: Vec<Option<SentValue>> = Vec::new();
    sent.resize_with(sql.places, || None);
    let mut bound = 0;
    values.bind(&mut |slot, value| {
        bound += 1;
        let at = match slot {
            Slot::Number(at) => at.checked_sub(1),
            Slot::Named(name) => sql.names.iter().position(|known| known == name),
        };
        if let Some(place) = at.and_then(|at| sent.get_mut(at)) {
            *place = Some(SentValue::of(value)?);
        } else if bound > sql.places && sql.names.is_empty() {
            // The last numbers are not in this text; types are declared for those that are.
            sent.push(Some(SentValue::of(value)?));
        }
        Ok(())
    })?;
    let wanted = sent.len();
    let all: Option<Vec<SentValue>> = sent.into_iter().collect();
    all.ok_or_else(|| rusqlite::Error::InvalidParameterCount(bound, wanted).into())
}

//! A connection to the database that holds the journal.

use super::fault::DbResult;
use super::known_question::{AskedAbout, KnownQuestion};
use super::params::Params;
use super::postgres::Postgres;
use super::row::Row;
use super::statement::Statement;
use scanhook_core::time::Timestamp;

/// A connection.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Postgres>),
}

impl From<Postgres> for Connection {
    fn from(db: Postgres) -> Connection {
        Connection::Postgres(Box::new(db))
    }
}

impl From<rusqlite::Connection> for Connection {
    fn from(db: rusqlite::Connection) -> Connection {
        Connection::Sqlite(db)
    }
}

impl Connection {
    /// SQLite's own, for what no other database has.
    pub(crate) fn sqlite(&self) -> Option<&rusqlite::Connection> {
        match self {
            Connection::Sqlite(db) => Some(db),
            Connection::Postgres(_) => None,
        }
    }

    /// Rows that are asked for at a time, where whole answers come over a wire; `None`: rows are read one by one.
    pub(crate) const fn step(&self) -> Option<usize> {
        match self {
            Connection::Sqlite(_) => None,
            Connection::Postgres(_) => Some(256),
        }
    }

    /// Rows that were changed since it was opened.
    pub(crate) fn total_changes(&self) -> u64 {
        match self {
            Connection::Sqlite(db) => db.total_changes(),
            Connection::Postgres(db) => db.total_changes(),
        }
    }

    /// Whether a transaction is open.
    pub(crate) fn in_transaction(&self) -> bool {
        match self {
            Connection::Sqlite(db) => !db.is_autocommit(),
            Connection::Postgres(db) => db.in_transaction(),
        }
    }

    /// Has it asked now and then whether to go on, after so many steps of SQLite or before a statement elsewhere.
    pub(crate) fn progress_handler<F>(&self, steps: i32, asked: Option<F>) -> DbResult<()>
    where
        F: FnMut() -> bool + Send + 'static,
    {
        match self {
            Connection::Sqlite(db) => Ok(db.progress_handler(steps, asked)?),
            Connection::Postgres(db) => {
                db.ask_whether(asked.map(|asked| Box::new(asked) as _));
                Ok(())
            }
        }
    }

    /// Begins a transaction that writes: no other writer is in one until it ends. Says when that is, where the database has
    /// a clock of its own.
    pub(crate) fn begin(&self) -> DbResult<Option<Timestamp>> {
        match self {
            // A plain BEGIN begins as a reader, which SQLite may refuse to let write in the middle of the batch.
            Connection::Sqlite(_) => self.frame("BEGIN IMMEDIATE").map(|()| None),
            Connection::Postgres(db) => db.begin().map(Some),
        }
    }

    /// Ends it so that all of it is kept, and tells other processes, where there may be some, what it changed.
    pub(crate) fn commit(&self, changed: impl IntoIterator<Item = i64>) -> DbResult<()> {
        match self {
            Connection::Sqlite(_) => self.frame("COMMIT"),
            Connection::Postgres(db) => db.commit(changed),
        }
    }

    /// One of the few statements that frame jobs: compiled once, like all others.
    pub(crate) fn frame(&self, sql: &str) -> DbResult<()> {
        match self {
            Connection::Sqlite(db) => {
                db.prepare_cached(sql)?.execute([])?;
                Ok(())
            }
            Connection::Postgres(db) => db.say(sql),
        }
    }

    /// A statement, compiled once for as long as the connection lives.
    pub(crate) fn prepare_cached(&self, sql: &str) -> DbResult<Statement<'_>> {
        match self {
            Connection::Sqlite(db) => Ok(Statement::Sqlite(db.prepare_cached(sql)?)),
            Connection::Postgres(db) => Ok(Statement::Postgres(&db.session, db.session.text(sql))),
        }
    }

    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<T> {
        self.prepare_cached(sql)?.query_row(values, read)
    }

    pub(crate) fn execute(&self, sql: &str, values: impl Params) -> DbResult<usize> {
        self.prepare_cached(sql)?.execute(values)
    }

    /// Writes what nobody waits for: with the next question at the latest, and with others of its kind where each takes a
    /// trip. What goes wrong then fails whoever asks next, or COMMIT.
    pub(crate) fn later(&self, sql: &str, values: impl Params) -> DbResult<()> {
        match self {
            Connection::Sqlite(_) => self.execute(sql, values).map(drop),
            Connection::Postgres(db) => db.session.later(sql, values),
        }
    }

    /// Asks all of these in one trip, where each takes one. Whoever asks one of them in this transaction has its answer.
    pub(crate) fn ask_ahead<'q>(
        &self,
        questions: impl FnOnce() -> Vec<&'q KnownQuestion>,
    ) -> DbResult<()> {
        match self {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(db) => db.session.ask_ahead(&questions()),
        }
    }

    /// A job of this kind begins at this time, in milliseconds: what its like asked the last time is asked in one trip, where
    /// each question takes one.
    pub(crate) fn ask_usual(&self, kind: i64, now: i64) -> DbResult<()> {
        match self {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(db) => db.session.ask_usual(kind, now),
        }
    }

    /// What is written about this changes the answers to questions about it. A statement that is not written `later` changes
    /// all of them.
    pub(crate) fn differs(&self, about: &AskedAbout) {
        if let Connection::Postgres(db) = self {
            db.session.differs(about);
        }
    }

    /// The same where it is not known of which questions the answers change.
    pub(crate) fn all_differs(&self) {
        if let Connection::Postgres(db) = self {
            db.session.all_differs();
        }
    }

    /// Inserts a row and returns the id that it was given.
    pub(crate) fn insert(&self, sql: &str, values: impl Params) -> DbResult<i64> {
        match self {
            Connection::Sqlite(db) => {
                self.execute(sql, values)?;
                Ok(db.last_insert_rowid())
            }
            Connection::Postgres(db) => db.session.insert(sql, values),
        }
    }

    /// Several statements without values.
    pub(crate) fn execute_batch(&self, sql: &str) -> DbResult<()> {
        match self {
            Connection::Sqlite(db) => Ok(db.execute_batch(sql)?),
            Connection::Postgres(db) => db.say(sql),
        }
    }
}

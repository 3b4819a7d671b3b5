//! A connection to the database that holds the journal.

use super::fault::DbResult;
use super::params::Params;
use super::row::Row;
use super::statement::Statement;

/// A connection.
pub(in crate::journal) enum Connection {
    Sqlite(rusqlite::Connection),
}

impl From<rusqlite::Connection> for Connection {
    fn from(db: rusqlite::Connection) -> Connection {
        Connection::Sqlite(db)
    }
}

impl Connection {
    /// SQLite's own, for what no other database has.
    pub(in crate::journal) fn sqlite(&self) -> Option<&rusqlite::Connection> {
        match self {
            Connection::Sqlite(db) => Some(db),
        }
    }

    /// Rows that were changed since it was opened.
    pub(in crate::journal) fn total_changes(&self) -> u64 {
        match self {
            Connection::Sqlite(db) => db.total_changes(),
        }
    }

    /// Whether a transaction is open.
    pub(in crate::journal) fn in_transaction(&self) -> bool {
        match self {
            Connection::Sqlite(db) => !db.is_autocommit(),
        }
    }

    /// Has SQLite ask now and then whether to go on; other databases have limits of their own.
    pub(in crate::journal) fn progress_handler<F>(
        &self,
        steps: i32,
        asked: Option<F>,
    ) -> DbResult<()>
    where
        F: FnMut() -> bool + Send + 'static,
    {
        match self {
            Connection::Sqlite(db) => Ok(db.progress_handler(steps, asked)?),
        }
    }

    /// A statement, compiled once for as long as the connection lives.
    pub(in crate::journal) fn prepare_cached(&self, sql: &str) -> DbResult<Statement<'_>> {
        match self {
            Connection::Sqlite(db) => Ok(Statement::Sqlite(db.prepare_cached(sql)?)),
        }
    }

    pub(in crate::journal) fn query_row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<T> {
        self.prepare_cached(sql)?.query_row(values, read)
    }

    pub(in crate::journal) fn execute(&self, sql: &str, values: impl Params) -> DbResult<usize> {
        self.prepare_cached(sql)?.execute(values)
    }

    /// Inserts a row and returns the id that it was given.
    pub(in crate::journal) fn insert(&self, sql: &str, values: impl Params) -> DbResult<i64> {
        self.execute(sql, values)?;
        match self {
            Connection::Sqlite(db) => Ok(db.last_insert_rowid()),
        }
    }

    /// Several statements without values.
    pub(in crate::journal) fn execute_batch(&self, sql: &str) -> DbResult<()> {
        match self {
            Connection::Sqlite(db) => Ok(db.execute_batch(sql)?),
        }
    }
}

//! A prepared statement and the rows that it answers with.

use std::sync::Arc;

use super::fault::{DbError, DbResult};
use super::params::{Params, Slot};
use super::postgres::{Session, Text};
use super::row::Row;

/// A statement that is compiled, or was before.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres(&'c Session, Arc<Text>),
}

impl Statement<'_> {
    /// Rows one after the other; those that nobody asks for are not read.
    pub(crate) fn query(&mut self, values: impl Params) -> DbResult<Rows<'_>> {
        match self {
            Statement::Sqlite(statement) => {
                bind(statement, values)?;
                Ok(Rows::Sqlite(statement.raw_query()))
            }
            Statement::Postgres(session, text) => {
                Ok(Rows::Postgres(session.query(text, values)?, 0))
            }
        }
    }

    /// The first row.
    ///
    /// # Errors
    /// [`DbError::NoRow`] where there is none.
    pub(crate) fn query_row<T>(
        &mut self,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<T> {
        let mut rows = self.query(values)?;
        let row = rows.next()?.ok_or(DbError::NoRow)?;
        read(&row)
    }

    /// Each row as something else.
    pub(crate) fn query_map<T, F: FnMut(&Row<'_>) -> DbResult<T>>(
        &mut self,
        values: impl Params,
        read: F,
    ) -> DbResult<MappedRows<'_, F>> {
        Ok(MappedRows {
            rows: self.query(values)?,
            read,
        })
    }

    /// Whether there is a row.
    pub(crate) fn exists(&mut self, values: impl Params) -> DbResult<bool> {
        Ok(self.query(values)?.next()?.is_some())
    }

    /// How many rows it changed.
    pub(crate) fn execute(&mut self, values: impl Params) -> DbResult<usize> {
        match self {
            Statement::Sqlite(statement) => {
                bind(statement, values)?;
                Ok(statement.raw_execute()?)
            }
            Statement::Postgres(session, text) => session.execute(text, values),
        }
    }
}

/// Binds all places: one that was left out would keep the value of the time before.
fn bind(statement: &mut rusqlite::Statement<'_>, values: impl Params) -> DbResult<()> {
    let mut bound = 0;
    values.bind(&mut |slot, value| {
        bound += 1;
        let at = match slot {
            Slot::Number(at) => at,
            Slot::Named(name) => statement
                .parameter_index(name)?
                .ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))?,
        };
        Ok(statement.raw_bind_parameter(at, value as &dyn rusqlite::ToSql)?)
    })?;
    let wanted = statement.parameter_count();
    if bound == wanted {
        return Ok(());
    }
    Err(rusqlite::Error::InvalidParameterCount(bound, wanted).into())
}

/// Rows that are still to be read.
pub(crate) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    /// All of them, and how many were read.
    Postgres(Arc<[tokio_postgres::Row]>, usize),
}

impl Rows<'_> {
    pub(crate) fn next(&mut self) -> DbResult<Option<Row<'_>>> {
        match self {
            Rows::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
            Rows::Postgres(rows, read) => {
                *read += 1;
                Ok(rows.get(*read - 1).map(Row::Postgres))
            }
        }
    }
}

/// Rows as something else.
pub(crate) struct MappedRows<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> DbResult<T>> Iterator for MappedRows<'_, F> {
    type Item = DbResult<T>;

    fn next(&mut self) -> Option<DbResult<T>> {
        match self.rows.next() {
            Ok(row) => row.map(|row| (self.read)(&row)),
            Err(error) => Some(Err(error)),
        }
    }
}

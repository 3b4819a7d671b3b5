//! A row of an answer.

use core::fmt::Display;

use rusqlite::types::{FromSql, ValueRef};
use tokio_postgres::row::RowIndex as ColumnOf;

use super::fault::{DbError, DbResult};
use super::postgres::{Came, Lost};

/// A column of a row: its number from 0, or its name.
pub(crate) trait ColumnName: rusqlite::RowIndex + ColumnOf + Display {}

impl ColumnName for usize {}
impl ColumnName for &str {}

/// One row.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// # Errors
    /// Where there is no such column, or its value is of another type.
    pub(crate) fn get<I: ColumnName, T: FromSql>(&self, column: I) -> DbResult<T> {
        match self {
            Row::Sqlite(row) => Ok(row.get(column)?),
            Row::Postgres(row) => Ok(T::column_result(value(row, column)?)?),
        }
    }

    /// The value as it lies there, not copied.
    pub(crate) fn get_ref<I: ColumnName>(&self, column: I) -> DbResult<ValueRef<'_>> {
        match self {
            Row::Sqlite(row) => Ok(row.get_ref(column)?),
            Row::Postgres(row) => value(row, column),
        }
    }
}

fn value<I: ColumnName>(row: &tokio_postgres::Row, column: I) -> DbResult<ValueRef<'_>> {
    let came: Result<Came<'_>, _> = row.try_get(column);
    came.map(|came| came.0)
        .map_err(|error| DbError::Postgres(Lost::Value(error.to_string())))
}

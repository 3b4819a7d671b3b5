//! A row of an answer.

use rusqlite::types::{FromSql, ValueRef};

use super::fault::DbResult;

/// A column of a row: its number from 0, or its name.
pub(in crate::journal) trait ColumnName: rusqlite::RowIndex {}

impl ColumnName for usize {}
impl ColumnName for &str {}

/// One row.
pub(in crate::journal) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
}

impl Row<'_> {
    /// # Errors
    /// Where there is no such column, or its value is of another type.
    pub(in crate::journal) fn get<I: ColumnName, T: FromSql>(&self, column: I) -> DbResult<T> {
        match self {
            Row::Sqlite(row) => Ok(row.get(column)?),
        }
    }

    /// The value as it lies there, not copied.
    pub(in crate::journal) fn get_ref<I: ColumnName>(&self, column: I) -> DbResult<ValueRef<'_>> {
        match self {
            Row::Sqlite(row) => Ok(row.get_ref(column)?),
        }
    }
}

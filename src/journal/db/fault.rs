//! What a statement may come to beside rows.

use rusqlite::types::FromSqlError;

use super::postgres::Lost;

/// What a statement comes to.
pub(crate) type DbResult<T> = Result<T, DbError>;

/// Why a statement came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DbError {
    /// One row was asked for, and there is none.
    #[error("no row where one was expected")]
    NoRow,
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    /// Another database did not do what it was asked.
    #[error(transparent)]
    Postgres(#[from] Lost),
    /// Another process has brought the journal to a schema that this version does not know.
    #[error("the journal has schema {0} now, which this version does not know")]
    Newer(i64),
    /// Whoever asks has waited for long enough.
    #[error("it took longer than may be waited for")]
    TooSlow,
    /// A value is not of the type it was asked for.
    #[error("a value of another type: {0}")]
    Unfit(#[from] FromSqlError),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> DbError {
        match error {
            rusqlite::Error::QueryReturnedNoRows => DbError::NoRow,
            error => DbError::Sqlite(error),
        }
    }
}

/// No row as nothing, and no fault.
pub(crate) trait OptionalExtension<T> {
    fn optional(self) -> DbResult<Option<T>>;
}

impl<T> OptionalExtension<T> for DbResult<T> {
    fn optional(self) -> DbResult<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(DbError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

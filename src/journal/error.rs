//! What can go wrong with the journal, in words an operator can act on.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::types::FromSqlError;

use super::db::{DbError, Lost, Refusal};

/// Why a transaction did not happen. Cloned to every job of a batch that could not be committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The disk is full or nearly; nothing was written.
    #[error(
        "the disk that holds the journal is full, or has only the room left that is kept for running scans"
    )]
    Full,
    /// The journal is as large as it may be; nothing was written.
    #[error("the journal has reached `[journal] max_size`")]
    TooLarge,
    /// Another process holds the database, or more jobs wait than may.
    #[error("the journal is busy")]
    Busy,
    /// A state change met a row that was in another state: a defect, never repaired silently.
    #[error("the journal refused a change that does not fit: {0}")]
    Conflict(&'static str),
    /// The writer has ended, or the job panicked.
    #[error("the journal's writer did not answer")]
    Gone,
    /// It took longer than whoever asks may wait.
    #[error("the journal took longer to read than a view may")]
    TooSlow,
    /// The database that holds it cannot be reached.
    #[error("the journal's database cannot be reached: {0}")]
    Away(String),
    /// What was written may be kept or not.
    #[error("the journal did not say whether it keeps what was written: {0}")]
    Unanswered(String),
    /// Another process has brought it to a schema that this version does not know.
    #[error(
        "the journal has schema {0} now, which this version does not know: use the newer scanhook"
    )]
    Newer(i64),
    /// Another replica has the lease by now, or the connection by which it was taken is lost; nothing was written, and what was to
    /// leave does not.
    #[error("another replica has taken the lease, or the database was away since it was taken")]
    Deposed,
    /// What waits for a span of time would wait wrongly on the other replica.
    #[error(
        "this computer's clock is {0} ms ahead of the database's: more than 5 s apart no tenant is called for; set the clocks"
    )]
    ClockOff(i64),
    #[error("the journal failed: {0}")]
    Broken(String),
}

impl JournalError {
    /// The stable code for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            JournalError::Full => "journal-full",
            JournalError::TooLarge => "journal-max-size",
            JournalError::Busy => "journal-busy",
            JournalError::Conflict(_) => "journal-conflict",
            JournalError::Gone => "journal-gone",
            JournalError::TooSlow => "journal-too-slow",
            JournalError::Away(_) => "journal-away",
            JournalError::Unanswered(_) => "journal-unanswered",
            JournalError::Newer(_) => "journal-newer",
            JournalError::Deposed => "lease-lost",
            JournalError::ClockOff(_) => "clock-off",
            JournalError::Broken(_) => "journal-broken",
        }
    }
}

/// Why the journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0} is in use by another scanhook; one process a journal")]
    InUse(PathBuf),
    /// A journal was here and is gone.
    #[error(
        "{0} is missing although a journal was kept here: restore it, or remove {0}.marker to begin an empty one"
    )]
    Lost(PathBuf),
    /// A later version wrote it.
    #[error(
        "the journal has schema {found}, this version knows up to {known}: use the newer scanhook"
    )]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    #[error("the file is a database, but not a scanhook journal")]
    Foreign,
    /// It holds what was only played with the built-in simulator.
    #[error(
        "{0} is a journal of serve --simulate, and none of real work: name another with [journal] url"
    )]
    Simulated(PathBuf),
    /// It holds real work.
    #[error(
        "{0} is a journal of real work, and --simulate does not play on it: name another with [journal] url"
    )]
    Real(PathBuf),
    /// It goes on in a database.
    #[error(
        "{path} was moved to {place} by scanhook journal copy and is only read since: name that with [journal] url"
    )]
    Moved { path: PathBuf, place: String },
    /// The file system does not let SQLite keep its promise.
    #[error(
        "SQLite could not be set to write-ahead logging with full sync here: choose a local disk"
    )]
    NotDurable,
    /// The database is not used so.
    #[error(transparent)]
    Database(#[from] Refusal),
    #[error("{path}: {message}")]
    Io { path: PathBuf, message: String },
    /// SQLite refused, for example because the file is damaged.
    #[error("the journal cannot be opened: {0}")]
    Sqlite(String),
}

impl OpenError {
    /// The stable code of those that have one of their own.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            OpenError::InUse(_) => "journal-in-use",
            OpenError::Moved { .. } => "journal-moved",
            OpenError::Database(refusal) => refusal.code(),
            _ => "journal-source",
        }
    }

    pub(super) fn io(path: &Path, error: &std::io::Error) -> OpenError {
        OpenError::Io {
            path: path.to_owned(),
            message: error.to_string(),
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
    pub(super) fn db(error: impl Into<DbError>) -> OpenError {
        match error.into() {
            DbError::Postgres(lost) => OpenError::Database(lost.into()),
            error => OpenError::Sqlite(error.to_string()),
        }
    }
}

impl From<DbError> for JournalError {
    fn from(error: DbError) -> JournalError {
        match error {
            DbError::Sqlite(error) => error.into(),
            DbError::Postgres(lost) => lost.into(),
            DbError::Newer(found) => JournalError::Newer(found),
            DbError::TooSlow => JournalError::TooSlow,
            error => JournalError::Broken(error.to_string()),
        }
    }
}

impl From<Lost> for JournalError {
    fn from(lost: Lost) -> JournalError {
        match &lost {
            _ if lost.is_full() => JournalError::Full,
            _ if lost.is_busy() => JournalError::Busy,
            _ if lost.is_too_slow() => JournalError::TooSlow,
            Lost::Unanswered(why) => JournalError::Unanswered(why.clone()),
            Lost::Away(why) => JournalError::Away(why.clone()),
            _ if lost.ends_the_connection() => JournalError::Away(lost.to_string()),
            _ => JournalError::Broken(lost.to_string()),
        }
    }
}

impl From<FromSqlError> for JournalError {
    fn from(error: FromSqlError) -> JournalError {
        JournalError::Broken(error.to_string())
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> JournalError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::ConstraintViolation)
                if error.sqlite_error().is_some_and(|e| {
                    e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK
                }) || error.sqlite_error_code() == Some(ErrorCode::DiskFull) =>
            {
                JournalError::Full
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Busy,
            Some(ErrorCode::OperationInterrupted) => JournalError::TooSlow,
            _ => JournalError::Broken(error.to_string()),
        }
    }
}

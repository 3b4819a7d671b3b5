//! Why a journal was not copied, in words that say what to do.

use super::super::db::{DbError, Refusal};
use super::super::error::OpenError;

/// Why it was not copied. Unless it says otherwise, nothing of it is in the database and the file may be served as before.
#[derive(Debug, thiserror::Error)]
pub enum CopyRefusal {
    /// The file cannot be had.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The file cannot be read to its end.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The database is not used as a journal, or was lost on the way.
    #[error(transparent)]
    Target(#[from] Refusal),
    #[error(
        "the journal in the database is not empty: the table `{0}` has rows; name an empty one, made by `scanhook journal init`"
    )]
    Filled(&'static str),
    #[error(
        "the role {role} does not own the table `{table}`: copy as the role that ran `scanhook journal init`"
    )]
    NotOwner { role: String, table: String },
    #[error(
        "the table `{0}` was read back from the database otherwise than it is in the file; nothing was kept there"
    )]
    Differs(&'static str),
    #[error(
        "the database did not say whether it keeps the copy ({0}): run the same command again, which finds out"
    )]
    Unanswered(String),
    #[error(
        "the copy is complete, but the file could not be marked as moved ({0}): do not serve it, and run the same command again"
    )]
    Unmarked(String),
}

impl CopyRefusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            CopyRefusal::Source(error) => error.code(),
            CopyRefusal::Unreadable(_) => "journal-source",
            CopyRefusal::Target(refusal) => refusal.code(),
            CopyRefusal::Filled(_) => "journal-not-empty",
            CopyRefusal::NotOwner { .. } => "journal-not-owner",
            CopyRefusal::Differs(_) => "journal-copy-differs",
            CopyRefusal::Unanswered(_) => "journal-copy-unanswered",
            CopyRefusal::Unmarked(_) => "journal-not-marked",
        }
    }
}

impl From<DbError> for CopyRefusal {
    fn from(error: DbError) -> CopyRefusal {
        match error {
            DbError::Postgres(lost) => CopyRefusal::Target(lost.into()),
            DbError::Sqlite(error) => CopyRefusal::Unreadable(error.to_string()),
            error => CopyRefusal::Target(Refusal::Other(error.to_string())),
        }
    }
}

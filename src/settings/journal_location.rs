//! Where a journal lies: in a file, or in a database.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::PostgresSettings;

/// Where a journal lies.
#[derive(Clone, Debug)]
pub enum JournalLocation {
    /// A file of SQLite, which is read.
    File(PathBuf),
    /// A database of PostgreSQL.
    Database(Arc<PostgresSettings>),
}

impl fmt::Display for JournalLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalLocation::File(path) => path.display().fmt(f),
            JournalLocation::Database(postgres) => postgres.fmt(f),
        }
    }
}

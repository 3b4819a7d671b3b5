//! Where a journal lies: in a file, or in a database.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::settings::{JournalSettings, PostgresSettings};

/// Where a journal lies.
#[derive(Clone, Debug)]
pub enum JournalLocation {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    Database(Arc<PostgresSettings>),
}

impl JournalLocation {
    /// Where these settings have it.
    #[must_use]
    pub fn of(settings: JournalSettings) -> JournalLocation {
        let file = settings.file();
        match settings.postgres {
            Some(postgres) => JournalLocation::Database(Arc::new(postgres)),
            None => JournalLocation::File(file.unwrap_or(settings.path)),
        }
    }
}

impl fmt::Display for JournalLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalLocation::File(path) => path.display().fmt(f),
            JournalLocation::Database(postgres) => postgres.fmt(f),
        }
    }
}

//! Why a journal was not backed up or restored, in words an operator can act on.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::db::DbError;
use super::error::OpenError;

/// Why a copy of a journal was not made or not used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("no journal is at {0}")]
    Missing(PathBuf),
    /// A file has the name that the backup should get.
    #[error("{0} is there already, and a backup never replaces a file: name another one")]
    Exists(PathBuf),
    /// What is written has a name of its own until it is whole.
    #[error(
        "{0} is there: another copy is being written, or one was cut off; remove it if none is being written"
    )]
    Unfinished(PathBuf),
    /// It was copied and does not hold together.
    #[error("{path} is damaged: {found}")]
    Damaged {
        path: PathBuf,
        /// The first of what SQLite found.
        found: String,
    },
    /// Something of a journal lies where it should go.
    #[error(
        "{found} is there already, and nothing is restored over a journal: stop scanhook, move {journal}, {journal}-wal and \
         {journal}-shm away as far as they are there, and restore again"
    )]
    Occupied { found: PathBuf, journal: PathBuf },
    /// Whoever writes it would go on writing what is no longer there.
    #[error("{0} is being served: stop scanhook before a backup is restored")]
    Served(PathBuf),
    /// What was only played must not answer a real alert.
    #[error(
        "{0} is a backup of a journal of serve --simulate, and none of real work; it is not restored"
    )]
    OnlyPlayed(PathBuf),
    /// The one journal or the other cannot be opened.
    #[error("{path}: {error}")]
    Open {
        path: PathBuf,
        #[source]
        error: OpenError,
    },
    /// The operating system refused something.
    #[error("{path}: {error}")]
    File {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
}

impl BackupError {
    /// The stable code, where the sentence is none of those of a journal that does not open.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            BackupError::Missing(_) => "no-journal",
            BackupError::Exists(_) => "backup-exists",
            BackupError::Unfinished(_) => "copy-unfinished",
            BackupError::Damaged { .. } => "copy-damaged",
            BackupError::Occupied { .. } => "journal-there",
            BackupError::Served(_) => "journal-served",
            BackupError::OnlyPlayed(_) => "copy-simulated",
            BackupError::Open { .. } | BackupError::File { .. } => return None,
        })
    }

    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
        let path = path.to_owned();
        move |error| BackupError::File { path, error }
    }

    pub(super) fn open(path: &Path) -> impl FnOnce(OpenError) -> BackupError {
        let path = path.to_owned();
        move |error| match error {
            OpenError::Io { path, message } => BackupError::File {
                path,
                error: std::io::Error::other(message),
            },
            OpenError::InUse(path) => BackupError::Served(path),
            error => BackupError::Open { path, error },
        }
    }

    /// What keeps pages of the one file from being written into the other: a damaged journal, or a disk that is full.
    pub(super) fn copying(from: &Path, to: &Path) -> impl FnOnce(rusqlite::Error) -> BackupError {
        let (from, to) = (from.to_owned(), to.to_owned());
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => BackupError::Damaged {
                path: from,
                found: error.to_string(),
            },
            _ => BackupError::File {
                path: to,
                error: std::io::Error::other(error.to_string()),
            },
        }
    }

    pub(super) fn sqlite<E: Into<DbError>>(path: &Path) -> impl FnOnce(E) -> BackupError {
        let path = path.to_owned();
        move |error| BackupError::Open {
            path,
            error: OpenError::db(error),
        }
    }
}

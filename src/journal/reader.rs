//! Connections that only read.

use std::path::Path;

use rusqlite::OpenFlags;

use super::db::Connection;
use super::error::OpenError;

/// A read-only view of the committed journal.
pub struct Reader<'c> {
    pub(super) db: &'c Connection,
}

/// A read-only connection to the same file.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = rusqlite::Connection::open_with_flags(path, flags).map_err(OpenError::db)?;
    db.busy_timeout(core::time::Duration::from_secs(2))
        .map_err(OpenError::db)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(db.into())
}

/// More than the journal has different ones: none is compiled anew for a job.
pub(super) const STATEMENTS: usize = 512;

//! A journal that is only read, without a trace beside it. A file that nobody has open is read as one that does not
//! change, and held to that at the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::OpenFlags;

use super::db::{Connection, Postgres, Use};
use super::error::{JournalError, OpenError};
use super::moved::moved_to;
use super::schema::SCHEMA;
use super::stored::StoredDelivery;
use super::{reader, schema};
use crate::settings::JournalLocation;
use scanhook_core::alert::MachineId;
use scanhook_core::directory::Record;

/// What a path keeps in a URI.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// A journal that is only read.
pub struct Archive {
    pub(super) db: Connection,
    /// The file as it was when it was opened, where nobody has it open.
    idle: Option<(PathBuf, (u64, Option<std::time::SystemTime>))>,
    pub(super) source: Option<String>,
    pub(super) with_bodies: bool,
    pub(super) after: i64,
    pub(super) read: std::vec::IntoIter<StoredDelivery>,
    /// An older version kept none.
    pub(super) has_records: bool,
    /// An older version did not write down what devices are called.
    pub(super) has_names: bool,
    pub(super) records: HashMap<(String, MachineId), Option<Record>>,
}

/// SQLite's write-ahead log, which is there while somebody has the journal open, or after they were killed.
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn unchanging(path: &Path) -> Result<Connection, OpenError> {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), IN_PATH);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let db = rusqlite::Connection::open_with_flags(format!("file:{path}?immutable=1"), flags);
    Ok(db.map_err(OpenError::db)?.into())
}

impl Archive {
    /// Opens the journal that lies there: all of it, or the deliveries of one source; bodies only where they are asked for. Not
    /// from async code: it waits.
    ///
    /// # Errors
    /// When it is no journal of a version that is known, or cannot be read.
    pub fn at(
        place: &JournalLocation,
        source: Option<&str>,
        with_bodies: bool,
    ) -> Result<Archive, OpenError> {
        match place {
            JournalLocation::File(path) => Archive::open(path, source, with_bodies),
            JournalLocation::Database(at) => {
                let db = Postgres::open(at, Use::Reader, SCHEMA)?.into();
                Ok(Archive::over(db, SCHEMA, source, with_bodies))
            }
        }
    }

    /// Opens the journal in a file: all of it, or the deliveries of one source; bodies only where they are asked for.
    ///
    /// # Errors
    /// When the file is no journal of a version that is known, or cannot be read.
    pub fn open(
        path: &Path,
        source: Option<&str>,
        with_bodies: bool,
    ) -> Result<Archive, OpenError> {
        let about = std::fs::metadata(path).map_err(|error| OpenError::io(path, &error))?;
        // Whoever opens a journal that nobody has open makes two files beside it, and they may then be of the wrong
        // owner. So such a one is read as a file that does not change, and held to that at the end.
        let idle = (!log_of(path).exists()).then(|| (about.len(), about.modified().ok()));
        let db = if idle.is_some() {
            unchanging(path)?
        } else {
            reader::open(path)?
        };
        let schema = schema::recognize(&db)?;
        if schema < 1 {
            return Err(OpenError::Foreign);
        }
        Ok(Archive {
            idle: idle.map(|about| (path.to_owned(), about)),
            ..Archive::over(db, schema, source, with_bodies)
        })
    }

    fn over(db: Connection, schema: i64, source: Option<&str>, with_bodies: bool) -> Archive {
        Archive {
            db,
            idle: None,
            source: source.map(str::to_owned),
            with_bodies,
            after: 0,
            read: Vec::new().into_iter(),
            has_records: schema > 1,
            has_names: schema > 2,
            records: HashMap::new(),
        }
    }

    /// Where it was moved to, if it was.
    #[must_use]
    pub fn moved_to(&self) -> Option<String> {
        moved_to(&self.db).ok().flatten()
    }

    /// Fails where somebody opened an idle journal while it was read: what was read may then be of two states.
    pub(super) fn still_idle(&self) -> Result<(), JournalError> {
        let Some((path, idle)) = &self.idle else {
            return Ok(());
        };
        let now = std::fs::metadata(path)
            .ok()
            .map(|about| (about.len(), about.modified().ok()));
        if now == Some(*idle) && !log_of(path).exists() {
            return Ok(());
        }
        Err(JournalError::Broken(
            "somebody opened it while it was read; read it again".to_owned(),
        ))
    }
}

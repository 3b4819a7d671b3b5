//! A copy of a journal on its way: a file under a name of its own, for its owner alone, that gets its name once it is whole
//! and on the disk, and is gone if that never comes.
//!
//! The pages are those of one moment, the one in which the copy begins: a transaction that only reads is open all the while,
//! so that a copy ends however much is written meanwhile. With write-ahead logging no writer waits for a reader; the log
//! grows until the copy is done, which is why it is not slowed down more than by a rest between steps.

use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;

use super::archive::Archive;
use super::backup_error::BackupError;
use super::file::beside;
use super::space::folder;

/// Pages of a step: 4 MiB.
const STEP: core::ffi::c_int = 1024;
/// Between two steps the disk is everybody else's.
const REST: Duration = Duration::from_millis(2);

/// The file, until it is put in place.
pub(super) struct CopyFile {
    path: PathBuf,
    is_placed: bool,
}

impl CopyFile {
    /// A copy of the journal at `from`, beside the place where it is to be.
    pub(super) fn of(from: &Path, to: &Path) -> Result<CopyFile, BackupError> {
        if !from.exists() {
            return Err(BackupError::Missing(from.to_owned()));
        }
        let archive = Archive::open(from, None, false).map_err(BackupError::open(from))?;
        let copy = CopyFile::make(beside(to, "partial"))?;
        copy.fill(from, &archive)?;
        Ok(copy)
    }

    fn make(path: PathBuf) -> Result<CopyFile, BackupError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(_) => Ok(CopyFile {
                path,
                is_placed: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(BackupError::Unfinished(path))
            }
            Err(error) => Err(BackupError::File { path, error }),
        }
    }

    fn fill(&self, from: &Path, archive: &Archive) -> Result<(), BackupError> {
        let Some(source) = archive.db.sqlite() else {
            return Err(BackupError::Missing(from.to_owned()));
        };
        let mut db = rusqlite::Connection::open(&self.path).map_err(BackupError::sqlite(from))?;
        // Until it has its name it is worth nothing, so there is nothing to roll back to.
        db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            .map_err(BackupError::sqlite(&self.path))?;
        // The first statement that reads decides which moment the copy is of.
        source
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
            .map_err(BackupError::sqlite(from))?;
        Backup::new(source, &mut db)
            .and_then(|pages| pages.run_to_completion(STEP, REST, None))
            .map_err(BackupError::copying(from, &self.path))?;
        source
            .execute_batch("COMMIT")
            .map_err(BackupError::sqlite(from))?;
        drop(db);
        archive.still_idle().map_err(|error| BackupError::Damaged {
            path: from.to_owned(),
            found: error.to_string(),
        })?;
        self.stand_alone()
    }

    /// The copy is one file: it says of itself that it has a write-ahead log, as the journal does, and it needs none.
    fn stand_alone(&self) -> Result<(), BackupError> {
        let db = rusqlite::Connection::open(&self.path).map_err(BackupError::sqlite(&self.path))?;
        let mode = db.query_row("PRAGMA journal_mode = DELETE", [], |row| {
            row.get::<_, String>(0)
        });
        mode.map(drop).map_err(BackupError::sqlite(&self.path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, which nobody else's file has.
    pub(super) fn place(mut self, to: &Path) -> Result<(), BackupError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(BackupError::file(&self.path))?;
        rename(&self.path, to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => BackupError::File {
                path: to.to_owned(),
                error,
            },
        })?;
        self.is_placed = true;
        sync(folder(to)).map_err(BackupError::file(folder(to)))
    }
}

impl Drop for CopyFile {
    fn drop(&mut self) {
        if self.is_placed {
            return;
        }
        // Where it cannot be removed the next copy says that it is there.
        for ending in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.path.as_os_str().to_owned();
            name.push(ending);
            let _ = fs::remove_file(name);
        }
    }
}

/// Renames it where nobody has the name. A file system that cannot do both in one step is asked first.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            renamed => return Ok(renamed?),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

#[cfg(unix)]
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

//! A backup becomes the journal, where there is none and nobody serves one.
//!
//! What is put in place is a copy of the backup, checked as a whole, with a marker beside it as any journal has. Who was
//! signed in when it was made is not: they may have signed out since.

use std::path::{Path, PathBuf};

use super::backup_contents::{BackupContents, checked, has_table};
use super::backup_error::BackupError;
use super::backup_file::{CopyFile, sync};
use super::db::Connection;
use super::file::{beside, lock, make_folder, private};
use super::space::folder;

/// Puts a copy of the backup `from` in the place of the journal. Not from async code: it reads and writes all of it.
///
/// # Errors
/// [`BackupError`]; there is no journal then, as before.
pub fn restore(from: &Path, journal: &Path) -> Result<BackupContents, BackupError> {
    if !from.exists() {
        return Err(BackupError::Missing(from.to_owned()));
    }
    make_folder(journal).map_err(BackupError::open(journal))?;
    let held = lock(journal).map_err(BackupError::open(journal))?;
    if let Some(found) = of_a_journal(journal) {
        return Err(BackupError::Occupied {
            found,
            journal: journal.to_owned(),
        });
    }
    let copy = CopyFile::of(from, journal)?;
    let contents = checked(copy.path(), from)?;
    if contents.is_simulated {
        return Err(BackupError::OnlyPlayed(from.to_owned()));
    }
    sign_everybody_out(copy.path())?;
    let marker = beside(journal, "marker");
    for file in [copy.path(), &marker, &beside(journal, "lock")] {
        drop(private(file).map_err(BackupError::open(file))?);
        give_to_owner_of(folder(journal), file).map_err(BackupError::file(file))?;
    }
    // The marker first: whatever happens now, nobody begins an empty journal here.
    sync(folder(journal)).map_err(BackupError::file(folder(journal)))?;
    copy.place(journal)?;
    drop(held);
    Ok(contents)
}

/// What lies where a journal or a part of one would.
fn of_a_journal(journal: &Path) -> Option<PathBuf> {
    ["", "-wal", "-shm", "-journal"]
        .into_iter()
        .map(|ending| {
            let mut name = journal.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        })
        .find(|path| std::fs::symlink_metadata(path).is_ok())
}

fn sign_everybody_out(copy: &Path) -> Result<(), BackupError> {
    let db = rusqlite::Connection::open(copy).map_err(BackupError::sqlite(copy))?;
    let db = Connection::from(db);
    if has_table(&db, "session").map_err(BackupError::sqlite(copy))? {
        db.execute("DELETE FROM session", [])
            .map_err(BackupError::sqlite(copy))?;
    }
    Ok(())
}

/// Whoever serves the journal is the owner of its folder; the administrator who restores it may be somebody else.
#[cfg(unix)]
fn give_to_owner_of(folder: &Path, file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    let (of, about) = (std::fs::metadata(folder)?, std::fs::symlink_metadata(file)?);
    if of.uid() == about.uid() {
        return Ok(());
    }
    lchown(file, Some(of.uid()), Some(of.gid()))
}

#[cfg(not(unix))]
fn give_to_owner_of(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

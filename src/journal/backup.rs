//! A copy of a journal that may be in use: `CopyFile` says how it is made.

use std::path::Path;

use super::backup_contents::{BackupContents, checked};
use super::backup_error::BackupError;
use super::backup_file::CopyFile;

/// Copies the journal at `journal` into a new file and checks what was written before it gets its name. Not from async code:
/// it reads and writes all of the journal.
///
/// # Errors
/// [`BackupError`]; nothing is left of the copy then.
pub fn back_up(journal: &Path, to: &Path) -> Result<BackupContents, BackupError> {
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copy = CopyFile::of(journal, to)?;
    let contents = checked(copy.path(), to)?;
    copy.place(to)?;
    Ok(contents)
}

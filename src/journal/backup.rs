//! A copy of a journal that may be in use: `CopyFile` says how it is made.

use std::path::Path;

use super::copy_contents::{CopyContents, checked};
use super::copy_error::CopyError;
use super::copy_file::CopyFile;

/// Copies the journal at `journal` into a new file and checks what was written before it gets its name. Not from async code:
/// it reads and writes all of the journal.
///
/// # Errors
/// [`CopyError`]; nothing is left of the copy then.
pub fn back_up(journal: &Path, to: &Path) -> Result<CopyContents, CopyError> {
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let copy = CopyFile::of(journal, to)?;
    let contents = checked(copy.path(), to)?;
    copy.place(to)?;
    Ok(contents)
}

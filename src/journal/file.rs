//! The journal's file and those beside it: who may read them, and that only one process writes.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::error::OpenError;

pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// A folder that is not there is made, for its owner alone.
pub(super) fn make_folder(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
    else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|e| OpenError::io(folder, &e))
}

/// One process a journal. The lock is a file of its own, so that readers still get in.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing alone: a process that was forked a moment ago holds the file, too, until it runs its program.
        let _ = self.0.unlock();
    }
}

pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let place = beside(path, "lock");
    let file = private(&place)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(OpenError::io(&place, &error)),
    }
}

/// Opens or makes a file beside the journal that only its owner may read: the journal holds alerts. A link there is
/// refused, so that nobody can have another file opened, or made, in its place; nothing is ever emptied.
pub(super) fn private(path: &Path) -> Result<File, OpenError> {
    open_private(path, false)
}

pub(super) fn open_private(path: &Path, through_link: bool) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options
            .mode(0o600)
            .custom_flags(if through_link { 0 } else { libc::O_NOFOLLOW });
    }
    let file = options
        .open(path)
        .map_err(|error| match std::fs::symlink_metadata(path) {
            Ok(about) if about.is_symlink() && !through_link => OpenError::Io {
                path: path.to_owned(),
                message: "is a symbolic link, which is not followed here; remove it".to_owned(),
            },
            _ => OpenError::io(path, &error),
        })?;
    for_owner_alone(&file).map_err(|e| OpenError::io(path, &e))?;
    Ok(file)
}

/// The journal itself may lie behind a link; SQLite gives the files it makes beside it the same mode. Those that are
/// there already may have another. Not while this process has the journal open: to close a file lets go of all locks that
/// the process has on it, those of SQLite included.
pub(super) fn close_to_others(path: &Path) -> Result<(), OpenError> {
    drop(open_private(path, true)?);
    let path = std::fs::canonicalize(path).map_err(|e| OpenError::io(path, &e))?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        if std::fs::symlink_metadata(&beside).is_ok() {
            drop(private(Path::new(&beside))?);
        }
    }
    Ok(())
}

/// Takes away what others may do with a file, if it is more than nothing.
#[cfg(unix)]
fn for_owner_alone(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let about = file.metadata()?;
    if about.is_file() && about.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn for_owner_alone(_: &File) -> std::io::Result<()> {
    Ok(())
}

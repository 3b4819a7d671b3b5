//! A file that is replaced as a whole, step by step: whenever the process ends, its name shows the old content or the new
//! one, and what it shows is on the disk.

use core::time::Duration;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

/// One step. Without `Debug`: it may hold a secret.
#[derive(Clone)]
pub enum FileStep {
    /// A new file that only its owner may read is written, and is on the disk.
    Write(PathBuf, SecretString),
    Rename(PathBuf, PathBuf),
    /// The file is removed, if it is there.
    Remove(PathBuf),
    /// The names of a folder are on the disk.
    Sync(PathBuf),
}

/// What replaces the file at `path` by one of this content.
#[must_use]
pub fn replacing(path: &Path, content: SecretString) -> Vec<FileStep> {
    let beside = beside(path, ".new");
    vec![
        FileStep::Write(beside.clone(), content),
        FileStep::Rename(beside, path.to_owned()),
        FileStep::Sync(folder(path)),
    ]
}

/// What removes the file at `path`.
#[must_use]
pub fn removing(path: &Path) -> Vec<FileStep> {
    vec![
        FileStep::Remove(path.to_owned()),
        FileStep::Sync(folder(path)),
    ]
}

/// The file of this name with an ending of its own, in the same folder.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn folder(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    // A name alone stands in the folder that the process is in.
    if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    }
}

impl FileStep {
    /// Does it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn carry_out(&self) -> io::Result<()> {
        match self {
            FileStep::Write(path, content) => {
                // One that was left over by a process that ended here.
                is_gone(fs::remove_file(path))?;
                let mut file = new(path)?;
                file.write_all(content.expose_secret().as_bytes())?;
                file.sync_all()
            }
            FileStep::Rename(from, to) => {
                keep_owner(from, to)?;
                fs::rename(from, to)
            }
            FileStep::Remove(path) => is_gone(fs::remove_file(path)),
            FileStep::Sync(folder) => sync(folder),
        }
    }
}

/// Whoever could read the old file reads the new one: an administrator replaces files of a service that is somebody else.
#[cfg(unix)]
fn keep_owner(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let (Ok(old), new) = (fs::metadata(to), fs::metadata(from)?) else {
        return Ok(());
    };
    if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
        return Ok(());
    }
    chown(from, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

fn is_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn new(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Keeps other processes of ours from replacing files in the same folder, until it is dropped. Where the file system has no
/// locks there is none.
pub struct FolderLock(#[allow(dead_code, reason = "open as long as it is held")] Option<File>);

impl FolderLock {
    /// Waits for the folder of this file, for five seconds at most: whoever holds it longer is none of ours, and what was
    /// renewed must not be lost to that. What was written meanwhile is noticed by its content.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "files are replaced on threads that may block"
    )]
    pub fn around(path: &Path) -> FolderLock {
        const TRIES: u32 = 50;
        let Ok(folder) = File::open(folder(path)) else {
            return FolderLock(None);
        };
        for _ in 0..TRIES {
            match folder.try_lock() {
                Ok(()) => return FolderLock(Some(folder)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(100)),
                Err(TryLockError::Error(_)) => break,
            }
        }
        FolderLock(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn whenever_it_ends_the_name_shows_one_content_or_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for done in 0..=3 {
            fs::write(&path, "old").unwrap();
            let steps = replacing(&path, SecretString::from("new"));
            assert_eq!(steps.len(), 3);
            for step in &steps[..done] {
                step.carry_out().unwrap();
            }
            let wanted = if done < 2 { "old" } else { "new" };
            assert_eq!(fs::read_to_string(&path).unwrap(), wanted, "{done} steps");
        }
        assert_eq!(names(folder.path()), ["token"], "nothing is left over");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_the_new_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        for step in replacing(&path, SecretString::from("new")) {
            step.carry_out().unwrap();
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for step in removing(&path).iter().chain(&removing(&path)) {
            step.carry_out().unwrap();
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

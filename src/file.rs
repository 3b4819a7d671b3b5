//! The files that settings and policies are made of: opened without waiting, regular files only, and no more of them read
//! than they may have, whatever a path leads to.

mod globs;
pub mod replace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What was read of a file.
pub struct Content {
    /// Its bytes; one more than it may have, if it has more.
    pub bytes: Vec<u8>,
    pub about: Metadata,
}

impl Content {
    /// The text, if it is UTF-8.
    ///
    /// # Errors
    /// When it is not.
    pub fn text(self) -> io::Result<String> {
        let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8");
        String::from_utf8(self.bytes).map_err(not_text)
    }
}

/// Reads at most this many bytes and one, so that the reader can say that it is too long.
///
/// # Errors
/// When it cannot be opened or read, or is no regular file: a pipe or a device could go on for ever.
pub fn read(path: &Path, most: u64) -> io::Result<Content> {
    let opened = open(path)?;
    let about = opened.metadata()?;
    if about.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a directory",
        ));
    }
    if !about.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is not a regular file",
        ));
    }
    let mut bytes = Vec::new();
    opened
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(Content { bytes, about })
}

/// Whether everyone on this computer can read or write a file.
#[cfg(unix)]
#[must_use]
pub fn is_exposed(about: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o006 != 0
}

#[cfg(not(unix))]
#[must_use]
pub fn is_exposed(_: &Metadata) -> bool {
    false
}

/// Nobody waits for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// What was read of one file, as a hash; zeros where it could not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileDigest {
    hash: [u8; 32],
    most: u64,
}

/// Every file that was looked for, with a hash of the very bytes that were read of it, and every pattern that named some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDigests {
    files: BTreeMap<PathBuf, FileDigest>,
    patterns: BTreeSet<String>,
}

impl FileDigests {
    /// Reads as [`read`] does, and takes down what was read.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&mut self, path: &Path, most: u64) -> io::Result<Content> {
        let content = read(path, most);
        let hash = content
            .as_ref()
            .map_or([0; 32], |content| Sha256::digest(&content.bytes).into());
        self.files
            .insert(path.to_owned(), FileDigest { hash, most });
        content
    }

    /// The files that a pattern names, sorted; folders and hidden files are none. The pattern is taken down.
    ///
    /// # Errors
    /// When it is no pattern, or a folder cannot be read.
    pub fn matching(&mut self, pattern: &str) -> io::Result<Vec<PathBuf>> {
        self.patterns.insert(pattern.to_owned());
        globs::matching(pattern)
    }

    /// Whether this file was looked for.
    #[must_use]
    pub fn hold(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    /// The files, and those that the patterns name by now.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let matching = self
            .patterns
            .iter()
            .filter_map(|pattern| globs::matching(pattern).ok())
            .flatten();
        self.files.keys().cloned().chain(matching).collect()
    }

    /// Adds what others were read as.
    pub fn add(&mut self, others: FileDigests) {
        self.files.extend(others.files);
        self.patterns.extend(others.patterns);
    }

    /// The same files as they are now.
    #[must_use]
    pub fn again(&self) -> FileDigests {
        let mut now = FileDigests {
            patterns: self.patterns.clone(),
            ..FileDigests::default()
        };
        for (path, print) in &self.files {
            // One that cannot be read has its print as well.
            let _ = now.read(path, print.most);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_more_is_read_of_a_file_than_it_may_have_and_one_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 4).unwrap().bytes, b"01234");
        assert_eq!(read(&path, u64::MAX).unwrap().bytes.len(), 10);
        let mut prints = FileDigests::default();
        prints.read(&path, 4).unwrap();
        std::fs::write(&path, "01234and so on").unwrap();
        assert_eq!(prints.again(), prints, "compared as far as it was read");
        std::fs::write(&path, "0123").unwrap();
        assert_ne!(prints.again(), prints);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_a_device_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert!(read(path, 10).is_err(), "{}", path.display());
        }
        let mut prints = FileDigests::default();
        assert!(prints.read(&pipe, 10).is_err());
        assert_eq!(prints.again(), prints);
    }
}

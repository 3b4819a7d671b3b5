//! The files a reload reads, watched by looking: whoever swaps a link, renames over a file or writes into it changes what
//! is seen here, on every kind of file system. A file is read once it has been left alone from one look to the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::settings::plain_file;

/// Looks after which files that never come to rest are read all the same.
const MOST_UNREST: u32 = 10;
/// Looks after which contents are compared, whatever the file system says of times.
const COMPARED: u32 = 30;

/// More than any file of the configuration may have. What stands behind it is refused anyhow.
const LARGEST: u64 = 64 << 20;

/// A hash over the contents of several files.
pub(super) type Contents = [u8; 32];

/// What a file system says of a file without its content; `None` where there is none.
type Stamp = Option<(u64, u64, u64, [i64; 4])>;

/// What was seen of each file.
pub(super) type Stamps = BTreeMap<PathBuf, Stamp>;

/// The files and what was last seen of them.
#[derive(Default)]
pub(super) struct Watch {
    files: Vec<PathBuf>,
    /// As they were just before they were last read; one that is missing here was not known then.
    read: Stamps,
    contents: Option<Contents>,
    /// The last look that showed something else than what was read, and how many looks in a row did.
    unrest: Option<(Stamps, u32)>,
    looks: u32,
}

impl Watch {
    /// The files to look at.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// They have been read: which they are, what was seen of them before that, and their contents after it.
    pub(super) fn has_read(&mut self, files: Vec<PathBuf>, before: Stamps, contents: Contents) {
        (self.files, self.read, self.contents, self.unrest) = (files, before, Some(contents), None);
    }

    /// What was read could not be used for a reason that lies elsewhere: it is read again.
    pub(super) fn forget(&mut self) {
        (self.read, self.contents) = (Stamps::new(), None);
    }

    /// Whether this look asks for the contents, too.
    pub(super) fn compares(&mut self) -> bool {
        self.looks = self.looks.wrapping_add(1);
        self.looks.is_multiple_of(COMPARED)
    }

    /// Whether to read them now, by what a look has shown.
    pub(super) fn is_due(&mut self, seen: Stamps, contents: Option<Contents>) -> bool {
        if seen == self.read {
            self.unrest = None;
            return contents.is_some() && contents != self.contents;
        }
        let before = self.unrest.take();
        let still = before.as_ref().is_some_and(|(last, _)| *last == seen);
        let looks = before.map_or(1, |(_, looks)| looks + 1);
        self.unrest = Some((seen, looks));
        still || looks >= MOST_UNREST
    }
}

/// A look at these files.
pub(super) fn stamps(files: &[PathBuf]) -> Stamps {
    files.iter().map(|path| (path.clone(), stamp(path))).collect()
}

/// Links are followed: a mounted ConfigMap changes what its link leads to.
#[cfg(unix)]
fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let of = std::fs::metadata(path).ok()?;
    Some((of.dev(), of.ino(), of.size(), [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()]))
}

#[cfg(not(unix))]
fn stamp(path: &Path) -> Stamp {
    let of = std::fs::metadata(path).ok()?;
    let since = of.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let (seconds, nanos) = (i64::try_from(since.as_secs()).ok()?, i64::from(since.subsec_nanos()));
    Some((0, 0, of.len(), [seconds, nanos, 0, 0]))
}

/// The contents of these files as one hash; one that cannot be read counts as well.
pub(super) fn contents(files: &[PathBuf]) -> Contents {
    let mut all = Sha256::new();
    for path in files {
        let one = plain_file::read(path, LARGEST).map_or([0; 32], |bytes| Sha256::digest(bytes).into());
        all.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
        all.update(one);
    }
    all.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, text).unwrap();
        (folder, vec![file])
    }

    fn having_read(files: &[PathBuf]) -> Watch {
        let mut watch = Watch::default();
        watch.has_read(files.to_vec(), stamps(files), contents(files));
        watch
    }

    #[test]
    fn a_file_is_read_once_it_has_been_left_alone_from_one_look_to_the_next() {
        let (_folder, files) = written("a");
        let mut watch = having_read(&files);
        assert!(!watch.is_due(stamps(&files), None));
        std::fs::write(&files[0], "half").unwrap();
        assert!(!watch.is_due(stamps(&files), None), "somebody may be writing");
        std::fs::write(&files[0], "half and half").unwrap();
        assert!(!watch.is_due(stamps(&files), None), "they were");
        assert!(watch.is_due(stamps(&files), None));
    }

    #[test]
    fn a_file_that_never_comes_to_rest_is_read_all_the_same() {
        let (_folder, files) = written("a");
        let mut watch = having_read(&files);
        let due = (1..=MOST_UNREST).map(|n| {
            std::fs::write(&files[0], "a".repeat(n as usize + 1)).unwrap();
            watch.is_due(stamps(&files), None)
        });
        assert_eq!(due.collect::<Vec<_>>().iter().filter(|due| **due).count(), 1);
    }

    #[test]
    fn a_content_that_changed_unseen_is_found_by_comparing() {
        let (_folder, files) = written("a");
        let mut watch = having_read(&files);
        assert!(!watch.is_due(stamps(&files), Some(contents(&files))));
        assert!(watch.is_due(stamps(&files), Some([7; 32])));
    }

    #[test]
    fn a_file_that_was_not_known_before_is_looked_at_once_more() {
        let (folder, mut files) = written("a");
        let before = stamps(&files);
        files.push(folder.path().join("list.txt"));
        let mut watch = Watch::default();
        watch.has_read(files.clone(), before, contents(&files));
        assert!(!watch.is_due(stamps(&files), None));
        assert!(watch.is_due(stamps(&files), None), "it may have changed while it was read");
    }
}

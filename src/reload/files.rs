//! The files a reload reads, watched by looking: whoever swaps a link, renames over a file or writes into it changes what
//! is seen here, on every kind of file system. A file is read once it has been left alone from one look to the next.
//!
//! It looks every second at device, inode, size and times of whatever a path leads to, and every thirty looks at the
//! contents: a renamed file, one written in place, a swapped link and a file system without times are all seen. What a
//! pattern of `include` names is looked up at each look, so a new file is seen as a changed one is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::file::FileDigests;

/// Looks after which it is told that files do not come to rest.
const MOST_UNREST: u32 = 10;
/// Looks after which contents are compared, whatever the file system says of times.
const COMPARED: u32 = 30;

/// What a file system says of a file without its content; `None` where there is none.
type FileStamp = Option<(u64, u64, u64, [i64; 4])>;

/// What was seen of each file.
pub(super) type Stamps = BTreeMap<PathBuf, FileStamp>;

/// The files and what was last seen of them.
#[derive(Default)]
pub(super) struct Watch {
    /// As they were just before they were last read; one that is missing here was not known then.
    read: Stamps,
    /// As which they were read.
    prints: FileDigests,
    /// The last look that showed something else than what was read, and how many looks in a row did.
    unrest: Option<(Stamps, u32)>,
    /// That they do not come to rest was told.
    told: bool,
    looks: u32,
}

impl Watch {
    /// The files to look at, as they were last read.
    pub(super) fn prints(&self) -> &FileDigests {
        &self.prints
    }

    /// They have been read: as what, and what was seen of them before that.
    pub(super) fn has_read(&mut self, prints: FileDigests, before: Stamps) {
        (self.prints, self.read, self.unrest, self.told) = (prints, before, None, false);
    }

    /// What was read could not be used for a reason that lies elsewhere: it is read again.
    pub(super) fn forget(&mut self) {
        self.read = Stamps::new();
    }

    /// What the last look has shown.
    pub(super) fn last_seen(&self) -> Stamps {
        self.unrest
            .as_ref()
            .map_or_else(|| self.read.clone(), |(seen, _)| seen.clone())
    }

    /// Whether this look asks for the contents, too.
    pub(super) fn compares(&mut self) -> bool {
        self.looks = self.looks.wrapping_add(1);
        self.looks.is_multiple_of(COMPARED)
    }

    /// What is to be done by what a look has shown. Nothing is read while somebody may be writing it.
    pub(super) fn judge(&mut self, seen: Stamps, prints: Option<FileDigests>) -> FileChange {
        if seen == self.read {
            self.unrest = None;
            let changed = self.told || prints.is_some_and(|prints| prints != self.prints);
            return if changed {
                FileChange::Due
            } else {
                FileChange::Quiet
            };
        }
        let before = self.unrest.take();
        let restless: Vec<PathBuf> = before
            .iter()
            .flat_map(|(last, _)| unlike(last, &seen))
            .collect();
        let looks = before
            .as_ref()
            .map_or(1, |(_, looks)| looks.saturating_add(1));
        let still = before.is_some() && restless.is_empty();
        self.unrest = Some((seen, looks));
        if still {
            return FileChange::Due;
        }
        if looks >= MOST_UNREST && !self.told {
            self.told = true;
            return FileChange::Restless(restless);
        }
        FileChange::Quiet
    }
}

/// What a look leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileChange {
    Quiet,
    /// The files are to be read.
    Due,
    /// These change from look to look, which is told once.
    Restless(Vec<PathBuf>),
}

/// What differs between two looks.
fn unlike(last: &Stamps, seen: &Stamps) -> Vec<PathBuf> {
    seen.iter()
        .filter(|(path, stamp)| last.get(*path) != Some(*stamp))
        .map(|(path, _)| path.clone())
        .collect()
}

/// A look at these files.
pub(super) fn stamps(files: &FileDigests) -> Stamps {
    let look = |path: PathBuf| {
        let stamp = stamp(&path);
        (path, stamp)
    };
    files.paths().into_iter().map(look).collect()
}

/// Links are followed: a mounted ConfigMap changes what its link leads to.
#[cfg(unix)]
fn stamp(path: &Path) -> FileStamp {
    use std::os::unix::fs::MetadataExt as _;
    let of = std::fs::metadata(path).ok()?;
    Some((
        of.dev(),
        of.ino(),
        of.size(),
        [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()],
    ))
}

#[cfg(not(unix))]
fn stamp(path: &Path) -> FileStamp {
    let of = std::fs::metadata(path).ok()?;
    let since = of
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    let (seconds, nanos) = (
        i64::try_from(since.as_secs()).ok()?,
        i64::from(since.subsec_nanos()),
    );
    Some((0, 0, of.len(), [seconds, nanos, 0, 0]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf, FileDigests) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, text).unwrap();
        let mut prints = FileDigests::default();
        prints.read(&file, 100).unwrap();
        (folder, file, prints)
    }

    fn having_read(prints: &FileDigests) -> Watch {
        let mut watch = Watch::default();
        watch.has_read(prints.clone(), stamps(prints));
        watch
    }

    #[test]
    fn a_file_is_read_once_it_has_been_left_alone_from_one_look_to_the_next() {
        let (_folder, file, prints) = written("a");
        let mut watch = having_read(&prints);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Quiet);
        std::fs::write(&file, "half").unwrap();
        assert_eq!(
            watch.judge(stamps(&prints), None),
            FileChange::Quiet,
            "somebody may be writing"
        );
        std::fs::write(&file, "half and half").unwrap();
        assert_eq!(
            watch.judge(stamps(&prints), None),
            FileChange::Quiet,
            "they were"
        );
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Due);
    }

    #[test]
    fn a_file_that_does_not_come_to_rest_is_told_once_and_read_only_when_it_has() {
        let (_folder, file, prints) = written("a");
        let mut watch = having_read(&prints);
        let looks = (1..=3 * MOST_UNREST).map(|n| {
            std::fs::write(&file, "a".repeat(n as usize + 1)).unwrap();
            watch.judge(stamps(&prints), None)
        });
        let looks: Vec<FileChange> = looks.filter(|look| *look != FileChange::Quiet).collect();
        assert_eq!(looks, [FileChange::Restless(vec![file])]);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Due);
    }

    #[test]
    fn a_new_file_that_a_pattern_names_is_read_and_so_is_one_that_went() {
        let (folder, file, mut prints) = written("a");
        let pattern = folder.path().join("tenants/*.toml").display().to_string();
        assert!(prints.matching(&pattern).unwrap().is_empty());
        let mut watch = having_read(&prints);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Quiet);
        let new = folder.path().join("tenants/berlin.toml");
        std::fs::create_dir(new.parent().unwrap()).unwrap();
        std::fs::write(new.with_file_name(".berlin.toml"), "half").unwrap();
        assert_eq!(
            watch.judge(stamps(&prints), None),
            FileChange::Quiet,
            "hidden"
        );
        std::fs::write(&new, "b").unwrap();
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Quiet);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Due);
        assert_eq!(prints.matching(&pattern).unwrap(), [new.as_path()]);
        prints.read(&new, 100).unwrap();
        let mut watch = having_read(&prints);
        std::fs::remove_file(&new).unwrap();
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Quiet);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Due);
        assert!(prints.hold(&file));
    }

    #[test]
    fn a_content_that_changed_unseen_is_found_by_comparing() {
        let (_folder, file, prints) = written("a");
        let mut watch = having_read(&prints);
        assert_eq!(
            watch.judge(stamps(&prints), Some(prints.again())),
            FileChange::Quiet
        );
        std::fs::write(&file, "b").unwrap();
        let seen = watch.read.clone();
        assert_eq!(watch.judge(seen, Some(prints.again())), FileChange::Due);
    }

    #[test]
    fn a_file_that_was_not_known_before_is_looked_at_once_more() {
        let (folder, _, mut prints) = written("a");
        let before = stamps(&prints);
        assert!(prints.read(&folder.path().join("list.txt"), 100).is_err());
        let mut watch = Watch::default();
        watch.has_read(prints.clone(), before);
        assert_eq!(watch.judge(stamps(&prints), None), FileChange::Quiet);
        assert_eq!(
            watch.judge(stamps(&prints), None),
            FileChange::Due,
            "it may have changed while it was read"
        );
    }
}

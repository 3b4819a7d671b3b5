//! How much room the journal has. Senders are told to come back before the disk is full or the journal larger than it may
//! be; and a file beside it (`reserve`) keeps room for what workers have yet to write when somebody else fills the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::JournalError;

/// What is kept for the workers, where the disk is not so small that this is much of it.
const RESERVE: u64 = 16 << 20;
/// On a small disk this part of it.
const PART: u64 = 32;
/// There is little room when so much of `[journal] max_size` is used, in percent,
const MUCH: u64 = 80;
/// or so little of the disk is free; or a fifth of it, where it is small.
const LITTLE: u64 = 1 << 30;

/// What is known of the journal's room, by whoever asks; the writer looks again with every transaction.
#[derive(Clone, Default)]
pub struct Space(Arc<Measured>);

#[derive(Default)]
struct Measured {
    used: AtomicU64,
    /// 0: any size.
    most: AtomicU64,
    free: AtomicU64,
    disk: AtomicU64,
}

/// How much room there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskRoom {
    /// What the journal holds; pages that it will use again are not counted.
    pub used: u64,
    /// `[journal] max_size`; 0: any size.
    pub most: u64,
    pub free: u64,
    /// The whole disk; 0: nothing is known of it.
    pub disk: u64,
}

impl DiskRoom {
    /// Why senders have to come back.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] and [`JournalError::Full`].
    pub fn for_senders(&self) -> Result<(), JournalError> {
        if self.most > 0 && self.used >= self.most {
            return Err(JournalError::TooLarge);
        }
        if self.is_tight() {
            Err(JournalError::Full)
        } else {
            Ok(())
        }
    }

    /// The disk is full, or as good as.
    #[must_use]
    pub const fn is_tight(&self) -> bool {
        self.disk > 0 && self.free < self.reserve()
    }

    pub(super) const fn reserve(&self) -> u64 {
        if self.disk / PART < RESERVE {
            self.disk / PART
        } else {
            RESERVE
        }
    }

    /// What an operator should know long before senders have to be told.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let mib = |bytes: u64| bytes >> 20;
        if self.most > 0 && self.used.saturating_mul(100) >= self.most.saturating_mul(MUCH) {
            let percent = self.used.saturating_mul(100) / self.most;
            return Some(format!(
                "the journal holds {} MiB, {percent} % of `[journal] max_size`; at 100 % senders are answered 503",
                mib(self.used)
            ));
        }
        let little = LITTLE.min(self.disk / 5);
        (self.disk > 0 && self.free < little).then(|| {
            format!(
                "the journal's disk has {} MiB left; below {} MiB senders are answered 503",
                mib(self.free),
                mib(self.reserve())
            )
        })
    }
}

impl Space {
    /// What was last seen.
    #[must_use]
    pub fn room(&self) -> DiskRoom {
        let Measured {
            used,
            most,
            free,
            disk,
        } = &*self.0;
        let [used, most, free, disk] =
            [used, most, free, disk].map(|number| number.load(Ordering::Relaxed));
        DiskRoom {
            used,
            most,
            free,
            disk,
        }
    }

    /// The journal may have this many bytes; `None`: any number.
    pub fn at_most(&self, bytes: Option<u64>) {
        self.0.most.store(bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// The journal at `path` has so many bytes; how much is free is asked of the disk.
    pub(super) fn look(&self, path: &Path, used: u64) -> DiskRoom {
        self.0.used.store(used, Ordering::Relaxed);
        if let Some((free, disk)) = free_and_all(folder(path)) {
            self.0.free.store(free, Ordering::Relaxed);
            self.0.disk.store(disk, Ordering::Relaxed);
        }
        self.room()
    }
}

/// The bytes that are free on the disk of this folder, and all of them.
#[cfg(unix)]
fn free_and_all(folder: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((
        disk.f_bavail.saturating_mul(disk.f_frsize),
        disk.f_blocks.saturating_mul(disk.f_frsize),
    ))
}

#[cfg(not(unix))]
fn free_and_all(_: &Path) -> Option<(u64, u64)> {
    None
}

pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn an_operator_is_told_long_before_senders_are() {
        let room = |used, free| DiskRoom {
            used: used * MIB,
            most: 1000 * MIB,
            free: free * MIB,
            disk: 100_000 * MIB,
        };
        assert_eq!(
            (room(799, 50_000).warning(), room(799, 50_000).for_senders()),
            (None, Ok(()))
        );
        assert!(
            room(800, 50_000).warning().unwrap().contains("80 %")
                && room(800, 50_000).for_senders().is_ok()
        );
        assert_eq!(
            room(1000, 50_000).for_senders(),
            Err(JournalError::TooLarge)
        );
        assert!(
            room(1, 1000).warning().unwrap().contains("1000 MiB left")
                && room(1, 1000).for_senders().is_ok()
        );
        assert_eq!(room(1, 15).for_senders(), Err(JournalError::Full));
    }

    #[test]
    fn a_small_disk_keeps_a_small_reserve_and_an_unknown_one_none() {
        let room = |free, disk| DiskRoom {
            used: 0,
            most: 0,
            free,
            disk,
        };
        assert!(room(MIB, 4 * MIB).for_senders().is_ok() && room(MIB / 16, 4 * MIB).is_tight());
        assert!(!room(0, 0).is_tight());
    }
}

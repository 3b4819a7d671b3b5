//! Room that is kept on the disk for what workers have yet to write when somebody else fills it.
//!
//! It is a file beside the journal, `FILE.reserve`. It is removed when a write finds the disk full, so that the space is
//! free for what workers write about running scans, and made again when there is room for two of it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::file::{beside, private};
use super::space::DiskRoom;

/// The room that is kept beside the journal.
pub(super) struct DiskReserve {
    path: PathBuf,
    kept: bool,
    /// It could not be made though there was room: the journal does without.
    impossible: bool,
}

impl DiskReserve {
    pub(super) fn of(journal: &Path) -> DiskReserve {
        let path = beside(journal, "reserve");
        let kept = path.exists();
        DiskReserve {
            path,
            kept,
            impossible: false,
        }
    }

    /// Gives the room to the journal.
    pub(super) fn release(&mut self) {
        if self.kept {
            // Where it cannot be removed there is no room to give; the journal says so by itself.
            let _ = fs::remove_file(&self.path);
            self.kept = false;
        }
    }

    /// Takes the room (again), where there is twice as much. False: there is no room for it. A file system on which it
    /// cannot be made stops nobody.
    pub(super) fn keep(&mut self, room: &DiskRoom) -> bool {
        let bytes = room.reserve();
        if self.kept || self.impossible || bytes == 0 {
            return true;
        }
        if room.free < 2 * bytes {
            return false;
        }
        match self.make(bytes) {
            Ok(()) => self.kept = true,
            Err(error) => {
                let _ = fs::remove_file(&self.path);
                self.impossible = error.kind() != io::ErrorKind::StorageFull;
            }
        }
        self.kept || self.impossible
    }

    fn make(&self, bytes: u64) -> io::Result<()> {
        let mut file = private(&self.path).map_err(io::Error::other)?;
        if !set_aside(&file, bytes) {
            io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
        }
        file.sync_all()
    }
}

/// Whether the file system has set room aside for the file; not every one can, and then it is written full.
#[cfg(target_os = "linux")]
fn set_aside(file: &File, bytes: u64) -> bool {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn set_aside(_: &File, _: u64) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_reserve_that_cannot_be_made_stops_nobody_and_one_without_room_does() {
        let folder = tempfile::tempdir().unwrap();
        let room = |free| DiskRoom {
            used: 0,
            most: 0,
            free,
            disk: 4 * MIB,
        };
        let mut nowhere = DiskReserve::of(&folder.path().join("no-such-folder/scanhook.db"));
        assert!(!nowhere.keep(&room(0)), "there is no room for it");
        assert!(
            nowhere.keep(&room(MIB)) && nowhere.keep(&room(0)),
            "there is, but it cannot be made"
        );
        let mut kept = DiskReserve::of(&folder.path().join("scanhook.db"));
        let file = folder.path().join("scanhook.db.reserve");
        assert!(kept.keep(&room(MIB)));
        assert_eq!(fs::metadata(&file).unwrap().len(), 4 * MIB / 32);
        kept.release();
        assert!(!file.exists() && !kept.keep(&room(0)) && kept.keep(&room(MIB)) && file.exists());
    }
}

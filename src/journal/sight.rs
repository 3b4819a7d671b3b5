//! What can be seen of a journal from outside, whether it is in use or not even there: it is only read, and nothing is made.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{JournalError, OpenError};
use super::moved::moved_to;
use super::reader::{self, Reader};
use super::schema::{SCHEMA, recognize};
use super::space::{DiskRoom, Space, folder};
use scanhook_core::time::Timestamp;

/// What can be seen of a journal.
#[derive(Clone, Debug)]
pub struct JournalSight {
    /// Whether there is one.
    pub exists: bool,
    /// Whether its folder is there; else it is made at the start, in the nearest one that is.
    pub has_folder: bool,
    /// Why it could not be written here, or not be read; none where it can.
    pub trouble: Option<String>,
    /// The database in which it goes on, if it was copied into one.
    pub moved_to: Option<String>,
    pub room: DiskRoom,
    /// When each source was last heard, as far as it knows.
    pub heard: BTreeMap<String, Timestamp>,
}

impl JournalSight {
    /// Looks at the journal of this path. `most`: how large it may be.
    #[must_use]
    pub fn of(path: &Path, most: Option<u64>, sources: &[&str]) -> JournalSight {
        let (exists, home) = (path.exists(), folder(path));
        let nearest = home.ancestors().find(|folder| folder.exists());
        let nearest = match nearest {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let space = Space::default();
        space.at_most(most);
        let used = std::fs::metadata(path).map_or(0, |about| about.len());
        let room = space.look(&nearest.join("journal"), used);
        let read = if exists {
            read(path, sources)
        } else {
            Ok((None, BTreeMap::new()))
        };
        let unreadable = read.as_ref().err().cloned();
        let (moved_to, heard) = read.unwrap_or_default();
        JournalSight {
            exists,
            has_folder: home.is_dir(),
            trouble: closed(nearest)
                .or_else(|| exists.then(|| refused(path)).flatten())
                .or(unreadable),
            room,
            moved_to,
            heard,
        }
    }
}

/// Where it was moved to, and when each source was heard.
type ReadSight = (Option<String>, BTreeMap<String, Timestamp>);

fn read(path: &Path, sources: &[&str]) -> Result<ReadSight, String> {
    let db = reader::open(path).map_err(|error: OpenError| error.to_string())?;
    let version = recognize(&db).map_err(|error| error.to_string())?;
    if version < SCHEMA {
        // The next start takes it over.
        return Ok((None, BTreeMap::new()));
    }
    let moved_to = moved_to(&db).map_err(|error| error.to_string())?;
    let reader = Reader { db: &db };
    let mut heard = BTreeMap::new();
    for name in sources {
        let last = reader.last_heard(name);
        let last = last.map_err(|error: JournalError| error.to_string())?;
        heard.extend(last.map(|at| ((*name).to_owned(), at)));
    }
    Ok((moved_to, heard))
}

/// Why nothing can be made in what is to be a folder.
fn closed(folder: &Path) -> Option<String> {
    if folder.is_dir() {
        refused(folder)
    } else {
        Some(format!("{} is not a folder", folder.display()))
    }
}

/// Why this user may not write there.
#[cfg(unix)]
fn refused(path: &Path) -> Option<String> {
    use rustix::fs::{Access, access};
    let wanted = match path.is_dir() {
        true => Access::WRITE_OK | Access::EXEC_OK,
        false => Access::READ_OK | Access::WRITE_OK,
    };
    let error = access(path, wanted).err()?;
    Some(format!("{}: {error}", path.display()))
}

#[cfg(not(unix))]
fn refused(_: &Path) -> Option<String> {
    None
}

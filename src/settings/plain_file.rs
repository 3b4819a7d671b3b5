//! The files of the configuration, opened so that none of them can keep whoever reads them waiting or fill the memory:
//! a named pipe, a device or a log in the place of a list is a mistake, and is told as one.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

/// A regular file, or a link to one.
///
/// # Errors
/// When there is none, or it cannot be opened.
pub(crate) fn open(path: &Path) -> Result<File> {
    // Before it is opened: opening a named pipe waits until somebody writes.
    if std::fs::metadata(path)?.is_file() { File::open(path) } else { Err(Error::other("it is no regular file")) }
}

/// The content of a regular file, cut off behind `most` bytes.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn neither_a_pipe_nor_a_device_nor_a_folder_is_waited_for_or_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert!(read(path, 10).unwrap_err().to_string().contains("no regular file"), "{}", path.display());
        }
    }

    #[test]
    fn a_long_file_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("long");
        std::fs::write(&file, "0123456789").unwrap();
        assert_eq!(read(&file, 4).unwrap(), b"0123");
    }
}

//! A policy from its files: the rules and the lists that they name, with every file that was looked for.

use std::path::{Path, PathBuf};

use super::{Checked, Policy, PolicyError};
use crate::file::FileDigests;
use scanhook_core::rules::{Finding, Rules};

impl Policy {
    /// Loads and compiles a rules file and the files of its lists.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn load(path: &Path) -> Result<Checked, PolicyError> {
        Policy::load_with_files(path).0
    }

    /// The same, with every file that was looked for, whether it was there or not.
    pub fn load_with_files(path: &Path) -> (Result<Checked, PolicyError>, FileDigests) {
        let mut files = FileDigests::default();
        let text = read_text(path, &mut files)
            .map_err(|error| PolicyError::Unreadable(path.to_owned(), error));
        (
            text.and_then(|text| Policy::load_text(text, path, &mut files)),
            files,
        )
    }

    /// Reads the files of the lists again and compiles them with the rules as they are in force, whatever has become of
    /// the rules file. A policy that was not loaded from a file is compiled with the lists it has. What is read of them
    /// is added to `files`.
    ///
    /// # Errors
    /// Every fault of the lists; this policy is still good.
    pub fn with_lists_read_again(&self, files: &mut FileDigests) -> Result<Checked, PolicyError> {
        match &self.path {
            Some(path) => Policy::load_text(self.text.clone(), path, files),
            None => Policy::recall(&self.record())
                .map_err(|(text, findings)| PolicyError::Faulty(PathBuf::new(), text, findings)),
        }
    }

    fn load_text(
        text: String,
        path: &Path,
        files: &mut FileDigests,
    ) -> Result<Checked, PolicyError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut read =
            |name: &str| read_text(&folder.join(name), files).map_err(|error| error.to_string());
        let compiled = Policy::compile(text, Some(path.to_owned()), &mut read);
        compiled.map_err(|(text, findings)| PolicyError::Faulty(path.to_owned(), text, findings))
    }

    /// Compiles the text of a rules file whose lists have no files.
    ///
    /// # Errors
    /// The text again, with every fault in it.
    pub fn parse(text: String) -> Result<Checked, (String, Vec<Finding>)> {
        Policy::compile(text, None, &mut |_| {
            Err("there is no folder to look for it".to_owned())
        })
    }
}

/// A text file, no longer than one may be and a little more, so that the reader can say that it is too long.
fn read_text(path: &Path, files: &mut FileDigests) -> std::io::Result<String> {
    let content = files.read(path, Rules::LARGEST as u64)?;
    if content.bytes.len() > Rules::LARGEST {
        return Ok(String::from_utf8_lossy(&content.bytes).into_owned());
    }
    content.text()
}

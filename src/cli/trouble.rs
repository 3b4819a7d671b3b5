//! Why a verb ends without having done its work: a sentence for a person, a status for a script.

use core::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::api::FaultView;
use crate::journal::{CopyRefusal, OpenError, Refusal};

/// The exit statuses beside 0, those of sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// `check` or `test` found something.
    Findings = 1,
    /// The command line makes no sense.
    Usage = 64,
    /// What was given cannot be used.
    BadData = 65,
    /// What was named is not there.
    NoInput = 66,
    /// Something that should answer, or an address, is not to be had.
    Unavailable = 69,
    /// A fault of ours.
    Internal = 70,
    /// The disk or the terminal.
    Io = 74,
    /// Not allowed.
    Permission = 77,
    /// scanhook.toml, rules.toml or the environment.
    Configuration = 78,
}

impl Exit {
    /// The stable code of a status, for the log.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Exit::Findings => "findings",
            Exit::Usage => "usage",
            Exit::BadData => "bad-data",
            Exit::NoInput => "no-input",
            Exit::Unavailable => "unavailable",
            Exit::Internal => "internal",
            Exit::Io => "io",
            Exit::Permission => "permission",
            Exit::Configuration => "configuration",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A sentence with its status, and the faults of files that are behind it.
#[derive(Debug)]
pub(super) struct CliError {
    exit: Exit,
    sentence: String,
    pub(super) faults: Vec<FaultView>,
    /// The faults as a person reads them.
    pub(super) text: String,
}

impl CliError {
    pub(super) fn new(exit: Exit, sentence: impl Into<String>) -> CliError {
        CliError {
            exit,
            sentence: sentence.into(),
            faults: Vec::new(),
            text: String::new(),
        }
    }

    /// The same with the faults behind it, for programs and as a person reads them.
    pub(super) fn because(self, faults: Vec<FaultView>, text: String) -> CliError {
        CliError {
            faults,
            text,
            ..self
        }
    }

    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }

    /// A file that could not be read.
    pub(super) fn reading(path: &Path, error: &io::Error) -> CliError {
        let exit = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => Exit::NoInput,
            io::ErrorKind::PermissionDenied => Exit::Permission,
            io::ErrorKind::InvalidData => Exit::BadData,
            _ => Exit::Io,
        };
        CliError::new(exit, format!("{}: {error}", path.display()))
    }

    /// A database that is not used as a journal.
    pub(super) fn refused(refusal: &Refusal) -> CliError {
        let exit = match refusal {
            Refusal::Unreachable(_) | Refusal::Other(_) => Exit::Unavailable,
            Refusal::Password { .. } | Refusal::Rights { .. } => Exit::Permission,
            _ => Exit::Configuration,
        };
        CliError::new(exit, format!("{refusal} [{}]", refusal.code()))
    }

    /// A journal that was not copied from this file.
    pub(super) fn not_copied(path: &Path, refusal: &CopyRefusal) -> CliError {
        let exit = match refusal {
            CopyRefusal::Target(refusal) => return CliError::refused(refusal),
            CopyRefusal::Source(OpenError::InUse(_)) | CopyRefusal::Unanswered(_) => {
                Exit::Unavailable
            }
            CopyRefusal::Source(OpenError::Simulated(_) | OpenError::Moved { .. })
            | CopyRefusal::Filled(_) => Exit::Configuration,
            CopyRefusal::Source(error) => CliError::opening(&path.display(), error).exit,
            CopyRefusal::NotOwner { .. } => Exit::Permission,
            CopyRefusal::Differs(_) => Exit::Internal,
            CopyRefusal::Unreadable(_) | CopyRefusal::Unmarked(_) => Exit::Io,
        };
        // Some sentences begin with the file as it is.
        let (file, says) = (path.display().to_string(), refusal.to_string());
        let begins = if says.starts_with(&file) {
            ""
        } else {
            &format!("{file}: ")
        };
        CliError::new(exit, format!("{begins}{says} [{}]", refusal.code()))
    }

    /// A journal that could not be opened.
    pub(super) fn opening(place: &dyn fmt::Display, error: &OpenError) -> CliError {
        let exit = match error {
            OpenError::Foreign | OpenError::Sqlite(_) => Exit::BadData,
            OpenError::Newer { .. } => Exit::Configuration,
            OpenError::Database(_) => Exit::Unavailable,
            _ => Exit::Io,
        };
        CliError::new(exit, format!("{place}: {error}"))
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for CliError {}

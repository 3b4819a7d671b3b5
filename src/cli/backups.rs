//! What `backup` and `restore` have in common: which file the journal is, what a copy holds in words, and how they end
//! without having made one.

use std::path::{Path, PathBuf};

use super::load;
use super::output::plain;
use super::table::{count, grouped};
use super::trouble::{CliError, Exit};
use crate::journal::{BackupContents, BackupError, OpenError};
use crate::settings::{Flags, Inputs};

/// Which journal.
#[derive(clap::Args)]
pub(super) struct JournalPlace {
    /// The configuration that names the journal; without it, scanhook.toml here, in $XDG_CONFIG_HOME/scanhook or in
    /// /etc/scanhook.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the journal lies, if its path is relative.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl JournalPlace {
    /// The journal, which has to be a file.
    pub(super) fn find(&self) -> Result<PathBuf, CliError> {
        let flags = Flags {
            data_dir: self.data_dir.clone(),
            credential_free: true,
            ..Flags::default()
        };
        let journal = load::settings(&Inputs::from_process(self.config.clone(), flags))?.journal;
        if journal.postgres.is_some() {
            let sentence = "the journal is in PostgreSQL: back it up and restore it with pg_dump and pg_restore, or with base \
                            backups and an archive of the write-ahead log for a point in time (docs/postgres.md)";
            return Err(CliError::new(Exit::Usage, sentence));
        }
        Ok(journal.path)
    }
}

/// A path for people.
pub(super) fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// What is in a copy, in one line.
pub(super) fn contents(copy: &BackupContents) -> String {
    let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let newest = copy.newest.map_or_else(
        || "no delivery yet".to_owned(),
        |at| format!("the newest delivery of {at}"),
    );
    let of = if copy.is_simulated {
        ", of serve --simulate"
    } else {
        ""
    };
    format!(
        "schema {}{of}; {} with {}, {}, {}; {newest}; {}",
        copy.schema,
        deliveries(number(copy.deliveries)),
        count(number(copy.alerts), "alert"),
        count(number(copy.decisions), "decision"),
        count(number(copy.scans), "scan"),
        size(copy.bytes),
    )
}

fn deliveries(number: usize) -> String {
    let word = if number == 1 {
        "delivery"
    } else {
        "deliveries"
    };
    format!("{} {word}", grouped(number))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        1_048_576..10_737_418_240 => format!("{} MiB", bytes.div_ceil(1 << 20)),
        _ => format!("{} GiB", bytes.div_ceil(1 << 30)),
    }
}

/// Why there is no copy, with the status that tells whose move it is.
pub(super) fn not_copied(error: &BackupError) -> CliError {
    let exit = match error {
        BackupError::Missing(_) => Exit::NoInput,
        BackupError::Exists(_)
        | BackupError::Damaged { .. }
        | BackupError::Occupied { .. }
        | BackupError::OnlyPlayed(_) => Exit::BadData,
        BackupError::Unfinished(_) | BackupError::Served(_) => Exit::Unavailable,
        BackupError::Open {
            path,
            error: error @ (OpenError::Foreign | OpenError::Newer { .. } | OpenError::Sqlite(_)),
        } => return CliError::opening(&path.display(), error),
        BackupError::Open { .. } => Exit::Io,
        BackupError::File { path, error } => return CliError::reading(path, error),
    };
    let code = error
        .code()
        .map_or_else(String::new, |code| format!(" [{code}]"));
    CliError::new(exit, format!("{error}{code}"))
}

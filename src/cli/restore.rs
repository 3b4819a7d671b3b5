//! `scanhook restore`: a backup becomes the journal, and what a person has to know then.

use std::path::PathBuf;
use std::process::ExitCode;

use super::backups::{JournalPlace, contents, not_copied, shown};
use super::output;
use crate::journal::{SCHEMA, restore};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup; it is copied, and stays as it is.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    #[command(flatten)]
    journal: JournalPlace,
}

const AFTERWARDS: &str = "\
What happened after the backup is not in it, and happened all the same:
- Calls to Defender since then are not counted against the quota. Start with `scanhook serve --paused`, wait an hour, and then
  `scanhook resume`.
- Scans that waited when it was made may have been sent since. While it is paused, look at `scanhook scans --state waiting` and
  cancel what is done.
- Alerts acknowledged since then are unknown: one that is posted again is new.
- Messages that waited when it was made are sent, perhaps again. Everybody has to sign in again.
";

pub(super) async fn run(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let path = args.journal.find()?;
    let (from, to) = (args.from.clone(), path.clone());
    let copy = tokio::task::spawn_blocking(move || restore(&from, &to))
        .await?
        .map_err(|error| not_copied(&error))?;
    let older = if copy.schema < SCHEMA {
        format!("The next start brings it to schema {SCHEMA}.\n")
    } else {
        String::new()
    };
    output::tell(&format!(
        "{} restored from {}, which was checked: {}\n{older}\n{AFTERWARDS}",
        shown(&path),
        shown(&args.from),
        contents(&copy)
    ))?;
    Ok(ExitCode::SUCCESS)
}

//! `scanhook backup`: a copy of the journal, while it is served or not.

use std::path::PathBuf;
use std::process::ExitCode;

use super::backups::{JournalPlace, contents, not_copied, shown};
use super::output;
use crate::journal::back_up;
use crate::settings::there_is;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct BackupArgs {
    /// The file to write; there must be none of this name.
    #[arg(value_name = "TO")]
    to: PathBuf,
    #[command(flatten)]
    journal: JournalPlace,
}

pub(super) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let path = there_is(&args.journal.find()?);
    let (from, to) = (path.clone(), args.to.clone());
    let copy = tokio::task::spawn_blocking(move || back_up(&from, &to))
        .await?
        .map_err(|error| not_copied(&error))?;
    output::tell(&format!(
        "{} backed up to {}, and checked: {}\n",
        shown(&path),
        shown(&args.to),
        contents(&copy)
    ))?;
    Ok(ExitCode::SUCCESS)
}

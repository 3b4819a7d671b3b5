//! `scanhook man`: manual pages, made of what `--help` says.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::{Man, generate_to};

use super::output;
use super::trouble::CliError;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// A folder that gets a page for scanhook and one for each verb; without it, that of scanhook goes to stdout.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, command: Command) -> anyhow::Result<ExitCode> {
    match &args.folder {
        Some(folder) => {
            generate_to(command, folder).map_err(|error| CliError::reading(folder, &error))?
        }
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            output::print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `scanhook completion`: the script by which a shell completes verbs and flags.

use std::process::ExitCode;

use clap::Command;
use clap_complete::{Shell, generate};

use super::output;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct CompletionArgs {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionArgs, mut command: Command) -> anyhow::Result<ExitCode> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

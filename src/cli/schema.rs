//! `scanhook schema`: what rules.toml and scanhook.toml may hold, as a JSON Schema for editors.

use std::process::ExitCode;

use clap::ValueEnum;

use super::output;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// Of which file.
    #[arg(value_enum)]
    file: File,
}

/// The two files.
#[derive(Clone, Copy, ValueEnum)]
enum File {
    /// rules.toml
    Rules,
    /// scanhook.toml
    Config,
}

pub(super) fn run(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    output::line(match args.file {
        File::Rules => include_str!("../../schemas/rules.schema.json").trim_end(),
        File::Config => include_str!("../../schemas/scanhook.schema.json").trim_end(),
    })?;
    Ok(ExitCode::SUCCESS)
}

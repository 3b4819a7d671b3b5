//! `scanhook rules`: the policy that comes with scanhook.

use std::process::ExitCode;

use super::output;
use crate::policy;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct RulesArgs {
    /// Print it: `scanhook rules --print-default > rules.toml`.
    #[arg(long, required = true)]
    print_default: bool,
}

pub(super) fn run(_: &RulesArgs) -> anyhow::Result<ExitCode> {
    output::line(policy::shipped().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

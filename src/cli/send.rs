//! `scanhook send`.

use std::process::ExitCode;

/// What the command line says.
#[derive(clap::Args)]
pub struct Args {}

pub(super) async fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not there yet")
}

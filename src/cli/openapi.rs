//! `scanhook openapi`: the description of the HTTP API.

use std::process::ExitCode;

use super::output;
use crate::server::openapi;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct OpenApiArgs {}

pub(super) fn run(_: &OpenApiArgs) -> anyhow::Result<ExitCode> {
    output::print(openapi::text())?;
    Ok(ExitCode::SUCCESS)
}

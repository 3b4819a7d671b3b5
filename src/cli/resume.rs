//! `scanhook resume`.

use std::process::ExitCode;

use serde_json::Value;

use super::format::OutputFormat;
use super::order::Words;
use super::output::{self, complain};
use super::pause::{ScopeArgs, table};
use super::responder::Responder;
use super::table::count;
use crate::api::PausesView;

/// What the command line says: the pauses that have all of this; without any of it, all pauses.
#[derive(clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let mut order = args.scope.order();
    args.words.put_into(&mut order);
    let body = args
        .responder
        .post("/api/v1/resume", &Value::Object(order))
        .await?;
    let view: PausesView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&table("RESUMED", &view.items, output::columns()))?,
    }
    if view.items.is_empty() {
        complain("no pause in force has all of this");
    }
    if !view.in_force.is_empty() {
        complain(&format!(
            "still in force: {}",
            count(view.in_force.len(), "pause")
        ));
        complain(&table(
            "PAUSED",
            &view.in_force,
            output::columns_of_errors(),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

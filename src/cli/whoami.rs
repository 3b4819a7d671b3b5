//! `scanhook whoami`.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output;
use super::responder::Responder;
use super::table::Table;
use crate::api::MeView;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct WhoamiArgs {
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &WhoamiArgs) -> anyhow::Result<ExitCode> {
    let body = args.responder.get("/api/v1/me", &[]).await?;
    let me: MeView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => {
            let tenants = me
                .tenants
                .map_or_else(|| "all".to_owned(), |names| names.join(", "));
            let mut table = Table::new(&["NAME", "ROLE", "TENANTS", "BY"]);
            table.row([me.name.as_str(), &me.role, &tenants, &me.how], Vec::new());
            output::tell(&table.text(output::columns()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

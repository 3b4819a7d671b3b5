//! `scanhook decisions`.

use std::process::ExitCode;

use super::responder::{self, Listing};
use super::table::{Table, time, waiting};
use crate::api::DecisionView;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    listing: Listing,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["none", "resolving", "held", "scan", "dropped"])]
    state: Option<String>,
    /// Only those about this device: its name as the alert writes it, or its machine id.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only this tenant's.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let query =
        [("state", args.state.as_deref()), ("device", args.device.as_deref()), ("tenant", args.tenant.as_deref())];
    responder::list(&args.listing, "/api/v1/decisions", &query, table).await
}

fn table(decisions: &[DecisionView]) -> String {
    let mut table = Table::new(&["AT (UTC)", "SOURCE", "ALERT", "DEVICE", "STATE", "REASON", "SCAN", "DECISION"]);
    for view in decisions {
        let (at, one) = (time(&view.at), &view.decision);
        table.row(
            [at.as_str(), &view.source, &view.alert, &one.device, &one.state, &one.reason, &one.scan, &one.id],
            core::iter::once(one.why.clone()).chain(waiting(&one.waits)).collect(),
        );
    }
    table.text()
}

//! `scanhook alerts`.

use std::process::ExitCode;

use super::responder::{self, Listing};
use super::table::{Table, count, time};
use crate::api::AlertView;

/// Decisions shown below an alert; the others are counted.
const MOST: usize = 5;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    listing: Listing,
    /// Only this source's.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only the alert with this id, as its sender calls it.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["decided", "parked", "ignored", "duplicate"])]
    state: Option<String>,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let query = [("source", args.source.as_deref()), ("id", args.id.as_deref()), ("state", args.state.as_deref())];
    responder::list(&args.listing, "/api/v1/alerts", &query, table).await
}

fn table(alerts: &[AlertView]) -> String {
    let mut table = Table::new(&["RECEIVED (UTC)", "SOURCE", "ALERT", "SEVERITY", "STATE", "TITLE", "DELIVERY"]);
    for alert in alerts {
        let (received, receipt) = (time(&alert.received_at), &alert.receipt);
        let (severity, title) = (alert.severity.as_deref(), alert.title.as_deref());
        let state = match &receipt.reason {
            Some(reason) => format!("{}: {reason}", receipt.state),
            None => receipt.state.clone(),
        };
        table.row(
            [
                received.as_str(),
                &alert.source,
                &receipt.id,
                severity.unwrap_or_default(),
                &state,
                title.unwrap_or_default(),
                &alert.delivery,
            ],
            below(alert),
        );
    }
    table.text()
}

fn below(alert: &AlertView) -> Vec<String> {
    let decisions = &alert.receipt.decisions;
    let mut lines: Vec<_> = alert.receipt.detail.clone().into_iter().collect();
    lines.extend(alert.receipt.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(decisions.iter().take(MOST).map(|one| format!("{}: {} ({})", one.device, one.state, one.reason)));
    if decisions.len() > MOST {
        lines.push(format!("and {} more", count(decisions.len() - MOST, "decision")));
    }
    lines
}

//! `scanhook alerts`.

use std::process::ExitCode;

use super::list::ListArgs;
use super::output;
use super::table::{Table, count, time};
use crate::api::{AlertView, DeviceView};

/// Decisions shown below an alert; the others are counted.
const MOST: usize = 5;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct AlertsArgs {
    #[command(flatten)]
    listing: ListArgs,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["decided", "parked", "ignored", "duplicate"])]
    state: Option<String>,
}

pub(super) async fn run(args: &AlertsArgs) -> anyhow::Result<ExitCode> {
    args.listing
        .show("/api/v1/alerts", args.state.as_deref(), table)
        .await
}

fn table(alerts: &[AlertView]) -> String {
    let mut table = Table::new(&[
        "RECEIVED (UTC)",
        "SOURCE",
        "ALERT",
        "SEVERITY",
        "STATE",
        "DEVICE",
        "TITLE",
        "DELIVERY",
    ]);
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
                &devices(&alert.devices),
                title.unwrap_or_default(),
                &alert.delivery,
            ],
            below(alert),
        );
    }
    table.text(output::columns())
}

/// The first device, and how many more there are.
fn devices(devices: &[DeviceView]) -> String {
    let Some(first) = devices.first() else {
        return String::new();
    };
    let first = first.name.as_deref().unwrap_or(&first.label);
    if devices.len() == 1 {
        first.to_owned()
    } else {
        format!("{first} +{}", devices.len() - 1)
    }
}

fn below(alert: &AlertView) -> Vec<String> {
    let decisions = &alert.receipt.decisions;
    let mut lines: Vec<_> = alert.receipt.detail.clone().into_iter().collect();
    lines.extend(
        alert
            .receipt
            .notes
            .iter()
            .map(|note| format!("note: {note}")),
    );
    lines.extend(
        decisions
            .iter()
            .take(MOST)
            .map(|one| format!("{}: {} ({})", one.device, one.state, one.reason)),
    );
    if decisions.len() > MOST {
        lines.push(format!(
            "and {} more",
            count(decisions.len() - MOST, "decision")
        ));
    }
    lines
}

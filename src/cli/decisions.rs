//! `scanhook decisions`.

use std::process::ExitCode;

use super::list::ListArgs;
use super::output;
use super::table::{Table, age, device, time, waiting};
use crate::api::DecisionView;
use crate::clock;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct DecisionsArgs {
    #[command(flatten)]
    listing: ListArgs,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["none", "resolving", "held", "scan", "dropped"])]
    state: Option<String>,
}

pub(super) async fn run(args: &DecisionsArgs) -> anyhow::Result<ExitCode> {
    // Whoever asks what is held is about to decide.
    let table = if args.state.as_deref() == Some("held") {
        held
    } else {
        table
    };
    args.listing
        .show("/api/v1/decisions", args.state.as_deref(), table)
        .await
}

fn named(view: &DecisionView) -> String {
    device(
        view.name.as_deref(),
        view.device.said.as_deref().unwrap_or_default(),
        view.machine.as_deref(),
    )
}

fn table(decisions: &[DecisionView]) -> String {
    let mut table = Table::new(&[
        "AT (UTC)", "TENANT", "SOURCE", "ALERT", "DEVICE", "STATE", "REASON", "SCAN", "DECISION",
    ]);
    for view in decisions {
        let (at, device, one) = (time(&view.at), named(view), view);
        let cells = [
            at.as_str(),
            &view.tenant,
            &view.source,
            &view.alert,
            &device,
            &one.state,
            &one.reason,
            &one.scan,
            &one.id,
        ];
        table.row(
            cells,
            core::iter::once(one.why.clone())
                .chain(waiting(&one.waits))
                .collect(),
        );
    }
    table.without_if_same("TENANT").text(output::columns())
}

/// What a person needs to know to say yes or no.
fn held(decisions: &[DecisionView]) -> String {
    let heads = [
        "AGE",
        "TENANT",
        "DEVICE",
        "SEVERITY",
        "REASON",
        "RULE",
        "SCAN",
        "HOLD ENDS (UTC)",
        "DECISION",
    ];
    let mut table = Table::new(&heads);
    let now = clock::now();
    for view in decisions {
        let (age, device, one) = (age(&view.at, now), named(view), view);
        let ends = view.hold_ends.as_deref().map(time).unwrap_or_default();
        let cells = [
            age.as_str(),
            &view.tenant,
            &device,
            view.severity.as_deref().unwrap_or_default(),
            &one.reason,
            one.rule.as_deref().unwrap_or_default(),
            &one.scan,
            &ends,
            &one.id,
        ];
        let title = view.title.as_deref().unwrap_or("no title");
        let mut below = vec![
            format!("alert {} of {}: {title}", view.alert, view.source),
            one.why.clone(),
        ];
        below.extend(view.url.clone());
        below.push(format!("next: {}", view.whose_move));
        table.row(cells, below);
    }
    table.without_if_same("TENANT").text(output::columns())
}

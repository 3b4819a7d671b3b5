//! `scanhook approve`.

use std::process::ExitCode;

use serde_json::Map;

use super::order::{self, OrderArgs, Selection, Words, put};
use super::responder::Responder;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ApproveArgs {
    /// Held decisions, by their ids or at least 6 digits of the beginning. What is held of the same device for the same reason comes along.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Those that are held for this reason: approval, limit, undecided, unresolved_device, …
    #[arg(long, value_name = "REASON", conflicts_with = "ids")]
    held: Option<String>,
    /// Those of one group of `scanhook held`, by its key.
    #[arg(long, value_name = "KEY", conflicts_with = "ids")]
    group: Option<String>,
    /// The machine, where the alert does not say which it is: 40 hex digits.
    #[arg(long, value_name = "HEX40", requires = "ids", conflicts_with_all = ["rule", "tenant", "device", "since", "held", "group"])]
    machine: Option<String>,
    /// Scan now, though the windows of the rules are closed; it is recorded.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let mut more = Map::new();
    put(&mut more, "machine", args.machine.as_deref());
    order::put_flag(&mut more, "now", args.now);
    let order = OrderArgs {
        verb: "approve",
        thing: "decision",
        one: Some(|id| order::path("decisions", id, "approve")),
        many: "/api/v1/decisions/approve",
        responder: &args.responder,
        ids: &args.ids,
        selection: &args.selection,
        word: ("held", args.held.as_deref()),
        group: args.group.as_deref(),
        words: &args.words,
        more,
    };
    order.give().await
}

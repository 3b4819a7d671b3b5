//! `scanhook deny`.

use std::process::ExitCode;

use serde_json::Map;

use super::order::{self, OrderArgs, Selection, Words};
use super::responder::Responder;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct DenyArgs {
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
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &DenyArgs) -> anyhow::Result<ExitCode> {
    let order = OrderArgs {
        verb: "deny",
        thing: "decision",
        one: Some(|id| order::path("decisions", id, "deny")),
        many: "/api/v1/decisions/deny",
        responder: &args.responder,
        ids: &args.ids,
        selection: &args.selection,
        word: ("held", args.held.as_deref()),
        group: args.group.as_deref(),
        words: &args.words,
        more: Map::new(),
    };
    order.give().await
}

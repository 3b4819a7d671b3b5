//! `scanhook cancel`.

use std::process::ExitCode;

use serde_json::Map;

use super::order::{self, OrderArgs, Selection, Words};
use super::responder::Responder;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct CancelArgs {
    /// Scans.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Those in this state: waiting, sending, unknown, running.
    #[arg(long, value_name = "STATE", conflicts_with = "ids")]
    state: Option<String>,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &CancelArgs) -> anyhow::Result<ExitCode> {
    let order = OrderArgs {
        verb: "cancel",
        thing: "scan",
        one: Some(|id| order::path("scans", id, "cancel")),
        many: "/api/v1/scans/cancel",
        responder: &args.responder,
        ids: &args.ids,
        selection: &args.selection,
        word: ("state", args.state.as_deref()),
        group: None,
        words: &args.words,
        more: Map::new(),
    };
    order.give().await
}

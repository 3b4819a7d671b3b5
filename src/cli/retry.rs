//! `scanhook retry`.

use std::process::ExitCode;

use serde_json::Map;

use super::order::{self, OrderArgs, Selection, Words};
use super::responder::Responder;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct RetryArgs {
    /// Scans that came to nothing, dropped decisions, deliveries with parked alerts.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Those that ended so: failed, timeout, cancelled, lost, too_old, refused, expired, denied, parked, …
    #[arg(long, value_name = "STATE", conflicts_with = "ids")]
    state: Option<String>,
    /// Scan now, though the windows of the rules are closed; it is recorded.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &RetryArgs) -> anyhow::Result<ExitCode> {
    let mut more = Map::new();
    order::put_flag(&mut more, "now", args.now);
    let order = OrderArgs {
        verb: "retry",
        thing: "item",
        one: None,
        many: "/api/v1/retry",
        responder: &args.responder,
        ids: &args.ids,
        selection: &args.selection,
        word: ("state", args.state.as_deref()),
        group: None,
        words: &args.words,
        more,
    };
    order.give().await
}

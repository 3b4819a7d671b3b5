//! `scanhook pause`.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::format::OutputFormat;
use super::order::{Words, put};
use super::output::{self, complain};
use super::responder::Responder;
use super::table::{Table, time, time_of};
use crate::api::{PauseView, PausesView};

/// What a pause is for.
#[derive(clap::Args)]
pub(super) struct ScopeArgs {
    /// Only this tenant's scans.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Only scans that this rule alone asks for.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only scans of these devices: any name, address or id, or a pattern such as dc-*.
    #[arg(long, value_name = "PATTERN")]
    device: Option<String>,
}

impl ScopeArgs {
    pub(super) fn order(&self) -> Map<String, Value> {
        let mut order = Map::new();
        put(&mut order, "tenant", self.tenant.as_deref());
        put(&mut order, "rule", self.rule.as_deref());
        put(&mut order, "device", self.device.as_deref());
        order
    }
}

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// When it ends by itself: 2h, or 2026-11-02T18:00:00Z; without it, when somebody resumes.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &PauseArgs) -> anyhow::Result<ExitCode> {
    let mut order = args.scope.order();
    put(&mut order, "until", args.until.as_deref());
    args.words.put_into(&mut order);
    let body = args
        .responder
        .post("/api/v1/pause", &Value::Object(order))
        .await?;
    let view: PausesView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&table("PAUSED", &view.in_force, output::columns()))?,
    }
    complain("calls that have left are finished; everything but sending scans goes on");
    Ok(ExitCode::SUCCESS)
}

/// Pauses, a row each, under what they are.
pub(super) fn table(what: &'static str, pauses: &[PauseView], columns: Option<usize>) -> String {
    let heads: &'static [&'static str] = match what {
        "RESUMED" => &["RESUMED", "SINCE (UTC)", "UNTIL (UTC)", "BY", "REASON"],
        _ => &["PAUSED", "SINCE (UTC)", "UNTIL (UTC)", "BY", "REASON"],
    };
    let mut table = Table::new(heads);
    for pause in pauses {
        let (scope, at, until) = (
            pause.scope(),
            time(&pause.at),
            time_of(pause.until.as_ref()),
        );
        table.row(
            [
                &scope,
                &at,
                &until,
                &pause.by,
                pause.reason.as_deref().unwrap_or_default(),
            ],
            Vec::new(),
        );
    }
    table.text(columns)
}

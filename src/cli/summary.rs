//! `scanhook summary`: what happened in a span of time, in numbers.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output;
use super::responder::Responder;
use super::table::{Table, grouped, time};
use crate::api::{CountView, SummaryView};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct SummaryArgs {
    /// From then on: 1h, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// Until then [default: now].
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this tenant's.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &SummaryArgs) -> anyhow::Result<ExitCode> {
    let query = [
        ("since", Some(args.since.as_str())),
        ("until", args.until.as_deref()),
        ("tenant", args.tenant.as_deref()),
    ];
    let body = args.responder.get("/api/v1/summary", &query).await?;
    let view: SummaryView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&text(&view))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A cell that says nothing because another one does.
const BLANK: &str = " ";

fn text(view: &SummaryView) -> String {
    let mut table = Table::new(&["WHAT", "NUMBER", ""]);
    let number = |number: u64| grouped(usize::try_from(number).unwrap_or(usize::MAX));
    table.row(["deliveries", &number(view.deliveries), BLANK], Vec::new());
    for (what, counts) in [
        ("alerts", &view.alerts),
        ("by source", &view.sources),
        ("decisions", &view.decisions),
        ("by rule", &view.rules),
        ("scans begun", &view.scans),
    ] {
        let all = counts.iter().map(|one| one.count).sum();
        let total = if what.starts_with("by ") {
            BLANK.to_owned()
        } else {
            number(all)
        };
        table.row([what, &total, BLANK], Vec::new());
        for one in counts {
            table.row([BLANK, &number(one.count), &called(what, one)], Vec::new());
        }
    }
    table.row(
        ["machines scanned", &number(view.machines), BLANK],
        Vec::new(),
    );
    table.row(["held now", &number(view.held), BLANK], Vec::new());
    format!(
        "from {} to {} (UTC)\n{}",
        time(&view.since),
        time(&view.until),
        table.text(output::columns())
    )
}

fn called(what: &str, one: &CountView) -> String {
    match (&one.reason, one.name.as_str()) {
        (Some(reason), name) => format!("{name}: {reason}"),
        (None, "") if what == "by rule" => "no rule".to_owned(),
        (None, name) => name.to_owned(),
    }
}

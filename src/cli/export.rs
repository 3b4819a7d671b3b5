//! `scanhook export`: all rows of a list, for spreadsheets and programs. Each export has a row in the audit.

use std::process::ExitCode;

use scanhook_core::access::AuditLink;

use super::format::OutputFormat;
use super::list::ListFilter;
use super::output::complain;
use super::rows::RowLines;
use crate::api::{AlertView, DecisionView, ScanView};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ExportArgs {
    /// The list.
    #[arg(value_enum)]
    what: Exported,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    #[command(flatten)]
    filter: ListFilter,
    /// Only those in this state.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Of the audit: only what this subject did, as `whoami` names it.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
}

/// The lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Exported {
    Alerts,
    Decisions,
    Scans,
    /// The chain, the oldest row first: what `audit --verify` reads as ndjson.
    Audit,
}

/// How the rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// For spreadsheets, in which no cell becomes a formula.
    Csv,
    /// Each row as a line of JSON.
    #[default]
    Ndjson,
}

pub(super) async fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let responder = args.filter.responder(OutputFormat::Json);
    let mut query = args.filter.query(args.state.as_deref());
    query.push(("subject", args.subject.as_deref()));
    let path = match args.what {
        Exported::Alerts => "/api/v1/alerts",
        Exported::Decisions => "/api/v1/decisions",
        Exported::Scans => "/api/v1/scans",
        Exported::Audit => "/api/v1/audit",
    };
    let rows = RowLines {
        responder: &responder,
        path,
        query: &query,
        is_csv: args.format == ExportFormat::Csv,
    };
    let (written, _) = match args.what {
        Exported::Alerts => rows.write::<AlertView>(usize::MAX).await?,
        Exported::Decisions => rows.write::<DecisionView>(usize::MAX).await?,
        Exported::Scans => rows.write::<ScanView>(usize::MAX).await?,
        Exported::Audit => rows.write::<AuditLink>(usize::MAX).await?,
    };
    if written == 0 {
        complain("nothing matches");
    }
    Ok(ExitCode::SUCCESS)
}

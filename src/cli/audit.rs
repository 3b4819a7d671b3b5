//! `scanhook audit`: who ordered what; and whether a chain of rows that was taken out still holds.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::Responder;
use super::rows::RowLines;
use super::table::{Table, count};
use super::trouble::{CliError, Exit};
use crate::api::AuditView;
use crate::file;
use scanhook_core::access::{AuditLink, verify};
use scanhook_core::time::Timestamp;

/// Where it is.
const PATH: &str = "/api/v1/audit";
/// The largest export that is verified.
const LARGEST: u64 = 1 << 30;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct AuditArgs {
    /// Only rows since then: 1h, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only rows until then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what this subject did, as `whoami` names it.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Only acts whose word has this in it: approve, pause, reload.
    #[arg(long, value_name = "WORD")]
    what: Option<String>,
    /// The same as `scanhook export audit`: what --verify reads.
    #[arg(long, conflicts_with_all = ["subject", "what"])]
    export: bool,
    /// Check that the chain in this file holds; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until", "subject", "what", "export"])]
    verify: Option<PathBuf>,
    /// A head that is known from elsewhere and must be in the chain.
    #[arg(long, value_name = "HASH", requires = "verify")]
    head: Option<String>,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.verify {
        return verified(path, args.head.as_deref());
    }
    let query = [
        ("since", args.since.as_deref()),
        ("until", args.until.as_deref()),
        ("subject", args.subject.as_deref()),
        ("what", args.what.as_deref()),
    ];
    if args.export {
        let rows = RowLines {
            responder: &args.responder,
            path: PATH,
            query: &query,
            is_csv: false,
        };
        rows.write::<AuditLink>(usize::MAX).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let body = args.responder.get(PATH, &query).await?;
    let page: AuditView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&table(&page.items))?,
    }
    if page.next.is_some() {
        let shown = page.items.len();
        complain(&format!(
            "the newest {shown}; `scanhook export audit` has all"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(links: &[AuditLink]) -> String {
    let mut table = Table::new(&["AT", "WHO", "WHAT", "COUNT", "RESULT"]);
    for AuditLink { entry, .. } in links {
        let at = Timestamp::from_millis(entry.at).shown();
        let count = entry.count.to_string();
        let mut below = Vec::new();
        for (label, text) in [("for", &entry.on_behalf_of), ("because", &entry.reason)] {
            below.extend(text.as_ref().map(|text| format!("{label}: {text}")));
        }
        if !entry.scope.is_empty() {
            below.push(format!("about: {}", entry.scope));
        }
        below.push(format!("{}, from {}", entry.how, entry.address));
        table.row(
            [at.as_str(), &entry.name, &entry.what, &count, &entry.result],
            below,
        );
    }
    table.text(output::columns())
}

fn verified(path: &Path, head: Option<&str>) -> anyhow::Result<ExitCode> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map_err(|error| CliError::new(Exit::Io, format!("standard input: {error}")))?;
        text
    } else {
        file::read(path, LARGEST)
            .and_then(|content| content.text().map_err(io::Error::other))
            .map_err(|error| CliError::new(Exit::NoInput, format!("{}: {error}", path.display())))?
    };
    let mut links: Vec<AuditLink> = Vec::new();
    for (n, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let link = serde_json::from_str(line).map_err(|_| {
            let sentence = format!("line {} is not a row of `scanhook export audit`", n + 1);
            CliError::new(Exit::Findings, sentence)
        })?;
        links.push(link);
    }
    match verify(&links, head) {
        Ok(rows) => {
            output::line(&format!("the chain of {} holds", count(rows, "row")))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => Err(CliError::new(Exit::Findings, fault.to_string()).into()),
    }
}

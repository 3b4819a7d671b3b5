//! `scanhook explain`: why an alert is, or was, decided as it is. From files and the journal alone: nobody is called.

mod archive;
mod args;
mod given;
mod office;
mod policies;
mod reading;
mod report;
mod stored;
mod text;

pub(super) use args::ExplainArgs;

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output;
use super::trouble::{CliError, Exit};
use archive::{latest, remember};
use given::given;
use office::Office;
use stored::stored;

/// The sentence for a command line that names nothing to explain.
const NOTHING_NAMED: &str = "what is to be explained? Name the file with a delivery's body, `-`, or one of the journal with --delivery ID or --device \
     NAME";

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let office = Office::of(args)?;
    let report = match (&args.delivery, &args.device, &args.payload, &office.journal) {
        (Some(id), _, _, Some(journal)) => {
            stored(args, &office, remember(journal, id)?, Vec::new())?
        }
        (None, Some(device), _, Some(journal)) => {
            let (kept, notes) = latest(journal, device)?;
            stored(args, &office, kept, notes)?
        }
        (_, _, Some(payload), _) => given(args, &office, payload)?,
        _ => return Err(CliError::new(Exit::Usage, NOTHING_NAMED).into()),
    };
    match args.output {
        OutputFormat::Json => output::json(&serde_json::to_string_pretty(&report)?)?,
        OutputFormat::Text => output::tell(&report.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

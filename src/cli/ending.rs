//! How a verb ends that has not done its work: said to a person, or in the log of a verb that has one.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output::complain;
use super::trouble::{CliError, Exit};
use crate::logs::LAST_WORD;
use crate::reload::faults;

/// Says on stderr what went wrong, and gives its status.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    let trouble = error.downcast_ref::<CliError>();
    explain(trouble);
    complain(&format!("scanhook: {error:#}"));
    trouble.map_or(Exit::Internal, CliError::exit).into()
}

/// The same in the log, for a verb that has one: a line for each fault, and one that says why the verb ends.
pub(super) fn log(error: &anyhow::Error, format: OutputFormat) -> ExitCode {
    let trouble = error.downcast_ref::<CliError>();
    match (format, trouble) {
        (OutputFormat::Json, Some(trouble)) => {
            faults::log(
                "the start",
                &trouble.faults,
                0,
                "not put in force: nothing is started with it",
            );
        }
        _ => explain(trouble),
    }
    let exit = trouble.map_or(Exit::Internal, CliError::exit);
    tracing::error!(
        target: LAST_WORD,code = exit.code(), status = exit as u8, "{error:#}");
    exit.into()
}

fn explain(trouble: Option<&CliError>) {
    if let Some(text) = trouble
        .map(|trouble| trouble.text.as_str())
        .filter(|text| !text.is_empty())
    {
        complain(text);
    }
}

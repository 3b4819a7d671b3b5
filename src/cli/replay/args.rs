//! What `replay` is told.

use core::time::Duration;
use std::path::PathBuf;

use super::super::format::OutputFormat;
use super::super::output::plain;
use scanhook_core::rules::duration;

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    /// A journal or its data directory; or bodies as their sender posts them: a .json file with one, any other file with
    /// one a line, a folder of such. Without it, the journal of scanhook.toml.
    #[arg(value_name = "FILE|DIR")]
    pub(super) input: Option<PathBuf>,
    /// The policy to try; without it, rules.toml here.
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Option<PathBuf>,
    /// Compare with this policy, not with what was decided.
    #[arg(long, value_name = "FILE")]
    pub(super) against: Option<PathBuf>,
    /// Sources, tenants and quota; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the journal of scanhook.toml lies, if its path is relative.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Whose bodies these are: a source of scanhook.toml or, without one, a preset. Of a journal: only this source's.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// What Defender's directory is taken to say where the journal does not tell: that the device is an unremarkable
    /// machine, as in embedded tests, or nothing.
    #[arg(long, value_enum, default_value_t)]
    pub(super) directory: Directory,
    /// How long a Quick scan is taken to last.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "4m")]
    pub(super) quick: Duration,
    /// How long a Full scan is taken to last.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "45m")]
    pub(super) full: Duration,
    /// Titles of alerts without a rule, and kinds of differences, that are shown; json has all differences.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) top: usize,
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: OutputFormat,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum Directory {
    #[default]
    Unremarkable,
    Silent,
}

/// The names of the rules files, for what is shown.
pub(super) fn name(path: Option<&PathBuf>) -> String {
    path.map_or_else(
        || "rules.toml".to_owned(),
        |path| plain(&path.display().to_string()),
    )
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "one number and one unit, such as 5s, 20m, 1h".to_owned())
}

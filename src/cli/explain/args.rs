//! What the command line of `explain` says.

use std::path::PathBuf;

use crate::cli::format::OutputFormat;
use crate::journal::Remembered;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::rules::GivenFact;
use scanhook_core::time::Timestamp;

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// The body of a delivery; `-` for standard input.
    #[arg(conflicts_with = "delivery")]
    pub(super) payload: Option<PathBuf>,
    /// Whose map reads it: a source of scanhook.toml or, without one, a preset [default: the only source, or generic].
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// One in the journal, by its id or by the id of one of its decisions; 6 digits of the beginning may be enough.
    #[arg(long, value_name = "ID")]
    pub(super) delivery: Option<String>,
    /// The latest in the journal about this device: any name, address or id of it, or a pattern such as dc-*.
    #[arg(long, value_name = "DEVICE", value_parser = DeviceGlob::parse, conflicts_with_all = ["delivery", "payload"])]
    pub(super) device: Option<DeviceGlob>,
    /// Says how sources read and where the journal lies; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The policy; without it, rules.toml beside the configuration or, for a decision of the journal, the policy that decided.
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Option<PathBuf>,
    /// Where a journal with a relative path lies.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// As if received then: 2026-11-02T08:00:00Z [default: now, or when it was received].
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) at: Option<Timestamp>,
    /// What Defender's directory says of the machine, such as device.tags=a,b; `unknown` for what it cannot tell.
    #[arg(long = "fact", value_name = "KEY=VALUE", value_parser = str::parse::<GivenFact>)]
    pub(super) facts: Vec<GivenFact>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: OutputFormat,
}

impl ExplainArgs {
    /// When a delivery of the journal counts as received.
    pub(super) fn received(&self, kept: &Remembered) -> Timestamp {
        self.at.unwrap_or(kept.received)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "a time needs a date, a time and an offset: 2026-11-02T08:00:00Z".to_owned())
}

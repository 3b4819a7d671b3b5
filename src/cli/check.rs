//! `scanhook check`: what is wrong, or worth a second look, in scanhook.toml and rules.toml.

mod annotations;
mod files;
mod finding;
mod report;
mod sarif;

use std::path::PathBuf;
use std::process::ExitCode;

use super::load::inputs;
use super::output::{self, colour};
use super::trouble::{CliError, Exit};
use crate::journal::Archive;
use crate::settings::{Settings, SettingsFault};
use report::{CheckFormat, CheckReport};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// The configuration; without it, the scanhook.toml that `serve` would take, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The policy; without it, rules.toml beside the configuration if there is one.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Let lints and warnings fail the check, too.
    #[arg(long)]
    deny_warnings: bool,
    /// How the findings are written.
    #[arg(
        short = 'o',
        long,
        visible_alias = "output",
        value_enum,
        default_value_t
    )]
    format: CheckFormat,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let inputs = inputs(args.config.as_ref(), args.rules.as_ref());
    let (config, rules) = (inputs.file.clone(), inputs.rules_if_any());
    if config.is_none() && rules.is_none() {
        let sentence =
            "neither scanhook.toml nor rules.toml is here; name one with --config or --rules";
        return Err(CliError::new(Exit::NoInput, sentence).into());
    }
    let (colour, columns) = (
        args.format == CheckFormat::Text && colour(),
        output::columns(),
    );
    let mut report = CheckReport {
        colour,
        columns,
        ..CheckReport::default()
    };
    let settings = match &config {
        Some(path) => report.config(path, &inputs)?,
        None => None,
    };
    if let (Some(config), Some(settings)) = (&config, &settings)
        && let Some(fault) = moved(settings)
    {
        report.fault(&config.display().to_string(), fault);
    }
    if let (Some(config), None) = (&config, &rules) {
        let sentence = format!(
            "there is no {}, which `serve` needs: `scanhook rules --print-default`",
            inputs.rules().display()
        );
        report.say(&config.display().to_string(), "note", &sentence);
    }
    if let Some(path) = &rules {
        // Without a configuration there are no sources; with one that cannot be used nothing is known of them.
        let sources = settings
            .as_ref()
            .map(|settings| settings.sources.as_slice());
        let sources = sources.or(config.is_none().then_some(&[]));
        let journal = settings
            .as_ref()
            .and_then(|settings| settings.journal.file());
        let policy = report.rules(path, sources, journal.as_deref())?;
        if let (Some(policy), Some(settings), Some(config)) = (policy, settings, config) {
            let file = config.display().to_string();
            settings
                .unfit_for(policy.rules())
                .into_iter()
                .for_each(|fault| report.fault(&file, fault));
        }
    }
    let exit = report.exit(args.deny_warnings);
    report.print(args.format)?;
    Ok(exit)
}

/// A journal that goes on in a database: `serve` would be refused.
fn moved(settings: &Settings) -> Option<SettingsFault> {
    let path = settings.journal.file()?;
    let place = Archive::open(&path, None, false).ok()?.moved_to()?;
    Some(SettingsFault {
        code: "bad-value",
        key: "journal.url".to_owned(),
        file: None,
        line: None,
        column: None,
        message: format!(
            "names {}, whose journal was moved to {place} and is only read since",
            path.display()
        ),
    })
}

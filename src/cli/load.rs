//! The two files as every verb reads them, with their faults as a person reads them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::output;
use super::table::count;
use super::trouble::{CliError, Exit};
use crate::policy::{Checked, Policy, PolicyError};
use crate::reload::faults;
use crate::settings::{Flags, Inputs, Settings, SettingsFault};
use scanhook_core::rules::{Finding, Level, render_within};

/// Findings of one code that are shown; the others are counted.
pub(super) const MOST: usize = 50;

/// The surroundings of a verb that names these files, or none.
pub(super) fn inputs(config: Option<&PathBuf>, rules: Option<&PathBuf>) -> Inputs {
    Inputs::from_process(
        config.cloned(),
        Flags {
            rules: rules.cloned(),
            ..Flags::default()
        },
    )
}

/// The same for a verb that calls nobody, so that no tenant needs its credential.
pub(super) fn credential_free(inputs: Inputs) -> Inputs {
    Inputs {
        flags: Flags {
            credential_free: true,
            ..inputs.flags
        },
        ..inputs
    }
}

/// Not more of one code than anybody reads, and how many more there are.
pub(super) fn at_most(findings: &[Finding]) -> (Vec<Finding>, BTreeMap<&'static str, usize>) {
    let (mut seen, mut omitted) = (BTreeMap::new(), BTreeMap::new());
    let mut shown = Vec::new();
    for finding in findings {
        let count: &mut usize = seen.entry(finding.code).or_default();
        *count += 1;
        if *count <= MOST {
            shown.push(finding.clone());
        } else {
            *omitted.entry(finding.code).or_default() += 1;
        }
    }
    (shown, omitted)
}

pub(super) fn level(finding: &Finding) -> &'static str {
    match finding.level {
        Level::Error => "error",
        Level::Lint => "warning",
    }
}

/// `file:line:column: key: what is wrong`, or as much of it as is known. A fault of an included file names that.
pub(super) fn placed(file: &str, fault: &SettingsFault) -> String {
    let file = file_of(file, fault);
    let space = if fault.line.is_some() { "" } else { " " };
    format!("{file}:{space}{fault}")
}

/// The file a fault stands in.
pub(super) fn file_of(file: &str, fault: &SettingsFault) -> String {
    let included = fault.file.as_ref().map(|path| path.display().to_string());
    included.unwrap_or_else(|| file.to_owned())
}

/// Whether a file can be opened at all, with the status that tells why not.
pub(super) fn readable(path: &Path) -> Result<(), CliError> {
    let opened = std::fs::File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Ok(()),
    });
    opened.map_err(|error| CliError::reading(path, &error))
}

/// The settings, or every fault of them but those of tenants' credentials, which are these tenants' own matter.
pub(super) fn settings(inputs: &Inputs) -> Result<Settings, CliError> {
    if let Some(path) = &inputs.file {
        readable(path)?;
    }
    Settings::load_with_files(inputs).0.map_err(|faults| {
        let file = inputs.file.as_ref().map_or_else(
            || "no scanhook.toml".to_owned(),
            |path| path.display().to_string(),
        );
        told(inputs.file.as_deref(), faults, &file)
    })
}

/// Nothing if there are no faults, or all of them.
pub(super) fn faultless(faults: Vec<SettingsFault>, file: &str) -> Result<(), CliError> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(told(Some(Path::new(file)), faults, file))
    }
}

fn told(path: Option<&Path>, faults: Vec<SettingsFault>, file: &str) -> CliError {
    let text: String = faults
        .iter()
        .map(|fault| format!("error: {}\n", placed(file, fault)))
        .collect();
    let sentence = format!("{file}: {}", count(faults.len(), "error"));
    let faults = faults
        .into_iter()
        .map(|fault| faults::of_settings(path, fault))
        .collect();
    CliError::new(Exit::Configuration, sentence).because(faults, text)
}

/// The policy, or its findings.
pub(super) fn policy(path: &Path, faulty: Exit) -> Result<Checked, CliError> {
    Policy::load(path).map_err(|error| match error {
        PolicyError::Unreadable(path, error) => CliError::reading(&path, &error),
        PolicyError::Faulty(path, text, findings) => {
            let file = path.display().to_string();
            let errors: Vec<_> = findings
                .into_iter()
                .filter(|finding| finding.level == Level::Error)
                .collect();
            let (shown, omitted) = at_most(&errors);
            let (columns, colour) = (output::columns_of_errors(), output::colour_of_errors());
            let mut told = render_within(columns, &shown, &file, &text, colour);
            for (code, more) in omitted {
                told.push_str(&format!("and {more} more of `{code}`\n"));
            }
            let faults = faults::of_rules(&path, &text, errors.iter());
            CliError::new(faulty, format!("{file}: {}", count(errors.len(), "error")))
                .because(faults, told)
        }
    })
}

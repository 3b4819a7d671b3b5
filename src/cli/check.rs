//! `scanhook check`: what is wrong, or worth a second look, in scanhook.toml and rules.toml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::format::OutputFormat;
use super::load::{MOST, inputs, level, placed, readable};
use super::output::{self, colour};
use super::table::count;
use super::test::{self, TestOutcome};
use super::trouble::{CliError, Exit};
use crate::clock;
use crate::journal;
use crate::policy::{Checked, Policy, PolicyError, payloads, unauthenticated};
use crate::settings::{Inputs, Settings, SettingsFault, Source};
use scanhook_core::rules::{Finding, RuleTest, render_within};
use scanhook_core::strict_json;

/// Stored deliveries in which the pointers of the rules are looked for.
const BODIES: u16 = 500;

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
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
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
        args.output == OutputFormat::Text && colour(),
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
        let policy = report.rules(
            path,
            sources,
            settings
                .as_ref()
                .map(|settings| settings.journal.path.as_path()),
        )?;
        if let (Some(policy), Some(settings), Some(config)) = (policy, settings, config) {
            let file = config.display().to_string();
            settings
                .too_forgetful(policy.rules())
                .into_iter()
                .for_each(|fault| report.fault(&file, fault));
        }
    }
    report.print(args.output)?;
    Ok(report.exit(args.deny_warnings))
}

/// One finding, as others read it.
#[derive(Serialize)]
struct CheckFinding {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    level: &'static str,
    code: Option<&'static str>,
    message: String,
    remedy: Option<String>,
}

/// All that was found.
#[derive(Default, Serialize)]
struct CheckReport {
    findings: Vec<CheckFinding>,
    /// How many more there are, by code.
    omitted: BTreeMap<&'static str, usize>,
    tests: Vec<TestOutcome>,
    /// Tests that need a source of a configuration that cannot be used.
    not_run: usize,
    #[serde(skip)]
    seen: BTreeMap<(String, &'static str), usize>,
    /// The findings as a person reads them.
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    colour: bool,
    /// The width they are laid out for.
    #[serde(skip)]
    columns: Option<usize>,
}

impl CheckReport {
    /// Checks scanhook.toml; what it says, if it can be used.
    fn config(&mut self, path: &Path, inputs: &Inputs) -> Result<Option<Settings>, CliError> {
        readable(path)?;
        let file = path.display().to_string();
        match Settings::load(inputs) {
            Ok(settings) => {
                for (level, sentences) in
                    [("warning", &settings.warnings), ("note", &settings.notes)]
                {
                    for sentence in sentences {
                        self.say(&file, level, sentence);
                    }
                }
                for name in unauthenticated(&settings.sources) {
                    let sentence = format!(
                        "source `{name}` asks for no credential, so anybody can speak for it"
                    );
                    self.say(&file, "warning", &sentence);
                }
                Ok(Some(settings))
            }
            Err(faults) => {
                for fault in faults {
                    self.fault(&file, fault);
                }
                Ok(None)
            }
        }
    }

    fn say(&mut self, file: &str, level: &'static str, sentence: &str) {
        self.text
            .push_str(&format!("{level}: {file}: {sentence}\n\n"));
        let (file, message) = (file.to_owned(), sentence.to_owned());
        self.findings.push(CheckFinding {
            file,
            line: None,
            column: None,
            level,
            code: None,
            message,
            remedy: None,
        });
    }

    fn fault(&mut self, file: &str, fault: SettingsFault) {
        if !self.is_wanted(file, fault.code) {
            return;
        }
        self.text
            .push_str(&format!("error: {}\n\n", placed(file, &fault)));
        let SettingsFault {
            code,
            key,
            line,
            column,
            message,
        } = fault;
        let message = if key.is_empty() {
            message
        } else {
            format!("{key}: {message}")
        };
        let file = file.to_owned();
        self.findings.push(CheckFinding {
            file,
            line,
            column,
            level: "error",
            code: Some(code),
            message,
            remedy: None,
        });
    }

    /// Checks rules.toml and runs its tests; the policy, if it can be used.
    fn rules(
        &mut self,
        path: &Path,
        sources: Option<&[Source]>,
        journal: Option<&Path>,
    ) -> Result<Option<Policy>, CliError> {
        let file = path.display().to_string();
        match Policy::load(path) {
            Ok(Checked { policy, lints }) => {
                self.about_rules(&file, policy.text(), &lints);
                let possible =
                    |test: &RuleTest| sources.is_some() || payloads(test).next().is_none();
                self.tests = test::outcomes(&policy, path, sources.unwrap_or_default(), possible);
                self.not_run = policy.rules().tests().len() - self.tests.len();
                self.surroundings(&file, &policy, sources.unwrap_or_default(), journal);
                Ok(Some(policy))
            }
            Err(PolicyError::Faulty(_, text, findings)) => {
                self.about_rules(&file, &text, &findings);
                Ok(None)
            }
            Err(PolicyError::Unreadable(path, error)) => Err(CliError::reading(&path, &error)),
        }
    }

    /// What can be said of rules that are without error once tests have run, sources are known and deliveries stored.
    fn surroundings(
        &mut self,
        file: &str,
        policy: &Policy,
        sources: &[Source],
        journal: Option<&Path>,
    ) {
        let won = self
            .tests
            .iter()
            .flat_map(|test| &test.won)
            .map(String::as_str);
        // A test that could not run may be the one that reaches a rule.
        let mut lints = if self.not_run == 0 {
            policy.rules().untested(won)
        } else {
            Vec::new()
        };
        lints.extend(policy.rules().unknown_severity());
        lints.extend(policy.rules().ended_entries(clock::now()));
        if !sources.is_empty() {
            let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            lints.extend(policy.rules().unknown_sources(&known));
        }
        // A journal that cannot be read is no fault of the rules.
        let bodies = journal
            .and_then(|path| journal::latest_bodies(path, BODIES).ok())
            .unwrap_or_default();
        let bodies: Vec<_> = bodies
            .iter()
            .filter_map(|body| strict_json::read(body).ok())
            .collect();
        lints.extend(policy.rules().unseen_pointers(&bodies));
        lints.sort_by_key(|lint| lint.span.start);
        self.about_rules(file, policy.text(), &lints);
    }

    fn about_rules(&mut self, file: &str, text: &str, findings: &[Finding]) {
        for finding in findings {
            if !self.is_wanted(file, finding.code) {
                continue;
            }
            self.text.push_str(&render_within(
                self.columns,
                core::slice::from_ref(finding),
                file,
                text,
                self.colour,
            ));
            let (line, column) = finding.position(text);
            self.findings.push(CheckFinding {
                file: file.to_owned(),
                line: Some(line),
                column: Some(column),
                level: level(finding),
                code: Some(finding.code),
                message: finding.message.clone(),
                remedy: finding.remedy.clone(),
            });
        }
    }

    fn is_wanted(&mut self, file: &str, code: &'static str) -> bool {
        let seen = self.seen.entry((file.to_owned(), code)).or_default();
        *seen += 1;
        if *seen > MOST {
            *self.omitted.entry(code).or_default() += 1;
        }
        *seen <= MOST
    }

    fn count(&self, level: &str) -> usize {
        self.findings
            .iter()
            .filter(|found| found.level == level)
            .count()
    }

    fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.ok).count()
    }

    fn print(&self, format: OutputFormat) -> anyhow::Result<()> {
        if format == OutputFormat::Json {
            output::json(&serde_json::to_string_pretty(self)?)?;
            return Ok(());
        }
        let mut text = self.text.clone();
        for (code, more) in &self.omitted {
            text.push_str(&format!("and {more} more of `{code}`\n\n"));
        }
        for test in self.tests.iter().filter(|test| !test.ok) {
            text.push_str(&test.text());
            text.push('\n');
        }
        let more: usize = self.omitted.values().sum();
        let (errors, warnings) = (self.count("error"), self.count("warning"));
        text.push_str(&format!(
            "{}, {}",
            count(errors, "error"),
            count(warnings, "warning")
        ));
        if more > 0 {
            text.push_str(&format!(", {more} more not shown"));
        }
        if !self.tests.is_empty() {
            text.push_str(&format!(
                ", {} of {} tests passed",
                self.tests.len() - self.failed(),
                self.tests.len()
            ));
        }
        if self.not_run > 0 {
            text.push_str(&format!(
                ", {} tests not run: they need the sources of a scanhook.toml without errors",
                self.not_run
            ));
        }
        output::tell(&format!("{text}\n"))?;
        Ok(())
    }

    fn exit(&self, deny_warnings: bool) -> ExitCode {
        let bad = self.count("error") > 0
            || self.failed() > 0
            || (deny_warnings && self.count("warning") > 0);
        if bad {
            Exit::Findings.into()
        } else {
            ExitCode::SUCCESS
        }
    }
}

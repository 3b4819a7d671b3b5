//! `scanhook test`: the tests embedded in rules.toml, one by one, and what none of them hits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::format::OutputFormat;
use super::load;
use super::output;
use super::table::count;
use super::trouble::{CliError, Exit};
use crate::api::FaultView;
use crate::policy::{Policy, Tried};
use crate::reload::faults;
use crate::settings::Source;
use scanhook_core::rules::{RuleTest, TestRun};
use scanhook_core::time::Timestamp;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct TestArgs {
    /// The policy; without it, rules.toml beside the configuration.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Whose sources captured deliveries are read through; without it, scanhook.toml here, else the presets.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only tests whose name holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Name the rules and protections that no test hits; where all tests ran, each is a finding.
    #[arg(long)]
    coverage: bool,
    /// How the results are written.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(super) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let inputs = load::credential_free(load::inputs(args.config.as_ref(), args.rules.as_ref()));
    let path = inputs.rules();
    let policy = load::policy(&path, Exit::Findings)?.policy;
    let sources = match &inputs.file {
        Some(_) => load::settings(&inputs)?.sources,
        None => Vec::new(),
    };
    let wanted = |test: &RuleTest| {
        args.filter
            .as_ref()
            .is_none_or(|text| test.name.contains(text))
    };
    let outcomes = outcomes(&policy, &path, &sources, wanted);
    if let (Some(text), true) = (&args.filter, outcomes.is_empty()) {
        return Err(
            CliError::new(Exit::NoInput, format!("no test has `{text}` in its name")).into(),
        );
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.ok).count();
    let coverage = args.coverage.then(|| Coverage::of(&policy, &outcomes));
    print(&outcomes, failed, coverage.as_ref(), args.output)?;
    // A part of the tests cannot hit everything.
    let missed = args.filter.is_none() && coverage.is_some_and(|coverage| !coverage.is_whole());
    Ok(if failed == 0 && !missed {
        ExitCode::SUCCESS
    } else {
        Exit::Findings.into()
    })
}

fn print(
    outcomes: &[TestOutcome],
    failed: usize,
    coverage: Option<&Coverage>,
    format: OutputFormat,
) -> anyhow::Result<()> {
    let passed = outcomes.len() - failed;
    if format == OutputFormat::Json {
        let mut all = serde_json::json!({ "tests": outcomes, "passed": passed, "failed": failed });
        if let (Some(coverage), Some(all)) = (coverage, all.as_object_mut()) {
            all.insert("coverage".to_owned(), serde_json::to_value(coverage)?);
        }
        output::json(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    let mut text: String = outcomes
        .iter()
        .map(|outcome| outcome.text() + "\n")
        .collect();
    text.push_str(&format!("{passed} passed, {failed} failed"));
    if let Some(coverage) = coverage {
        text.push_str(&coverage.text());
    }
    output::tell(&format!("{text}\n"))?;
    Ok(())
}

/// What the tests that ran hit: a rule by letting it win, a protection by letting it apply for certain.
#[derive(Serialize)]
struct Coverage {
    rules: Covered,
    protections: Covered,
}

/// Those of one kind.
#[derive(Serialize)]
struct Covered {
    all: usize,
    hit: usize,
    /// What no test hits, in file order.
    missed: Vec<Missed>,
}

/// A rule or a protection that no test hits.
#[derive(Serialize)]
struct Missed {
    name: String,
    /// Where it stands in the rules file.
    line: usize,
}

impl Coverage {
    fn of(policy: &Policy, outcomes: &[TestOutcome]) -> Coverage {
        let covered = |all: &mut dyn Iterator<Item = (&str, usize)>,
                       hit: fn(&TestOutcome) -> &BTreeSet<String>| {
            let (hit, missed): (Vec<_>, Vec<_>) = all
                .partition(|(name, _)| outcomes.iter().any(|outcome| hit(outcome).contains(*name)));
            let missed: Vec<_> = missed
                .into_iter()
                .map(|(name, line)| Missed {
                    name: output::plain(name),
                    line,
                })
                .collect();
            Covered {
                all: hit.len() + missed.len(),
                hit: hit.len(),
                missed,
            }
        };
        let outline = policy.rules().outline(policy.text(), Timestamp::default());
        Coverage {
            rules: covered(
                &mut outline
                    .rules
                    .iter()
                    .map(|rule| (rule.name.as_str(), rule.line)),
                |one| &one.won,
            ),
            protections: covered(
                &mut outline
                    .protections
                    .iter()
                    .map(|protection| (protection.name.as_str(), protection.line)),
                |one| &one.protected,
            ),
        }
    }

    fn is_whole(&self) -> bool {
        self.rules.missed.is_empty() && self.protections.missed.is_empty()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (what, covered) in [("rule", &self.rules), ("protection", &self.protections)] {
            for Missed { name, line } in &covered.missed {
                text.push_str(&format!("\nno test hits {what} `{name}` (line {line})"));
            }
        }
        let (rules, protections) = (&self.rules, &self.protections);
        let counts = format!("{} of {}, ", rules.hit, count(rules.all, "rule"));
        text + &format!(
            "\nhit: {counts}{} of {}",
            protections.hit,
            count(protections.all, "protection")
        )
    }
}

/// How a test went.
#[derive(Serialize)]
pub(super) struct TestOutcome {
    pub(super) name: String,
    pub(super) ok: bool,
    /// Where it stands in the rules file.
    pub(super) line: usize,
    /// What was expected and what came instead.
    failures: Vec<String>,
    /// The rules that won in it.
    #[serde(skip)]
    pub(super) won: BTreeSet<String>,
    /// The protections that were hit in it.
    #[serde(skip)]
    protected: BTreeSet<String>,
}

impl TestOutcome {
    /// The same for programs, if it failed.
    pub(super) fn fault(&self, rules: &Path) -> FaultView {
        faults::of_test(rules, &self.name, self.line, &self.failures)
    }

    /// What it says, if it failed.
    pub(super) fn sentence(&self) -> String {
        faults::sentence_of_test(&self.name, &self.failures)
    }

    pub(super) fn text(&self) -> String {
        if self.ok {
            return format!("ok      {}", self.name);
        }
        let sentences: String = self
            .failures
            .iter()
            .map(|sentence| format!("\n        {sentence}"))
            .collect();
        format!("FAILED  {} (line {}){sentences}", self.name, self.line)
    }
}

/// Runs the tests that are wanted, in file order. Captured deliveries are read through `sources`, else the presets.
pub(super) fn outcomes(
    policy: &Policy,
    rules: &Path,
    sources: &[Source],
    wanted: impl Fn(&RuleTest) -> bool,
) -> Vec<TestOutcome> {
    let told = |Tried {
                    test,
                    line,
                    ran:
                        TestRun {
                            failures,
                            won,
                            protected,
                        },
                }: Tried<'_>| TestOutcome {
        name: output::plain(&test.name),
        ok: failures.is_empty(),
        line,
        failures,
        won,
        protected,
    };
    policy
        .try_tests(rules, sources, wanted)
        .into_iter()
        .map(told)
        .collect()
}

//! All that was found, as programs and people read it, and how the check ends.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use super::annotations::annotations;
use super::finding::CheckFinding;
use super::sarif::sarif;
use crate::cli::load::{MOST, file_of, level, placed};
use crate::cli::output;
use crate::cli::table::count;
use crate::cli::test::TestOutcome;
use crate::cli::trouble::Exit;
use crate::settings::SettingsFault;
use scanhook_core::rules::{Finding, render_within};

/// How the findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// As annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// All that was found.
#[derive(Default, Serialize)]
pub(super) struct CheckReport {
    pub(super) findings: Vec<CheckFinding>,
    /// How many more there are, by code.
    pub(super) omitted: BTreeMap<&'static str, usize>,
    pub(super) tests: Vec<TestOutcome>,
    /// The file in which they stand.
    #[serde(skip)]
    pub(super) tests_of: String,
    /// Tests that need a source of a configuration that cannot be used.
    pub(super) not_run: usize,
    #[serde(skip)]
    pub(super) seen: BTreeMap<(String, &'static str), usize>,
    /// The findings as a person reads them.
    #[serde(skip)]
    pub(super) text: String,
    #[serde(skip)]
    pub(super) colour: bool,
    /// The width they are laid out for.
    #[serde(skip)]
    pub(super) columns: Option<usize>,
}

impl CheckReport {
    pub(super) fn say(&mut self, file: &str, level: &'static str, sentence: &str) {
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

    pub(super) fn fault(&mut self, file: &str, fault: SettingsFault) {
        let file = file_of(file, &fault);
        if !self.is_wanted(&file, fault.code) {
            return;
        }
        self.text
            .push_str(&format!("error: {}\n\n", placed(&file, &fault)));
        let SettingsFault {
            code,
            key,
            line,
            column,
            message,
            file: _,
        } = fault;
        let message = if key.is_empty() {
            message
        } else {
            format!("{key}: {message}")
        };
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

    pub(super) fn about_rules(&mut self, file: &str, text: &str, findings: &[Finding]) {
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

    pub(super) fn print(self, format: CheckFormat) -> anyhow::Result<()> {
        match format {
            CheckFormat::Text => output::tell(&self.for_people())?,
            CheckFormat::Json => output::json(&serde_json::to_string_pretty(&self)?)?,
            CheckFormat::Github => {
                let all = self.with_tests();
                output::print(&annotations(&all.findings, &all.omitted))?;
            }
            CheckFormat::Sarif => {
                let all = self.with_tests();
                let log = sarif(&all.findings, &all.omitted);
                output::json(&serde_json::to_string_pretty(&log)?)?;
            }
        }
        Ok(())
    }

    /// The same with a finding for each test that fails.
    fn with_tests(mut self) -> CheckReport {
        let failed = self.tests.iter().filter(|test| !test.ok);
        let failed = failed.map(|test| CheckFinding {
            file: self.tests_of.clone(),
            line: Some(test.line),
            column: Some(1),
            level: "error",
            code: Some("test-failed"),
            message: test.sentence(),
            remedy: None,
        });
        self.findings.extend(failed);
        self
    }

    fn for_people(&self) -> String {
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
        text.push('\n');
        text
    }

    pub(super) fn exit(&self, deny_warnings: bool) -> ExitCode {
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

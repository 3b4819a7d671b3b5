//! What is looked at in each of the two files, and in what lies around them: tests, sources, stored deliveries.

use std::path::Path;

use super::report::CheckReport;
use crate::certificate::concerns;
use crate::cli::load::readable;
use crate::cli::test;
use crate::cli::trouble::CliError;
use crate::clock;
use crate::journal;
use crate::policy::{Checked, Policy, PolicyError, payloads, unauthenticated};
use crate::settings::{Inputs, Settings, Source};
use scanhook_core::rules::RuleTest;
use scanhook_core::strict_json;

/// Stored deliveries in which the pointers of the rules are looked for.
const BODIES: u16 = 500;

impl CheckReport {
    /// Checks scanhook.toml; what it says, if it can be used.
    pub(super) fn config(
        &mut self,
        path: &Path,
        inputs: &Inputs,
    ) -> Result<Option<Settings>, CliError> {
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
                for concern in concerns(&settings.certificates(), clock::now()) {
                    self.say(&file, "warning", &concern);
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

    /// Checks rules.toml and runs its tests; the policy, if it can be used.
    pub(super) fn rules(
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
                self.tests_of.clone_from(&file);
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
}

//! One reading of both files, and what of it may be put in force: pure but for the files themselves.
//!
//! What `[server]` and `[journal] url` say was bound at the start: `keeping` puts the old values into the new settings
//! and names the keys. A tenant whose secret or certificate cannot be read keeps the one it had, and all else is put in force.

use std::path::{Path, PathBuf};

use super::faults::{LONGEST, fault, of_rules, of_settings, of_test};
use super::files::{self, Stamps};
use super::keeping;
use crate::api::FaultView;
use crate::defender::client::{Client, ClientError};
use crate::file::FileDigests;
use crate::in_force::ActiveConfig;
use crate::policy::{Checked, LARGEST_PAYLOAD, Policy, PolicyError, Tried, has_payloads, payloads};
use crate::settings::{Inputs, Settings, SettingsFault, Source};
use scanhook_core::plain::one_line;
use scanhook_core::rules::{Level, RuleTest};

/// What was read.
pub(super) struct ReloadedFiles {
    /// Every file that was looked for, as it was read.
    pub(super) files: FileDigests,
    /// What was seen of the files known before, before they were read.
    pub(super) before: Stamps,
    /// The settings, if they can be used; what takes a restart is as it was.
    pub(super) settings: Option<Settings>,
    /// What sends bytes, if the network is another one.
    pub(super) client: Option<Client>,
    /// The policy, if it is another than the one in force and can be used.
    pub(super) policy: Option<Policy>,
    /// What is wrong with scanhook.toml and its secrets.
    pub(super) config_faults: Vec<FaultView>,
    /// What is wrong with rules.toml, its lists and tests.
    pub(super) rules_faults: Vec<FaultView>,
    /// Keys whose new value takes a restart.
    pub(super) needs_restart: Vec<String>,
    /// Tests that could not run, because their captured delivery does not lie there.
    pub(super) not_run: Vec<String>,
}

/// Reads everything, and judges it by what is in force. `known`: the files that were looked for the last time.
pub(super) fn read(
    inputs: &Inputs,
    in_force: &ActiveConfig,
    known: &FileDigests,
    client: &Client,
) -> ReloadedFiles {
    let before = files::stamps(known);
    let (loaded, mut looked_for) = Settings::load_with_files(inputs);
    let (mut config_faults, mut needs_restart) = (Vec::new(), Vec::new());
    let file = inputs.file.as_deref();
    let mut settings = loaded
        .and_then(|settings| not_emptied(settings, &in_force.settings))
        .map(|settings| {
            let old = &in_force.settings;
            let mut new = keeping::restart(old, settings, &mut needs_restart);
            let lacking = keeping::credentials(old, &mut new);
            config_faults.extend(lacking.into_iter().map(|fault| of_settings(file, fault)));
            new
        })
        .map_err(|faults| {
            config_faults.extend(faults.into_iter().map(|fault| of_settings(file, fault)));
        })
        .ok();
    let sources = settings
        .as_ref()
        .map_or(&in_force.settings.sources, |settings| &settings.sources);
    let path = settings
        .as_ref()
        .map_or(&in_force.settings.rules, |settings| &settings.rules);
    let mut rules = RulesFile {
        path,
        sources,
        faults: Vec::new(),
        not_run: Vec::new(),
    };
    let policy = rules.read(&in_force.policy, &mut looked_for);
    let differ = settings
        .as_ref()
        .is_some_and(|settings| settings.files != in_force.settings.files);
    // Whatever stays in force must still hold with the sources as they will be, or the next start would refuse it.
    let failing = if differ && policy.is_none() {
        rules.test(&in_force.policy)
    } else {
        Vec::new()
    };
    let (rules_faults, not_run) = (rules.faults, rules.not_run);
    if !failing.is_empty() {
        settings = None;
        config_faults.extend(of_failing(file, &failing));
    }
    let mut policy = policy;
    let faults = unfit(in_force, settings.as_ref(), policy.as_ref());
    if !faults.is_empty() {
        (settings, policy) = (None, None);
        config_faults.extend(faults.into_iter().map(|fault| of_settings(file, fault)));
    }
    let client = rebuilt(client, &in_force.settings, settings.as_ref()).unwrap_or_else(|error| {
        (settings, policy) = (None, None);
        let file = file.unwrap_or(Path::new(""));
        config_faults.push(fault(file, None, "network", &error.to_string()));
        None
    });
    if !(config_faults.is_empty() && rules_faults.is_empty()) {
        looked_for = with_all(known, looked_for);
    }
    ReloadedFiles {
        files: looked_for,
        before,
        settings,
        client,
        policy,
        config_faults,
        rules_faults,
        needs_restart,
        not_run,
    }
}

/// What the rules that are to be in force ask of the settings and do not get.
fn unfit(
    in_force: &ActiveConfig,
    settings: Option<&Settings>,
    policy: Option<&Policy>,
) -> Vec<SettingsFault> {
    let rules = policy.unwrap_or(&in_force.policy).rules();
    settings.unwrap_or(&in_force.settings).unfit_for(rules)
}

/// A file with faults may name fewer files than it will when it is mended.
fn with_all(known: &FileDigests, looked_for: FileDigests) -> FileDigests {
    let mut all = known.again();
    all.add(looked_for);
    all
}

/// A client for the new settings, if they want another one.
fn rebuilt(
    client: &Client,
    old: &Settings,
    new: Option<&Settings>,
) -> Result<Option<Client>, ClientError> {
    let network = new.map(|new| &new.network);
    network
        .filter(|network| !network.is_same(&old.network))
        .map(|network| client.rebuilt(network))
        .transpose()
}

/// Tests that fail only with the new settings are faults of scanhook.toml: the rules stay as they are.
fn of_failing(file: Option<&Path>, failing: &[FaultView]) -> impl Iterator<Item = FaultView> {
    let file = file.unwrap_or(Path::new(""));
    failing.iter().map(move |found| {
        let message = format!("with these settings {}", found.message);
        fault(file, None, &found.code, &message)
    })
}

/// A file that was emptied or cut off may still be a whole configuration. It never means to forget every source.
fn not_emptied(settings: Settings, old: &Settings) -> Result<Settings, Vec<SettingsFault>> {
    if !settings.sources.is_empty() || old.sources.is_empty() {
        return Ok(settings);
    }
    let message =
        "the file names no source any more; to forget every source takes a restart".to_owned();
    Err(vec![SettingsFault {
        code: "missing-key",
        key: "sources".to_owned(),
        file: None,
        line: None,
        column: None,
        message,
    }])
}

/// A reading of rules.toml.
struct RulesFile<'a> {
    path: &'a Path,
    sources: &'a [Source],
    faults: Vec<FaultView>,
    not_run: Vec<String>,
}

impl RulesFile<'_> {
    /// The policy to be put in force, if there is another. Where the rules are faulty their lists are read again alone.
    fn read(&mut self, in_force: &Policy, looked_for: &mut FileDigests) -> Option<Policy> {
        let (loaded, files) = Policy::load_with_files(self.path);
        looked_for.add(files);
        match loaded {
            Ok(Checked { policy, .. }) => {
                for payload in self.payloads(&policy) {
                    // One that is not there is looked for as well.
                    let _ = looked_for.read(&payload, LARGEST_PAYLOAD);
                }
                if policy.fingerprint() == in_force.fingerprint() {
                    return None;
                }
                self.faults = self.test(&policy);
                if self.faults.is_empty() {
                    return Some(policy);
                }
                self.not_run.clear();
            }
            Err(PolicyError::Unreadable(path, error)) => {
                self.faults
                    .push(fault(&path, None, "unreadable", &error.to_string()));
            }
            Err(PolicyError::Faulty(path, text, findings)) => {
                let errors = findings
                    .iter()
                    .filter(|finding| finding.level == Level::Error);
                self.faults.extend(of_rules(&path, &text, errors));
            }
        }
        let again = in_force.with_lists_read_again(looked_for).ok()?.policy;
        (again.fingerprint() != in_force.fingerprint() && self.test(&again).is_empty())
            .then_some(again)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn payloads(&self, policy: &Policy) -> Vec<PathBuf> {
        policy
            .rules()
            .tests()
            .iter()
            .flat_map(payloads)
            .map(|file| self.folder().join(file))
            .collect()
    }

    /// The tests that fail.
    fn test(&mut self, policy: &Policy) -> Vec<FaultView> {
        let complete = |test: &RuleTest| has_payloads(test, self.path);
        let lacking = policy.rules().tests().iter().filter(|test| !complete(test));
        self.not_run = lacking.map(|test| one_line(&test.name, LONGEST)).collect();
        let failed = policy
            .try_tests(self.path, self.sources, complete)
            .into_iter();
        let failed = failed.filter(|tried| !tried.ran.failures.is_empty());
        failed
            .map(|Tried { test, line, ran }| of_test(self.path, &test.name, line, &ran.failures))
            .collect()
    }
}

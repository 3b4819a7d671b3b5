//! How a reading went, as the status and the metrics show it: what it changed, or why nothing was put in force.

use std::path::PathBuf;

use super::Reloader;
use super::faults::{MOST, fault, log};
use super::patience::Undone;
use super::read::ReloadedFiles;
use crate::api::{FaultView, ReloadView};
use crate::clock;

/// What the log says of faults.
pub(super) const STAYS: &str = "not put in force: the old stays as it is";

impl Reloader {
    /// Nothing was read. What hung is read again as soon as it answers; what a fault of ours ended is not, until
    /// somebody orders it or a file changes.
    pub(super) fn gave_up(&mut self, why: &'static str, undone: Undone) -> Option<ReloadView> {
        let (code, message) = match undone {
            Undone::Stopping => return None,
            Undone::Slow => {
                self.watch.forget();
                (
                    "unreadable",
                    "the files could not be read in time: a file system does not answer; it is tried again",
                )
            }
            Undone::Broken => {
                let mut prints = self.watch.prints().clone();
                prints.add(self.active.in_force().settings.files.clone());
                self.watch.has_read(prints, self.watch.last_seen());
                (
                    "internal",
                    "a fault of scanhook's own ended the reading; please report it with these files",
                )
            }
        };
        let fault = FaultView {
            code: code.to_owned(),
            message: message.to_owned(),
            ..FaultView::default()
        };
        Some(self.refuse(why, false, false, vec![fault]))
    }

    /// Some files change from look to look, so nothing was read.
    pub(super) fn restless(&mut self, why: &'static str, files: &[PathBuf]) {
        let settings = self.active.in_force().settings.clone();
        let config = files.iter().any(|path| settings.files.hold(path));
        let rules = files.iter().any(|path| !settings.files.hold(path));
        let message = "it changes from look to look; it is read once it is left alone";
        let restless = files
            .iter()
            .map(|path| fault(path, None, "restless", message));
        self.refuse(why, !rules, !config, restless.take(MOST).collect());
    }

    /// Shows why nothing could be read; in the log once.
    fn refuse(
        &mut self,
        why: &'static str,
        rules: bool,
        config: bool,
        faults: Vec<FaultView>,
    ) -> ReloadView {
        self.active.metrics().reloaded(rules, config, clock::now());
        if self.told.1 != faults {
            log(why, &faults, 0, STAYS);
            self.told.1.clone_from(&faults);
        }
        let last = self.state.borrow().clone();
        let (at, successful) = (clock::now().to_string(), false);
        let view = ReloadView {
            at,
            successful,
            faults,
            changed: Vec::new(),
            more_faults: 0,
            ..last
        };
        self.state.send_replace(view.clone());
        view
    }

    /// What a reading would change.
    pub(super) fn changes(&self, read: &ReloadedFiles) -> Vec<String> {
        let in_force = self.active.in_force();
        let mut changed = Vec::new();
        if let Some(policy) = &read.policy {
            let lists = policy.text() == in_force.policy.text();
            changed.push(if lists { "lists" } else { "rules" }.to_owned());
        }
        if read
            .settings
            .as_ref()
            .is_some_and(|settings| settings.files != in_force.settings.files)
        {
            changed.push("settings".to_owned());
        }
        changed
    }

    pub(super) fn show(&mut self, read: &ReloadedFiles, changed: Vec<String>) -> ReloadView {
        let now = clock::now();
        let (config, rules) = (read.config_faults.is_empty(), read.rules_faults.is_empty());
        self.active.metrics().reloaded(rules, config, now);
        let all = read.config_faults.iter().chain(&read.rules_faults);
        let policy = self.active.in_force().policy.fingerprint().to_owned();
        let last = self.state.borrow().clone();
        let policy_since = if policy == last.policy {
            last.policy_since
        } else {
            now.to_string()
        };
        let view = ReloadView {
            at: now.to_string(),
            successful: config && rules,
            policy,
            policy_since,
            changed,
            faults: all.clone().take(MOST).cloned().collect(),
            more_faults: all.count().saturating_sub(MOST),
            needs_restart: read.needs_restart.clone(),
        };
        self.state.send_replace(view.clone());
        view
    }
}

//! What the log says of a reading: once for each content and each fault. The lines go by the name of the reload, on whatever
//! page they are written.

use super::Reloader;
use super::faults::log;
use super::read::ReloadedFiles;
use super::shown::STAYS;
use crate::api::ReloadView;

/// The target of these lines.
const RELOAD: &str = "scanhook::reload";

impl Reloader {
    /// Once for each content and each fault.
    pub(super) fn tell(
        &mut self,
        why: &'static str,
        read: &ReloadedFiles,
        view: &ReloadView,
        warnings: &[String],
    ) {
        let now = (read.files.clone(), view.faults.clone());
        let news = core::mem::replace(&mut self.told, now.clone()) != now;
        let (changed, fingerprint) = (view.changed.join(", "), &view.policy);
        if !view.changed.is_empty() {
            let mode = self.active.in_force().armed().mode;
            tracing::info!(target: RELOAD, why, changed, fingerprint, mode, "reloaded");
        }
        if !news {
            return;
        }
        log(why, &view.faults, view.more_faults, STAYS);
        for test in &read.not_run {
            tracing::warn!(
                target: RELOAD,
                test,
                "a test of the policy was not run: its captured delivery does not lie beside the rules"
            );
        }
        for key in &view.needs_restart {
            tracing::warn!(
                target: RELOAD,
                key,
                "a new value of this key takes a restart; the old one stays in force"
            );
        }
        if view.changed.iter().any(|what| what == "settings") {
            for warning in warnings {
                tracing::warn!(target: RELOAD, "{warning}");
            }
        }
    }
}

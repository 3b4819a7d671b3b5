//! How far a replay is, for whoever watches a terminal.

use super::super::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on stderr; nothing where that is no terminal, or one whose cursor stays where it is.
pub(super) struct ReplayBar(ProgressBar);

impl ReplayBar {
    /// For so many of what is counted.
    pub(super) fn new(what: &str, length: u64) -> ReplayBar {
        let target = match output::moves_cursor() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let of = if what == "bytes" {
            "{bytes} of {total_bytes}"
        } else {
            "{human_pos} of {human_len} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(&format!(
            "{{bar:32}} {{percent:>3}} % {of}, {{eta}} to go"
        )) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        ReplayBar(bar)
    }

    /// So many more.
    pub(super) fn on(&self, by: u64) {
        self.0.inc(by);
    }
}

impl Drop for ReplayBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

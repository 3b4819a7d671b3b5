//! Reads `[defaults]`, and knows what holds where the file says nothing.

use core::ops::Range;
use core::time::Duration;

use super::scalar::MODES;
use super::walk::{Keys, Node, Walk};
use crate::comment::{CommentTemplate, TemplateFault};
use crate::rules::finding::code;
use crate::scan::Mode;
use crate::verdict::{Cooldown, Limit};

const COMMENT: &str = "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})";

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// `[defaults]`, with the language's own where the file says nothing.
pub(super) struct Defaults {
    pub(super) mode: Mode,
    pub(super) cooldown: Cooldown,
    pub(super) max_age: Duration,
    pub(super) limit: Option<Limit>,
    pub(super) comment: Option<CommentTemplate>,
    pub(super) hold_for: Duration,
    pub(super) resolve_within: Duration,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            mode: Mode::DryRun,
            cooldown: Cooldown {
                quick: HOUR,
                full: 6 * HOUR,
            },
            max_age: 24 * HOUR,
            limit: Some(Limit {
                scans: 50,
                per: HOUR,
            }),
            comment: CommentTemplate::parse(COMMENT).ok(),
            hold_for: 24 * HOUR,
            resolve_within: Duration::from_secs(300),
        }
    }
}

impl Walk<'_> {
    pub(super) fn defaults(&mut self, value: &Node<'_>) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(table) = self.table(value, "`defaults`") else {
            return defaults;
        };
        let mut keys = Keys::within(table);
        if let Some(value) = keys.take("mode") {
            defaults.mode = self.word(value, "`mode`", MODES).unwrap_or(defaults.mode);
        }
        if let Some(value) = keys.take("cooldown") {
            defaults.cooldown = self.cooldown(value, defaults.cooldown);
        }
        if let Some(value) = keys.take("max_age") {
            let max_age = self.duration(value, "`max_age`", false);
            defaults.max_age = max_age.unwrap_or(defaults.max_age);
        }
        if let Some(value) = keys.take("limit") {
            defaults.limit = self.limit(value, defaults.limit);
        }
        if let Some(value) = keys.take("comment") {
            defaults.comment = self.comment(value);
        }
        if let Some(value) = keys.take("hold_for") {
            let hold_for = self.duration(value, "`hold_for`", false);
            defaults.hold_for = hold_for.unwrap_or(defaults.hold_for);
        }
        if let Some(value) = keys.take("resolve_within") {
            let within = self.duration(value, "`resolve_within`", false);
            defaults.resolve_within = within.unwrap_or(defaults.resolve_within);
        }
        self.no_other_key(&keys, "`[defaults]`");
        defaults
    }

    fn comment(&mut self, value: &Node<'_>) -> Option<CommentTemplate> {
        let text = self.text(value, "`comment`")?;
        match CommentTemplate::parse(text) {
            Ok(template) => Some(template),
            Err(faults) => {
                for TemplateFault { range, message } in faults {
                    let span = self.inside(value, text, range);
                    self.error(code::BAD_TEMPLATE, span, message);
                }
                None
            }
        }
    }

    /// Bytes of a text's content as bytes of the file; all of the text where escapes make that inexact.
    fn inside(&self, value: &Node<'_>, text: &str, range: Range<usize>) -> Range<usize> {
        let span = value.span();
        let content = span.start + 1..span.end.saturating_sub(1);
        if self.text.get(content.clone()) == Some(text) {
            content.start + range.start..content.start + range.end
        } else {
            span
        }
    }
}

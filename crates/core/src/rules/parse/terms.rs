//! The terms of a scan as they are written: windows, priority, cool-down and limit. The defaults and each rule have
//! them, and some stand in protections and tests as well.

use toml::de::DeValue;

use super::walk::{KeyValue, Node, Walk, entries_of};
use crate::rules::finding::code;
use crate::rules::rule::Times;
use crate::scan::Priority;
use crate::verdict::{Cooldown, Limit};

impl Walk<'_> {
    /// `start`, `during` or `outside`.
    pub(super) fn times(&mut self, key: &str, value: &Node<'_>, times: &mut Times) {
        let named = self.window_names(value, &format!("`{key}`"));
        match key {
            "start" => times.start = named,
            "during" => times.during = named,
            _ => times.outside = named,
        }
    }

    pub(super) fn priority(&mut self, value: &Node<'_>) -> Option<Priority> {
        let number = self.integer(value, "`priority`", 0..101)?;
        u8::try_from(number).ok().and_then(Priority::new)
    }

    /// `{ quick = "1h", full = "6h" }`, either of them left out keeps the default; or one span for both.
    pub(super) fn cooldown(&mut self, value: &Node<'_>, default: Cooldown) -> Cooldown {
        let mut cooldown = default;
        let DeValue::Table(table) = value.get_ref() else {
            if let Some(both) = self.duration(value, "`cooldown`", true) {
                cooldown = Cooldown {
                    quick: both,
                    full: both,
                };
            }
            return cooldown;
        };
        for KeyValue { key, span, value } in entries_of(table) {
            match key {
                "quick" => {
                    cooldown.quick = self
                        .duration(value, "`cooldown.quick`", true)
                        .unwrap_or(cooldown.quick)
                }
                "full" => {
                    cooldown.full = self
                        .duration(value, "`cooldown.full`", true)
                        .unwrap_or(cooldown.full)
                }
                key => self.unknown_key(key, span, "`cooldown`", &["quick", "full"]),
            }
        }
        cooldown
    }

    /// `{ scans = 50, per = "1h" }`; `false` or `"none"` removes it.
    pub(super) fn limit(&mut self, value: &Node<'_>, default: Option<Limit>) -> Option<Limit> {
        let table = match value.get_ref() {
            DeValue::Table(table) => table,
            DeValue::Boolean(false) => return self.no_limit(value),
            DeValue::String(word) if word == "none" => return self.no_limit(value),
            _ => {
                let what =
                    "a table such as `{ scans = 50, per = \"1h\" }`, or `false` to remove it";
                self.wrong_type(value, "`limit`", what);
                return default;
            }
        };
        let (mut scans, mut per) = (None, None);
        for KeyValue { key, span, value } in entries_of(table) {
            match key {
                "scans" => scans = self.integer(value, "`limit.scans`", 1..1_000_001),
                "per" => per = self.duration(value, "`limit.per`", false),
                key => self.unknown_key(key, span, "`limit`", &["scans", "per"]),
            }
        }
        for key in ["scans", "per"] {
            if !table.contains_key(key) {
                self.missing_key(value.span(), "`limit`", key);
            }
        }
        scans
            .and_then(|scans| u32::try_from(scans).ok())
            .zip(per)
            .map_or(default, |(scans, per)| Some(Limit { scans, per }))
    }

    fn no_limit(&mut self, value: &Node<'_>) -> Option<Limit> {
        let message = "without a limit one bad rule can scan every machine there is";
        self.lint(
            code::LIMIT_REMOVED,
            value.span(),
            message,
            "set one that is never reached on a normal day",
        );
        None
    }
}

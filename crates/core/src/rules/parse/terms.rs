//! The terms of a scan as they are written: windows, priority, cool-down and limit. The defaults and each rule have
//! them, and some stand in protections and tests as well.

use toml::de::DeValue;

use super::walk::{Keys, Node, Walk};
use crate::rules::finding::code;
use crate::rules::rule::Times;
use crate::scan::Priority;
use crate::verdict::{Cooldown, Limit};

impl Walk<'_> {
    /// `start`, `during` and `outside`.
    pub(super) fn times(&mut self, keys: &mut Keys<'_, '_>, times: &mut Times) {
        let Times {
            start,
            during,
            outside,
        } = times;
        for (key, named) in [("start", start), ("during", during), ("outside", outside)] {
            if let Some(value) = keys.take(key) {
                *named = self.window_names(value, &format!("`{key}`"));
            }
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
        let mut keys = Keys::within(table);
        if let Some(value) = keys.take("quick") {
            let quick = self.duration(value, "`cooldown.quick`", true);
            cooldown.quick = quick.unwrap_or(cooldown.quick);
        }
        if let Some(value) = keys.take("full") {
            let full = self.duration(value, "`cooldown.full`", true);
            cooldown.full = full.unwrap_or(cooldown.full);
        }
        self.no_other_key(&keys, "`cooldown`");
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
        let mut keys = Keys::within(table);
        let scans = keys
            .take("scans")
            .and_then(|value| self.integer(value, "`limit.scans`", 1..1_000_001));
        let per = keys
            .take("per")
            .and_then(|value| self.duration(value, "`limit.per`", false));
        self.no_other_key(&keys, "`limit`");
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

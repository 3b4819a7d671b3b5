//! Reads what a test expects. Its names are held against the rules and protections of the same file.

use toml::de::DeValue;

use super::scalar::SCANS;
use super::walk::{Keys, Node, Walk};
use crate::rules::expect::{AT_ONCE, Begins, Expect, Protected};
use crate::rules::finding::{code, quoted, suggest};
use crate::scan::{DecisionState, Reason};
use crate::time::Timestamp;

/// The names that tests can expect.
pub(super) struct KnownNames<'r> {
    pub(super) rules: Vec<&'r str>,
    pub(super) protections: Vec<&'r str>,
}

impl Walk<'_> {
    pub(super) fn expect(&mut self, value: &Node<'_>, names: &KnownNames<'_>) -> Option<Expect> {
        let table = self.table(value, "`expect`")?;
        if table.is_empty() {
            self.error(
                code::EMPTY,
                value.span(),
                "`expect` is empty: such a test cannot fail",
            );
        }
        let states: Vec<_> = DecisionState::ALL
            .iter()
            .map(|state| (state.code(), *state))
            .collect();
        let reasons: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| (reason.code(), *reason))
            .collect();
        let mut keys = Keys::within(table);
        let expect = Expect {
            rule: keys
                .take("rule")
                .and_then(|value| self.expected_rule(value, &names.rules)),
            scan: keys
                .take("scan")
                .and_then(|value| self.word(value, "`scan`", SCANS)),
            priority: keys.take("priority").and_then(|value| self.priority(value)),
            start: keys.take("start").and_then(|value| self.begins(value)),
            protect: keys
                .take("protect")
                .and_then(|value| self.expected_protection(value, &names.protections)),
            people: keys.take("people").and_then(|value| self.people(value)),
            state: keys
                .take("state")
                .and_then(|value| self.word(value, "`state`", &states)),
            reason: keys
                .take("reason")
                .and_then(|value| self.word(value, "`reason`", &reasons)),
            comment_contains: keys
                .take("comment_contains")
                .and_then(|value| self.text(value, "`comment_contains`"))
                .map(str::to_owned),
        };
        self.no_other_key(&keys, "`expect`");
        Some(expect)
    }

    fn begins(&mut self, value: &Node<'_>) -> Option<Begins> {
        if value.get_ref().as_str() == Some(AT_ONCE) {
            return Some(Begins::AtOnce);
        }
        let text = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let remedy = format!(
                "write when its window opens, `2026-03-09T22:00:00+01:00`, or `\"{AT_ONCE}\"`"
            );
            self.error_with(
                code::BAD_TIME,
                value.span(),
                "`start` must be a time",
                remedy,
            );
        }
        time.map(Begins::At)
    }

    fn expected_rule(&mut self, value: &Node<'_>, rules: &[&str]) -> Option<String> {
        let name = self.text(value, "`rule`")?;
        if !rules.contains(&name) {
            let message = format!("no rule is named {}", quoted(name));
            self.error_with(
                code::UNKNOWN_RULE,
                value.span(),
                message,
                suggest(name, rules),
            );
        }
        Some(name.to_owned())
    }

    /// One name: that protection applies. A list: exactly those do, and `[]`: none.
    fn expected_protection(&mut self, value: &Node<'_>, known: &[&str]) -> Option<Protected> {
        let names = match value.get_ref() {
            DeValue::Array(array) if array.is_empty() => Vec::new(),
            _ => self.some_texts(value, "`protect`"),
        };
        for (name, span) in &names {
            if !known.contains(&name.as_str()) {
                let message = format!("no protection is named {}", quoted(name));
                let remedy = if known.is_empty() {
                    "the file has no `[[protect]]`".to_owned()
                } else {
                    suggest(name, known)
                };
                self.error_with(code::UNKNOWN_PROTECTION, span.clone(), message, remedy);
            }
        }
        let mut names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        if value.get_ref().is_array() {
            Some(Protected::Exactly(names))
        } else {
            names.pop().map(Protected::By)
        }
    }
}

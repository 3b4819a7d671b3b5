//! Reads `[[rule]]`. What is wrong in a rule gets a stand-in, so that the reading goes on and tells every fault.

use core::ops::Range;
use std::collections::HashSet;

use toml::de::DeTable;

use super::defaults::Defaults;
use super::hint;
use super::scalar::{MODES, SCANS};
use super::walk::{KeyValue, Walk, entries_of};
use crate::rules::condition::Condition;
use crate::rules::finding::{code, quoted};
use crate::rules::rule::{Rule, Times};

const RULE: &[&str] = &[
    "name", "scan", "priority", "when", "unless", "start", "during", "outside", "mode", "cooldown",
    "limit", "max_age",
];

impl Walk<'_> {
    pub(super) fn rules(&mut self, table: &DeTable<'_>, defaults: &Defaults) -> Vec<Rule> {
        let Some(value) = table.get("rule") else {
            return Vec::new();
        };
        let mut rules: Vec<Rule> = Vec::new();
        let mut names = HashSet::new();
        for (table, header) in self.tables(value, "rule") {
            let rule = self.rule(table, header.clone(), defaults);
            if !rule.name.is_empty() && !names.insert(rule.name.clone()) {
                let span = table.get("name").map_or(header, |name| name.span());
                self.error(
                    code::DUPLICATE_NAME,
                    span,
                    format!("another rule is already named {}", quoted(&rule.name)),
                );
            }
            rules.push(rule);
        }
        rules
    }

    /// One rule. What is wrong in it gets a stand-in: with an error nothing of the file is used.
    fn rule(&mut self, table: &DeTable<'_>, header: Range<usize>, defaults: &Defaults) -> Rule {
        let mut rule = Rule {
            name: String::new(),
            scan: None,
            priority: None,
            when: Condition::All(Vec::new()),
            unless: None,
            times: Times::default(),
            mode: None,
            cooldown: defaults.cooldown,
            limit: defaults.limit,
            max_age: defaults.max_age,
            span: header.clone(),
        };
        for KeyValue { key, span, value } in entries_of(table) {
            match key {
                "name" => rule.name = self.name(value, "a rule's `name`").unwrap_or_default(),
                "scan" => rule.scan = self.word(value, "`scan`", SCANS).flatten(),
                "priority" => rule.priority = self.priority(value),
                "when" => rule.when = self.condition(value, "`when`"),
                "unless" => rule.unless = Some(self.condition(value, "`unless`")),
                "start" | "during" | "outside" => self.times(key, value, &mut rule.times),
                "mode" => rule.mode = self.word(value, "`mode`", MODES),
                "cooldown" => rule.cooldown = self.cooldown(value, defaults.cooldown),
                "limit" => rule.limit = self.limit(value, defaults.limit),
                "max_age" => {
                    rule.max_age = self
                        .duration(value, "`max_age`", false)
                        .unwrap_or(rule.max_age)
                }
                key => match hint::key_of_rule(key) {
                    Some(remedy) => {
                        let message = format!("a rule has no key {}", quoted(key));
                        self.error_with(code::UNKNOWN_KEY, span, message, remedy);
                    }
                    None => self.unknown_key(key, span, "a rule", RULE),
                },
            }
        }
        for key in ["name", "scan", "when"] {
            if !table.contains_key(key) {
                self.missing_key(header.clone(), "a rule", key);
            }
        }
        rule
    }
}

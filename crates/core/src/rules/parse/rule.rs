//! Reads `[[rule]]`. What is wrong in a rule gets a stand-in, so that the reading goes on and tells every fault.

use core::ops::Range;
use std::collections::HashSet;

use toml::de::DeTable;

use super::defaults::Defaults;
use super::hint;
use super::scalar::{MODES, SCANS};
use super::walk::{Keys, Walk};
use crate::rules::condition::Condition;
use crate::rules::finding::{code, quoted};
use crate::rules::rule::{Rule, Times};

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
        let mut keys = Keys::within(table);
        if let Some(value) = keys.take("name") {
            rule.name = self.name(value, "a rule's `name`").unwrap_or_default();
        }
        if let Some(value) = keys.take("scan") {
            rule.scan = self.word(value, "`scan`", SCANS).flatten();
        }
        if let Some(value) = keys.take("priority") {
            rule.priority = self.priority(value);
        }
        if let Some(value) = keys.take("when") {
            rule.when = self.condition(value, "`when`");
        }
        if let Some(value) = keys.take("unless") {
            rule.unless = Some(self.condition(value, "`unless`"));
        }
        self.times(&mut keys, &mut rule.times);
        self.own_terms(&mut keys, &mut rule, defaults);
        self.no_other_key_but(&keys, "a rule", hint::key_of_rule);
        for key in ["name", "scan", "when"] {
            if !table.contains_key(key) {
                self.missing_key(header.clone(), "a rule", key);
            }
        }
        rule
    }

    /// What a rule says of its own in the place of a default.
    fn own_terms(&mut self, keys: &mut Keys<'_, '_>, rule: &mut Rule, defaults: &Defaults) {
        if let Some(value) = keys.take("mode") {
            rule.mode = self.word(value, "`mode`", MODES);
        }
        if let Some(value) = keys.take("cooldown") {
            rule.cooldown = self.cooldown(value, defaults.cooldown);
        }
        if let Some(value) = keys.take("limit") {
            rule.limit = self.limit(value, defaults.limit);
        }
        if let Some(value) = keys.take("max_age") {
            let max_age = self.duration(value, "`max_age`", false);
            rule.max_age = max_age.unwrap_or(rule.max_age);
        }
    }
}

//! Reads `[[protect]]`.

use core::ops::Range;

use toml::de::DeTable;

use super::walk::{Keys, Node, Walk};
use crate::rules::condition::Condition;
use crate::rules::finding::{code, quoted};
use crate::rules::named::Named;
use crate::rules::protect::{IfUnknown, Protection};
use crate::rules::rule::Times;
use crate::verdict::AtMost;

impl Walk<'_> {
    pub(super) fn protections(&mut self, value: &Node<'_>) -> Vec<Protection> {
        let mut protections = Vec::new();
        let mut names = std::collections::HashSet::new();
        for (table, header) in self.tables(value, "protect") {
            let protection = self.protection(table, header.clone());
            if !protection.name.is_empty() && !names.insert(protection.name.clone()) {
                let span = table.get("name").map_or(header, |name| name.span());
                let message = format!(
                    "another protection is already named {}",
                    quoted(&protection.name)
                );
                self.error(code::DUPLICATE_NAME, span, message);
            }
            protections.push(protection);
        }
        protections
    }

    fn protection(&mut self, table: &DeTable<'_>, header: Range<usize>) -> Protection {
        let words: Vec<_> = AtMost::ALL
            .iter()
            .map(|word| (word.code(), *word))
            .collect();
        let unknowns: Vec<_> = IfUnknown::ALL
            .iter()
            .map(|word| (word.code(), *word))
            .collect();
        let mut protection = Protection {
            name: String::new(),
            when: Condition::All(Vec::new()),
            unless: None,
            at_most: None,
            people: 1,
            times: Times::default(),
            if_unknown: IfUnknown::Hold,
            name_matters: false,
            ip_matters: false,
            span: header.clone(),
        };
        let mut keys = Keys::within(table);
        if let Some(value) = keys.take("name") {
            let name = self.name(value, "a protection's `name`");
            protection.name = name.unwrap_or_default();
        }
        if let Some(value) = keys.take("when") {
            protection.when = self.condition(value, "`when`");
        }
        if let Some(value) = keys.take("unless") {
            protection.unless = Some(self.condition(value, "`unless`"));
        }
        if let Some(value) = keys.take("at_most") {
            protection.at_most = self.word(value, "`at_most`", &words);
        }
        if let Some(value) = keys.take("people") {
            protection.people = self.people(value).unwrap_or(1);
            self.held_by_people(value, table.contains_key("at_most"), &protection);
        }
        self.times(&mut keys, &mut protection.times);
        if let Some(value) = keys.take("if_unknown") {
            let word = self.word(value, "`if_unknown`", &unknowns);
            protection.if_unknown = word.unwrap_or(IfUnknown::Hold);
        }
        self.no_other_key(&keys, "a protection");
        for key in ["name", "when"] {
            if !table.contains_key(key) {
                self.missing_key(header.clone(), "a protection", key);
            }
        }
        if !table.contains_key("at_most") && !table.contains_key("start") {
            let remedy = "say how far a scan may go, `at_most`, or when it may begin, `start`";
            self.error_with(
                code::MISSING_KEY,
                header,
                "a protection that protects from nothing",
                remedy,
            );
        }
        let mentions = |named| {
            protection
                .conditions()
                .any(|condition| condition.mentions(named))
        };
        (protection.name_matters, protection.ip_matters) =
            (mentions(Named::DeviceName), mentions(Named::DeviceIp));
        self.lint_everything(table, &protection);
        protection
    }

    /// People approve what is held: of a protection that holds nothing, their number would have no meaning.
    fn held_by_people(&mut self, value: &Node<'_>, says_how_far: bool, protection: &Protection) {
        // One whose `at_most` is none of the words has its error there.
        let is_faulty = says_how_far && protection.at_most.is_none();
        if is_faulty || protection.at_most == Some(AtMost::Hold) {
            return;
        }
        self.error_with(
            code::BAD_VALUE,
            value.span(),
            "`people` says how many have to approve, and this protection holds nothing",
            "write `at_most = \"hold\"`, or leave `people` out",
        );
    }

    /// Warns of a protection that matches everything: it is more often a slip than meant, and it lowers every rule.
    fn lint_everything(&mut self, table: &DeTable<'_>, protection: &Protection) {
        if !protection.when.is_everything() {
            return;
        }
        let span = table
            .get("when")
            .map_or(protection.span.clone(), |when| when.span());
        self.lint(
            code::PROTECTS_ALL,
            span,
            "this protection matches everything, so no rule can do more than it allows",
            "if that is meant, say it with `mode` under `[defaults]`",
        );
    }
}

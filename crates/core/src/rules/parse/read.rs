//! Reads a rules file: the recovering TOML tree, walked by hand so that one run tells every error.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::defaults::Defaults;
use super::expect::KnownNames;
use super::list_file::ReadList;
use super::syntax::{believable, is_header_again, syntax, told};
use super::walk::{Keys, Walk};
use crate::rules::compiled::{Loaded, Rules};
use crate::rules::finding::{Finding, Level, LineStarts, code};
use crate::rules::given::TestFacts;
use crate::rules::index::Index;
use crate::rules::rule::Rule;

const TOP: &[&str] = &[
    "version",
    "defaults",
    "lists",
    "windows",
    "protect",
    "rule",
    "test_facts",
    "test",
];

impl Rules {
    /// Reads a rules file. `read` gives the text of a list's file by the name that the rules give it, or says in a
    /// sentence why it cannot be read.
    ///
    /// # Errors
    /// Every error of the file, and its lints, in file order.
    pub fn parse(text: &str, read: ReadList<'_>) -> Result<Loaded, Vec<Finding>> {
        self::read(text, read)
    }
}

fn read(text: &str, lists: ReadList<'_>) -> Result<Loaded, Vec<Finding>> {
    let mut walk = Walk::new(text);
    if text.len() > Rules::LARGEST {
        let remedy = "so large a policy is a mistake; long lists belong into files of their own";
        walk.error_with(
            code::TOO_LARGE,
            0..0,
            "a rules file has at most 4 MiB",
            remedy,
        );
        return Err(walk.findings);
    }
    let (tree, faults) = DeTable::parse_recoverable(text);
    let rules = walk.file(tree.get_ref(), lists);
    let mut findings = walk.findings;
    let walked = findings.clone();
    if !faults.is_empty() {
        let syntax: Vec<Finding> = faults.iter().map(|fault| syntax(fault, text)).collect();
        let lines = LineStarts::of(text);
        let broken: BTreeSet<usize> = syntax
            .iter()
            .map(|fault| lines.number(fault.span.start))
            .collect();
        findings.retain(|finding| believable(finding, &broken, &lines));
        let told = told(&syntax, &broken, &lines, text);
        findings.extend(
            told.into_iter()
                .filter(|fault| !is_header_again(fault, text, &walked)),
        );
    }
    findings.sort_by_key(|finding| finding.span.start);
    match rules {
        Some(rules) if findings.iter().all(|finding| finding.level == Level::Lint) => Ok(Loaded {
            rules,
            lints: findings,
        }),
        _ => Err(findings),
    }
}

impl Walk<'_> {
    fn file(&mut self, table: &DeTable<'_>, lists: ReadList<'_>) -> Option<Rules> {
        if table.is_empty() {
            let remedy = "a rules file begins with `version = 1`";
            self.error_with(code::EMPTY_FILE, 0..0, "the file says nothing", remedy);
            return None;
        }
        self.version(table);
        let mut keys = Keys::within(table);
        keys.pass(TOP);
        self.no_other_key(&keys, "a rules file");
        if let Some(value) = table.get("lists") {
            self.lists(value, lists);
        }
        if let Some(value) = table.get("windows") {
            self.windows(value);
        }
        let defaults = table
            .get("defaults")
            .map_or_else(Defaults::default, |value| self.defaults(value));
        let protections = table
            .get("protect")
            .map_or_else(Vec::new, |value| self.protections(value));
        let rules = self.rules(table, &defaults);
        self.lint_whole(table, &rules);
        let test_facts = table
            .get("test_facts")
            .map_or_else(TestFacts::default, |value| self.test_facts(value));
        let names = KnownNames {
            rules: rules.iter().map(|rule| rule.name.as_str()).collect(),
            protections: protections
                .iter()
                .map(|protection| protection.name.as_str())
                .collect(),
        };
        let tests = table.get("test").map_or_else(Vec::new, |value| {
            self.rule_tests(value, &test_facts, &names)
        });
        let Defaults {
            mode,
            cooldown,
            max_age,
            limit,
            hold_for,
            resolve_within,
            comment,
        } = defaults;
        let windows = core::mem::take(&mut self.windows);
        let (comment, index) = (comment?, Index::of(&rules));
        Some(Rules {
            mode,
            hold_for,
            cooldown,
            limit,
            max_age,
            resolve_within,
            comment,
            lists: self.lists.kept(),
            windows,
            protections,
            rules,
            index,
            tests,
            test_facts,
        })
    }

    /// Lints that need the file as a whole: what no rule uses, and rules that are never reached.
    fn lint_whole(&mut self, table: &DeTable<'_>, rules: &[Rule]) {
        // Behind an error stands a stand-in, of which nothing can be said.
        let faulty = |finding: &Finding| finding.level != Level::Lint;
        if self.findings.iter().any(faulty) {
            return;
        }
        if let Some(value) = table.get("lists") {
            self.unused_lists(value);
        }
        self.unreachable(rules);
    }

    fn version(&mut self, table: &DeTable<'_>) {
        let Some(value) = table.get("version") else {
            self.error_with(
                code::MISSING_VERSION,
                0..0,
                "the file has no `version`",
                "begin it with `version = 1`",
            );
            return;
        };
        let known = value
            .get_ref()
            .as_integer()
            .is_some_and(|version| version.as_str() == "1");
        if !known {
            self.error(
                code::BAD_VERSION,
                value.span(),
                "this version of scanhook reads `version = 1`",
            );
        }
    }
}

#[cfg(test)]
mod tests;

//! Reads a rules file: the recovering TOML tree, walked by hand so that one run tells every error.

use core::ops::Range;
use core::time::Duration;
use std::collections::{BTreeSet, HashSet};

use toml::de::{DeTable, DeValue};

use super::expect::KnownNames;
use super::hint;
use super::list::ReadList;
use super::walk::{KeyValue, MODES, Node, SCANS, Walk, entries_of};
use crate::comment::{CommentTemplate, TemplateFault};
use crate::plain::one_line;
use crate::rules::condition::Condition;
use crate::rules::finding::{Finding, Level, LineStarts, code, quoted};
use crate::rules::given::TestFacts;
use crate::rules::index::Index;
use crate::rules::rule::{Rule, Times};
use crate::rules::{Loaded, Rules};
use crate::scan::{Mode, Priority};
use crate::verdict::{Cooldown, Limit};

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
const DEFAULTS: &[&str] = &[
    "mode",
    "cooldown",
    "max_age",
    "limit",
    "comment",
    "hold_for",
    "resolve_within",
];
const RULE: &[&str] = &[
    "name", "scan", "priority", "when", "unless", "start", "during", "outside", "mode", "cooldown",
    "limit", "max_age",
];
const COMMENT: &str = "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})";
const HOUR: Duration = Duration::from_secs(3600);

/// `[defaults]`, with the language's own where the file says nothing.
struct Defaults {
    mode: Mode,
    cooldown: Cooldown,
    max_age: Duration,
    limit: Option<Limit>,
    comment: Option<CommentTemplate>,
    hold_for: Duration,
    resolve_within: Duration,
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

/// What is told of a text that is not TOML: one mistake makes a parser stumble several times.
fn told(
    syntax: &[Finding],
    broken: &BTreeSet<usize>,
    lines: &LineStarts,
    text: &str,
) -> Vec<Finding> {
    let mut told = Vec::new();
    for line in broken {
        let hints = lines
            .text(*line, text)
            .map_or_else(Vec::new, |(line, start)| hint::syntax(line, start));
        if !hints.is_empty() {
            told.extend(hints);
            continue;
        }
        let Some(fault) = syntax
            .iter()
            .find(|fault| lines.number(fault.span.start) == *line)
        else {
            continue;
        };
        if let Some(brace) = unclosed(fault, text) {
            // It swallows everything behind it, and nothing there can be believed.
            told.push(brace);
            break;
        }
        told.push(fault.clone());
    }
    told
}

/// The brace before a line that a parser takes for a part of its table.
fn unclosed(fault: &Finding, text: &str) -> Option<Finding> {
    let inside = [
        "missing key for inline table element",
        "missing comma between key-value pairs",
    ];
    let before = text.get(..fault.span.start)?;
    let begins_line = before
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim().is_empty());
    let at = before
        .rfind('{')
        .filter(|_| begins_line && inside.iter().any(|one| fault.message.starts_with(one)))?;
    let (message, remedy) = (
        "this `{` is not closed".to_owned(),
        Some("write the `}` that ends the table".to_owned()),
    );
    Some(Finding {
        span: at..at + 1,
        message,
        remedy,
        ..fault.clone()
    })
}

/// Whether it is only said again of each `[[rule]]` that the first one is written `[rule]`.
fn is_header_again(fault: &Finding, text: &str, walked: &[Finding]) -> bool {
    let word = text.get(fault.span.clone()).unwrap_or_default();
    let first = format!("`{word}` must be a list of tables");
    fault.message.starts_with("duplicate key")
        && walked
            .iter()
            .any(|one| one.code == code::WRONG_TYPE && one.message.starts_with(&first))
}

fn syntax(fault: &toml::de::Error, text: &str) -> Finding {
    let span = fault.span().unwrap_or(text.len()..text.len());
    let message = one_line(fault.message(), 200);
    Finding {
        code: code::SYNTAX,
        level: Level::Error,
        span,
        message,
        remedy: None,
    }
}

/// Where the text is not TOML the tree holds guesses: on that line nothing else is told, and nothing is missed.
fn believable(finding: &Finding, broken: &BTreeSet<usize>, lines: &LineStarts) -> bool {
    let guessed = [
        code::MISSING_KEY,
        code::MISSING_VERSION,
        code::EMPTY,
        code::EMPTY_FILE,
        code::UNKNOWN_RULE,
        code::UNKNOWN_PROTECTION,
        code::UNKNOWN_LIST,
        code::UNKNOWN_WINDOW,
        code::UNUSED_LIST,
    ];
    !guessed.contains(&finding.code) && !broken.contains(&lines.number(finding.span.start))
}

impl Walk<'_> {
    fn file(&mut self, table: &DeTable<'_>, lists: ReadList<'_>) -> Option<Rules> {
        if table.is_empty() {
            let remedy = "a rules file begins with `version = 1`";
            self.error_with(code::EMPTY_FILE, 0..0, "the file says nothing", remedy);
            return None;
        }
        self.version(table);
        for KeyValue { key, span, .. } in entries_of(table)
            .into_iter()
            .filter(|entry| !TOP.contains(&entry.key))
        {
            self.unknown_key(key, span, "a rules file", TOP);
        }
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

    fn defaults(&mut self, value: &Node<'_>) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(table) = self.table(value, "`defaults`") else {
            return defaults;
        };
        for KeyValue { key, span, value } in entries_of(table) {
            match key {
                "mode" => {
                    defaults.mode = self.word(value, "`mode`", MODES).unwrap_or(defaults.mode)
                }
                "cooldown" => defaults.cooldown = self.cooldown(value, defaults.cooldown),
                "max_age" => {
                    defaults.max_age = self
                        .duration(value, "`max_age`", false)
                        .unwrap_or(defaults.max_age)
                }
                "hold_for" => {
                    defaults.hold_for = self
                        .duration(value, "`hold_for`", false)
                        .unwrap_or(defaults.hold_for);
                }
                "resolve_within" => {
                    defaults.resolve_within = self
                        .duration(value, "`resolve_within`", false)
                        .unwrap_or(defaults.resolve_within);
                }
                "limit" => defaults.limit = self.limit(value, defaults.limit),
                "comment" => defaults.comment = self.comment(value),
                key => self.unknown_key(key, span, "`[defaults]`", DEFAULTS),
            }
        }
        defaults
    }

    fn rules(&mut self, table: &DeTable<'_>, defaults: &Defaults) -> Vec<Rule> {
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
    fn cooldown(&mut self, value: &Node<'_>, default: Cooldown) -> Cooldown {
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
    fn limit(&mut self, value: &Node<'_>, default: Option<Limit>) -> Option<Limit> {
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

#[cfg(test)]
mod tests;

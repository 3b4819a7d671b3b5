//! Reads a rules file: the recovering TOML tree, walked by hand so that one run tells every error.

use core::ops::Range;
use core::time::Duration;

use toml::de::{DeTable, DeValue};

use super::condition::Condition;
use super::expect::TestFacts;
use super::finding::{Finding, Level, code, quoted};
use super::walk::{Entry, Node, Walk, entries_of};
use super::{Loaded, Rule, Rules};
use crate::domain::comment::{Template, TemplateFault};
use crate::domain::plain::one_line;
use crate::domain::scan::{Kind, Mode, Priority};
use crate::domain::verdict::{Cooldown, Limit};

const TOP: &[&str] = &["version", "defaults", "rule", "test", "test_facts"];
const DEFAULTS: &[&str] = &["mode", "cooldown", "max_age", "limit", "comment", "hold_for", "resolve_within"];
const RULE: &[&str] = &["name", "scan", "priority", "when", "mode", "cooldown", "limit", "max_age"];
const RULE_LATER: &[&str] = &["start", "during", "outside", "unless", "if_unknown"];
const COMMENT: &str = "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})";
const HOUR: Duration = Duration::from_secs(3600);

pub(super) const MODES: &[(&str, Mode)] = &[
    (Mode::DryRun.code(), Mode::DryRun),
    (Mode::Approve.code(), Mode::Approve),
    (Mode::Enforce.code(), Mode::Enforce),
];
pub(super) const SCANS: &[(&str, Option<Kind>)] =
    &[(Kind::Quick.code(), Some(Kind::Quick)), (Kind::Full.code(), Some(Kind::Full)), ("none", None)];

/// `[defaults]`, with the language's own where the file says nothing.
struct Defaults {
    mode: Mode,
    cooldown: Cooldown,
    max_age: Duration,
    limit: Option<Limit>,
    comment: Option<Template>,
    hold_for: Duration,
    resolve_within: Duration,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            mode: Mode::DryRun,
            cooldown: Cooldown { quick: HOUR, full: 6 * HOUR },
            max_age: 24 * HOUR,
            limit: Some(Limit { scans: 50, per: HOUR }),
            comment: Template::parse(COMMENT).ok(),
            hold_for: 24 * HOUR,
            resolve_within: Duration::from_secs(300),
        }
    }
}

pub(super) fn read(text: &str) -> Result<Loaded, Vec<Finding>> {
    let (tree, faults) = DeTable::parse_recoverable(text);
    let mut walk = Walk { text, findings: Vec::new() };
    let rules = walk.file(tree.get_ref());
    let mut findings = walk.findings;
    if !faults.is_empty() {
        let syntax: Vec<Finding> = faults.iter().map(|fault| syntax(fault, text)).collect();
        findings.retain(|finding| believable(finding, &syntax, text));
        findings.extend(syntax);
    }
    findings.sort_by_key(|finding| finding.span.start);
    match rules {
        Some(rules) if findings.iter().all(|finding| finding.level == Level::Lint) => {
            Ok(Loaded { rules, lints: findings })
        }
        _ => Err(findings),
    }
}

fn syntax(fault: &toml::de::Error, text: &str) -> Finding {
    let span = fault.span().unwrap_or(text.len()..text.len());
    let message = one_line(fault.message(), 200);
    Finding { code: code::SYNTAX, level: Level::Error, span, message, remedy: None }
}

/// Where the text is not TOML the tree holds guesses: on that line nothing else is told, and nothing is missed.
fn believable(finding: &Finding, syntax: &[Finding], text: &str) -> bool {
    let guessed = [code::MISSING_KEY, code::MISSING_VERSION, code::EMPTY, code::EMPTY_FILE, code::UNKNOWN_RULE];
    let line = finding.position(text).0;
    !guessed.contains(&finding.code) && syntax.iter().all(|fault| fault.position(text).0 != line)
}

impl Walk<'_> {
    fn file(&mut self, table: &DeTable<'_>) -> Option<Rules> {
        if table.is_empty() {
            let remedy = "a rules file begins with `version = 1`";
            self.error_with(code::EMPTY_FILE, 0..0, "the file says nothing", remedy);
            return None;
        }
        self.version(table);
        for Entry { key, span, .. } in entries_of(table) {
            match key {
                "lists" => self.not_yet(span, "lists"),
                "windows" => self.not_yet(span, "windows"),
                "protect" => self.not_yet(span, "protections"),
                key if TOP.contains(&key) => {}
                key => self.unknown_key(key, span, "a rules file", TOP),
            }
        }
        let defaults = table.get("defaults").map_or_else(Defaults::default, |value| self.defaults(value));
        let rules = self.rules(table, &defaults);
        let test_facts = table.get("test_facts").map_or_else(TestFacts::default, |value| self.test_facts(value));
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let tests = table.get("test").map_or_else(Vec::new, |value| self.rule_tests(value, &test_facts, &names));
        let Defaults { mode, cooldown, max_age, limit, hold_for, resolve_within, comment } = defaults;
        let comment = comment?;
        Some(Rules { mode, hold_for, cooldown, limit, max_age, resolve_within, comment, rules, tests, test_facts })
    }

    fn version(&mut self, table: &DeTable<'_>) {
        let Some(value) = table.get("version") else {
            self.error_with(code::MISSING_VERSION, 0..0, "the file has no `version`", "begin it with `version = 1`");
            return;
        };
        let known = value.get_ref().as_integer().is_some_and(|version| version.as_str() == "1");
        if !known {
            self.error(code::BAD_VERSION, value.span(), "this version of scanhook reads `version = 1`");
        }
    }

    fn defaults(&mut self, value: &Node<'_>) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(table) = self.table(value, "`defaults`") else { return defaults };
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "mode" => defaults.mode = self.word(value, "`mode`", MODES).unwrap_or(defaults.mode),
                "cooldown" => defaults.cooldown = self.cooldown(value, defaults.cooldown),
                "max_age" => defaults.max_age = self.duration(value, "`max_age`", false).unwrap_or(defaults.max_age),
                "hold_for" => {
                    defaults.hold_for = self.duration(value, "`hold_for`", false).unwrap_or(defaults.hold_for);
                }
                "resolve_within" => {
                    defaults.resolve_within =
                        self.duration(value, "`resolve_within`", false).unwrap_or(defaults.resolve_within);
                }
                "limit" => defaults.limit = self.limit(value, defaults.limit),
                "comment" => defaults.comment = self.comment(value),
                key => self.unknown_key(key, span, "`[defaults]`", DEFAULTS),
            }
        }
        defaults
    }

    fn rules(&mut self, table: &DeTable<'_>, defaults: &Defaults) -> Vec<Rule> {
        let Some(value) = table.get("rule") else { return Vec::new() };
        let mut rules: Vec<Rule> = Vec::new();
        for (table, header) in self.tables(value, "rule") {
            let rule = self.rule(table, header.clone(), defaults);
            if !rule.name.is_empty() && rules.iter().any(|other| other.name == rule.name) {
                let span = table.get("name").map_or(header, |name| name.span());
                self.error(code::DUPLICATE_NAME, span, format!("another rule is already named {}", quoted(&rule.name)));
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
            mode: None,
            cooldown: defaults.cooldown,
            limit: defaults.limit,
            max_age: defaults.max_age,
        };
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "name" => rule.name = self.name(value, "a rule's `name`").unwrap_or_default(),
                "scan" => rule.scan = self.word(value, "`scan`", SCANS).flatten(),
                "priority" => rule.priority = self.priority(value),
                "when" => rule.when = self.condition(value, "`when`"),
                "mode" => rule.mode = self.word(value, "`mode`", MODES),
                "cooldown" => rule.cooldown = self.cooldown(value, defaults.cooldown),
                "limit" => rule.limit = self.limit(value, defaults.limit),
                "max_age" => rule.max_age = self.duration(value, "`max_age`", false).unwrap_or(rule.max_age),
                later if RULE_LATER.contains(&later) => self.not_yet(span, &format!("`{later}`")),
                key => self.unknown_key(key, span, "a rule", RULE),
            }
        }
        for key in ["name", "scan", "when"] {
            if !table.contains_key(key) {
                self.missing_key(header.clone(), "a rule", key);
            }
        }
        rule
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
                cooldown = Cooldown { quick: both, full: both };
            }
            return cooldown;
        };
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "quick" => cooldown.quick = self.duration(value, "`cooldown.quick`", true).unwrap_or(cooldown.quick),
                "full" => cooldown.full = self.duration(value, "`cooldown.full`", true).unwrap_or(cooldown.full),
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
                let what = "a table such as `{ scans = 50, per = \"1h\" }`, or `false` to remove it";
                self.wrong_type(value, "`limit`", what);
                return default;
            }
        };
        let (mut scans, mut per) = (None, None);
        for Entry { key, span, value } in entries_of(table) {
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
        self.lint(code::LIMIT_REMOVED, value.span(), message, "set one that is never reached on a normal day");
        None
    }

    fn comment(&mut self, value: &Node<'_>) -> Option<Template> {
        let text = self.text(value, "`comment`")?;
        match Template::parse(text) {
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::too_many_lines)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::rules::render;

    const HEAD: &str = "version = 1\n";
    const RULE: &str = "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n";

    fn rule(lines: &str) -> String {
        format!("{HEAD}[[rule]]\nname = \"r\"\nscan = \"full\"\n{lines}\n")
    }

    fn when(condition: &str) -> String {
        rule(&format!("when = {{ {condition} }}"))
    }

    fn test(lines: &str) -> String {
        format!("{HEAD}{RULE}[[test]]\nname = \"t\"\n{lines}\n")
    }

    /// Files with one fault each; `‹` stands where the finding must point.
    fn wrong() -> Vec<(&'static str, String)> {
        let expect = "event = { severity = \"high\" }\nexpect = ";
        vec![
            ("syntax", format!("{HEAD}[[rule]]\nname = ‹\n")),
            ("syntax", format!("{HEAD}{RULE}[defaults]\nmode = \"enforce\"\n‹mode = \"approve\"\n")),
            ("empty-file", "‹".to_owned()),
            ("empty-file", "‹# only a comment\n\n".to_owned()),
            ("missing-version", format!("‹{RULE}")),
            ("bad-version", format!("version = ‹2\n{RULE}")),
            ("bad-version", format!("version = ‹\"1\"\n{RULE}")),
            ("unknown-key", format!("{HEAD}{RULE}[‹default]\nmode = \"enforce\"\n")),
            ("unknown-key", format!("{HEAD}[defaults]\n‹max-age = \"1h\"\n")),
            ("unknown-key", rule("‹prioritity = 3\nwhen = { severity = \"high\" }")),
            ("unknown-key", rule("when = { severity = \"high\" }\ncooldown = { ‹fast = \"1h\" }")),
            ("unknown-key", test(&format!("‹expects = {{}}\n{expect}{{ scan = \"full\" }}"))),
            ("unknown-key", test(&format!("{expect}{{ ‹scann = \"full\" }}"))),
            ("missing-key", format!("{HEAD}‹[[rule]]\nname = \"r\"\nscan = \"full\"\n")),
            ("missing-key", format!("{HEAD}{RULE}‹[[test]]\nname = \"t\"\nevent = {{ severity = \"high\" }}\n")),
            ("missing-key", format!("{HEAD}[defaults]\nlimit = ‹{{ scans = 3 }}\n")),
            ("unknown-field", when("‹sevrity = \"high\"")),
            ("unknown-field", when("alert.‹titel.regex = \"x+\"")),
            ("unknown-field", when("any = [ { severity = \"high\" }, { ‹\"alert.kategory\" = \"x\" } ]")),
            ("unknown-field", when("‹alert = \"x\"")),
            ("unknown-field", test("event = { device.‹hostname = \"x\" }\nexpect = { scan = \"full\" }")),
            ("unknown-operator", when("severity.‹ge = \"high\"")),
            ("unknown-operator", when("‹\"alert.title.startswith\" = \"x\"")),
            ("unfit-operator", when("alert.title.‹gte = \"high\"")),
            ("unfit-operator", when("severity.‹regex = \"h.*\"")),
            ("wrong-type", rule("priority = ‹\"90\"\nwhen = { severity = \"high\" }")),
            ("wrong-type", when("alert.id = ‹3212")),
            ("wrong-type", when("alert.title = [ \"a\", ‹[ \"b\" ] ]")),
            ("wrong-type", when("any = ‹{ severity = \"high\" }")),
            ("wrong-type", when("user.exists = ‹\"yes\"")),
            ("wrong-type", format!("{HEAD}‹[rule]\nname = \"r\"\n")),
            ("wrong-type", when("\"/a\".gt = ‹\"3\"")),
            (
                "bad-value",
                format!("{HEAD}[[rule]]\nname = \"r\"\nscan = ‹\"Full\"\nwhen = {{ severity = \"high\" }}\n"),
            ),
            ("bad-value", rule("when = { severity = \"high\" }\nmode = ‹\"dry-run\"")),
            (
                "bad-value",
                format!("{HEAD}[[rule]]\nname = ‹\"a\\nb\"\nscan = \"full\"\nwhen = {{ severity = \"low\" }}\n"),
            ),
            ("bad-value", test(&format!("{expect}{{ state = ‹\"sent\" }}"))),
            ("bad-value", test("event = { device.id = ‹\"lt-042\" }\nexpect = { scan = \"full\" }")),
            ("bad-severity", when("severity.gte = ‹\"hihg\"")),
            ("bad-severity", when("severity = [ \"high\", ‹\"severe\" ]")),
            ("out-of-range", rule("priority = ‹101\nwhen = { severity = \"high\" }")),
            ("out-of-range", format!("{HEAD}[defaults]\nmax_age = ‹\"0s\"\n")),
            ("out-of-range", when("\"/score\".gt = ‹inf")),
            ("bad-duration", format!("{HEAD}[defaults]\ncooldown = {{ quick = ‹\"1 hour\" }}\n")),
            ("bad-time", when("alert.time.gt = ‹2027-12-31T22:00:00")),
            ("bad-time", test(&format!("at = ‹\"tomorrow\"\n{expect}{{ scan = \"full\" }}"))),
            ("bad-regex", when("alert.title.regex = ‹'(unclosed'")),
            ("bad-regex", when("alert.title.regex = ‹'a{1000}{1000}{1000}'")),
            ("bad-pointer", when("‹\"/a~b\" = 1")),
            ("empty", rule("when = ‹{}")),
            ("empty", when("any = ‹[]")),
            ("empty", when("none = [ ‹{} ]")),
            ("empty", when("alert.category = ‹[]")),
            ("empty", when("alert.title.contains = ‹\"\"")),
            ("empty", test(&format!("{expect}‹{{}}"))),
            ("duplicate-name", format!("{HEAD}{RULE}{}", RULE.replace("\"r\"", "‹\"r\""))),
            ("unknown-rule", test(&format!("{expect}{{ rule = ‹\"R\" }}"))),
            ("bad-template", format!("{HEAD}[defaults]\ncomment = \"{{alert.id}} ü ‹{{alert.name}}\"\n")),
            ("bad-template", format!("{HEAD}[defaults]\ncomment = \"‹no alert\"\n")),
            ("bad-test", format!("{HEAD}{RULE}‹[[test]]\nname = \"t\"\nexpect = {{ scan = \"full\" }}\n")),
            ("bad-test", test(&format!("payload_file = ‹\"a.json\"\nsource = \"s\"\n{expect}{{ scan = \"full\" }}"))),
            ("bad-test", test(&format!("‹after = \"1h\"\n{expect}{{ scan = \"full\" }}"))),
            ("bad-test", format!("{HEAD}{RULE}[test_facts]\nos = \"x\"\n‹\"/x\" = \"high\"\n")),
            ("not-yet", format!("{HEAD}[‹lists.a]\nvalues = []\n")),
            ("not-yet", format!("{HEAD}[‹windows.nights]\ndays = []\n")),
            ("not-yet", format!("{HEAD}[[‹protect]]\nname = \"p\"\n")),
            ("not-yet", rule("‹start = \"nights\"\nwhen = { severity = \"high\" }")),
            ("not-yet", rule("‹during = \"nights\"\nwhen = { severity = \"high\" }")),
            ("not-yet", rule("‹outside = \"nights\"\nwhen = { severity = \"high\" }")),
            ("not-yet", rule("when = { severity = \"high\" }\n‹unless = { user = \"x\" }")),
            ("not-yet", rule("when = { severity = \"high\" }\n‹if_unknown = \"skip\"")),
            ("not-yet", when("device.name = ‹\"@crown_jewels\"")),
            ("not-yet", when("device.name.‹glob = \"dc-*\"")),
            ("not-yet", when("device.ip.‹cidr = \"10.0.0.0/8\"")),
            ("not-yet", when("alert.category.‹all_of = [\"a\"]")),
            ("not-yet", when("alert.time.‹older_than = \"1h\"")),
            ("not-yet", test(&format!("{expect}{{ ‹protect = \"p\" }}"))),
            ("limit-removed", rule("when = { severity = \"high\" }\nlimit = ‹false")),
            ("limit-removed", rule("when = { severity = \"high\" }\nlimit = ‹\"none\"")),
            ("literal-regex", when("alert.title.regex = ‹\"mimikatz\"")),
        ]
    }

    #[test]
    fn every_fault_has_its_code_and_points_at_its_line_and_column() {
        for (code, marked) in wrong() {
            let at = marked.find('‹').unwrap();
            let text = marked.replace('‹', "");
            let findings = Rules::parse(&text).map_or_else(|errors| errors, |loaded| loaded.lints);
            let [finding] = findings.as_slice() else { panic!("{} in\n{text}", render(&findings, "r", &text, false)) };
            assert_eq!(finding.code, code, "{text}\n{}", finding.message);
            let before = &marked[..at];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let position = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
            assert_eq!(finding.position(&text), position, "{text}\n{}", finding.message);
            let lint = Finding::CODES.iter().any(|(name, meaning)| *name == code && meaning.starts_with("lint:"));
            assert_eq!(finding.level == Level::Lint, lint, "{code}");
        }
    }

    #[test]
    fn every_code_has_an_example_above() {
        let shown: BTreeSet<&str> = wrong().iter().map(|(code, _)| *code).collect();
        let known: BTreeSet<&str> = Finding::CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(shown, known);
    }

    #[test]
    fn all_errors_of_a_file_are_told_in_one_run_in_file_order() {
        let text = "version = 3\n[defaults]\nmode = \"on\"\n[[rule]]\nname = \"a\"\nscan = \"ful\"\n\
                    when = { sevrity = \"high\", alert.title.regex = \"(\" }\n[[rules]]\nx = 1\n";
        let codes: Vec<&str> = Rules::parse(text).unwrap_err().iter().map(|finding| finding.code).collect();
        let wanted = ["bad-version", "bad-value", "bad-value", "unknown-field", "bad-regex", "unknown-key"];
        assert_eq!(codes, wanted);
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_right_one() {
        for (text, meant) in [
            (when("sevrity = \"high\""), "did you mean `severity`?"),
            (when("title = \"x\""), "did you mean `alert.title`?"),
            (when("severity.ge = \"high\""), "did you mean `gte`?"),
            (when("severity = \"hihg\""), "did you mean `high`?"),
            (rule("prority = 3\nwhen = { severity = \"high\" }"), "did you mean `priority`?"),
            (test("event = { severity = \"high\" }\nexpect = { rule = \"R\" }"), "did you mean `r`?"),
        ] {
            let errors = Rules::parse(&text).unwrap_err();
            let remedy = errors[0].remedy.as_deref().unwrap_or_default();
            assert!(remedy.contains(meant), "{remedy}");
        }
        let errors = Rules::parse(&when("banana = 1")).unwrap_err();
        assert!(errors[0].remedy.as_deref().unwrap_or_default().contains("device.aad_id"), "lists the known fields");
    }

    #[test]
    fn a_file_that_is_not_toml_still_tells_its_other_errors() {
        let text = "version = 1\n[[rule]]\nname = \"a\nscan = \"full\"\nwhen = { sevrity = \"high\" }\n";
        let codes: Vec<&str> = Rules::parse(text).unwrap_err().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["syntax", "unknown-field"]);
    }

    #[test]
    fn defaults_are_those_of_the_language_and_a_rule_overrides_them() {
        let text = "version = 1\n[[rule]]\nname = \"a\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n\
                    [[rule]]\nname = \"b\"\nscan = \"quick\"\nwhen.severity = \"low\"\ncooldown.quick = \"2h\"\n\
                    limit = { scans = 3, per = \"1d\" }\nmax_age = \"15m\"\n";
        let rules = Rules::parse(text).unwrap().rules;
        assert_eq!((rules.mode, rules.hold_for), (Mode::DryRun, 24 * HOUR));
        let [a, b] = rules.rules.as_slice() else { panic!("two rules") };
        assert_eq!(a.cooldown, Cooldown { quick: HOUR, full: 6 * HOUR });
        assert_eq!((a.limit, a.max_age), (Some(Limit { scans: 50, per: HOUR }), 24 * HOUR));
        assert_eq!(b.cooldown, Cooldown { quick: 2 * HOUR, full: 6 * HOUR });
        assert_eq!((b.limit, b.max_age), (Some(Limit { scans: 3, per: 24 * HOUR }), HOUR / 4));
    }

    /// A file that touches every part of the language of this version.
    const WHOLE: &str = include_str!("whole.toml");

    #[test]
    fn a_limit_may_be_removed_and_the_file_is_still_used() {
        let loaded = Rules::parse(&rule("when = { severity = \"high\" }\nlimit = false")).unwrap();
        assert_eq!(loaded.rules.rules[0].limit, None);
        assert_eq!(loaded.lints.len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(edits in proptest::collection::vec((0usize..4000, 0usize..40, ".{0,12}|[\\[\\]{}=.,\"'@/#\\n0-9a-z_ ]{0,12}"), 1..6)) {
            let mut text: Vec<char> = WHOLE.chars().collect();
            for (at, length, new) in edits {
                let start = at.min(text.len());
                let end = (start + length).min(text.len());
                text.splice(start..end, new.chars());
            }
            let text: String = text.into_iter().collect();
            let findings = Rules::parse(&text).map_or_else(|errors| errors, |loaded| loaded.lints);
            prop_assert!(findings.iter().all(|finding| finding.span.start <= finding.span.end));
            prop_assert_eq!(render(&findings, "rules.toml", &text, true).is_empty(), findings.is_empty());
        }
    }
}

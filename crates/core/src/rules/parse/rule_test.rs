//! Reads `[[test]]` and its steps: what arrives, and when.

use core::ops::Range;
use core::time::Duration;
use std::collections::HashSet;

use toml::de::DeTable;

use super::expect::KnownNames;
use super::scalar::MODES;
use super::walk::{Keys, Node, Walk};
use crate::rules::expect::{Given, Payload, RuleTest, TestStep};
use crate::rules::finding::{code, quoted};
use crate::rules::given::TestFacts;

/// What a test or one of its steps says happens.
#[derive(Default)]
struct Happening<'v, 'i> {
    event: Option<&'v Node<'i>>,
    source: Option<&'v Node<'i>>,
    file: Option<&'v Node<'i>>,
    expect: Option<&'v Node<'i>>,
}

impl<'v, 'i> Happening<'v, 'i> {
    fn of(table: &'v DeTable<'i>) -> Self {
        Happening {
            event: table.get("event"),
            source: table.get("source"),
            file: table.get("payload_file"),
            expect: table.get("expect"),
        }
    }
}

impl Walk<'_> {
    pub(super) fn rule_tests(
        &mut self,
        value: &Node<'_>,
        facts: &TestFacts,
        names: &KnownNames<'_>,
    ) -> Vec<RuleTest> {
        let mut tests: Vec<RuleTest> = Vec::new();
        let mut taken = HashSet::new();
        for (table, header) in self.tables(value, "test") {
            let test = self.rule_test(table, header.clone(), facts, names);
            if !test.name.is_empty() && !taken.insert(test.name.clone()) {
                let span = table.get("name").map_or(header, |name| name.span());
                self.error(
                    code::DUPLICATE_NAME,
                    span,
                    format!("another test is already named {}", quoted(&test.name)),
                );
            }
            tests.push(test);
        }
        tests
    }

    fn rule_test(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        facts: &TestFacts,
        names: &KnownNames<'_>,
    ) -> RuleTest {
        let mut test = RuleTest {
            name: String::new(),
            mode: None,
            at: None,
            steps: Vec::new(),
            span: span.clone(),
        };
        let mut keys = Keys::within(table);
        if let Some(value) = keys.take("name") {
            test.name = self.name(value, "a test's `name`").unwrap_or_default();
        }
        keys.pass(&["event", "expect", "step"]);
        test.at = keys.take("at").and_then(|value| self.time(value, "`at`"));
        test.mode = keys
            .take("mode")
            .and_then(|value| self.word(value, "`mode`", MODES));
        keys.pass(&["source", "payload_file"]);
        if let Some((span, _)) = keys.remove("after") {
            let message = "`after` belongs into a step: `[[test.step]]`";
            self.error(code::BAD_TEST, span, message);
        }
        self.no_other_key(&keys, "a test");
        if !table.contains_key("name") {
            self.missing_key(span.clone(), "a test", "name");
        }
        let whole = Happening::of(table);
        match table.get("step") {
            Some(steps) => {
                let beside = [whole.event, whole.source, whole.file, whole.expect]
                    .into_iter()
                    .flatten()
                    .next();
                if let Some(beside) = beside {
                    let message =
                        "a test with steps says in each step what arrives and what is expected";
                    self.error(code::BAD_TEST, beside.span(), message);
                }
                test.steps = self.steps(steps, facts, names);
            }
            None => test
                .steps
                .extend(self.step(&whole, Duration::ZERO, span, facts, names)),
        }
        test
    }

    fn steps(
        &mut self,
        value: &Node<'_>,
        facts: &TestFacts,
        names: &KnownNames<'_>,
    ) -> Vec<TestStep> {
        let mut steps = Vec::new();
        let tables = self.tables(value, "test.step");
        if tables.is_empty() {
            self.error(code::EMPTY, value.span(), "the test has no step");
        }
        for (table, header) in tables {
            let mut keys = Keys::within(table);
            let after = keys
                .take("after")
                .and_then(|value| self.duration(value, "`after`", true))
                .unwrap_or(Duration::ZERO);
            keys.pass(&["event", "expect", "source", "payload_file"]);
            self.no_other_key(&keys, "a step");
            steps.extend(self.step(&Happening::of(table), after, header, facts, names));
        }
        steps
    }

    fn step(
        &mut self,
        what: &Happening<'_, '_>,
        after: Duration,
        span: Range<usize>,
        facts: &TestFacts,
        names: &KnownNames<'_>,
    ) -> Option<TestStep> {
        let expect = match what.expect {
            Some(expect) => self.expect(expect, names),
            None => {
                self.missing_key(span.clone(), "a test", "expect");
                None
            }
        };
        let given = match (what.event, what.file) {
            (Some(event), None) => {
                if let Some(source) = what.source {
                    let message = "`source` says how a `payload_file` is read; in an event write `source` inside it";
                    self.error(code::BAD_TEST, source.span(), message);
                }
                self.event(event, facts)
                    .map(|event| Given::Event(Box::new(event)))
            }
            (None, Some(file)) => self.payload(file, what.source, span).map(Given::Payload),
            (Some(_), Some(file)) => {
                self.error(
                    code::BAD_TEST,
                    file.span(),
                    "a test has either an `event` or a `payload_file`",
                );
                None
            }
            (None, None) => {
                self.error(
                    code::BAD_TEST,
                    span,
                    "nothing arrives: a test needs an `event` or a `payload_file`",
                );
                None
            }
        };
        Some(TestStep {
            after,
            given: given?,
            expect: expect?,
        })
    }

    fn payload(
        &mut self,
        file: &Node<'_>,
        source: Option<&Node<'_>>,
        span: Range<usize>,
    ) -> Option<Payload> {
        let Some(source) = source else {
            self.missing_key(span, "a `payload_file`", "source");
            return None;
        };
        let source = self.name(source, "`source`")?;
        let name = self.text(file, "`payload_file`")?;
        if name.is_empty() {
            self.error(code::EMPTY, file.span(), "`payload_file` is empty");
        }
        Some(Payload {
            source,
            file: name.to_owned(),
            span: file.span(),
        })
    }
}

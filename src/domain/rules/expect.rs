//! The tests embedded in a rules file: what is given, and what is expected of the policy.

use core::ops::Range;
use core::time::Duration;
use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::event::{Facts, MachineFacts, OwnedEvent};
use super::field::{Field, Named, Reading};
use super::finding::{code, quoted, suggest};
use super::read::{MODES, SCANS};
use super::walk::{Entry, Node, Walk, entries_of};
use crate::domain::alert::{Alert, Device, MachineId};
use crate::domain::json::Json;
use crate::domain::scan::{DecisionState, Kind, Mode, Priority, Reason};
use crate::domain::time::Timestamp;

const TEST: &[&str] = &["name", "event", "expect", "step", "at", "mode", "source", "payload_file"];
const STEP: &[&str] = &["after", "event", "expect", "source", "payload_file"];
const EXPECT: &[&str] = &["rule", "scan", "priority", "state", "reason", "comment_contains"];
/// The value by which a test says that a fact cannot be known.
const UNKNOWN: &str = "unknown";

/// One `[[test]]`.
#[derive(Clone, Debug)]
pub struct RuleTest {
    /// Its name, unique in the file.
    pub name: String,
    /// The mode it runs in; `None`: enforce.
    pub mode: Option<Mode>,
    /// The time of its first step; `None`: any.
    pub at: Option<Timestamp>,
    /// What happens, in order; at least one.
    pub steps: Vec<Step>,
    /// The bytes of its header in the file.
    pub span: Range<usize>,
}

/// One step of a test.
#[derive(Clone, Debug)]
pub struct Step {
    /// Time since the step before.
    pub after: Duration,
    /// What arrives.
    pub given: Given,
    /// What is expected.
    pub expect: Expect,
}

/// What arrives in a step.
#[derive(Clone, Debug)]
pub enum Given {
    /// An event written in the file.
    Event(Box<OwnedEvent>),
    /// A captured delivery, to be read through its source.
    Payload(Payload),
}

/// A captured delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// A configured source, else a preset.
    pub source: String,
    /// The file, relative to the rules file.
    pub file: String,
    /// The bytes of the file's name in the rules file.
    pub span: Range<usize>,
}

/// What a step expects; what is left out is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// The rule that wins.
    pub rule: Option<String>,
    /// The scan; `Some(None)`: no scan.
    pub scan: Option<Option<Kind>>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// The decision's state.
    pub state: Option<DecisionState>,
    /// The decision's reason.
    pub reason: Option<Reason>,
    /// A part of the comment.
    pub comment_contains: Option<String>,
}

/// What tests know of a device that they do not describe: an unremarkable machine, or what `[test_facts]` says.
#[derive(Clone, Debug)]
pub(super) struct TestFacts {
    device: Device,
    facts: MachineFacts,
    /// Fields said to be unknown.
    unknown: BTreeSet<String>,
}

impl Default for TestFacts {
    fn default() -> Self {
        let text = |text: &str| Reading::Present(text.to_owned());
        let facts = MachineFacts {
            id: Reading::Absent,
            name: Reading::Absent,
            ips: Reading::Absent,
            aad_id: Reading::Absent,
            tags: Reading::Present(Vec::new()),
            group: text(""),
            os: text("Windows11"),
            health: text("Active"),
        };
        TestFacts { device: Device::default(), facts, unknown: BTreeSet::new() }
    }
}

impl TestFacts {
    /// Adds what the event does not say.
    pub(super) fn complete(&self, event: &mut OwnedEvent) {
        if event.facts == Facts::NotAsked {
            event.facts = Facts::Known(self.facts.clone());
        }
        let (device, given) = (&mut event.device, &self.device);
        for (field, missing) in [
            (Named::DeviceId, device.machine.is_none()),
            (Named::DeviceName, device.name.is_none()),
            (Named::DeviceIp, device.ip.is_none()),
            (Named::DeviceAadId, device.aad_id.is_none()),
        ] {
            if missing && self.unknown.contains(field.code()) {
                event.alert.unusable.insert(field.code().to_owned());
            }
        }
        device.machine = device.machine.take().or_else(|| given.machine.clone());
        device.name = device.name.take().or_else(|| given.name.clone());
        device.ip = device.ip.take().or_else(|| given.ip.clone());
        device.aad_id = device.aad_id.take().or_else(|| given.aad_id.clone());
        if let Facts::Known(facts) = &mut event.facts {
            facts.identify(device);
        }
    }
}

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
    pub(super) fn test_facts(&mut self, value: &Node<'_>) -> TestFacts {
        let mut facts = TestFacts::default();
        let Some(table) = self.table(value, "`test_facts`") else { return facts };
        let mut event = blank(&facts);
        // Device facts go by their own name here, `os`, as well as by the field's, `device.os`.
        for entry in entries_of(table) {
            let group = (!entry.key.starts_with("device") && !entry.key.starts_with('/')).then_some("device");
            for entry in self.fields(vec![entry], group) {
                match &entry.field {
                    Field::Named(named) if named.is_device() && entry.operator.is_none() => {
                        self.event_value(*named, entry.value, &mut event);
                    }
                    field => {
                        let message = format!("{} is no fact of a device", quoted(field.name()));
                        self.error(code::BAD_TEST, entry.span, message);
                    }
                }
            }
        }
        facts.unknown = event.alert.unusable;
        facts.device = event.device;
        if let Facts::Known(known) = event.facts {
            facts.facts = known;
        }
        facts
    }

    pub(super) fn rule_tests(&mut self, value: &Node<'_>, facts: &TestFacts, rules: &[&str]) -> Vec<RuleTest> {
        let mut tests: Vec<RuleTest> = Vec::new();
        for (table, header) in self.tables(value, "test") {
            let test = self.rule_test(table, header.clone(), facts, rules);
            if !test.name.is_empty() && tests.iter().any(|other| other.name == test.name) {
                let span = table.get("name").map_or(header, |name| name.span());
                self.error(code::DUPLICATE_NAME, span, format!("another test is already named {}", quoted(&test.name)));
            }
            tests.push(test);
        }
        tests
    }

    fn rule_test(&mut self, table: &DeTable<'_>, span: Range<usize>, facts: &TestFacts, rules: &[&str]) -> RuleTest {
        let mut test = RuleTest { name: String::new(), mode: None, at: None, steps: Vec::new(), span: span.clone() };
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "name" => test.name = self.name(value, "a test's `name`").unwrap_or_default(),
                "mode" => test.mode = self.word(value, "`mode`", MODES),
                "at" => test.at = self.time(value, "`at`"),
                "after" => self.error(code::BAD_TEST, span, "`after` belongs into a step: `[[test.step]]`"),
                key if TEST.contains(&key) => {}
                key => self.unknown_key(key, span, "a test", TEST),
            }
        }
        if !table.contains_key("name") {
            self.missing_key(span.clone(), "a test", "name");
        }
        let whole = Happening::of(table);
        match table.get("step") {
            Some(steps) => {
                let beside = [whole.event, whole.source, whole.file, whole.expect].into_iter().flatten().next();
                if let Some(beside) = beside {
                    let message = "a test with steps says in each step what arrives and what is expected";
                    self.error(code::BAD_TEST, beside.span(), message);
                }
                test.steps = self.steps(steps, facts, rules);
            }
            None => test.steps.extend(self.step(&whole, Duration::ZERO, span, facts, rules)),
        }
        test
    }

    fn steps(&mut self, value: &Node<'_>, facts: &TestFacts, rules: &[&str]) -> Vec<Step> {
        let mut steps = Vec::new();
        let tables = self.tables(value, "test.step");
        if tables.is_empty() {
            self.error(code::EMPTY, value.span(), "the test has no step");
        }
        for (table, header) in tables {
            let mut after = Duration::ZERO;
            for Entry { key, span, value } in entries_of(table) {
                match key {
                    "after" => after = self.duration(value, "`after`", true).unwrap_or(after),
                    key if STEP.contains(&key) => {}
                    key => self.unknown_key(key, span, "a step", STEP),
                }
            }
            steps.extend(self.step(&Happening::of(table), after, header, facts, rules));
        }
        steps
    }

    fn step(
        &mut self,
        what: &Happening<'_, '_>,
        after: Duration,
        span: Range<usize>,
        facts: &TestFacts,
        rules: &[&str],
    ) -> Option<Step> {
        let expect = match what.expect {
            Some(expect) => self.expect(expect, rules),
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
                self.event(event, facts).map(|event| Given::Event(Box::new(event)))
            }
            (None, Some(file)) => self.payload(file, what.source, span).map(Given::Payload),
            (Some(_), Some(file)) => {
                self.error(code::BAD_TEST, file.span(), "a test has either an `event` or a `payload_file`");
                None
            }
            (None, None) => {
                self.error(code::BAD_TEST, span, "nothing arrives: a test needs an `event` or a `payload_file`");
                None
            }
        };
        Some(Step { after, given: given?, expect: expect? })
    }

    fn payload(&mut self, file: &Node<'_>, source: Option<&Node<'_>>, span: Range<usize>) -> Option<Payload> {
        let Some(source) = source else {
            self.missing_key(span, "a `payload_file`", "source");
            return None;
        };
        let source = self.name(source, "`source`")?;
        let name = self.text(file, "`payload_file`")?;
        if name.is_empty() {
            self.error(code::EMPTY, file.span(), "`payload_file` is empty");
        }
        Some(Payload { source, file: name.to_owned(), span: file.span() })
    }

    fn expect(&mut self, value: &Node<'_>, rules: &[&str]) -> Option<Expect> {
        let table = self.table(value, "`expect`")?;
        if table.is_empty() {
            self.error(code::EMPTY, value.span(), "`expect` is empty: such a test cannot fail");
        }
        let states: Vec<_> = DecisionState::ALL.iter().map(|state| (state.code(), *state)).collect();
        let reasons: Vec<_> = Reason::ALL.iter().map(|reason| (reason.code(), *reason)).collect();
        let mut expect = Expect::default();
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "rule" => expect.rule = self.expected_rule(value, rules),
                "scan" => expect.scan = self.word(value, "`scan`", SCANS),
                "priority" => expect.priority = self.priority(value),
                "state" => expect.state = self.word(value, "`state`", &states),
                "reason" => expect.reason = self.word(value, "`reason`", &reasons),
                "comment_contains" => {
                    expect.comment_contains = self.text(value, "`comment_contains`").map(str::to_owned);
                }
                "protect" => self.not_yet(span, "protections"),
                key => self.unknown_key(key, span, "`expect`", EXPECT),
            }
        }
        Some(expect)
    }

    fn expected_rule(&mut self, value: &Node<'_>, rules: &[&str]) -> Option<String> {
        let name = self.text(value, "`rule`")?;
        if !rules.contains(&name) {
            let message = format!("no rule is named {}", quoted(name));
            self.error_with(code::UNKNOWN_RULE, value.span(), message, suggest(name, rules));
        }
        Some(name.to_owned())
    }

    fn event(&mut self, value: &Node<'_>, facts: &TestFacts) -> Option<OwnedEvent> {
        let table = self.table(value, "`event`")?;
        let mut event = blank(facts);
        for entry in self.fields(entries_of(table), None) {
            match (&entry.field, entry.operator) {
                (field, Some(_)) => {
                    let message = format!("an event gives `{}` a value, without an operator", field.name());
                    self.error(code::BAD_TEST, entry.span, message);
                }
                (Field::Named(named), None) => self.event_value(*named, entry.value, &mut event),
                (Field::Pointer { text, .. }, None) => {
                    if let Some(json) = self.json(entry.value, text) {
                        place(event.body.get_or_insert_with(|| Json::Object(Vec::new())), text, json);
                    }
                }
            }
        }
        // In the field every event has a source, so the rule that matches every source must match here too.
        if event.source.is_empty() {
            "test".clone_into(&mut event.source);
        }
        if event.preset.is_empty() {
            event.preset.clone_from(&event.source);
        }
        if event.alert.id.is_empty() {
            "test".clone_into(&mut event.alert.id);
            event.alert.id_derived = true;
        }
        event.alert.dedupe.clone_from(&event.alert.id);
        facts.complete(&mut event);
        event.alert.devices = vec![event.device.clone()];
        Some(event)
    }

    /// Gives one field of an event its value.
    fn event_value(&mut self, named: Named, value: &Node<'_>, event: &mut OwnedEvent) {
        let what = format!("`{}`", named.code());
        if named.is_device() && value.get_ref().as_str() == Some(UNKNOWN) {
            set_unknown(named, event);
            return;
        }
        match named {
            Named::ReportedName | Named::ReportedIp => {
                let said = if named == Named::ReportedName { "device.name" } else { "device.ip" };
                self.not_yet(value.span(), &format!("{what} in an event (`{said}` is what the alert says)"));
            }
            Named::Severity if value.get_ref().as_str() == Some(UNKNOWN) => event.alert.severity = None,
            Named::Severity => event.alert.severity = self.severity(value, &what),
            Named::AlertTime => event.alert.time = self.time(value, &what),
            Named::DeviceId => {
                let text = self.text(value, &what);
                event.device.machine = text.and_then(MachineId::parse);
                if text.is_some() && event.device.machine.is_none() {
                    self.error(code::BAD_VALUE, value.span(), format!("{what} must be 40 hex digits"));
                }
            }
            _ if named.is_list() => {
                let texts = self.texts(value, &what);
                match (named, &mut event.facts) {
                    (Named::AlertCategory, _) => event.alert.category = texts,
                    (Named::AlertTechniques, _) => event.alert.techniques = texts,
                    (_, Facts::Known(facts)) => facts.tags = Reading::Present(texts),
                    (_, Facts::NotAsked | Facts::Silent) => {}
                }
            }
            _ => {
                if let Some(text) = self.text(value, &what).map(str::to_owned) {
                    set_text(named, text, event);
                }
            }
        }
    }

    /// A list of texts, or one.
    fn texts(&mut self, value: &Node<'_>, what: &str) -> Vec<String> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.text(value, what).map(str::to_owned).into_iter().collect();
        };
        array.iter().filter_map(|element| self.text(element, what).map(str::to_owned)).collect()
    }

    /// A value of the raw body.
    fn json(&mut self, value: &Node<'_>, what: &str) -> Option<Json<'static>> {
        Some(match value.get_ref() {
            DeValue::String(text) => Json::Text(text.to_string().into()),
            DeValue::Integer(number) if number.radix() == 10 => Json::Number(number.as_str().to_owned().into()),
            DeValue::Float(number) => Json::Number(number.as_str().to_owned().into()),
            DeValue::Boolean(value) => Json::Bool(*value),
            DeValue::Array(array) => {
                Json::List(array.iter().map(|element| self.json(element, what)).collect::<Option<_>>()?)
            }
            DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                self.wrong_type(value, &quoted(what), "text, a decimal number, `true` or `false`, or a list of them");
                return None;
            }
        })
    }
}

/// An event of which nothing has been said yet.
fn blank(facts: &TestFacts) -> OwnedEvent {
    OwnedEvent {
        source: String::new(),
        preset: String::new(),
        tenant: "default".to_owned(),
        alert: Alert::default(),
        device: Device::default(),
        facts: Facts::Known(facts.facts.clone()),
        body: None,
    }
}

/// Says that a fact of the device cannot be known.
fn set_unknown(named: Named, event: &mut OwnedEvent) {
    match (named, &mut event.facts) {
        (Named::DeviceTags, Facts::Known(facts)) => facts.tags = Reading::Unknown,
        (Named::DeviceGroup, Facts::Known(facts)) => facts.group = Reading::Unknown,
        (Named::DeviceOs, Facts::Known(facts)) => facts.os = Reading::Unknown,
        (Named::DeviceHealth, Facts::Known(facts)) => facts.health = Reading::Unknown,
        _ => {
            event.alert.unusable.insert(named.code().to_owned());
        }
    }
}

fn set_text(named: Named, text: String, event: &mut OwnedEvent) {
    match named {
        Named::Source => event.source = text,
        Named::Preset => event.preset = text,
        Named::Tenant => event.tenant = text,
        Named::User => event.alert.user = Some(text),
        Named::AlertId => event.alert.id = text,
        Named::AlertTitle => event.alert.title = Some(text),
        Named::AlertStatus => event.alert.status = Some(text),
        Named::AlertDetector => event.alert.detector = Some(text),
        Named::DeviceName => event.device.name = Some(text),
        Named::DeviceIp => event.device.ip = Some(text),
        Named::DeviceAadId => event.device.aad_id = Some(text),
        Named::DeviceGroup | Named::DeviceOs | Named::DeviceHealth => {
            if let Facts::Known(facts) = &mut event.facts {
                let fact = match named {
                    Named::DeviceGroup => &mut facts.group,
                    Named::DeviceOs => &mut facts.os,
                    _ => &mut facts.health,
                };
                *fact = Reading::Present(text);
            }
        }
        _ => {}
    }
}

/// Puts a value at a JSON pointer's place, making the objects on the way.
fn place(root: &mut Json<'static>, pointer: &str, value: Json<'static>) {
    let mut at = root;
    for raw in pointer.split('/').skip(1) {
        let key = raw.replace("~1", "/").replace("~2", "*").replace("~0", "~");
        if !matches!(at, Json::Object(_)) {
            *at = Json::Object(Vec::new());
        }
        let Json::Object(members) = at else { return };
        let found = members.iter().position(|(name, _)| *name == key).unwrap_or(members.len());
        if found == members.len() {
            members.push((key.into(), Json::Null));
        }
        let Some((_, member)) = members.get_mut(found) else { return };
        at = member;
    }
    *at = value;
}

//! The tests embedded in a rules file: what is given, and what is expected of the policy.

use core::ops::Range;
use core::time::Duration;
use std::collections::HashSet;

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
const EXPECT: &[&str] = &["rule", "scan", "priority", "protect", "state", "reason", "comment_contains"];
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
    /// The protections that apply.
    pub protect: Option<Protected>,
    /// The decision's state.
    pub state: Option<DecisionState>,
    /// The decision's reason.
    pub reason: Option<Reason>,
    /// A part of the comment.
    pub comment_contains: Option<String>,
}

/// Which protections a step expects to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protected {
    /// This one, and perhaps others.
    By(String),
    /// Exactly these.
    Exactly(Vec<String>),
}

/// The names that tests can expect.
pub(super) struct Names<'r> {
    pub(super) rules: Vec<&'r str>,
    pub(super) protections: Vec<&'r str>,
}

/// What tests know of a device that they do not describe: an unremarkable machine, or what `[test_facts]` says.
#[derive(Clone, Debug)]
pub(super) struct TestFacts(MachineFacts);

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
        TestFacts(facts)
    }
}

impl TestFacts {
    /// Lets the directory answer for a captured delivery: what it claims of the machine's identity is so.
    pub(super) fn answer(&self, event: &mut OwnedEvent) {
        let mut facts = self.0.clone();
        facts.identify(&event.device);
        let MachineFacts { id, name, ips, aad_id, .. } = &self.0;
        facts.id = either(facts.id, id);
        facts.name = either(facts.name, name);
        facts.ips = either(facts.ips, ips);
        facts.aad_id = either(facts.aad_id, aad_id);
        event.facts = Facts::Known(facts);
    }
}

/// What the delivery says, else what the test facts say.
fn either<T: Clone>(said: Reading<T>, otherwise: &Reading<T>) -> Reading<T> {
    if said.is_absent() { otherwise.clone() } else { said }
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
        // Device facts go by their own name here, `os`, as well as by the field's, `device.os`.
        for entry in entries_of(table) {
            let group = (!entry.key.starts_with("device") && !entry.key.starts_with('/')).then_some("device");
            for entry in self.fields(vec![entry], group) {
                match &entry.field {
                    Field::Named(named) if named.is_device() && entry.operator.is_none() => {
                        self.fact(*named, entry.value, &mut facts.0);
                    }
                    field => {
                        let message = format!("{} is no fact of a device", quoted(field.name()));
                        self.error(code::BAD_TEST, entry.span, message);
                    }
                }
            }
        }
        facts
    }

    /// What the directory says of a device.
    fn fact(&mut self, named: Named, value: &Node<'_>, facts: &mut MachineFacts) {
        let what = format!("`{}`", named.code());
        let unknown = value.get_ref().as_str() == Some(UNKNOWN);
        let text = |walk: &mut Self| {
            if unknown {
                Some(Reading::Unknown)
            } else {
                walk.text(value, &what).map(|t| Reading::Present(t.to_owned()))
            }
        };
        match named {
            Named::DeviceId if unknown => facts.id = Reading::Unknown,
            Named::DeviceId => {
                let text = self.text(value, &what);
                facts.id = Reading::or_absent(text.and_then(MachineId::parse));
                if text.is_some() && facts.id.is_absent() {
                    self.error(code::BAD_VALUE, value.span(), format!("{what} must be 40 hex digits"));
                }
            }
            Named::DeviceIp if unknown => facts.ips = Reading::Unknown,
            Named::DeviceIp => facts.ips = Reading::Present(self.texts(value, &what)),
            Named::DeviceTags if unknown => facts.tags = Reading::Unknown,
            Named::DeviceTags => facts.tags = Reading::Present(self.texts(value, &what)),
            Named::DeviceName => facts.name = text(self).unwrap_or(Reading::Absent),
            Named::DeviceAadId => facts.aad_id = text(self).unwrap_or(Reading::Absent),
            Named::DeviceGroup => facts.group = text(self).unwrap_or(Reading::Absent),
            Named::DeviceOs => facts.os = text(self).unwrap_or(Reading::Absent),
            Named::DeviceHealth => facts.health = text(self).unwrap_or(Reading::Absent),
            _ => {}
        }
    }

    pub(super) fn rule_tests(&mut self, value: &Node<'_>, facts: &TestFacts, names: &Names<'_>) -> Vec<RuleTest> {
        let mut tests: Vec<RuleTest> = Vec::new();
        let mut taken = HashSet::new();
        for (table, header) in self.tables(value, "test") {
            let test = self.rule_test(table, header.clone(), facts, names);
            if !test.name.is_empty() && !taken.insert(test.name.clone()) {
                let span = table.get("name").map_or(header, |name| name.span());
                self.error(code::DUPLICATE_NAME, span, format!("another test is already named {}", quoted(&test.name)));
            }
            tests.push(test);
        }
        tests
    }

    fn rule_test(&mut self, table: &DeTable<'_>, span: Range<usize>, facts: &TestFacts, names: &Names<'_>) -> RuleTest {
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
                test.steps = self.steps(steps, facts, names);
            }
            None => test.steps.extend(self.step(&whole, Duration::ZERO, span, facts, names)),
        }
        test
    }

    fn steps(&mut self, value: &Node<'_>, facts: &TestFacts, names: &Names<'_>) -> Vec<Step> {
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
        names: &Names<'_>,
    ) -> Option<Step> {
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

    fn expect(&mut self, value: &Node<'_>, names: &Names<'_>) -> Option<Expect> {
        let table = self.table(value, "`expect`")?;
        if table.is_empty() {
            self.error(code::EMPTY, value.span(), "`expect` is empty: such a test cannot fail");
        }
        let states: Vec<_> = DecisionState::ALL.iter().map(|state| (state.code(), *state)).collect();
        let reasons: Vec<_> = Reason::ALL.iter().map(|reason| (reason.code(), *reason)).collect();
        let mut expect = Expect::default();
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "rule" => expect.rule = self.expected_rule(value, &names.rules),
                "protect" => expect.protect = self.expected_protection(value, &names.protections),
                "scan" => expect.scan = self.word(value, "`scan`", SCANS),
                "priority" => expect.priority = self.priority(value),
                "state" => expect.state = self.word(value, "`state`", &states),
                "reason" => expect.reason = self.word(value, "`reason`", &reasons),
                "comment_contains" => {
                    expect.comment_contains = self.text(value, "`comment_contains`").map(str::to_owned);
                }
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

    /// One name: that protection applies. A list: exactly those do, and `[]`: none.
    fn expected_protection(&mut self, value: &Node<'_>, known: &[&str]) -> Option<Protected> {
        let names = match value.get_ref() {
            DeValue::Array(array) if array.is_empty() => Vec::new(),
            _ => self.some_texts(value, "`protect`"),
        };
        for (name, span) in &names {
            if !known.contains(&name.as_str()) {
                let message = format!("no protection is named {}", quoted(name));
                let remedy =
                    if known.is_empty() { "the file has no `[[protect]]`".to_owned() } else { suggest(name, known) };
                self.error_with(code::UNKNOWN_PROTECTION, span.clone(), message, remedy);
            }
        }
        let mut names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        if value.get_ref().is_array() { Some(Protected::Exactly(names)) } else { names.pop().map(Protected::By) }
    }

    fn event(&mut self, value: &Node<'_>, facts: &TestFacts) -> Option<OwnedEvent> {
        let table = self.table(value, "`event`")?;
        let mut event = blank(facts);
        // The claims come last: where the event does not tell them, the alert says what the directory says.
        let mut entries = self.fields(entries_of(table), None);
        entries.sort_by_key(|entry| matches!(&entry.field, Field::Named(Named::ReportedName | Named::ReportedIp)));
        for entry in entries {
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
        event.alert.devices = vec![event.device.clone()];
        Some(event)
    }

    /// Gives one field of an event its value. A fact of the device is what the directory says; of its identity the
    /// alert says the same.
    fn event_value(&mut self, named: Named, value: &Node<'_>, event: &mut OwnedEvent) {
        let what = format!("`{}`", named.code());
        let unknown = value.get_ref().as_str() == Some(UNKNOWN);
        if named.is_device() {
            if let Facts::Known(facts) = &mut event.facts {
                self.fact(named, value, facts);
                claim(named, facts, &mut event.device);
            }
            return;
        }
        match named {
            Named::ReportedName | Named::ReportedIp if unknown => {
                let claim = if named == Named::ReportedName { Named::DeviceName } else { Named::DeviceIp };
                event.alert.unusable.insert(claim.code().to_owned());
            }
            Named::Severity if unknown => event.alert.severity = None,
            Named::Severity => event.alert.severity = self.severity(value, &what),
            Named::AlertTime => event.alert.time = self.time(value, &what),
            Named::AlertCategory => event.alert.category = self.texts(value, &what),
            Named::AlertTechniques => event.alert.techniques = self.texts(value, &what),
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
        facts: Facts::Known(facts.0.clone()),
        body: None,
    }
}

/// Lets the alert say of the machine's identity what the directory says of it.
fn claim(named: Named, facts: &MachineFacts, device: &mut Device) {
    match named {
        Named::DeviceId => device.machine = facts.id.clone().present(),
        Named::DeviceName => device.name = facts.name.clone().present(),
        Named::DeviceIp => device.ip = facts.ips.clone().present().and_then(|ips| ips.into_iter().next()),
        Named::DeviceAadId => device.aad_id = facts.aad_id.clone().present(),
        _ => {}
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
        Named::ReportedName => event.device.name = Some(text),
        Named::ReportedIp => event.device.ip = Some(text),
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

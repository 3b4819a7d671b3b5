//! Random policies, as data and as text, and random events that are close enough to them to matter.

use jiff::tz::TimeZone;
use scanhook_core::alert::{Alert, Device, MachineId, Severity};
use scanhook_core::json::Json;
use scanhook_core::rules::{Facts, MachineFacts, OwnedEvent, Reading};
use scanhook_core::scan::{Kind, Mode};
use scanhook_core::time::Timestamp;

/// Numbers that are the same for the same seed (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5ca1_ab1e)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    pub fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len())]
    }

    fn some(&mut self, of: &[&str], most: usize) -> Vec<String> {
        (0..=self.roll(most))
            .map(|_| (*self.pick(of)).to_owned())
            .collect()
    }
}

/// A table of conditions, as the file has it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub fields: Vec<(&'static str, Vec<Op>)>,
    pub any: Vec<Table>,
    pub none: Vec<Table>,
}

#[derive(Clone, Debug)]
pub enum Op {
    /// Values, or `@list`.
    Equals(Vec<String>),
    AllOf(Vec<String>),
    Contains(String),
    Glob(Vec<String>),
    Regex(String),
    Cidr(Vec<String>),
    Exists(bool),
    Severity(&'static str, Severity),
    Number(&'static str, i64),
    OlderThan(u64),
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub scan: Option<Kind>,
    pub mode: Option<Mode>,
    pub when: Table,
    pub unless: Option<Table>,
    pub times: Times,
}

#[derive(Clone, Debug)]
pub struct Protection {
    pub name: String,
    pub when: Table,
    pub unless: Option<Table>,
    pub at_most: Option<&'static str>,
    pub people: Option<u8>,
    pub if_unknown: Option<&'static str>,
    pub times: Times,
}

#[derive(Clone, Debug, Default)]
pub struct Times {
    pub start: Vec<usize>,
    pub during: Vec<usize>,
    pub outside: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Window {
    pub name: &'static str,
    pub zone: TimeZone,
    /// Monday first.
    pub days: [bool; 7],
    /// Minutes of the day; the end may be 24:00, or before the beginning.
    pub hours: Vec<(i32, i32)>,
}

#[derive(Clone, Debug)]
pub struct List {
    pub name: &'static str,
    pub kind: &'static str,
    pub values: Vec<(String, Option<Timestamp>)>,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub mode: Mode,
    pub lists: Vec<List>,
    pub windows: Vec<Window>,
    pub protections: Vec<Protection>,
    pub rules: Vec<Rule>,
}

pub struct Happening {
    pub event: OwnedEvent,
    pub at: Timestamp,
}

const NAMES: &[&str] = &[
    "dc-01",
    "DC-02.corp.example",
    "lt-042",
    "sql-prod-1",
    "lt-042.corp.example",
    "Überall",
];
const NAME_GLOBS: &[&str] = &[
    "dc-*",
    "*",
    "lt-0?2",
    "*.corp.example",
    "[ds]*",
    "[!l]*",
    "überall",
];
const IPS: &[&str] = &["10.0.0.1", "10.99.3.4", "2001:db8::1", "192.0.2.7"];
const NETWORKS: &[&str] = &[
    "10.0.0.0/8",
    "10.99.0.0/16",
    "2001:db8::/32",
    "192.0.2.7",
    "0.0.0.0/0",
];
const IDS: &[&str] = &[
    "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
    "5aaa000000000000000000000000000000000000",
];
const WORDS: &[&str] = &["red", "Green", "blue", "redgreen", "ÄRGER", ""];
const TECHNIQUES: &[&str] = &["T1003", "t1003.001", "T1486", "T1003.002"];
const REGEXES: &[&str] = &["red|blue", "^g", "een$", "r.*n", "(?-i)Gr"];
const FIELDS: &[&str] = &[
    "source",
    "user",
    "severity",
    "alert.title",
    "alert.category",
    "alert.techniques",
    "alert.status",
    "alert.time",
    "device.reported_name",
    "device.reported_ip",
    "/score",
    "/label",
];
const DEVICE: &[&str] = &[
    "device.id",
    "device.name",
    "device.name",
    "device.ip",
    "device.aad_id",
    "device.tags",
    "device.group",
    "device.os",
];
/// 2026-03-28T12:00:00Z, the day before the clocks of Europe go forward; and the day before they go back.
const SPRING: i64 = 1_774_699_200_000;
const AUTUMN: i64 = 1_792_843_200_000;

impl Case {
    pub fn random(dice: &mut Dice) -> Case {
        let lists = vec![
            list(dice, "words", "text", WORDS),
            list(dice, "names", "glob", NAME_GLOBS),
            list(dice, "nets", "cidr", NETWORKS),
            list(dice, "ids", "machine_id", IDS),
            list(dice, "techs", "text", TECHNIQUES),
        ];
        let windows = (0..2).map(|_| Window::random(dice)).collect();
        let many = dice.chance(25);
        let rules = if many {
            24 + dice.roll(16)
        } else {
            1 + dice.roll(5)
        };
        let devices = if many { 4 } else { 30 };
        let rules = (0..rules)
            .map(|n| Rule::random(dice, n, devices, many))
            .collect();
        let protections = (0..dice.roll(3))
            .map(|n| Protection::random(dice, n))
            .collect();
        let mode = *dice.pick(&[Mode::Enforce, Mode::Enforce, Mode::Approve, Mode::DryRun]);
        Case {
            mode,
            lists,
            windows,
            protections,
            rules,
        }
    }

    /// The whole file.
    pub fn toml(&self, dice: &mut Dice) -> String {
        let mut text = format!("version = 1\n[defaults]\nmode = \"{}\"\n", self.mode.code());
        for list in &self.lists {
            let values: Vec<String> = list
                .values
                .iter()
                .map(|(value, until)| match until {
                    None => format!("{value:?}"),
                    Some(until) => {
                        format!("{{ value = {value:?}, until = {until}, note = \"x\" }}")
                    }
                })
                .collect();
            text += &format!(
                "[lists.{}]\ntype = \"{}\"\nvalues = [{}]\n",
                list.name,
                list.kind,
                values.join(", ")
            );
        }
        for (n, window) in self.windows.iter().enumerate() {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let days: Vec<_> = names
                .iter()
                .zip(window.days)
                .filter(|(_, on)| *on)
                .map(|(d, _)| format!("{d:?}"))
                .collect();
            let clock = |m: i32| format!("{:02}:{:02}", m / 60, m % 60);
            let hours: Vec<_> = window
                .hours
                .iter()
                .map(|(a, b)| format!("\"{}-{}\"", clock(*a), clock(*b)))
                .collect();
            text += &format!(
                "[windows.w{n}]\ntimezone = \"{}\"\ndays = [{}]\nhours = [{}]\n",
                window.name,
                days.join(", "),
                hours.join(", ")
            );
        }
        for one in &self.protections {
            text += &format!(
                "[[protect]]\nname = \"{}\"\nwhen = {}\n",
                one.name,
                one.when.toml(dice)
            );
            text += &one.unless.as_ref().map_or(String::new(), |unless| {
                format!("unless = {}\n", unless.toml(dice))
            });
            text += &one
                .at_most
                .map_or(String::new(), |most| format!("at_most = \"{most}\"\n"));
            text += &one
                .people
                .map_or(String::new(), |people| format!("people = {people}\n"));
            text += &one
                .if_unknown
                .map_or(String::new(), |word| format!("if_unknown = \"{word}\"\n"));
            text += &one.times.toml();
        }
        for rule in &self.rules {
            let scan = rule.scan.map_or("none", Kind::code);
            text += &format!(
                "[[rule]]\nname = \"{}\"\nscan = \"{scan}\"\nwhen = {}\n",
                rule.name,
                rule.when.toml(dice)
            );
            text += &rule.unless.as_ref().map_or(String::new(), |unless| {
                format!("unless = {}\n", unless.toml(dice))
            });
            text += &rule.mode.map_or(String::new(), |mode| {
                format!("mode = \"{}\"\n", mode.code())
            });
            text += &rule.times.toml();
        }
        text
    }

    pub fn event(&self, dice: &mut Dice) -> Happening {
        let day = *dice.pick(&[SPRING, AUTUMN, SPRING - 40 * 86_400_000]);
        let at = Timestamp::from_millis(day + i64::try_from(dice.roll(4 * 96)).unwrap() * 900_000);
        let maybe =
            |dice: &mut Dice, of: &[&str]| dice.chance(75).then(|| (*dice.pick(of)).to_owned());
        let mut alert = Alert {
            id: "1".to_owned(),
            title: maybe(dice, WORDS),
            severity: dice.chance(85).then(|| *dice.pick(Severity::ALL)),
            category: if dice.chance(80) {
                dice.some(WORDS, 2)
            } else {
                Vec::new()
            },
            techniques: if dice.chance(80) {
                dice.some(TECHNIQUES, 1)
            } else {
                Vec::new()
            },
            status: maybe(dice, WORDS),
            user: maybe(dice, WORDS),
            time: dice.chance(80).then(|| {
                Timestamp::from_millis(at.millis() - i64::try_from(dice.roll(7_200_000)).unwrap())
            }),
            ..Alert::default()
        };
        for field in [
            "user",
            "alert.category",
            "alert.techniques",
            "device.name",
            "device.ip",
            "alert.time",
            "device.aad_id",
        ] {
            if dice.chance(4) {
                alert.unusable.insert(field.to_owned());
            }
        }
        let device = Device {
            machine: dice
                .chance(70)
                .then(|| MachineId::parse(dice.word(IDS)).unwrap()),
            name: maybe(dice, NAMES),
            ip: maybe(dice, IPS),
            aad_id: maybe(dice, WORDS),
            ..Device::default()
        };
        let facts = match dice.roll(5) {
            0 | 1 => Facts::NotAsked,
            2 => Facts::Silent,
            _ => Facts::Known(facts(dice, &device)),
        };
        let number = |dice: &mut Dice| Json::Number(dice.roll(4).to_string().into());
        let text = |dice: &mut Dice| Json::Text((*dice.pick(WORDS)).to_owned().into());
        let score = match dice.roll(6) {
            0 => Json::Null,
            1 => Json::Bool(true),
            2 => Json::Text("2".into()),
            _ => number(dice),
        };
        let label = match dice.roll(6) {
            0 => Json::Object(Vec::new().into()),
            1 => Json::List(vec![text(dice), number(dice)]),
            2 => Json::List(Vec::new()),
            _ => text(dice),
        };
        let body = dice
            .chance(90)
            .then(|| Json::Object(vec![("score".into(), score), ("label".into(), label)].into()));
        let source = (*dice.pick(&WORDS[..3])).to_owned();
        let event = OwnedEvent {
            preset: source.clone(),
            source,
            tenant: "t".to_owned(),
            alert,
            device,
            facts,
            body,
        };
        Happening { event, at }
    }
}

fn facts(dice: &mut Dice, device: &Device) -> MachineFacts {
    fn reading<T>(dice: &mut Dice, value: impl FnOnce(&mut Dice) -> T) -> Reading<T> {
        match dice.roll(12) {
            0 => Reading::Absent,
            1 => Reading::Unknown,
            _ => Reading::Present(value(dice)),
        }
    }
    let word = |dice: &mut Dice| (*dice.pick(WORDS)).to_owned();
    MachineFacts {
        id: Reading::Present(
            device
                .machine
                .clone()
                .unwrap_or_else(|| MachineId::parse(dice.word(IDS)).unwrap()),
        ),
        name: reading(dice, |dice| (*dice.pick(NAMES)).to_owned()),
        ips: reading(dice, |dice| dice.some(IPS, 2)),
        aad_id: reading(dice, word),
        tags: reading(dice, |dice| dice.some(WORDS, 1)),
        group: reading(dice, word),
        os: reading(dice, word),
        health: reading(dice, word),
    }
}

fn list(dice: &mut Dice, name: &'static str, kind: &'static str, of: &[&str]) -> List {
    let usable: Vec<&str> = of
        .iter()
        .copied()
        .filter(|value| !value.is_empty())
        .collect();
    let mut values = Vec::new();
    for _ in 0..=dice.roll(3) {
        let until = dice
            .chance(30)
            .then(|| Timestamp::from_millis(SPRING + 86_400_000 * (1 + 200 * dice.roll(2) as i64)));
        values.push(((*dice.pick(&usable)).to_owned(), until));
    }
    List { name, kind, values }
}

impl Window {
    fn random(dice: &mut Dice) -> Window {
        let mut days = [false; 7];
        days.iter_mut().for_each(|day| *day = dice.chance(50));
        days[dice.roll(7)] = true;
        let times = [0, 90, 120, 150, 165, 180, 300, 735, 1320, 1425];
        let hours = (0..=dice.roll(2))
            .map(|_| {
                (
                    *dice.pick(&times),
                    *dice.pick(&[times.as_slice(), &[1440]].concat()),
                )
            })
            .collect();
        let name = dice.word(&[
            "Europe/Berlin",
            "America/New_York",
            "UTC",
            "Australia/Lord_Howe",
        ]);
        Window {
            name,
            zone: TimeZone::get(name).unwrap(),
            days,
            hours,
        }
    }
}

impl Rule {
    fn random(dice: &mut Dice, n: usize, devices: usize, simple: bool) -> Rule {
        Rule {
            name: format!("r{n}"),
            scan: *dice.pick(&[None, Some(Kind::Quick), Some(Kind::Full), Some(Kind::Full)]),
            mode: if dice.chance(20) {
                Some(*dice.pick(Mode::ALL))
            } else {
                None
            },
            when: Table::random(dice, if simple { 1 } else { 2 }, devices),
            unless: if dice.chance(15) {
                Some(Table::random(dice, 0, devices))
            } else {
                None
            },
            times: if dice.chance(15) {
                Times::random(dice)
            } else {
                Times::default()
            },
        }
    }
}

impl Protection {
    fn random(dice: &mut Dice, n: usize) -> Protection {
        let mut times = if dice.chance(40) {
            Times::random(dice)
        } else {
            Times::default()
        };
        let at_most = dice.pick(&[None, Some("none"), Some("hold"), Some("quick")]);
        if at_most.is_none() && times.start.is_empty() {
            times.start.push(0);
        }
        Protection {
            name: format!("p{n}"),
            when: Table::random(dice, 0, 60),
            unless: if dice.chance(30) {
                Some(Table::random(dice, 0, 30))
            } else {
                None
            },
            at_most: *at_most,
            people: at_most
                .filter(|most| *most == "hold")
                .and_then(|_| *dice.pick(&[None, Some(1), Some(2)])),
            if_unknown: *dice.pick(&[None, None, Some("hold"), Some("apply"), Some("skip")]),
            times,
        }
    }
}

impl Times {
    fn random(dice: &mut Dice) -> Times {
        let some = |dice: &mut Dice| {
            if dice.chance(40) {
                (0..=dice.roll(2)).collect()
            } else {
                Vec::new()
            }
        };
        Times {
            start: some(dice),
            during: some(dice),
            outside: some(dice),
        }
    }

    fn toml(&self) -> String {
        let names = |key: &str, windows: &[usize]| match windows {
            [] => String::new(),
            [one] => format!("{key} = \"w{one}\"\n"),
            more => format!(
                "{key} = [{}]\n",
                more.iter()
                    .map(|n| format!("\"w{n}\""))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        names("start", &self.start)
            + &names("during", &self.during)
            + &names("outside", &self.outside)
    }
}

impl Table {
    fn random(dice: &mut Dice, depth: usize, devices: usize) -> Table {
        let mut table = Table::default();
        for _ in 0..=dice.roll(2) {
            let fields = if dice.chance(devices) { DEVICE } else { FIELDS };
            let field = dice.word(fields);
            if table.fields.iter().all(|(known, _)| *known != field) {
                let mut ops = vec![Op::random(dice, field)];
                let second = Op::random(dice, field);
                let both_named = ops[0].name().is_some() && second.name().is_some();
                if dice.chance(20) && both_named && ops[0].name() != second.name() {
                    ops.push(second);
                }
                table.fields.push((field, ops));
            }
        }
        if depth > 0 && dice.chance(40) {
            table.any = (0..=dice.roll(2))
                .map(|_| Table::random(dice, depth - 1, devices))
                .collect();
        }
        if depth > 0 && dice.chance(25) {
            table.none = (0..=dice.roll(2))
                .map(|_| Table::random(dice, depth - 1, devices))
                .collect();
        }
        if dice.chance(30) && !(table.any.is_empty() && table.none.is_empty()) {
            table.fields.clear();
        }
        table
    }

    fn toml(&self, dice: &mut Dice) -> String {
        let mut parts = Vec::new();
        for (field, ops) in &self.fields {
            let quoted = field.starts_with('/') || dice.chance(50);
            let key = if quoted {
                format!("\"{field}\"")
            } else {
                (*field).to_owned()
            };
            match ops.as_slice() {
                [one] if one.name().is_none() => parts.push(format!("{key} = {}", one.value())),
                [one] if !quoted && dice.chance(50) => {
                    parts.push(format!("{key}.{} = {}", one.name().unwrap(), one.value()))
                }
                more => {
                    let inner: Vec<_> = more
                        .iter()
                        .map(|op| format!("{} = {}", op.name().unwrap(), op.value()))
                        .collect();
                    parts.push(format!("{key} = {{ {} }}", inner.join(", ")));
                }
            }
        }
        for (key, tables) in [("any", &self.any), ("none", &self.none)] {
            if !tables.is_empty() {
                let tables: Vec<_> = tables.iter().map(|table| table.toml(dice)).collect();
                parts.push(format!("{key} = [ {} ]", tables.join(", ")));
            }
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

impl Op {
    fn random(dice: &mut Dice, field: &str) -> Op {
        let values: &[&str] = match field {
            "device.name" | "device.reported_name" => NAMES,
            "device.ip" | "device.reported_ip" => IPS,
            "device.id" => IDS,
            "alert.techniques" => TECHNIQUES,
            _ => WORDS,
        };
        let list = match field {
            "device.name" | "device.reported_name" => "@names",
            "device.ip" | "device.reported_ip" => "@nets",
            "device.id" => "@ids",
            "alert.techniques" => "@techs",
            _ => "@words",
        };
        let texts: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| !value.is_empty())
            .collect();
        let equal = |dice: &mut Dice| {
            let mut all = dice.some(values, 1);
            if dice.chance(30) {
                all.push(list.to_owned());
            }
            all
        };
        let orders = ["gt", "gte", "lt", "lte", "="];
        match (field, dice.roll(10)) {
            ("severity" | "alert.time" | "/score", 0) | (_, 0) => Op::Exists(dice.chance(60)),
            ("severity", _) => Op::Severity(dice.word(&orders), *dice.pick(Severity::ALL)),
            ("alert.time", _) => Op::OlderThan(dice.roll(7_200) as u64),
            ("/score", _) => Op::Number(dice.word(&orders), dice.roll(4) as i64),
            ("device.ip" | "device.reported_ip", 1..=4) => Op::Cidr(dice.some(NETWORKS, 1)),
            ("alert.category" | "alert.techniques" | "device.tags" | "/label", 1 | 2) => {
                Op::AllOf(equal(dice))
            }
            ("device.name" | "device.reported_name", 1..=3) => Op::Glob(dice.some(NAME_GLOBS, 1)),
            (_, 1) => Op::Glob(vec![format!("*{}*", dice.pick(&texts).replace('[', ""))]),
            (_, 4) => {
                Op::Contains((*dice.pick(&["re", "GREEN", "0", "är", ".corp", "c-"])).to_owned())
            }
            (_, 5) => Op::Regex((*dice.pick(REGEXES)).to_owned()),
            _ => Op::Equals(equal(dice)),
        }
    }

    /// The operator; equality has none.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Op::Equals(_) | Op::Severity("=", _) | Op::Number("=", _) => return None,
            Op::AllOf(_) => "all_of",
            Op::Contains(_) => "contains",
            Op::Glob(_) => "glob",
            Op::Regex(_) => "regex",
            Op::Cidr(_) => "cidr",
            Op::Exists(_) => "exists",
            Op::Severity(name, _) | Op::Number(name, _) => name,
            Op::OlderThan(_) => "older_than",
        })
    }

    fn value(&self) -> String {
        match self {
            Op::Equals(all) | Op::Glob(all) | Op::Cidr(all) if all.len() == 1 => {
                format!("{:?}", all[0])
            }
            Op::Equals(all) | Op::AllOf(all) | Op::Glob(all) | Op::Cidr(all) => format!("{all:?}"),
            Op::Contains(text) | Op::Regex(text) => format!("{text:?}"),
            Op::Exists(wanted) => wanted.to_string(),
            Op::Severity(_, severity) => format!("{:?}", severity.code()),
            Op::Number(_, number) => number.to_string(),
            Op::OlderThan(seconds) => format!("\"{seconds}s\""),
        }
    }
}

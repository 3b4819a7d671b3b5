//! The language, said as plainly as possible. What the directory has not told yet is tried out: every condition on it
//! may be true or false, each for itself, and all that could come of it is written down.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

use scanhook_core::json::Json;
use scanhook_core::rules::{Event, Facts, Reading};
use scanhook_core::scan::{Kind, Mode, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Openings;

use super::policy::{Case, List, Op, Protection, Rule, Table, Times, Window};

/// What should come out.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    Nothing {
        rule: Option<String>,
        reason: Reason,
    },
    Scan {
        rule: String,
        kind: Kind,
        mode: Mode,
        start: Option<Timestamp>,
        windows: Openings,
        held: Option<Reason>,
    },
    Resolve,
}

impl Expected {
    /// Whether both do the same. Which rule does nothing, and why something is held, may differ.
    pub fn leads_to_the_same(&self, other: &Expected) -> bool {
        let blurred = |one: &Expected| match one.clone() {
            Expected::Nothing { .. } => None,
            Expected::Resolve => Some(None),
            Expected::Scan {
                rule,
                kind,
                mode,
                start,
                windows,
                held,
            } => Some(Some((rule, kind, mode, start, windows, held.is_some()))),
        };
        blurred(self) == blurred(other)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    False,
    Unknown,
    True,
}
use Truth::{False, True, Unknown};

/// More open conditions in one rule, or more combinations of rules, are left alone.
const MOST: u32 = 13;

/// A value of a field.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(String),
    Bool(bool),
    Time(Timestamp),
    Severity(scanhook_core::alert::Severity),
    Other,
}

/// What can be said of a field.
enum Field {
    Values(Vec<Value>),
    Absent,
    Unknown,
    /// The directory will tell.
    Open,
}

/// Whose word counts for name and address.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Usual,
    Alert,
    Directory,
}

struct World<'a> {
    case: &'a Case,
    event: &'a Event<'a>,
    name: Whose,
    ip: Whose,
}

/// Truths given to the open conditions in the order in which they are met.
struct Trial {
    bits: u32,
    met: u32,
}

/// `None`: too much to try out.
pub fn judge(case: &Case, event: &Event<'_>) -> Option<Expected> {
    let mut rules = Vec::new();
    for rule in &case.rules {
        let truths = all_truths(|trial| rule_truth(case, rule, event, trial))?;
        let last = truths == [True];
        rules.push((rule, truths));
        if last {
            break;
        }
    }
    let mut protections = Vec::new();
    for one in &case.protections {
        protections.push((
            one,
            all_truths(|trial| protection_truth(case, one, event, trial))?,
        ));
    }
    let sets: Vec<&Vec<Truth>> = rules
        .iter()
        .map(|(_, set)| set)
        .chain(protections.iter().map(|(_, set)| set))
        .collect();
    if sets
        .iter()
        .try_fold(1u32, |all, set| all.checked_mul(set.len() as u32))
        .is_none_or(|all| all > 1 << MOST)
    {
        return None;
    }
    let of_rules: Vec<_> = rules
        .iter()
        .map(|(rule, _)| start(case, &rule.times, event.at))
        .collect();
    let of_protections: Vec<_> = protections
        .iter()
        .map(|(one, _)| start(case, &one.times, event.at))
        .collect();
    let starts = (of_rules, of_protections);
    let mut outcomes: Vec<Expected> = Vec::new();
    let mut choice = vec![0; sets.len()];
    loop {
        let chosen: Vec<Truth> = choice.iter().zip(&sets).map(|(n, set)| set[*n]).collect();
        let (of_rules, of_protections) = chosen.split_at(rules.len());
        let outcome = outcome(case, &starts, of_rules, of_protections);
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
        let Some(next) = (0..choice.len()).find(|n| choice[*n] + 1 < sets[*n].len()) else {
            break;
        };
        choice[next] += 1;
        choice[..next].fill(0);
    }
    let first = outcomes[0].clone();
    Some(
        if outcomes.iter().all(|other| first.leads_to_the_same(other)) {
            first
        } else {
            Expected::Resolve
        },
    )
}

/// Every truth that some answer of the directory gives.
fn all_truths(mut truth: impl FnMut(&mut Trial) -> Truth) -> Option<Vec<Truth>> {
    let mut found = Vec::new();
    let mut bits = 0;
    loop {
        let mut trial = Trial { bits, met: 0 };
        let truth = truth(&mut trial);
        if trial.met > MOST {
            return None;
        }
        if !found.contains(&truth) {
            found.push(truth);
        }
        bits += 1;
        if bits >= 1 << trial.met {
            break;
        }
    }
    found.sort();
    Some(found)
}

/// When the scans of each rule and of each protection may begin.
type Starts = (Vec<Option<Timestamp>>, Vec<Option<Timestamp>>);

fn outcome(case: &Case, starts: &Starts, rules: &[Truth], protections: &[Truth]) -> Expected {
    let Some(winner) = rules.iter().position(|truth| *truth == True) else {
        return Expected::Nothing {
            rule: None,
            reason: Reason::NoMatch,
        };
    };
    let rule = &case.rules[winner];
    let Some(mut kind) = rule.scan else {
        return Expected::Nothing {
            rule: Some(rule.name.clone()),
            reason: Reason::Rule,
        };
    };
    let mut start = starts.0[winner];
    let mut windows = vec![&rule.times.start];
    let mode = |rule: &Rule| rule.mode.unwrap_or(case.mode);
    let (mut protected, mut undecided) = (false, false);
    for (n, (other, truth)) in case.rules[..winner].iter().zip(rules).enumerate() {
        let milder =
            other.scan < rule.scan || mode(other) < mode(rule) || starts.0[n] > starts.0[winner];
        undecided |= *truth == Unknown && milder;
    }
    let mut nothing = false;
    for (n, (one, truth)) in case.protections.iter().zip(protections).enumerate() {
        let applies = match (truth, one.if_unknown.unwrap_or("hold")) {
            (True, _) | (Unknown, "apply") => true,
            (Unknown, "hold") => {
                undecided = true;
                false
            }
            _ => false,
        };
        if applies {
            match one.at_most {
                Some("none") => nothing = true,
                Some("quick") => kind = Kind::Quick,
                Some("hold") => protected = true,
                _ => {}
            }
            start = start.max(starts.1[n]);
            windows.push(&one.times.start);
        }
    }
    if nothing {
        return Expected::Nothing {
            rule: Some(rule.name.clone()),
            reason: Reason::Protection,
        };
    }
    let held = match (protected, undecided) {
        (true, _) => Some(Reason::Protection),
        (false, true) => Some(Reason::Undecided),
        (false, false) => None,
    };
    let name = |n: &usize| format!("w{n}");
    let windows = windows.into_iter().filter(|group| !group.is_empty());
    let mut windows: Vec<Vec<String>> = windows
        .map(|group| group.iter().map(name).collect())
        .collect();
    windows.sort();
    windows.dedup();
    let windows = Openings::while_open(windows);
    Expected::Scan {
        rule: rule.name.clone(),
        kind,
        mode: mode(rule),
        start,
        windows,
        held,
    }
}

fn rule_truth(case: &Case, rule: &Rule, event: &Event<'_>, trial: &mut Trial) -> Truth {
    let world = World {
        case,
        event,
        name: Whose::Usual,
        ip: Whose::Usual,
    };
    let mut truth = table(&rule.when, &world, trial);
    if let Some(unless) = &rule.unless {
        truth = truth.min(not(table(unless, &world, trial)));
    }
    if applies(case, &rule.times, event.at) {
        truth
    } else {
        False
    }
}

fn protection_truth(case: &Case, one: &Protection, event: &Event<'_>, trial: &mut Trial) -> Truth {
    let mentions = |field: &str| {
        std::iter::once(&one.when)
            .chain(&one.unless)
            .any(|table| mentions(table, field))
    };
    let unusable = |field: &str| event.alert.unusable.contains(field);
    let words = |matters: bool, claimed: bool, recorded: bool| match (&event.facts, matters) {
        (_, false) => vec![Whose::Usual],
        (Facts::Known(_), _) => match (claimed, recorded) {
            (true, true) => vec![Whose::Directory, Whose::Alert],
            (true, false) => vec![Whose::Alert],
            (false, _) => vec![Whose::Directory],
        },
        _ if claimed => vec![Whose::Alert, Whose::Directory],
        _ => vec![Whose::Directory],
    };
    let (name, ip) = match &event.facts {
        Facts::Known(facts) => (facts.name != Reading::Absent, facts.ips != Reading::Absent),
        _ => (false, false),
    };
    let names = words(
        mentions("device.name"),
        event.device.name.is_some() || unusable("device.name"),
        name,
    );
    let ips = words(
        mentions("device.ip"),
        event.device.ip.is_some() || unusable("device.ip"),
        ip,
    );
    let worlds: Vec<World<'_>> = names
        .iter()
        .flat_map(|name| {
            ips.iter().map(|ip| World {
                case,
                event,
                name: *name,
                ip: *ip,
            })
        })
        .collect();
    let hit = worlds
        .iter()
        .map(|world| table(&one.when, world, trial))
        .collect::<Vec<_>>();
    let spared = one.unless.as_ref().map(|unless| {
        worlds
            .iter()
            .map(|world| table(unless, world, trial))
            .collect::<Vec<_>>()
            .into_iter()
            .min()
            .unwrap()
            == True
    });
    if !applies(case, &one.times, event.at) || spared == Some(true) {
        return False;
    }
    hit.into_iter().max().unwrap()
}

fn mentions(table: &Table, field: &str) -> bool {
    table.fields.iter().any(|(name, _)| *name == field)
        || table
            .any
            .iter()
            .chain(&table.none)
            .any(|table| mentions(table, field))
}

fn not(truth: Truth) -> Truth {
    match truth {
        True => False,
        Unknown => Unknown,
        False => True,
    }
}

fn table(of: &Table, world: &World<'_>, trial: &mut Trial) -> Truth {
    let mut truth = True;
    for (field, ops) in &of.fields {
        for op in ops {
            truth = truth.min(leaf(field, op, world, trial));
        }
    }
    let mut tables = |tables: &[Table]| {
        tables
            .iter()
            .map(|one| table(one, world, trial))
            .collect::<Vec<_>>()
    };
    if !of.any.is_empty() {
        truth = truth.min(tables(&of.any).into_iter().max().unwrap());
    }
    if !of.none.is_empty() {
        truth = truth.min(not(tables(&of.none).into_iter().max().unwrap()));
    }
    truth
}

/// Techniques of which not all could be read: what is not among them may be one of the others.
fn partly(name: &str, world: &World<'_>) -> bool {
    let alert = world.event.alert;
    name == "alert.techniques" && alert.unusable.contains(name) && !alert.techniques.is_empty()
}

fn leaf(name: &str, op: &Op, world: &World<'_>, trial: &mut Trial) -> Truth {
    let truth = judged(name, op, world, trial);
    let hidden = truth == False && !matches!(op, Op::Exists(_)) && partly(name, world);
    if hidden { Unknown } else { truth }
}

fn judged(name: &str, op: &Op, world: &World<'_>, trial: &mut Trial) -> Truth {
    let values = match read(name, world) {
        Field::Open => {
            trial.met += 1;
            return if trial.bits >> (trial.met - 1) & 1 == 1 {
                True
            } else {
                False
            };
        }
        Field::Unknown => return Unknown,
        Field::Absent => {
            return if matches!(op, Op::Exists(false)) {
                True
            } else {
                False
            };
        }
        Field::Values(values) => values,
    };
    let some = |test: &dyn Fn(&Value) -> Truth| values.iter().map(test).max().unwrap_or(False);
    let at = world.event.at;
    let equal = |wanted: &String, value: &Value| equals(name, wanted, value, world.case, at);
    let texts = |value: &Value, test: &dyn Fn(&str) -> bool| match value {
        Value::Text(text) | Value::Number(text) => truth(test(text)),
        _ => Unknown,
    };
    match op {
        Op::Exists(wanted) => {
            let there = values
                .iter()
                .any(|value| !matches!(value, Value::Text(text) if text.is_empty()));
            truth(there == *wanted)
        }
        Op::Equals(all) => {
            some(&|value| all.iter().map(|wanted| equal(wanted, value)).max().unwrap())
        }
        Op::AllOf(all) => all
            .iter()
            .map(|wanted| some(&|value| equal(wanted, value)))
            .min()
            .unwrap(),
        Op::Contains(part) => some(&|value| {
            texts(value, &|text| {
                shortened(name, part, text)
                    .to_lowercase()
                    .contains(&part.to_lowercase())
            })
        }),
        Op::Glob(all) => some(&|value| {
            texts(value, &|text| {
                all.iter()
                    .any(|glob| matches(glob, shortened(name, glob, text)))
            })
        }),
        Op::Regex(regex) => some(&|value| {
            texts(value, &|text| {
                expression(regex).is_match(shortened(name, regex, text))
            })
        }),
        Op::Cidr(all) => some(&|value| match value {
            Value::Text(text) => inside(text, all.iter().map(String::as_str)),
            _ => Unknown,
        }),
        Op::Severity(relation, wanted) => some(&|value| match value {
            Value::Severity(severity) => truth(holds(relation, severity.cmp(wanted))),
            _ => Unknown,
        }),
        Op::Number(relation, wanted) => some(&|value| match value {
            Value::Number(text) | Value::Text(text) => text
                .trim()
                .parse::<i64>()
                .map_or(Unknown, |number| truth(holds(relation, number.cmp(wanted)))),
            _ => Unknown,
        }),
        Op::OlderThan(seconds) => some(&|value| match value {
            Value::Time(time) => {
                truth(at.millis() - time.millis() > i64::try_from(*seconds).unwrap() * 1000)
            }
            _ => Unknown,
        }),
    }
}

fn truth(holds: bool) -> Truth {
    if holds { True } else { False }
}

fn holds(relation: &str, order: std::cmp::Ordering) -> bool {
    match relation {
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        _ => order.is_eq(),
    }
}

/// A pattern without a dot is compared with the first label of a host name.
fn shortened<'t>(field: &str, pattern: &str, text: &'t str) -> &'t str {
    if field.ends_with("name") && !pattern.contains('.') {
        text.split('.').next().unwrap()
    } else {
        text
    }
}

fn equals(field: &str, wanted: &str, value: &Value, case: &Case, at: Timestamp) -> Truth {
    let text = match value {
        Value::Text(text) => text,
        Value::Number(text) => text,
        Value::Bool(value) => match wanted.trim().to_lowercase().as_str() {
            "true" => return truth(*value),
            "false" => return truth(!value),
            _ => return Unknown,
        },
        _ => return Unknown,
    };
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    if let (Value::Number(literal), Some(wanted)) = (value, number(wanted))
        && number(literal) == Some(wanted)
    {
        return True;
    }
    if let Some(name) = wanted.strip_prefix('@') {
        let list = case.lists.iter().find(|list| list.name == name).unwrap();
        return listed(field, list, text, at);
    }
    truth(same(field, wanted, text))
}

fn same(field: &str, wanted: &str, text: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    if field == "alert.techniques" {
        return lower(text) == lower(wanted)
            || lower(text).starts_with(&format!("{}.", lower(wanted)));
    }
    if field.ends_with("ip")
        && text
            .parse::<IpAddr>()
            .is_ok_and(|ip| wanted.parse::<IpAddr>() == Ok(ip))
    {
        return true;
    }
    lower(shortened(field, wanted, text)) == lower(wanted)
}

fn listed(field: &str, list: &List, text: &str, at: Timestamp) -> Truth {
    let live: Vec<&str> = list
        .values
        .iter()
        .filter(|(_, until)| until.is_none_or(|until| at < until))
        .map(|(v, _)| v.as_str())
        .collect();
    match list.kind {
        "cidr" => inside(text, live.into_iter()),
        "glob" => truth(
            live.iter()
                .any(|glob| matches(glob, shortened(field, glob, text))),
        ),
        _ => truth(live.iter().any(|wanted| same(field, wanted, text))),
    }
}

/// A glob as a regular expression.
fn matches(glob: &str, text: &str) -> bool {
    let mut regex = "(?is)^".to_owned();
    for c in glob.chars() {
        match c {
            '*' => regex += ".*",
            '?' => regex += ".",
            '!' => regex += "^",
            '[' | ']' => regex.push(c),
            c => regex += &regex::escape(&c.to_string()),
        }
    }
    expression(&(regex + "$")).is_match(text)
}

/// A regular expression; the same few come again and again.
fn expression(pattern: &str) -> regex::Regex {
    thread_local!(static KNOWN: RefCell<HashMap<String, regex::Regex>> = RefCell::default());
    let compile = || {
        regex::RegexBuilder::new(pattern)
            .case_insensitive(true)
            .build()
            .unwrap()
    };
    KNOWN.with(|known| {
        known
            .borrow_mut()
            .entry(pattern.to_owned())
            .or_insert_with(compile)
            .clone()
    })
}

/// Bit by bit.
fn inside<'n>(text: &str, networks: impl Iterator<Item = &'n str>) -> Truth {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip
            .octets()
            .iter()
            .map(|octet| format!("{octet:08b}"))
            .collect::<String>(),
        IpAddr::V6(ip) => ip
            .octets()
            .iter()
            .map(|octet| format!("{octet:08b}"))
            .collect::<String>(),
    };
    let Ok(address) = text.parse::<IpAddr>().map(bits) else {
        return Unknown;
    };
    let mut networks = networks;
    truth(networks.any(|network| {
        let (base, length) = network.split_once('/').unwrap_or((network, "128"));
        let base = bits(base.parse().unwrap());
        let length = length.parse::<usize>().unwrap().min(base.len());
        base.len() == address.len() && base[..length] == address[..length]
    }))
}

fn read(name: &str, world: &World<'_>) -> Field {
    let event = world.event;
    let (alert, device) = (event.alert, event.device);
    let unusable = |field: &str| alert.unusable.contains(field);
    let one = |field: &str, value: Option<&String>| match value {
        _ if unusable(field) => Field::Unknown,
        Some(text) => Field::Values(vec![Value::Text(text.clone())]),
        None => Field::Absent,
    };
    let many = |field: &str, values: &[String]| match values {
        _ if unusable(field) && !partly(field, world) => Field::Unknown,
        [] => Field::Absent,
        values => Field::Values(values.iter().cloned().map(Value::Text).collect()),
    };
    match name {
        "source" => Field::Values(vec![Value::Text(event.source.to_owned())]),
        "user" => one("user", alert.user.as_ref()),
        "severity" => alert.severity.map_or(Field::Unknown, |severity| {
            Field::Values(vec![Value::Severity(severity)])
        }),
        "alert.title" => one("alert.title", alert.title.as_ref()),
        "alert.status" => one("alert.status", alert.status.as_ref()),
        "alert.category" => many("alert.category", &alert.category),
        "alert.techniques" => many("alert.techniques", &alert.techniques),
        "alert.time" if unusable("alert.time") => Field::Unknown,
        "alert.time" => alert
            .time
            .map_or(Field::Absent, |time| Field::Values(vec![Value::Time(time)])),
        "device.reported_name" => one("device.name", device.name.as_ref()),
        "device.reported_ip" => one("device.ip", device.ip.as_ref()),
        pointer if pointer.starts_with('/') => body(&pointer[1..], event.body),
        device => fact(device, world),
    }
}

fn body(key: &str, body: Option<&Json<'_>>) -> Field {
    let Some(found) = body.and_then(|body| body.member(key)) else {
        return Field::Absent;
    };
    let value = |json: &Json<'_>| match json {
        Json::Null => None,
        Json::Text(text) => Some(Value::Text(text.to_string())),
        Json::Number(text) => Some(Value::Number(text.to_string())),
        Json::Bool(value) => Some(Value::Bool(*value)),
        _ => Some(Value::Other),
    };
    let values: Vec<Value> = match found {
        Json::List(elements) => elements.iter().filter_map(value).collect(),
        other => value(other).into_iter().collect(),
    };
    if values.is_empty() {
        Field::Absent
    } else {
        Field::Values(values)
    }
}

fn fact(name: &str, world: &World<'_>) -> Field {
    let (event, device) = (world.event, world.event.device);
    let whose = match name {
        "device.name" => world.name,
        "device.ip" => world.ip,
        _ => Whose::Usual,
    };
    if whose == Whose::Alert {
        return read(
            if name == "device.name" {
                "device.reported_name"
            } else {
                "device.reported_ip"
            },
            world,
        );
    }
    let claim = match name {
        "device.id" => device.machine.as_ref().map(|id| id.as_str().to_owned()),
        "device.name" => device.name.clone(),
        "device.ip" => device.ip.clone(),
        "device.aad_id" => device.aad_id.clone(),
        _ => None,
    };
    let facts = match &event.facts {
        Facts::NotAsked if name == "device.id" && claim.is_some() => {
            return Field::Values(claim.into_iter().map(Value::Text).collect());
        }
        Facts::NotAsked => return Field::Open,
        Facts::Silent => {
            let usable = whose == Whose::Usual
                && (name == "device.id" || !event.alert.unusable.contains(name));
            let claim = claim.filter(|_| usable);
            return claim.map_or(Field::Unknown, |text| {
                Field::Values(vec![Value::Text(text)])
            });
        }
        Facts::Known(facts) => facts,
    };
    fn reading<T: Clone>(reading: &Reading<T>, texts: impl Fn(T) -> Vec<String>) -> Field {
        match reading {
            Reading::Present(value) => {
                Field::Values(texts(value.clone()).into_iter().map(Value::Text).collect())
            }
            Reading::Absent => Field::Absent,
            Reading::Unknown => Field::Unknown,
        }
    }
    match name {
        "device.id" => reading(&facts.id, |id| vec![id.as_str().to_owned()]),
        "device.name" => reading(&facts.name, |text| vec![text]),
        "device.ip" => reading(&facts.ips, |texts| texts),
        "device.aad_id" => reading(&facts.aad_id, |text| vec![text]),
        "device.tags" => reading(&facts.tags, |texts| texts),
        "device.group" => reading(&facts.group, |text| vec![text]),
        "device.os" => reading(&facts.os, |text| vec![text]),
        other => panic!("{other}"),
    }
}

fn applies(case: &Case, times: &Times, at: Timestamp) -> bool {
    let open = |windows: &[usize]| windows.iter().any(|n| is_open(&case.windows[*n], at));
    (times.during.is_empty() || open(&times.during)) && !open(&times.outside)
}

/// A quarter of an hour by a quarter of an hour: nothing in a policy or an event of these is finer.
fn start(case: &Case, times: &Times, at: Timestamp) -> Option<Timestamp> {
    if times.start.is_empty() {
        return None;
    }
    let instants = (0..15 * 96).map(|n| Timestamp::from_millis(at.millis() + n * 900_000));
    let opens = instants
        .into_iter()
        .find(|at| times.start.iter().any(|n| is_open(&case.windows[*n], *at)));
    opens.or(Some(Timestamp::NEVER)).filter(|opens| *opens > at)
}

fn is_open(window: &Window, at: Timestamp) -> bool {
    let wall = window.zone.to_datetime(at.to_jiff());
    let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
    let today = usize::try_from(wall.weekday().to_monday_zero_offset()).unwrap();
    window.hours.iter().any(|(opens, closes)| {
        if opens < closes {
            window.days[today] && (*opens..*closes).contains(&minute)
        } else if closes < opens {
            (window.days[today] && minute >= *opens)
                || (window.days[(today + 6) % 7] && minute < *closes)
        } else {
            false
        }
    }) || makes_up(window, at)
}

/// Whether hours that the clock jumped over as a whole, at most three hours ago, are still being made up for.
fn makes_up(window: &Window, at: Timestamp) -> bool {
    let wall = |at: i64| {
        window
            .zone
            .to_datetime(Timestamp::from_millis(at).to_jiff())
    };
    let minute = |at: i64| i32::from(wall(at).hour()) * 60 + i32::from(wall(at).minute());
    let quarter = 900_000;
    (0..12).any(|n| {
        let jump = at.millis() / quarter * quarter - n * quarter;
        let (from, to) = (minute(jump - quarter) + 15, minute(jump));
        let today = usize::try_from(wall(jump).weekday().to_monday_zero_offset()).unwrap();
        let since = i32::try_from((at.millis() - jump) / 60_000).unwrap();
        let over = |(opens, closes): &(i32, i32)| {
            opens < closes
                && from <= *opens
                && *closes <= to
                && since < closes - opens
                && window.days[today]
        };
        from < to && to - from <= 180 && window.hours.iter().any(over)
    })
}

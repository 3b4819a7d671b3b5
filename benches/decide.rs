//! One signed 2 KB alert: verify, then verify + strict JSON + mapping, then with the decision, at 10 to 10,000 rules.
//! Then the decision alone, where the rules share no value, some, or all of one, beside a loop that looks at each; and
//! what it takes to load as many.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scanhook::policy::{Ceiling, Policy, PolicyQuestion, Terms};
use scanhook::settings::Source;
use scanhook_core::alert::{Alert, Device, MachineId, Severity};
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::mapping::{self, Item};
use scanhook_core::rules::{Event, Facts};
use scanhook_core::scan::Mode;
use scanhook_core::signature::{
    Authentication, Check, Encoding, Key, Moment, ProvenRequest, authenticate,
};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// A generic alert padded to about 2 KB with fields no mapping reads, as real senders send them.
fn body() -> Bytes {
    let padding: String = (0..24).fold(String::new(), |mut text, n| {
        write!(
            text,
            r#""field_{n}":"some value that nobody reads, number {n}, with a few more words","#
        )
        .unwrap();
        text
    });
    Bytes::from(format!(
        r#"{{{padding}"alert_id":"3212","title":"Suspicious archive","severity":"high","category":"Execution",
        "technique":["T1059.001"],"devices":[{{"mde_id":"1e5bc9d7e413ddd7902c2932e418702b84d0cc07","name":"lt-042"}}]}}"#
    ))
}

/// The last rule matches; each earlier one looks at a field and fails.
fn rules(count: usize) -> Policy {
    let mut text = "version = 1\n[defaults]\nmode = \"enforce\"\n".to_owned();
    for n in 1..count {
        write!(text, "[[rule]]\nname = \"r{n}\"\nscan = \"full\"\nwhen = {{ alert.category = \"Category{n}\" }}\n")
            .unwrap();
    }
    text.push_str(
        "[[rule]]\nname = \"last\"\nscan = \"quick\"\nwhen = { severity.gte = \"medium\" }\n",
    );
    Policy::parse(text).map_err(|_| "rules").unwrap().policy
}

/// How much the conditions of rules have in common.
#[derive(Clone, Copy)]
enum Sharing {
    /// Every rule has a category of its own.
    Nothing,
    /// Ten rules share each category, and differ in the title.
    Some,
    /// All share the category of the alert, and differ in the title.
    All,
    /// All share the category of the alert, and differ in nothing that can be looked up.
    Hopeless,
}

const SHARING: [(&str, Sharing); 4] = [
    ("no value shared", Sharing::Nothing),
    ("ten share a value", Sharing::Some),
    ("all share a value, texts differ", Sharing::All),
    ("all share a value, nothing else to find", Sharing::Hopeless),
];

/// The category of rule `n`, and the text that its title must hold.
fn asks(sharing: Sharing, n: usize) -> (String, Option<String>) {
    match sharing {
        Sharing::Nothing => (format!("Category{n}"), None),
        Sharing::Some => (
            format!("Category{}", n / 10),
            Some(format!("tool number {n} ")),
        ),
        Sharing::All => ("Execution".to_owned(), Some(format!("tool number {n} "))),
        Sharing::Hopeless => ("Execution".to_owned(), None),
    }
}

fn shared(sharing: Sharing, count: usize) -> String {
    let mut text = "version = 1\n[defaults]\nmode = \"enforce\"\n".to_owned();
    for n in 1..count {
        let (category, title) = asks(sharing, n);
        let title = title.map_or("severity.lte = \"low\"".to_owned(), |title| {
            format!("alert.title.contains = \"{title}\"")
        });
        write!(
            text,
            "[[rule]]\nname = \"r{n}\"\nscan = \"full\"\nwhen = {{ alert.category = \"{category}\", {title} }}\n"
        )
        .unwrap();
    }
    text.push_str(
        "[[rule]]\nname = \"last\"\nscan = \"quick\"\nwhen = { severity.gte = \"medium\" }\n",
    );
    text
}

/// The least a loop could do: two comparisons a rule, on fields that were read once.
fn looped(
    rules: &[(String, Option<String>)],
    category: &str,
    title: &str,
    low: bool,
) -> Option<usize> {
    rules.iter().position(|(wanted, part)| {
        wanted.eq_ignore_ascii_case(category)
            && part
                .as_ref()
                .map_or(low, |part| title.to_lowercase().contains(part))
    })
}

fn decide(source: &Source, policy: &Policy, delivery: &VerifiedDelivery) -> usize {
    let json = strict_json::read(delivery.body()).unwrap();
    let terms = Terms {
        ceiling: Ceiling::AtMost(Mode::Enforce),
        limit: None,
    };
    let items = mapping::read(&source.mapping, source.caps, &json, &delivery.body_hash());
    let alerts = items.iter().filter_map(|item| {
        if let Item::Alert(alert) = item {
            Some(alert)
        } else {
            None
        }
    });
    alerts
        .flat_map(|alert| alert.devices.iter().map(move |device| (alert, device)))
        .map(|(alert, device)| {
            let (facts, at) = (Facts::NotAsked, Timestamp::default());
            policy.decide(PolicyQuestion {
                source,
                tenant: "default",
                terms,
                alert,
                device,
                facts,
                body: Some(&json),
                at,
                memo: None,
            })
        })
        .filter(|verdict| verdict.rule.is_some())
        .count()
}

fn bench(c: &mut Criterion) {
    let key = Key::new("bench", b"a secret of at least 16 bytes")
        .map_err(|_| "key")
        .unwrap();
    let check = Check::hmac(
        "x-signature-256".parse().unwrap(),
        "sha256=",
        Encoding::Hex,
        vec![key],
    );
    let body = body();
    let headers = ProvenRequest::prove([&check], body.clone(), Moment::at(Timestamp::default()))
        .unwrap()
        .headers;
    let auth = Authentication {
        alternatives: vec![vec![check]],
    };
    let source = Source::of_preset("generic").unwrap();
    let verify = || {
        authenticate(
            &auth,
            "generic",
            &headers,
            body.clone(),
            Timestamp::default(),
        )
        .map_err(|_| "refused")
    };
    let delivery = verify().unwrap();

    let mut group = c.benchmark_group("one alert of 2 KB");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("verify", |b| b.iter(|| black_box(verify()).is_ok()));
    group.bench_function("verify + strict JSON", |b| {
        b.iter(|| {
            let delivery = verify().unwrap();
            black_box(strict_json::read(delivery.body()).is_ok())
        });
    });
    for count in [10, 1_000, 10_000] {
        let policy = rules(count);
        assert_eq!(decide(&source, &policy, &delivery), 1);
        group.bench_function(format!("verify + read + decide, {count} rules"), |b| {
            b.iter(|| black_box(decide(&source, &policy, &verify().unwrap())));
        });
    }
    group.finish();
}

/// The decision alone.
fn alone(c: &mut Criterion) {
    let alert = Alert {
        id: "3212".to_owned(),
        title: Some("Suspicious archive was unpacked by a tool nobody knows".to_owned()),
        severity: Some(Severity::High),
        category: vec!["Execution".to_owned()],
        ..Alert::default()
    };
    let machine = MachineId::parse("1e5bc9d7e413ddd7902c2932e418702b84d0cc07");
    let device = Device {
        machine,
        name: Some("lt-042".to_owned()),
        ..Device::default()
    };
    let title = alert.title.clone().unwrap();
    for (name, sharing) in SHARING {
        let mut group = c.benchmark_group(format!("decide, {name}"));
        for count in [10, 100, 1_000, 10_000] {
            let rules = Policy::parse(shared(sharing, count))
                .map_err(|_| "rules")
                .unwrap()
                .policy;
            let (facts, at) = (Facts::NotAsked, Timestamp::default());
            let (source, tenant, body) = ("soar", "default", None);
            let event = Event {
                source,
                preset: "generic",
                tenant,
                alert: &alert,
                device: &device,
                facts,
                body,
                memo: None,
                at,
            };
            assert_eq!(rules.rules().decide(&event).rule.as_deref(), Some("last"));
            group.bench_function(format!("{count} rules"), |b| {
                b.iter(|| black_box(rules.rules().decide(&event)))
            });
            let plain: Vec<_> = (1..count).map(|n| asks(sharing, n)).collect();
            group.bench_function(format!("{count} rules, looped"), |b| {
                b.iter(|| black_box(looped(black_box(&plain), "Execution", &title, false)));
            });
        }
        group.finish();
    }
    let text = shared(Sharing::Some, 10_000);
    c.bench_function("load 10,000 rules", |b| {
        b.iter(|| {
            Policy::parse(black_box(text.clone()))
                .map_err(|_| "rules")
                .unwrap()
                .policy
                .rules()
                .names()
                .count()
        });
    });
}

criterion_group!(benches, bench, alone);
criterion_main!(benches);

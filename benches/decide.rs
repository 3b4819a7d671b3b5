//! One signed 2 KB alert: verify, then verify + strict JSON + mapping, then with the decision, at 10 and 1,000 rules.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scanhook::domain::delivery::VerifiedDelivery;
use scanhook::domain::mapping::{self, Item};
use scanhook::domain::rules::Facts;
use scanhook::domain::scan::Mode;
use scanhook::domain::signature::{Authentication, Check, Encoding, Key, Moment, Outgoing, authenticate};
use scanhook::domain::strict_json;
use scanhook::domain::time::Timestamp;
use scanhook::policy::{Ceiling, Policy, Question, Terms};
use scanhook::settings::Source;

/// A generic alert padded to about 2 KB with fields no mapping reads, as real senders send them.
fn body() -> Bytes {
    let padding: String = (0..24).fold(String::new(), |mut text, n| {
        write!(text, r#""field_{n}":"some value that nobody reads, number {n}, with a few more words","#).unwrap();
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
    text.push_str("[[rule]]\nname = \"last\"\nscan = \"quick\"\nwhen = { severity.gte = \"medium\" }\n");
    Policy::parse(text).map_err(|_| "rules").unwrap().policy
}

fn decide(source: &Source, policy: &Policy, delivery: &VerifiedDelivery) -> usize {
    let json = strict_json::read(delivery.body()).unwrap();
    let terms = Terms { ceiling: Ceiling::AtMost(Mode::Enforce), limit: None };
    let items = mapping::read(&source.mapping, source.caps, &json, delivery.key().as_bytes());
    let alerts = items.iter().filter_map(|item| if let Item::Alert(alert) = item { Some(alert) } else { None });
    alerts
        .flat_map(|alert| alert.devices.iter().map(move |device| (alert, device)))
        .map(|(alert, device)| {
            let (facts, at) = (Facts::NotAsked, Timestamp::default());
            policy.decide(Question { source, terms, alert, device, facts, body: Some(&json), at })
        })
        .filter(|verdict| verdict.rule.is_some())
        .count()
}

fn bench(c: &mut Criterion) {
    let key = Key::new("bench", b"a secret of at least 16 bytes").map_err(|_| "key").unwrap();
    let check = Check::hmac("x-signature-256".parse().unwrap(), "sha256=", Encoding::Hex, vec![key]);
    let body = body();
    let headers = Outgoing::prove([&check], body.clone(), Moment::at(Timestamp::default())).unwrap().headers;
    let auth = Authentication { alternatives: vec![vec![check]] };
    let source = Source::of_preset("generic").unwrap();
    let verify = || authenticate(&auth, "generic", &headers, body.clone(), Timestamp::default()).map_err(|_| "refused");
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
    for count in [10, 1_000] {
        let policy = rules(count);
        assert_eq!(decide(&source, &policy, &delivery), 1);
        group.bench_function(format!("verify + read + decide, {count} rules"), |b| {
            b.iter(|| black_box(decide(&source, &policy, &verify().unwrap())));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

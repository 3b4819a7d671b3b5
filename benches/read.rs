//! One delivery of each sender, brought to about 2 KB as real ones are: verified by HMAC, read strictly, and mapped.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use scanhook::settings::Source;
use scanhook_core::mapping;
use scanhook_core::signature::{
    Authentication, Check, Encoding, Key, Moment, ProvenRequest, authenticate,
};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;
use serde_json::Value;

/// What a body is brought to, in bytes.
const SIZE: usize = 2_048;

/// The fixture, padded at the top with members that no map reads. A larger one stays as it is.
fn body(file: &str) -> Bytes {
    let path = format!("{}/tests/payloads/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for n in 0.. {
        let text = value.to_string();
        if text.len() >= SIZE {
            return Bytes::from(text);
        }
        let filler = format!("text {n} that nobody reads, as senders send much of it");
        value
            .as_object_mut()
            .unwrap()
            .insert(format!("member_{n}"), filler.into());
    }
    unreachable!("a body grows until it is large enough")
}

fn bench(c: &mut Criterion) {
    let expected = include_str!("../tests/payloads/expected.json");
    let expected: Value = serde_json::from_str(expected).unwrap();
    let key = Key::new("bench", b"a secret of at least 16 bytes")
        .map_err(|_| "key")
        .unwrap();
    let check = || {
        Check::hmac(
            "x-signature-256".parse().unwrap(),
            "sha256=",
            Encoding::Hex,
            vec![key.clone()],
        )
    };
    let auth = Authentication {
        alternatives: vec![vec![check()]],
    };
    let mut group = c.benchmark_group("verify + read");
    let mut seen = BTreeSet::new();
    for (file, of) in expected.as_object().unwrap() {
        let preset = of["preset"].as_str().unwrap();
        if !seen.insert(preset) {
            continue;
        }
        let body = body(file);
        let headers =
            ProvenRequest::prove([&check()], body.clone(), Moment::at(Timestamp::default()))
                .unwrap()
                .headers;
        let source = Source::of_preset(preset).unwrap();
        let read = || {
            let at = Timestamp::default();
            let delivery = authenticate(&auth, preset, &headers, body.clone(), at)
                .map_err(|_| "refused")
                .unwrap();
            let json = strict_json::read(delivery.body()).unwrap();
            mapping::read(&source.mapping, source.caps, &json, &delivery.body_hash()).len()
        };
        assert_eq!(read(), of["items"].as_array().unwrap().len());
        group.bench_function(format!("{preset}, {} B", body.len()), |b| {
            b.iter(|| black_box(read()))
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

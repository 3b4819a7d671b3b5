//! Does the time that a comparison takes tell how much of a forged proof was right? As dudect asks it: many
//! measurements of two kinds of wrong proofs, shuffled, and Welch's t between them. Below 4.5 nothing can be told apart.
//!
//! `ROUNDS` and `SAMPLES` in the environment make it longer: `SAMPLES=1000000 cargo bench --bench timing`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use scanhook_core::signature::{
    Authentication, Check, Encoding, Key, Moment, ProvenRequest, authenticate,
};
use scanhook_core::time::Timestamp;

const SECRET: &[u8] = b"a secret of 32 bytes, no more :)";
/// What dudect takes for proof of a difference.
const BOUND: f64 = 4.5;

/// xorshift: which kind is measured next.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 32 & 1 == 1
    }
}

fn keys() -> Vec<Key> {
    vec![Key::new("bench", SECRET).map_err(|_| "key").unwrap()]
}

/// The two kinds of wrong proofs: one whose last digit alone is wrong, one that is wrong from its first.
fn pair(check: &Check, name: &HeaderName, skip: usize, body: &Bytes) -> [Vec<u8>; 2] {
    let good = ProvenRequest::prove([check], body.clone(), Moment::at(Timestamp::default()))
        .unwrap()
        .headers;
    let value = good[name].as_bytes().to_vec();
    let altered = |at: usize| {
        let mut value = value.clone();
        value[at] = if value[at] == b'0' { b'1' } else { b'0' };
        value
    };
    [altered(value.len() - 1), altered(skip)]
}

/// Mean and variance as they grow.
#[derive(Clone, Copy, Default)]
struct Grown {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Grown {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        let delta = x - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (x - self.mean);
    }

    fn share(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// Welch's t over so many measurements. The slowest are left out: they were interrupted.
fn t(
    check: &Check,
    name: &HeaderName,
    proofs: &[Vec<u8>; 2],
    body: &Bytes,
    samples: usize,
    dice: &mut Dice,
) -> f64 {
    let auth = Authentication {
        alternatives: vec![vec![check.clone()]],
    };
    let mut times: Vec<(bool, u64)> = Vec::with_capacity(samples);
    for _ in 0..samples {
        let kind = dice.next();
        // Made anew each time, so that neither kind has a place in memory, or a cache line, of its own.
        let value = HeaderValue::from_bytes(&proofs[usize::from(kind)]).unwrap();
        let headers: HeaderMap = [(name.clone(), value)].into_iter().collect();
        let body = body.clone();
        let begun = Instant::now();
        let refused = black_box(authenticate(
            &auth,
            "s",
            &headers,
            body,
            Timestamp::default(),
        ));
        let took = begun.elapsed();
        assert!(refused.is_err(), "accepted");
        times.push((kind, u64::try_from(took.as_nanos()).unwrap()));
    }
    let mut sorted: Vec<u64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_unstable();
    let most = sorted[sorted.len() * 95 / 100];
    let mut grown = [Grown::default(); 2];
    for (kind, time) in times.into_iter().filter(|(_, time)| *time <= most) {
        grown[usize::from(kind)].add(time as f64);
    }
    let [one, other] = grown;
    (one.mean - other.mean) / (one.share() + other.share()).sqrt()
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn main() {
    let (rounds, samples) = (number("ROUNDS", 3), number("SAMPLES", 100_000));
    let header = HeaderName::from_static("x-signature-256");
    let hmac = Check::hmac(header.clone(), "sha256=", Encoding::Hex, keys());
    let api = HeaderName::from_static("x-api-key");
    let cases = [
        ("a signature", hmac, header, "sha256=".len()),
        (
            "a bearer token",
            Check::Bearer { keys: keys() },
            AUTHORIZATION,
            "Bearer ".len(),
        ),
        (
            "a secret in a header",
            Check::Header {
                name: api.clone(),
                keys: keys(),
            },
            api,
            0,
        ),
    ];
    let body = Bytes::from_static(br#"{"alert_id":"3212"}"#);
    let mut dice = Dice(0x005c_a1ab_1e5c_a1ab);
    let mut told_apart = Vec::new();
    for (what, check, name, skip) in cases {
        let proofs = pair(&check, &name, skip, &body);
        // One round can be unlucky; a real difference shows in each.
        let found: Vec<f64> = (0..rounds)
            .map(|_| t(&check, &name, &proofs, &body, samples, &mut dice))
            .collect();
        let least = found.iter().map(|t| t.abs()).fold(f64::INFINITY, f64::min);
        println!("{what}: t = {found:.2?} over {samples} samples each, the least {least:.2}");
        if least >= BOUND {
            told_apart.push(what);
        }
    }
    assert!(
        told_apart.is_empty(),
        "the time tells how much was right: {told_apart:?}"
    );
}

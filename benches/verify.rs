//! Who sent this? Each way of proving it, over a body of 2 KB.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scanhook::settings::{Flags, Inputs, Settings};
use scanhook_core::signature::{
    Authentication, Check, Keyring, Keyrings, Moment, Presented, ProvenRequest, authenticate,
};
use scanhook_core::time::Timestamp;
use serde_json::json;

/// 2026-11-02T08:15:42Z.
const NOW: Timestamp = Timestamp::from_millis(1_793_607_342_000);
const TENANT: &str = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e";

/// Every kind, as its users write it.
const KINDS: &[(&str, &str)] = &[
    (
        "hmac",
        "hmac = { header = \"X-Sig\", prefix = \"sha256=\", secret_file = \"s\" }",
    ),
    (
        "hmac_sha512",
        "hmac = { header = \"X-Sig\", algorithm = \"sha512\", secret_file = \"s\" }",
    ),
    (
        "hmac_sha1",
        "hmac = { header = \"X-Sig\", algorithm = \"sha1\", secret_file = \"s\" }",
    ),
    (
        "standard_webhooks",
        "standard_webhooks = { secret_file = \"s\" }",
    ),
    ("github", "github = { secret_file = \"s\" }"),
    (
        "grafana",
        "grafana = { timestamp_header = \"X-Time\", secret_file = \"s\" }",
    ),
    ("pagerduty", "pagerduty = { secret_file = \"s\" }"),
    ("crowdstrike", "crowdstrike = { secret_file = \"s\" }"),
    ("bearer", "bearer = { secret_file = \"s\" }"),
    (
        "header",
        "header = { name = \"X-Api-Key\", secret_file = \"s\" }",
    ),
    (
        "basic",
        "basic = { username = \"siem\", secret_file = \"s\" }",
    ),
    ("url_secret", "url_secret = { secret_file = \"s\" }"),
    (
        "body_secret",
        "body_secret = { pointer = \"/clientState\", secret_file = \"s\" }",
    ),
    (
        "ip_and_bearer",
        "ip = \"127.0.0.0/8\"\nbearer = { secret_file = \"s\" }",
    ),
    (
        "entra_jwt",
        "entra_jwt = { tenant_id = \"3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e\", audience = \"api://scanhook\", roles = \"Alert.Post\" }",
    ),
];

/// A body as a sender writes it, of about 2 KB.
fn body() -> Bytes {
    let padding: String = (0..24)
        .map(|n| format!("\"field_{n}\":\"some value that nobody reads, and more of it, {n}\","))
        .collect();
    Bytes::from(format!(
        "{{{padding}\"alert_id\":\"3212\",\"severity\":\"high\",\"title\":\"{}\"}}",
        "x".repeat(400)
    ))
}

fn settings() -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("s");
    // Standard base64, so that it can be a key of Standard Webhooks as well.
    std::fs::write(&secret, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let source = |(name, auth): &(&str, &str)| {
        format!("[sources.{name}]\npreset = \"generic\"\n[[sources.{name}.auth]]\n{auth}\n")
    };
    let file = folder.path().join("scanhook.toml");
    std::fs::write(&file, KINDS.iter().map(source).collect::<String>()).unwrap();
    let flags = Flags {
        simulate: true,
        ..Flags::default()
    };
    let inputs = Inputs {
        file: Some(file),
        flags,
        ..Inputs::default()
    };
    Settings::load(&inputs)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())
        .unwrap()
}

/// A token of Entra ID with the key that signed it.
fn token(keys: &str) -> (String, Keyrings) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let seconds = NOW.millis() / 1000;
    let claims = json!({
        "aud": "api://scanhook", "iss": format!("https://sts.windows.net/{TENANT}/"), "tid": TENANT,
        "exp": seconds + 3600, "nbf": seconds, "appid": "a", "oid": "o", "roles": ["Alert.Post"],
    });
    let header = json!({ "alg": "RS256", "kid": "k" });
    let message = format!(
        "{}.{}",
        part(header.to_string().as_bytes()),
        part(claims.to_string().as_bytes())
    );
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    let public = pair.public_key();
    let n = part(public.modulus().big_endian_without_leading_zero());
    let e = part(public.exponent().big_endian_without_leading_zero());
    let set = json!({ "keys": [{ "kty": "RSA", "use": "sig", "kid": "k", "n": n, "e": e }] });
    let ring = Keyring::read(set.to_string().as_bytes()).unwrap();
    (
        format!("{message}.{}", part(&signature)),
        [(keys.to_owned(), ring)].into(),
    )
}

fn keys_of(auth: &Authentication) -> Option<&str> {
    auth.alternatives
        .iter()
        .flatten()
        .find_map(|check| match check {
            Check::Entra(entra) => Some(entra.keys.as_str()),
            _ => None,
        })
}

fn bench(c: &mut Criterion) {
    let settings = settings();
    let body = body();
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Bytes(body.len() as u64));
    for (name, _) in KINDS {
        let source = settings
            .sources
            .iter()
            .find(|source| source.name == *name)
            .unwrap();
        let (token, rings) = keys_of(&source.auth).map(token).unwrap_or_default();
        let moment = Moment {
            at: NOW,
            id: "msg_1",
            token: Some(&token),
        };
        let sent =
            ProvenRequest::prove(&source.auth.alternatives[0], body.clone(), moment).unwrap();
        let presented = Presented {
            headers: &sent.headers,
            url_secret: sent.url_secret.as_ref(),
            address: Some([127, 0, 0, 1].into()),
            keyrings: Some(&rings),
            ..Presented::from(&sent.headers)
        };
        let verify = || authenticate(&source.auth, name, presented, sent.body.clone(), NOW);
        assert!(verify().is_ok(), "{name}");
        group.bench_function(*name, |b| b.iter(|| black_box(verify()).is_ok()));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

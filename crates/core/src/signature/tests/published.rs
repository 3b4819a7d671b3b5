//! Tests against collections of published samples that may lie beside the repository but are not part of it.
//! Where they are absent nothing is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::signature::stamp::TOLERANCE;
use crate::signature::{
    Algorithm, Authentication, Check, Encoding, Key, KeyEncoding, Scheme, Separator,
    SignedTemplate, SignedTime, StampPlace, TimeFormat, authenticate,
};
use crate::time::Timestamp;

fn beside(path: &str) -> Option<Vec<u8>> {
    std::fs::read(format!(
        "{}/../../../shared/{path}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .ok()
}

/// Vectors of several senders. Their secrets are shorter than we would accept, so the keys are made without that check.
#[test]
fn agrees_with_published_vectors() {
    let Some(text) = beside("reference/signature-vectors.json") else {
        return;
    };
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut tried = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let field = |name: &str| vector[name].as_str().unwrap_or_default();
        let headers: HeaderMap = vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| {
                (
                    k.parse().unwrap(),
                    HeaderValue::from_str(v.as_str().unwrap()).unwrap(),
                )
            })
            .collect();
        let auth = Authentication {
            alternatives: vec![vec![Check::Hmac(Box::new(scheme(vector)))]],
        };
        let body = Bytes::copy_from_slice(field("body").as_bytes());
        let now = Timestamp::from_millis(vector["now"].as_i64().unwrap_or_default() * 1000);
        let accepted = authenticate(&auth, "s", &headers, body, now).is_ok();
        assert_eq!(accepted, field("expect") == "accept", "{}", field("name"));
        tried += 1;
    }
    assert!(tried >= 31, "{tried}");
}

/// The scheme a vector describes.
fn scheme(vector: &serde_json::Value) -> Scheme {
    let field = |name: &str| vector[name].as_str().unwrap_or_default();
    let named = |name: &str| {
        vector[name]
            .as_str()
            .map(|header| header.parse::<HeaderName>().unwrap())
    };
    let secret = field("secret").as_bytes();
    let key_encoding = match field("secret_encoding") {
        "whsec-base64" => KeyEncoding::Whsec,
        _ => KeyEncoding::Raw,
    };
    let key =
        Key::encoded("vector", secret, key_encoding).unwrap_or_else(|_| Key::unchecked(secret));
    let place = named("timestamp_header").map(StampPlace::Header);
    Scheme {
        header: field("signature_header").parse().unwrap(),
        prefix: field("prefix").to_owned(),
        separator: field("list_separator")
            .bytes()
            .next()
            .map_or(Separator::Nothing, Separator::Only),
        encoding: Encoding::of_code(field("digest_encoding")).unwrap(),
        algorithm: Algorithm::of_code(field("algorithm")).unwrap(),
        signed: SignedTemplate::parse(field("signed")).unwrap(),
        stamp: place.map(|place| SignedTime {
            place,
            formats: vec![TimeFormat::Unix],
            tolerance: TOLERANCE,
        }),
        id_header: named("id_header"),
        key_encoding,
        keys: vec![key],
    }
}

//! Tests against collections of published samples that may lie beside the repository but are not part of it.
//! Where they are absent nothing is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::domain::signature::{Authentication, Check, Encoding, Key, authenticate};
use crate::domain::time::Timestamp;

fn beside(path: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("{}/../shared/{path}", env!("CARGO_MANIFEST_DIR"))).ok()
}

/// Vectors of several senders. Their secrets are shorter than we would accept, so the keys are made without that check.
#[test]
fn agrees_with_published_vectors() {
    let Some(text) = beside("reference/signature-vectors.json") else { return };
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut tried = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let field = |name: &str| vector[name].as_str().unwrap_or_default();
        if field("algorithm") != "sha256" || field("signed") != "{body}" || field("secret").is_empty() {
            continue;
        }
        let check = Check::Hmac {
            header: field("signature_header").parse().unwrap(),
            prefix: field("prefix").to_owned(),
            encoding: if field("digest_encoding") == "hex" { Encoding::Hex } else { Encoding::Base64 },
            keys: vec![Key::unchecked(field("secret").as_bytes())],
        };
        let headers: HeaderMap = vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_str(v.as_str().unwrap()).unwrap()))
            .collect();
        let auth = Authentication { alternatives: vec![vec![check]] };
        let body = Bytes::copy_from_slice(field("body").as_bytes());
        let accepted = authenticate(&auth, "s", &headers, body, Timestamp::default()).is_ok();
        assert_eq!(accepted, field("expect") == "accept", "{}", field("name"));
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
}

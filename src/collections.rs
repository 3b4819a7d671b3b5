//! Tests against collections of published samples that may lie beside the repository but are not part of it.
//! Where they are absent nothing is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::mapping::{Caps, Item, Mapping, read};
use crate::domain::signature::stamp::TOLERANCE;
use crate::domain::signature::{
    Algorithm, Authentication, Check, Encoding, Format, Key, KeyEncoding, Place, Scheme, Separator, Stamp, Template,
    authenticate,
};
use crate::domain::strict_json;
use crate::domain::time::Timestamp;
use crate::presets;

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
        let headers: HeaderMap = vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_str(v.as_str().unwrap()).unwrap()))
            .collect();
        let auth = Authentication { alternatives: vec![vec![Check::Hmac(Box::new(scheme(vector)))]] };
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
    let named = |name: &str| vector[name].as_str().map(|header| header.parse::<HeaderName>().unwrap());
    let secret = field("secret").as_bytes();
    let key_encoding = match field("secret_encoding") {
        "whsec-base64" => KeyEncoding::Whsec,
        _ => KeyEncoding::Raw,
    };
    let key = Key::encoded("vector", secret, key_encoding).unwrap_or_else(|_| Key::unchecked(secret));
    let place = named("timestamp_header").map(Place::Header);
    Scheme {
        header: field("signature_header").parse().unwrap(),
        prefix: field("prefix").to_owned(),
        separator: field("list_separator").bytes().next().map_or(Separator::Nothing, Separator::Only),
        encoding: Encoding::of_code(field("digest_encoding")).unwrap(),
        algorithm: Algorithm::of_code(field("algorithm")).unwrap(),
        signed: Template::parse(field("signed")).unwrap(),
        stamp: place.map(|place| Stamp { place, formats: vec![Format::Unix], tolerance: TOLERANCE }),
        id_header: named("id_header"),
        key_encoding,
        keys: vec![key],
    }
}

/// One real-world body is mapped as its collection expects it.
#[test]
fn reads_a_published_sentinel_incident_as_expected() {
    let (Some(body), Some(expected)) = (beside("payloads/sentinel_incident.json"), beside("payloads/expected.json"))
    else {
        return;
    };
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let file = &expected["files"]["sentinel_incident.json"];
    let mapping = Mapping::compile(presets::map(file["preset"].as_str().unwrap()).unwrap()).unwrap();
    let items = read(&mapping, Caps::default(), &strict_json::read(&body).unwrap(), &[0; 24]);
    let [Item::Alert(alert)] = items.as_slice() else { panic!("{items:?}") };
    let wanted = &file["alerts"][0];
    let device = alert.devices.first().unwrap();
    assert_eq!(file["alerts"].as_array().map(Vec::len), Some(1));
    assert_eq!(wanted["devices"].as_array().map(Vec::len), Some(alert.devices.len()));
    for (what, is, wanted) in [
        ("id", Some(alert.id.clone()), &wanted["id"]),
        ("title", alert.title.clone(), &wanted["title"]),
        ("severity", alert.severity.map(|s| s.to_string()), &wanted["severity"]),
        ("category", alert.category.first().cloned(), &wanted["category"][0]),
        ("technique", alert.techniques.first().cloned(), &wanted["technique"][0]),
        ("user", alert.user.clone(), &wanted["user"]),
        ("tenant", alert.tenant.clone(), &wanted["tenant"]),
        ("mde_id", device.machine.as_ref().map(ToString::to_string), &wanted["devices"][0]["mde_id"]),
        ("name", device.name.clone(), &wanted["devices"][0]["name"]),
        ("ip", device.ip.clone(), &wanted["devices"][0]["ip"]),
        ("aad_id", device.aad_id.clone(), &wanted["devices"][0]["aad_id"]),
    ] {
        assert_eq!(is.as_deref(), wanted.as_str(), "{what}");
    }
    assert_eq!(alert.time, Timestamp::parse(wanted["time_utc"].as_str().unwrap()));
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines
)]

mod flips;
mod issuer;
mod published;
mod tokens;
mod vectors;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::*;
use crate::pointer::Pointer;
use crate::time::Timestamp;

const SECRET: &[u8] = b"a secret of 24 bytes, ok";
const HEADER: HeaderName = HeaderName::from_static("x-signature-256");
/// 2026-11-02T08:15:42Z.
const NOW: Timestamp = Timestamp::from_millis(1_793_607_342_000);

fn keys(secrets: &[&[u8]]) -> Vec<Key> {
    secrets
        .iter()
        .enumerate()
        .map(|(n, s)| Key::new(format!("key{n}"), s).unwrap())
        .collect()
}

fn hmac(prefix: &str, encoding: Encoding, secrets: &[&[u8]]) -> Check {
    Check::hmac(HEADER, prefix, encoding, keys(secrets))
}

/// A scheme as its kind presumes it, with one secret.
fn scheme(kind: &str, secret: &[u8]) -> Scheme {
    let known = KnownScheme::named(kind).unwrap();
    let name = |name: &str| name.parse::<HeaderName>().unwrap();
    let formats = known.timestamp_formats.to_vec();
    let place = known
        .timestamp_header
        .map(|header| StampPlace::Header(name(header)));
    Scheme {
        header: name(known.header.unwrap_or("x-signature")),
        prefix: known.prefix.to_owned(),
        separator: known.separator,
        encoding: known.encoding,
        algorithm: Algorithm::Sha256,
        signed: SignedTemplate::parse(known.signed).unwrap(),
        stamp: place.map(|place| SignedTime {
            place,
            formats,
            tolerance: stamp::TOLERANCE,
        }),
        id_header: known.id_header.map(name),
        key_encoding: known.key_encoding,
        keys: vec![Key::unchecked(secret)],
    }
}

fn only(check: Check) -> Authentication {
    Authentication {
        alternatives: vec![vec![check]],
    }
}

fn headers(pairs: &[(&HeaderName, &[u8])]) -> HeaderMap {
    pairs
        .iter()
        .map(|(n, v)| ((*n).clone(), HeaderValue::from_bytes(v).unwrap()))
        .collect()
}

fn verify(auth: &Authentication, headers: &HeaderMap, body: &[u8]) -> Result<String, Refused> {
    authenticate(auth, "s", headers, Bytes::copy_from_slice(body), NOW)
        .map(|d| d.credential().to_owned())
}

/// 202, 400, 401 or 503.
fn status(auth: &Authentication, presented: &HeaderMap, body: &[u8]) -> u16 {
    match verify(auth, presented, body) {
        Ok(_) => 202,
        Err(Refused::Malformed(_) | Refused::Sealed(_)) => 400,
        Err(Refused::Failed(_)) => 401,
        Err(Refused::KeyUnknown(_)) => 503,
    }
}

/// What an honest sender adds.
fn sent(check: &Check, body: &[u8]) -> HeaderMap {
    ProvenRequest::prove([check], Bytes::copy_from_slice(body), Moment::at(NOW))
        .unwrap()
        .headers
}

fn tag(secret: &[u8], body: &[u8]) -> String {
    sent(&hmac("", Encoding::Hex, &[secret]), body)[&HEADER]
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_right_signature_is_accepted_and_no_damaged_spelling_of_it() {
    let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
    let body = br#"{"alertId":"3212"}"#;
    let tag = tag(SECRET, body);
    let base64 = BASE64.encode(hex::decode(&tag).unwrap());
    for (value, expected) in [
        (format!("sha256={tag}"), 202),
        (format!("sha256={}", tag.to_uppercase()), 202),
        (String::new(), 401),
        ("sha256=".to_owned(), 401),
        ("v1,".to_owned(), 401),
        ("none".to_owned(), 401),
        (tag.clone(), 401),
        (format!("sha1={tag}"), 401),
        (format!("SHA256={tag}"), 401),
        (format!("sha256=0x{tag}"), 401),
        (format!("sha256= {tag}"), 202),
        (format!("sha256=\t {tag}"), 202),
        (format!("sha256= sha256={tag}"), 202),
        (format!("sha1= {tag}"), 401),
        (format!("sha256= {} {}", &tag[..32], &tag[32..]), 401),
        (format!("sha256={} {}", &tag[..32], &tag[32..]), 401),
        (format!("sha256={}", &tag[..62]), 401),
        (format!("sha256={}", &tag[..8]), 401),
        (format!("sha256={tag}00"), 401),
        (format!("sha256={base64}"), 401),
        (format!("sha256={}", "\u{ff11}".repeat(64)), 401),
    ] {
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, value.as_bytes())]), body),
            expected,
            "{value}"
        );
    }
    assert_eq!(status(&auth, &HeaderMap::new(), body), 401);
}

#[test]
fn a_repeated_header_is_malformed_whichever_value_is_right() {
    let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
    let good = format!("sha256={}", tag(SECRET, b"{}"));
    for pair in [
        [good.as_bytes(), b"sha256=00"],
        [b"sha256=00", good.as_bytes()],
        [good.as_bytes(); 2],
    ] {
        let headers = headers(&[(&HEADER, pair[0]), (&HEADER, pair[1])]);
        assert_eq!(
            verify(&auth, &headers, b"{}"),
            Err(Refused::Malformed(Malformed::Repeated))
        );
        assert!(
            shape(&auth, &headers).is_err(),
            "known before the body is read"
        );
    }
    // So is one that only says when, or which.
    let check = Check::Hmac(Box::new(scheme("standard_webhooks", SECRET)));
    for name in ["webhook-timestamp", "webhook-id", "webhook-signature"] {
        let mut twice = sent(&check, b"{}");
        let value = twice[name].clone();
        twice.append(name.parse::<HeaderName>().unwrap(), value);
        assert_eq!(status(&only(check.clone()), &twice, b"{}"), 400, "{name}");
    }
}

#[test]
fn eight_signatures_are_tried_and_nine_refused() {
    let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
    let good = format!("sha256={}", tag(SECRET, b"{}"));
    for separator in [",", " ", ", "] {
        let list = |bad: usize| {
            [vec!["sha256=00"; bad], vec![good.as_str()]]
                .concat()
                .join(separator)
        };
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, list(7).as_bytes())]), b"{}"),
            202
        );
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, list(8).as_bytes())]), b"{}"),
            400
        );
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, list(9_999).as_bytes())]), b"{}"),
            400
        );
    }
}

#[test]
fn signatures_are_divided_as_the_scheme_says_and_no_other_way() {
    for (kind, divided, expected) in [
        ("standard_webhooks", " ", 202),
        ("standard_webhooks", ",", 401),
        ("pagerduty", ",", 202),
        ("pagerduty", ", ", 202),
        ("pagerduty", " ", 401),
        ("pagerduty", ";", 401),
        ("github", ",", 401),
        ("github", " ", 401),
    ] {
        let scheme = scheme(kind, SECRET);
        let (name, prefix) = (scheme.header.clone(), scheme.prefix.clone());
        let check = Check::Hmac(Box::new(scheme));
        let mut headers = sent(&check, b"{}");
        let value = format!("{prefix}AAAA{divided}{}", headers[&name].to_str().unwrap());
        headers.insert(name, HeaderValue::from_str(&value).unwrap());
        assert_eq!(
            status(&only(check), &headers, b"{}"),
            expected,
            "{kind}: {value}"
        );
    }
}

#[test]
fn base64_and_a_prefix_with_a_comma_of_its_own() {
    let check = hmac("v1,", Encoding::Base64, &[SECRET]);
    let value = sent(&check, b"{}")[&HEADER].to_str().unwrap().to_owned();
    let auth = only(check);
    let list = format!("v1,AAAA v1a,xx {value}");
    assert_eq!(
        status(&auth, &headers(&[(&HEADER, list.as_bytes())]), b"{}"),
        202
    );
    assert_eq!(status(&auth, &headers(&[(&HEADER, b"v1,")]), b"{}"), 401);
    for other in ["v1, v1,", "v1,=", "v1,====", "v1, v1a,xx"] {
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, other.as_bytes())]), b"{}"),
            401,
            "{other}"
        );
    }
}

#[test]
fn base64_is_taken_with_and_without_padding_and_in_either_alphabet() {
    let auth = only(hmac("v1=", Encoding::Base64, &[SECRET]));
    // A body whose tag has a character that the two alphabets write differently.
    let body = (0..100_u8).map(|n| [b'{', n, b'}']).find(|body| {
        let tag = BASE64.encode(hex::decode(tag(SECRET, body)).unwrap());
        tag.contains('+') && tag.contains('/')
    });
    let body = body.unwrap();
    let padded = BASE64.encode(hex::decode(tag(SECRET, &body)).unwrap());
    let url = padded.replace('+', "-").replace('/', "_");
    for (value, expected) in [
        (padded.clone(), 202),
        (padded.trim_end_matches('=').to_owned(), 202),
        (url.clone(), 202),
        (url.trim_end_matches('=').to_owned(), 202),
        (padded[..padded.len() - 2].to_owned(), 401),
        (format!("{}==", padded.trim_end_matches('=')), 401),
        (padded.replace('+', " "), 401),
    ] {
        assert_eq!(
            status(
                &auth,
                &headers(&[(&HEADER, format!("v1={value}").as_bytes())]),
                &body
            ),
            expected,
            "{value}"
        );
        let blank = format!("v1= {value}");
        assert_eq!(
            status(&auth, &headers(&[(&HEADER, blank.as_bytes())]), &body),
            expected,
            "{blank}"
        );
    }
}

#[test]
fn a_prefix_may_end_in_a_blank_or_hold_one() {
    for prefix in ["HMAC-SHA256 ", "HMAC SHA256 ", "HMAC SHA256", " v1 = "] {
        let check = hmac(prefix, Encoding::Hex, &[SECRET]);
        let tag = tag(SECRET, b"{}");
        let auth = only(check.clone());
        assert_eq!(status(&auth, &sent(&check, b"{}"), b"{}"), 202, "{prefix}");
        for (value, expected) in [
            (format!("{}   {tag}", prefix.trim()), 202),
            (format!("{0} 00 {0} {tag}", prefix.trim()), 202),
            (format!("HMAC-SHA1 {tag}"), 401),
            (tag, 401),
        ] {
            assert_eq!(
                status(&auth, &headers(&[(&HEADER, value.as_bytes())]), b"{}"),
                expected,
                "{value}"
            );
        }
    }
}

#[test]
fn while_rotating_both_secrets_are_good_and_the_delivery_says_which() {
    let new: &[u8] = b"the new one, 24 bytes :)";
    let auth = only(hmac("", Encoding::Hex, &[new, SECRET]));
    for (secret, id, old) in [(new, "key0", false), (SECRET, "key1", true)] {
        let headers = headers(&[(&HEADER, tag(secret, b"{}").as_bytes())]);
        let delivery = authenticate(&auth, "s", &headers, Bytes::from_static(b"{}"), NOW)
            .ok()
            .unwrap();
        assert_eq!(
            (delivery.credential(), delivery.is_by_old_secret()),
            (id, old)
        );
    }
    let stranger = headers(&[(&HEADER, tag(b"another source's secret!", b"{}").as_bytes())]);
    assert_eq!(status(&auth, &stranger, b"{}"), 401);
}

#[test]
fn all_checks_of_one_alternative_must_hold() {
    let both = || {
        vec![
            hmac("", Encoding::Hex, &[SECRET]),
            Check::Bearer {
                keys: keys(&[SECRET]),
            },
        ]
    };
    let (signed, tokened) = (sent(&both()[0], b"{}"), sent(&both()[1], b"{}"));
    let complete = ProvenRequest::prove(&both(), Bytes::from_static(b"{}"), Moment::at(NOW))
        .unwrap()
        .headers;
    let all = Authentication {
        alternatives: vec![both()],
    };
    assert_eq!(
        [&signed, &tokened, &complete].map(|h| status(&all, h, b"{}")),
        [401, 401, 202]
    );
    assert_eq!(verify(&all, &complete, b"{}").as_deref(), Ok("key0+key0"));
    let any = Authentication {
        alternatives: both().into_iter().map(|c| vec![c]).collect(),
    };
    assert_eq!(
        [&signed, &tokened, &complete].map(|h| status(&any, h, b"{}")),
        [202, 202, 202]
    );
    for nobody in [vec![], vec![vec![]]] {
        assert_eq!(
            status(
                &Authentication {
                    alternatives: nobody
                },
                &complete,
                b"{}"
            ),
            401
        );
    }
}

#[test]
fn a_signed_time_is_judged_after_the_signature_and_not_before() {
    let check = Check::Hmac(Box::new(scheme("standard_webhooks", SECRET)));
    let auth = only(check.clone());
    let at = |seconds: i64| {
        let at = Timestamp::from_millis(NOW.millis() + seconds * 1000);
        ProvenRequest::prove([&check], Bytes::from_static(b"{}"), Moment::at(at))
            .unwrap()
            .headers
    };
    for (seconds, expected) in [
        (0, Ok(())),
        (-300, Ok(())),
        (300, Ok(())),
        (-301, Err(Some(-301))),
        (301, Err(Some(301))),
    ] {
        let found = verify(&auth, &at(seconds), b"{}")
            .map(drop)
            .map_err(|why| why.failure().ahead);
        assert_eq!(found, expected, "{seconds}");
    }
    // What is not signed tells nothing of its time, however absurd.
    for time in [
        "0",
        "99999999999",
        "-9223372036854775808",
        "9223372036854775807",
        "1e99",
        "",
        "\u{661}",
    ] {
        let mut altered = at(0);
        altered.insert(
            "webhook-timestamp",
            HeaderValue::from_bytes(time.as_bytes()).unwrap(),
        );
        let refused = verify(&auth, &altered, b"{}").unwrap_err();
        assert_eq!(
            refused.failure(),
            Failure::of("no signature fits: other secret or other bytes"),
            "{time}"
        );
    }
    for name in ["webhook-timestamp", "webhook-id", "webhook-signature"] {
        let mut without = at(0);
        without.remove(name);
        assert_eq!(status(&auth, &without, b"{}"), 401, "{name}");
    }
}

#[test]
fn a_time_inside_the_signature_header_is_read_wherever_it_stands() {
    let stamp = SignedTime {
        place: StampPlace::Entry("t=".to_owned()),
        formats: vec![TimeFormat::Unix],
        tolerance: stamp::TOLERANCE,
    };
    let signed = SignedTemplate::parse("{timestamp}.{body}").unwrap();
    let (prefix, separator) = ("v1=".to_owned(), Separator::Only(b','));
    let scheme = Scheme {
        prefix,
        separator,
        signed,
        stamp: Some(stamp),
        ..scheme("hmac", SECRET)
    };
    let check = Check::Hmac(Box::new(scheme));
    let value = sent(&check, b"{}")["x-signature"]
        .to_str()
        .unwrap()
        .to_owned();
    let (time, tag) = value.split_once(',').unwrap();
    assert!(
        time.starts_with("t=1793607342") && tag.starts_with("v1="),
        "{value}"
    );
    let auth = only(check);
    let bad = format!("v1={}", "0".repeat(64));
    for (value, expected) in [
        (value.clone(), 202),
        (format!("{tag},{time}"), 202),
        (format!("{time}, {bad}, {tag}"), 202),
        (
            format!("{}, {}", time.replace('=', "= "), tag.replace('=', "= ")),
            202,
        ),
        (format!("{time},v0=00,{tag}"), 202),
        (tag.to_owned(), 401),
        (time.to_owned(), 401),
        (format!("{time},{time},{tag}"), 401),
        (format!("t=1,{tag}"), 401),
        (format!("{time},{bad}"), 401),
        (format!("{time},{},{tag}", [bad.as_str(); 8].join(",")), 400),
        (format!("{time},{},{tag}", [bad.as_str(); 7].join(",")), 202),
    ] {
        let headers = headers(&[(&HeaderName::from_static("x-signature"), value.as_bytes())]);
        assert_eq!(status(&auth, &headers, b"{}"), expected, "{value}");
    }
}

#[test]
fn an_id_that_could_blur_what_is_signed_is_malformed() {
    let check = Check::Hmac(Box::new(scheme("standard_webhooks", SECRET)));
    let long = "x".repeat(129);
    for (id, expected) in [
        ("msg_p5jXN8AQM9LWM0D4loKWxJek", 202),
        ("0198-abcd", 202),
        (&long[..128], 202),
        (&long, 400),
        ("msg.1", 400),
        ("msg 1", 400),
        ("msg:1", 400),
        ("msg\u{e9}", 400),
        ("", 401),
    ] {
        let moment = Moment {
            at: NOW,
            id,
            token: None,
        };
        let headers = ProvenRequest::prove([&check], Bytes::from_static(b"{}"), moment)
            .unwrap()
            .headers;
        assert_eq!(
            status(&only(check.clone()), &headers, b"{}"),
            expected,
            "{id}"
        );
    }
}

#[test]
fn a_delivery_is_known_by_its_signed_id_and_else_by_its_body() {
    let key = |kind: &str, id: &str, body: &'static str| {
        let check = Check::Hmac(Box::new(scheme(kind, SECRET)));
        let moment = Moment {
            at: NOW,
            id,
            token: None,
        };
        let sent =
            ProvenRequest::prove([&check], Bytes::from_static(body.as_bytes()), moment).unwrap();
        authenticate(&only(check), "s", &sent.headers, sent.body, NOW)
            .ok()
            .unwrap()
            .key()
    };
    assert_eq!(
        key("standard_webhooks", "a", "{}"),
        key("standard_webhooks", "a", "[]"),
        "a retry may be written anew"
    );
    assert_ne!(
        key("standard_webhooks", "a", "{}"),
        key("standard_webhooks", "b", "{}")
    );
    assert_eq!(key("github", "a", "{}"), key("github", "b", "{}"));
    assert_ne!(key("github", "a", "{}"), key("github", "a", "[]"));
}

#[test]
fn whatever_its_algorithm_a_signature_of_another_one_does_not_fit() {
    let of = |algorithm| {
        Check::Hmac(Box::new(Scheme {
            algorithm,
            ..scheme("hmac", SECRET)
        }))
    };
    for signs in Algorithm::ALL {
        for verifies in Algorithm::ALL {
            let expected = if signs == verifies { 202 } else { 401 };
            assert_eq!(
                status(&only(of(*verifies)), &sent(&of(*signs), b"{}"), b"{}"),
                expected,
                "{signs} {verifies}"
            );
        }
    }
}

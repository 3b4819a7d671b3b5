//! The one reader of a sender's JSON. Two systems that read the same body must see the same alert, so what is outside
//! the grammar is refused: bytes behind the value, numbers no reader can hold, nesting without end.
//!
//! But an authenticated alert is never lost to a byte, which an attacker can choose. Before the grammar sees a body, one
//! byte order mark and trailing NULs are passed over, UTF-16 is decoded, and what is no character becomes U+FFFD: bytes
//! that are not UTF-8, NULs, halves of surrogate pairs. An object keeps a key that occurs twice; whoever reads that key
//! decides what follows ([`Object::doubt`](crate::json::Object::doubt)).
//!
//! serde_json is the grammar; every value is visited, so its depth limit also holds inside fields nobody maps.
//! It hands numbers over as machine numbers, which would merge long ids: a second cursor over the same bytes lends
//! each number its literal text (`1e2` stays `1e2`, `-0` stays `-0`).

mod encoding;
mod fault;
mod grammar;
mod number;
mod replacement;

pub use fault::{JsonFault, NotStrict};
pub use replacement::REPLACED;

use std::borrow::Cow;

use encoding::decoded;
use grammar::parsed;
use replacement::replaced;

use super::json::Json;

/// Reads one JSON value that fills the whole body; text is borrowed from it where nothing is escaped or replaced.
///
/// # Errors
/// [`NotStrict`] names the first defect found; its place is that in the decoded text.
pub fn read(body: &[u8]) -> Result<Json<'_>, NotStrict> {
    match replaced(decoded(body)?) {
        Cow::Borrowed(text) => parsed(text),
        Cow::Owned(text) => parsed(&text).map(Json::into_owned),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    fn fault(body: impl AsRef<[u8]>) -> &'static str {
        read(body.as_ref()).map_or_else(|e| e.fault.code(), |_| "valid")
    }

    #[test]
    fn each_defect_has_its_code() {
        for (body, code) in [
            ("", "empty-body"),
            (" \n", "empty-body"),
            ("\u{feff} \0", "empty-body"),
            ("\u{feff}\u{feff}{}", "json-syntax"),
            ("{}\0 x", "json-trailing"),
            ("{\0}", "json-syntax"),
            ("\0\0{}", "json-syntax"),
            ("{\"a\":}", "json-syntax"),
            ("{'a':1}", "json-syntax"),
            ("[1,]", "json-syntax"),
            ("{\"a\":1", "json-syntax"),
            ("[NaN]", "json-syntax"),
            ("[01]", "json-syntax"),
            ("[\"\u{1}\"]", "json-syntax"),
            ("{} x", "json-trailing"),
            ("{}{}", "json-trailing"),
            ("[1e400]", "json-number-range"),
            (r#"["\u12"]"#, "json-syntax"),
            (r#"["\ud800\"]"#, "json-syntax"),
            (r#"["\u+000"]"#, "json-syntax"),
            (r#"{"a":"\ud83d\ude00","b":1,"A":2}"#, "valid"),
        ] {
            assert_eq!(fault(body), code, "{body}");
        }
        for bytes in [u32::to_le_bytes, u32::to_be_bytes] {
            for mark in ["", "\u{feff}"] {
                let body: Vec<u8> = format!("{mark}[1]")
                    .chars()
                    .flat_map(|c| bytes(u32::from(c)))
                    .collect();
                assert_eq!(fault(body), "not-utf8");
            }
        }
        assert_eq!(fault(br#"{"a":tru}"#), "json-syntax");
    }

    /// The texts of a list of texts.
    fn texts(body: &[u8]) -> Vec<String> {
        let Ok(Json::List(list)) = read(body) else {
            panic!("{body:?} is not a list")
        };
        list.iter()
            .map(|value| value.text().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn what_is_no_character_is_read_as_fffd_and_takes_nothing_with_it() {
        for (body, text) in [
            (&b"[\"a\xf3b\"]"[..], "a\u{fffd}b"),
            (b"[\"\xf3\"]", "\u{fffd}"),
            (b"[\"\xe2\x82\"]", "\u{fffd}"),
            (b"[\"\xed\xa0\x80\"]", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"[\"a\0b\"]", "a\u{fffd}b"),
            (br#"["a\u0000b"]"#, "a\u{fffd}b"),
            (br#"["\ud800"]"#, "\u{fffd}"),
            (br#"["\ud800\u0041"]"#, "\u{fffd}A"),
            (br#"["\ud800\ud800\udc00"]"#, "\u{fffd}\u{10000}"),
            (br#"["\uDC00x\n"]"#, "\u{fffd}x\n"),
            (br#"["\\ud800"]"#, "\\ud800"),
            (br#"["\\\ud800"]"#, "\\\u{fffd}"),
            (br#"["\ud83d\ude00"]"#, "\u{1f600}"),
            (b"[\"\xf3\", \"\xc3\xa4\"]", "\u{fffd}"),
        ] {
            assert_eq!(texts(body)[0], text, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(
            read(b"{\"a\xff\":1}")
                .unwrap()
                .member("a\u{fffd}")
                .and_then(Json::text),
            Some("1")
        );
        assert_eq!(
            read(br#"{"\ud800":1}"#)
                .unwrap()
                .member("\u{fffd}")
                .and_then(Json::text),
            Some("1")
        );
        assert_eq!(
            fault(b"[1\xff]"),
            "json-syntax",
            "only texts have characters"
        );
    }

    #[test]
    fn a_mark_before_the_value_and_nuls_behind_it_are_passed_over() {
        for body in [
            "\u{feff}[\"x\"]",
            "[\"x\"]\0",
            "[\"x\"]\r\n\0\0",
            "\u{feff}[\"x\"] \0 \n\0",
        ] {
            assert_eq!(texts(body.as_bytes()), ["x"], "{body:?}");
        }
        assert_eq!(read(b"1\0").unwrap().text(), Some("1"));
    }

    #[test]
    fn utf_16_is_read_with_a_mark_or_without() {
        let body = "{\"a\":\"\u{e4}\u{1f600}\"}\n";
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            for text in [
                body.to_owned(),
                format!("\u{feff}{body}"),
                format!("{body}\0"),
            ] {
                let mut bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
                assert_eq!(
                    read(&bytes).unwrap().member("a").and_then(Json::text),
                    Some("\u{e4}\u{1f600}")
                );
                bytes.push(b'\n');
                assert!(read(&bytes).is_ok(), "a line end of one byte");
            }
            let half: Vec<u8> = [0x5b, 0x22, 0xd800, 0x22, 0x5d]
                .into_iter()
                .flat_map(unit)
                .collect();
            assert_eq!(texts(&half), ["\u{fffd}"]);
        }
    }

    #[test]
    fn a_key_that_occurs_twice_is_kept_and_seen_however_it_is_written() {
        for body in [
            r#"{"deviceId":"A","deviceId":"B"}"#,
            r#"{"deviceId":"A","x":{},"\u0064eviceId":"B"}"#,
            r#"{"deviceId":"A","deviceId":"A"}"#,
        ] {
            let Json::Object(object) = read(body.as_bytes()).unwrap() else {
                panic!("an object")
            };
            assert_eq!(
                (object.twice(), object.get("deviceId").and_then(Json::text)),
                (Some("deviceId"), Some("A"))
            );
        }
    }

    #[test]
    fn says_where() {
        let error = read(b"{\n  \"a\": ?\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert_eq!(error.to_string(), "json-syntax at line 2, column 8");
    }

    #[test]
    fn a_depth_of_127_is_read_and_128_refused_wherever_it_is() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(fault(nested(127)), "valid");
        assert_eq!(fault(nested(128)), "json-too-deep");
        assert_eq!(
            fault(format!("{{\"nobody reads this\":{}}}", nested(127))),
            "json-too-deep"
        );
        assert_eq!(fault("[".repeat(100_000)), "json-too-deep");
    }

    #[test]
    fn numbers_keep_every_digit_as_written() {
        let body = br#"{"a":[12345678901234567890123,12345678901234567890124, 1e2,1E+2 ,-0,1.0,"7\"8",-0.10e-3],"9":true,"b":{"c":1}}"#;
        let json = read(body).unwrap();
        let literals: Vec<_> = match json.member("a").unwrap() {
            Json::List(list) => list.iter().map(|v| v.text().unwrap()).collect(),
            _ => panic!("a list"),
        };
        assert_eq!(
            literals,
            [
                "12345678901234567890123",
                "12345678901234567890124",
                "1e2",
                "1E+2",
                "-0",
                "1.0",
                "7\"8",
                "-0.10e-3"
            ]
        );
        assert_eq!(
            json.member("b")
                .and_then(|b| b.member("c"))
                .and_then(Json::text),
            Some("1")
        );
    }

    #[test]
    fn no_key_of_the_readers_own_machinery_is_special() {
        let body =
            br#"{"$serde_json::private::Number":"12","$serde_json::private::RawValue":"[]"}"#;
        let json = read(body).unwrap();
        assert_eq!(
            json.member("$serde_json::private::Number"),
            Some(&Json::Text("12".into()))
        );
    }

    #[test]
    fn unescaped_text_is_borrowed() {
        let json = read(br#"["plain","esc\n"]"#).unwrap();
        assert!(
            matches!(&json, Json::List(l) if matches!(l[..], [Json::Text(Cow::Borrowed(_)), Json::Text(Cow::Owned(_))]))
        );
    }

    /// Where a key occurs twice, serde_json keeps the last: nothing is to be compared.
    fn same(ours: &Json<'_>, theirs: &serde_json::Value) -> bool {
        match (ours, theirs) {
            (Json::Null, serde_json::Value::Null) => true,
            (Json::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Json::Number(a), serde_json::Value::Number(b)) => {
                serde_json::from_str::<f64>(a).ok() == b.as_f64()
            }
            (Json::Text(a), serde_json::Value::String(b)) => a == b,
            (Json::List(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Json::Object(a), serde_json::Value::Object(_)) if a.twice().is_some() => true,
            (Json::Object(a), serde_json::Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(k, v)| b.get(k.as_ref()).is_some_and(|w| same(v, w)))
            }
            _ => false,
        }
    }

    fn documents() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>()
                .prop_filter("finite", |n| n.is_finite())
                .prop_map(|n| format!("{n:e}")),
            any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        ];
        scalar.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6)
                    .prop_map(|v| format!("[ {} ]", v.join(","))),
                prop::collection::vec(("[ab\"\\\\]{0,2}", inner), 0..4).prop_map(|v| {
                    let members: Vec<_> = v
                        .iter()
                        .map(|(k, x)| format!("{}:{x}", serde_json::to_string(k).unwrap()))
                        .collect();
                    format!("{{{}}}", members.join(" ,"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }

        /// What serde_json reads we read alike, damaged documents likewise. Beyond it we read bytes that are no
        /// characters.
        #[test]
        fn agrees_with_serde_json(document in documents(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), damage in any::<bool>()) {
            let mut body = document.into_bytes();
            if damage {
                let at = cut.index(body.len());
                body[at] = byte;
            }
            let mended = String::from_utf8_lossy(&body).trim_end_matches(['\0', ' ']).replace('\0', "\u{fffd}");
            match (read(&body), serde_json::from_str::<serde_json::Value>(&mended)) {
                (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs)),
                (Err(ours), Ok(_)) => prop_assert!(false, "serde_json reads what we refuse: {}", ours),
                (Ok(_), Err(theirs)) => prop_assert!(mended.contains("\\u"), "we read what it refuses: {}", theirs),
                (Err(_), Err(_)) => {}
            }
        }
    }
}

//! The one reader of a sender's JSON. Two systems that read the same body must see the same alert, so what is outside
//! the grammar is refused: bytes behind the value, numbers no reader can hold, nesting without end.
//!
//! But an authenticated alert is never lost to a byte, which an attacker can choose. Before the grammar sees a body, one
//! byte order mark and trailing NULs are passed over, UTF-16 is decoded, and what is no character becomes U+FFFD: bytes
//! that are not UTF-8, NULs, halves of surrogate pairs. An object keeps a key that occurs twice; whoever reads that key
//! decides what follows ([`Object::doubt`]).
//!
//! serde_json is the grammar; every value is visited, so its depth limit also holds inside fields nobody maps.
//! It hands numbers over as machine numbers, which would merge long ids: a second cursor over the same bytes lends
//! each number its literal text (`1e2` stays `1e2`, `-0` stays `-0`).

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::json::{Json, Object};

/// Stands for what could not be read as a character.
pub const REPLACED: char = '\u{fffd}';

codes! {
    /// Why a body is not strict JSON. The codes stand in the answer (400).
    pub enum JsonFault {
        /// Nothing but blanks.
        Empty = "empty-body",
        /// UTF-32.
        NotUtf8 = "not-utf8",
        /// Outside the grammar of RFC 8259, or cut off.
        Syntax = "json-syntax",
        /// Arrays and objects nested more than 127 deep.
        TooDeep = "json-too-deep",
        /// Something stands behind the value.
        Trailing = "json-trailing",
        /// An operator's order names a key twice. Never said of a sender's body.
        DuplicateKey = "json-duplicate-key",
        /// A number beyond what a double can hold, such as `1e400`.
        NumberRange = "json-number-range",
    }
}

impl JsonFault {
    /// A sentence for the sender; nothing of the body is in it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            JsonFault::Empty => "The body is empty; a JSON value is expected.",
            JsonFault::NotUtf8 => "The body is UTF-32; UTF-8 and UTF-16 are read.",
            JsonFault::Syntax => "The body is not JSON, or is cut off.",
            JsonFault::TooDeep => "Arrays and objects are nested more than 127 deep.",
            JsonFault::Trailing => "Something stands behind the JSON value.",
            JsonFault::DuplicateKey => "The order holds the same key twice.",
            JsonFault::NumberRange => "A number is larger than any JSON reader can hold.",
        }
    }
}

/// A body that is not strict JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStrict {
    /// What is wrong.
    pub fault: JsonFault,
    /// Line, from 1; 0 where the whole body is meant.
    pub line: usize,
    /// Column in bytes, from 1; 0 where the whole body is meant.
    pub column: usize,
}

impl NotStrict {
    const fn whole(fault: JsonFault) -> NotStrict {
        NotStrict {
            fault,
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for NotStrict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.code())?;
        if self.line > 0 {
            write!(f, " at line {}, column {}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for NotStrict {}

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

fn parsed(text: &str) -> Result<Json<'_>, NotStrict> {
    if text.bytes().all(|b| b.is_ascii_whitespace()) {
        return Err(NotStrict::whole(JsonFault::Empty));
    }
    let mut numbers = Numbers { text, at: 0 };
    let mut grammar = serde_json::Deserializer::from_str(text);
    let value = StrictValue {
        numbers: &mut numbers,
    }
    .deserialize(&mut grammar)
    .map_err(|e| not_strict(&e))?;
    grammar.end().map_err(|e| not_strict(&e))?;
    Ok(value)
}

/// The text of a body, without a byte order mark at its start and NULs at its end.
fn decoded(body: &[u8]) -> Result<Cow<'_, str>, NotStrict> {
    let text = match body {
        // UTF-32, with a mark or as it begins without one: of four bytes three are zero.
        [0xff, 0xfe, 0, 0, ..]
        | [0, 0, 0xfe, 0xff, ..]
        | [0, 0, 0, 1..=0xff, ..]
        | [1..=0xff, 0, 0, 0, 1..=0xff, ..] => {
            return Err(NotStrict::whole(JsonFault::NotUtf8));
        }
        // No JSON in UTF-8 has a NUL before its end.
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        [1..=0xff, 0, 1..=0xff, ..] => Cow::Owned(utf16(body, u16::from_le_bytes)),
        [0, 1..=0xff, ..] => Cow::Owned(utf16(body, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(body),
    };
    let passed_over = |c: char| matches!(c, '\0' | ' ' | '\t' | '\n' | '\r');
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(passed_over)),
        Cow::Owned(mut text) => {
            text.truncate(text.trim_end_matches(passed_over).len());
            Cow::Owned(text)
        }
    })
}

fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    core::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Each unit that is no character, and half a unit at the end, becomes U+FFFD.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        // A line end that something else than the encoder wrote, for example.
        [b @ (0 | b' ' | b'\t' | b'\n' | b'\r')] => u16::from(*b),
        _ => 0xfffd,
    });
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(REPLACED))
        .collect()
}

/// The same text with U+FFFD for NULs and for escapes that mean no character.
fn replaced(text: Cow<'_, str>) -> Cow<'_, str> {
    // Outside of texts it is as far from the grammar as the NUL itself.
    let text = if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        text
    };
    let escapes = escapes_without_character(&text);
    if escapes.is_empty() {
        return text;
    }
    let mut mended = String::with_capacity(text.len());
    let mut from = 0;
    for at in escapes {
        mended.push_str(text.get(from..at).unwrap_or_default());
        mended.push_str("\\ufffd");
        from = at + ESCAPE;
    }
    mended.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(mended)
}

/// Bytes of `\u0000`.
const ESCAPE: usize = 6;

/// Where a NUL or half of a surrogate pair is escaped. In JSON backslashes stand in texts only, and each with what it
/// escapes; in anything else the grammar finds the fault.
fn escapes_without_character(text: &str) -> Vec<usize> {
    let unit = |at: usize| {
        let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16)
            .ok()
            .filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += next;
        at += match (unit(at), unit(at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
            (Some(0 | 0xd800..=0xdfff), _) => {
                found.push(at);
                ESCAPE
            }
            _ => 2,
        };
    }
    found
}

/// serde_json keeps its error codes to itself; its wording is held by the tests below.
fn not_strict(error: &serde_json::Error) -> NotStrict {
    let text = error.to_string();
    let fault = [
        ("recursion limit exceeded", JsonFault::TooDeep),
        ("number out of range", JsonFault::NumberRange),
        ("trailing characters", JsonFault::Trailing),
    ]
    .into_iter()
    .find_map(|(wording, fault)| text.starts_with(wording).then_some(fault));
    NotStrict {
        fault: fault.unwrap_or(JsonFault::Syntax),
        line: error.line(),
        column: error.column(),
    }
}

/// Hands out the literal text of the numbers of a document in order. Only meaningful while the grammar, which reads
/// the same text in the same order, finds it valid.
struct Numbers<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'"' => self.at = behind_string(bytes, self.at)?,
                b'-' | b'0'..=b'9' => {
                    let start = self.at;
                    let rest = bytes.get(start..)?;
                    let length = rest
                        .iter()
                        .take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                        .count();
                    self.at = start + length;
                    return self.text.get(start..self.at);
                }
                _ => self.at += 1,
            }
        }
    }
}

/// The index behind the string that opens at `quote`.
fn behind_string(bytes: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

struct StrictValue<'n, 'a> {
    numbers: &'n mut Numbers<'a>,
}

impl<'a> DeserializeSeed<'a> for StrictValue<'_, 'a> {
    type Value = Json<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Json<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> StrictValue<'_, 'a> {
    fn number<E: serde::de::Error>(self) -> Result<Json<'a>, E> {
        let literal = self
            .numbers
            .next()
            .ok_or_else(|| E::custom("a number without text"))?;
        Ok(Json::Number(Cow::Borrowed(literal)))
    }
}

impl<'a> Visitor<'a> for StrictValue<'_, 'a> {
    type Value = Json<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'a>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'a>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Json<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(StrictValue {
            numbers: self.numbers,
        })? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Json<'a>, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = members.next_key_seed(MemberKey)? {
            object.push((
                key,
                members.next_value_seed(StrictValue {
                    numbers: self.numbers,
                })?,
            ));
        }
        Ok(Json::Object(Object::from(object)))
    }
}

struct MemberKey;

impl<'a> DeserializeSeed<'a> for MemberKey {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for MemberKey {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
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

//! The one reader of a sender's JSON. Two systems that read the same body must see the same alert, so every input
//! on which JSON readers differ is refused: duplicate keys, bytes behind the value, numbers no reader can hold.
//!
//! serde_json is the grammar; every value is visited, so its depth limit also holds inside fields nobody maps.
//! It hands numbers over as machine numbers, which would merge long ids: a second cursor over the same bytes lends
//! each number its literal text (`1e2` stays `1e2`, `-0` stays `-0`).

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use super::json::Json;

codes! {
    /// Why a body is not strict JSON. The codes stand in the answer (400).
    pub enum JsonFault {
        /// Nothing but blanks.
        Empty = "empty-body",
        /// Not UTF-8.
        NotUtf8 = "not-utf8",
        /// Begins with a byte order mark.
        ByteOrderMark = "byte-order-mark",
        /// Outside the grammar of RFC 8259, or cut off.
        Syntax = "json-syntax",
        /// Arrays and objects nested more than 127 deep.
        TooDeep = "json-too-deep",
        /// Something stands behind the value.
        Trailing = "json-trailing",
        /// A key twice in one object, after unescaping.
        DuplicateKey = "json-duplicate-key",
        /// A number beyond what a double can hold, such as `1e400`.
        NumberRange = "json-number-range",
        /// Half of a surrogate pair.
        LoneSurrogate = "json-lone-surrogate",
    }
}

impl JsonFault {
    /// A sentence for the sender; nothing of the body is in it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            JsonFault::Empty => "The body is empty; a JSON value is expected.",
            JsonFault::NotUtf8 => "The body is not UTF-8.",
            JsonFault::ByteOrderMark => "The body begins with a byte order mark; JSON has none.",
            JsonFault::Syntax => "The body is not JSON, or is cut off.",
            JsonFault::TooDeep => "Arrays and objects are nested more than 127 deep.",
            JsonFault::Trailing => "Something stands behind the JSON value.",
            JsonFault::DuplicateKey => "An object holds the same key twice, so two readers could see two alerts.",
            JsonFault::NumberRange => "A number is larger than any JSON reader can hold.",
            JsonFault::LoneSurrogate => "A text holds half of a surrogate pair.",
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
        NotStrict { fault, line: 0, column: 0 }
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

/// Reads one JSON value that fills the whole body; text is borrowed from it where nothing is escaped.
///
/// # Errors
/// [`NotStrict`] names the first defect found.
pub fn read(body: &[u8]) -> Result<Json<'_>, NotStrict> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(NotStrict::whole(JsonFault::ByteOrderMark));
    }
    let text = core::str::from_utf8(body).map_err(|_| NotStrict::whole(JsonFault::NotUtf8))?;
    if text.bytes().all(|b| b.is_ascii_whitespace()) {
        return Err(NotStrict::whole(JsonFault::Empty));
    }
    let mut numbers = Numbers { text, at: 0 };
    let mut grammar = serde_json::Deserializer::from_str(text);
    let value = Value { numbers: &mut numbers }.deserialize(&mut grammar).map_err(|e| not_strict(&e))?;
    grammar.end().map_err(|e| not_strict(&e))?;
    Ok(value)
}

/// serde_json keeps its error codes to itself; its wording is held by the tests below.
fn not_strict(error: &serde_json::Error) -> NotStrict {
    let text = error.to_string();
    let fault = [
        (DUPLICATE, JsonFault::DuplicateKey),
        ("recursion limit exceeded", JsonFault::TooDeep),
        ("number out of range", JsonFault::NumberRange),
        ("trailing characters", JsonFault::Trailing),
        ("lone leading surrogate", JsonFault::LoneSurrogate),
        ("unexpected end of hex escape", JsonFault::LoneSurrogate),
    ]
    .into_iter()
    .find_map(|(wording, fault)| text.starts_with(wording).then_some(fault));
    NotStrict { fault: fault.unwrap_or(JsonFault::Syntax), line: error.line(), column: error.column() }
}

const DUPLICATE: &str = "duplicate key";

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
                    let length =
                        rest.iter().take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
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

struct Value<'n, 'a> {
    numbers: &'n mut Numbers<'a>,
}

impl<'a> DeserializeSeed<'a> for Value<'_, 'a> {
    type Value = Json<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Json<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Value<'_, 'a> {
    fn number<E: serde::de::Error>(self) -> Result<Json<'a>, E> {
        let literal = self.numbers.next().ok_or_else(|| E::custom("a number without text"))?;
        Ok(Json::Number(Cow::Borrowed(literal)))
    }
}

impl<'a> Visitor<'a> for Value<'_, 'a> {
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
        while let Some(element) = elements.next_element_seed(Value { numbers: self.numbers })? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Json<'a>, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = members.next_key_seed(Key)? {
            object.push((key, members.next_value_seed(Value { numbers: self.numbers })?));
        }
        if has_duplicate(&object) {
            return Err(A::Error::custom(DUPLICATE));
        }
        Ok(Json::Object(object))
    }
}

/// By sorting, not hashing: no choice of keys makes it slow.
fn has_duplicate(object: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    let mut keys: Vec<&str> = object.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    !keys.is_sorted_by(|a, b| a < b)
}

struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
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
            ("\u{feff}{}", "byte-order-mark"),
            ("{\"a\":}", "json-syntax"),
            ("{'a':1}", "json-syntax"),
            ("[1,]", "json-syntax"),
            ("{\"a\":1", "json-syntax"),
            ("[NaN]", "json-syntax"),
            ("[01]", "json-syntax"),
            ("[\"\u{1}\"]", "json-syntax"),
            ("{} x", "json-trailing"),
            ("{}{}", "json-trailing"),
            (r#"{"deviceId":"A","deviceId":"B"}"#, "json-duplicate-key"),
            (r#"{"deviceId":"A","x":{},"\u0064eviceId":"B"}"#, "json-duplicate-key"),
            (r#"{"x":[{"a":1,"b":2,"a":3}]}"#, "json-duplicate-key"),
            ("[1e400]", "json-number-range"),
            (r#"["\ud800"]"#, "json-lone-surrogate"),
            (r#"["\ud800\u0041"]"#, "json-lone-surrogate"),
            (r#"["\udc00"]"#, "json-lone-surrogate"),
            (r#"{"\ud800":1}"#, "json-lone-surrogate"),
            (r#"{"a":"\ud83d\ude00","b":1,"A":2}"#, "valid"),
        ] {
            assert_eq!(fault(body), code, "{body}");
        }
        assert_eq!(fault(b"[\"\xff\"]"), "not-utf8");
        assert_eq!(fault(br#"{"a":tru}"#), "json-syntax");
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
        assert_eq!(fault(format!("{{\"nobody reads this\":{}}}", nested(127))), "json-too-deep");
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
            ["12345678901234567890123", "12345678901234567890124", "1e2", "1E+2", "-0", "1.0", "7\"8", "-0.10e-3"]
        );
        assert_eq!(json.member("b").and_then(|b| b.member("c")).and_then(Json::text), Some("1"));
    }

    #[test]
    fn no_key_of_the_readers_own_machinery_is_special() {
        let body = br#"{"$serde_json::private::Number":"12","$serde_json::private::RawValue":"[]"}"#;
        let json = read(body).unwrap();
        assert_eq!(json.member("$serde_json::private::Number"), Some(&Json::Text("12".into())));
    }

    #[test]
    fn unescaped_text_is_borrowed() {
        let json = read(br#"["plain","esc\n"]"#).unwrap();
        assert!(
            matches!(&json, Json::List(l) if matches!(l[..], [Json::Text(Cow::Borrowed(_)), Json::Text(Cow::Owned(_))]))
        );
    }

    fn same(ours: &Json<'_>, theirs: &serde_json::Value) -> bool {
        match (ours, theirs) {
            (Json::Null, serde_json::Value::Null) => true,
            (Json::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Json::Number(a), serde_json::Value::Number(b)) => serde_json::from_str::<f64>(a).ok() == b.as_f64(),
            (Json::Text(a), serde_json::Value::String(b)) => a == b,
            (Json::List(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Json::Object(a), serde_json::Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(k, v)| b.get(k.as_ref()).is_some_and(|w| same(v, w)))
            }
            _ => false,
        }
    }

    fn documents() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
            any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        ];
        scalar.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|v| format!("[ {} ]", v.join(","))),
                prop::collection::vec(("[ab\"\\\\]{0,2}", inner), 0..4).prop_map(|v| {
                    let members: Vec<_> =
                        v.iter().map(|(k, x)| format!("{}:{x}", serde_json::to_string(k).unwrap())).collect();
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

        /// What serde_json reads we read alike, apart from duplicate keys; damaged documents likewise.
        #[test]
        fn agrees_with_serde_json(document in documents(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), damage in any::<bool>()) {
            let mut body = document.into_bytes();
            if damage {
                let at = cut.index(body.len());
                body[at] = byte;
            }
            match (read(&body), serde_json::from_slice::<serde_json::Value>(&body)) {
                (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs)),
                (Err(ours), Ok(_)) => prop_assert_eq!(ours.fault, JsonFault::DuplicateKey),
                (Ok(_), Err(theirs)) => prop_assert!(false, "we read what serde_json refuses: {}", theirs),
                (Err(_), Err(_)) => {}
            }
        }
    }
}

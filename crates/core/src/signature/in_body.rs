//! A secret that the sender writes into the body, for senders that can set neither a header nor a URL of their own.
//! What is kept of such a body is the same JSON with `[removed]` wherever the secret occurs.

use bytes::Bytes;

use super::key::Key;
use super::refused::Failure;
use crate::json::{Doubt, Json};
use crate::pointer::Pointer;
use crate::strict_json::{self, NotStrict};

/// Stands in the place of the secret.
pub const REMOVED: &str = "[removed]";

/// Which key stands at the pointer. Where it names several values, every one must be the same secret.
pub(super) fn holds(pointer: &Pointer, keys: &[Key], body: &[u8]) -> Result<usize, Failure> {
    let json = strict_json::read(body)
        .map_err(|_| Failure::of("the body is not strict JSON: it shows no secret"))?;
    if matches!(pointer.doubt(&json), Some(Doubt::Twice(_))) {
        return Err(Failure::of(
            "the body holds a key twice on the way to the secret",
        ));
    }
    let found = pointer.all(&json);
    if found.is_empty() {
        return Err(Failure::of(
            "the body holds nothing at the secret's pointer",
        ));
    }
    let is = |value: &Json<'_>, key: &Key| match value {
        Json::Text(text) => key.is_token(text.as_bytes()),
        _ => false,
    };
    let key = keys
        .iter()
        .position(|key| found.iter().all(|value| is(value, key)));
    key.ok_or(Failure::of("the secret in the body is another one"))
}

/// The body without any of these secrets; `None`: there is none in it.
///
/// # Errors
/// Where it is no JSON: then nobody can say whether one is in it, and nothing of it may be kept.
pub(super) fn without<'k>(
    keys: impl Iterator<Item = &'k Key>,
    body: &[u8],
) -> Result<Option<Bytes>, NotStrict> {
    let secrets: Vec<&str> = keys.filter_map(Key::as_text).collect();
    if secrets.is_empty() {
        return Ok(None);
    }
    let json = strict_json::read(body)?;
    if !json.any_text(&|text| secrets.iter().any(|secret| text.contains(secret))) {
        return Ok(None);
    }
    let cleaned = |text: &str| {
        let found = secrets.iter().any(|secret| text.contains(secret));
        found.then(|| {
            secrets.iter().fold(text.to_owned(), |text, secret| {
                text.replace(secret, REMOVED)
            })
        })
    };
    Ok(Some(Bytes::from(json.written_with(&cleaned))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "a \"secret\" of 24 bytes\\k";

    fn key() -> Key {
        Key::new("in the body", SECRET.as_bytes()).unwrap()
    }

    fn cleaned(body: &str) -> String {
        let bytes = without([key()].iter(), body.as_bytes()).unwrap();
        bytes.map_or_else(
            || body.to_owned(),
            |bytes| String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }

    #[test]
    fn the_secret_is_found_at_its_pointer_and_every_value_there_must_be_it() {
        let (each, one) = (
            Pointer::parse("/value/*/clientState").unwrap(),
            Pointer::parse("/secret").unwrap(),
        );
        let s = serde_json::to_string(SECRET).unwrap();
        for (pointer, body, accepted) in [
            (&one, format!(r#"{{"secret":{s}}}"#), true),
            (&one, format!(r#"{{"Secret":{s}}}"#), false),
            (&one, format!(r#"{{"secret":[{s}]}}"#), false),
            (&one, r#"{"secret":""}"#.to_owned(), false),
            (&one, r#"{"secret":null}"#.to_owned(), false),
            (&one, r#"{"secret":true}"#.to_owned(), false),
            (&one, "{}".to_owned(), false),
            (&one, format!(r#"{{"secret":"","secret":{s}}}"#), false),
            (&one, format!(r#"{{"secret":{s},"secret":{s}}}"#), false),
            (
                &each,
                format!(r#"{{"value":[],"value":[{{"clientState":{s}}}]}}"#),
                false,
            ),
            (&one, format!(r#"{{"secret":{s}}} x"#), false),
            (&one, s.clone(), false),
            (
                &each,
                format!(r#"{{"value":[{{"clientState":{s}}},{{"clientState":{s}}}]}}"#),
                true,
            ),
            (
                &each,
                format!(r#"{{"value":[{{"clientState":{s}}},{{"clientState":"x"}}]}}"#),
                false,
            ),
            (&each, r#"{"value":[]}"#.to_owned(), false),
        ] {
            assert_eq!(
                holds(pointer, &[key()], body.as_bytes()).is_ok(),
                accepted,
                "{body}"
            );
        }
    }

    #[test]
    fn nothing_that_is_kept_holds_the_secret_however_it_was_written() {
        let s = serde_json::to_string(SECRET).unwrap();
        let escaped: String = SECRET
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        for body in [
            format!(r#"{{"a":1.50,"secret":{s},"z":[1e2,-0,true,null,"\u20ac"]}}"#),
            format!(r#"{{"secret":"{escaped}"}}"#),
            format!(r#"{{"secret":{s},"note":"it is {escaped}, twice: {escaped}"}}"#),
            format!(r#"{{{s}:{s}}}"#),
        ] {
            let kept = cleaned(&body);
            let read = strict_json::read(kept.as_bytes()).unwrap();
            assert!(
                !read.any_text(&|text| text.contains(SECRET)) && kept.contains(REMOVED),
                "{kept}"
            );
        }
        let kept = cleaned(&format!(
            r#"{{ "a" : 1.50, "secret":{s}, "z":[1e2,-0,true,null,"\u20ac"]}}"#
        ));
        assert_eq!(
            kept, r#"{"a":1.50,"secret":"[removed]","z":[1e2,-0,true,null,"€"]}"#,
            "all else as it was"
        );
    }

    #[test]
    fn a_body_without_the_secret_stays_byte_for_byte() {
        let body = r#"{ "a" : "\u20ac" }"#;
        assert_eq!(cleaned(body), body);
        for unreadable in ["not json", ""] {
            assert!(
                without([key()].iter(), unreadable.as_bytes()).is_err(),
                "nobody can say what is in it"
            );
            assert_eq!(without([].iter(), unreadable.as_bytes()), Ok(None));
        }
    }

    #[test]
    fn a_number_that_is_the_secret_goes_as_well() {
        let digits = "1234567890123456789012";
        let key = Key::new("digits", digits.as_bytes()).unwrap();
        let body = format!(r#"{{"n":{digits},"secret":"{digits}"}}"#);
        let kept = without([key].iter(), body.as_bytes()).unwrap().unwrap();
        assert_eq!(kept, r#"{"n":"[removed]","secret":"[removed]"}"#.as_bytes());
    }
}

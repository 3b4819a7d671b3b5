//! What the head of a request says of its body: media type, character set, compression. What is not taken is answered
//! with what came and what is taken.

use axum::http::{HeaderMap, HeaderName, header};

use super::refusal::{HttpError, Mismatch, quoted};
use super::words::word_of;
use crate::in_force::door::SourceDoor;
use scanhook_core::wrapping::Wrapping;

/// The media type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// Character sets that are UTF-8, or a part of it.
const UTF8: [&str; 5] = ["utf-8", "utf8", "us-ascii", "ascii", "unicode-1-1-utf-8"];
/// What some senders write as a content encoding, and what changes nothing.
const NO_ENCODING: [&str; 6] = ["", "identity", "none", "utf-8", "utf8", "us-ascii"];

/// How the body of this request is wrapped.
///
/// # Errors
/// [`HttpError::MediaType`], [`HttpError::ContentEncoding`].
pub(super) fn wrapping(door: &SourceDoor, headers: &HeaderMap) -> Result<Wrapping, HttpError> {
    let media = content_type(door, headers)?;
    let gzip = content_encoding(door, headers)?;
    Ok(Wrapping {
        gzip,
        form: media.eq_ignore_ascii_case(FORM),
        cap: door.max_body,
    })
}

/// The media type, if the source takes it: with any parameters, but in UTF-8.
pub(super) fn content_type<'h>(
    door: &SourceDoor,
    headers: &'h HeaderMap,
) -> Result<&'h str, HttpError> {
    let read = || {
        let text = only(headers, header::CONTENT_TYPE)?;
        let (media, parameters) = text.split_once(';').unwrap_or((text, ""));
        let media = media.trim();
        let taken = door
            .content_types
            .iter()
            .any(|taken| taken.eq_ignore_ascii_case(media));
        (taken
            && parameters_of(parameters)
                .all(|(name, value)| !is(name, "charset") || is_utf8(&value)))
        .then_some(media)
    };
    read().ok_or_else(|| {
        let taken = format!("{} in UTF-8", door.content_types.join(", "));
        HttpError::MediaType(Mismatch {
            came: came(headers, &header::CONTENT_TYPE),
            taken,
        })
    })
}

/// Whether the body is compressed by gzip, if the source takes that.
fn content_encoding(door: &SourceDoor, headers: &HeaderMap) -> Result<bool, HttpError> {
    let lines = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .map(|line| line.to_str().unwrap_or("?"));
    let mut codings = lines.flat_map(|line| line.split(',')).map(str::trim);
    let mut codings = codings
        .by_ref()
        .filter(|coding| !NO_ENCODING.iter().any(|none| is(coding, none)));
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if door.gzip && (is(coding, "gzip") || is(coding, "x-gzip")) => {
            Ok(true)
        }
        _ => {
            let taken = if door.gzip {
                "gzip, or no compression"
            } else {
                "no compression"
            }
            .to_owned();
            Err(HttpError::ContentEncoding(Mismatch {
                came: came(headers, &header::CONTENT_ENCODING),
                taken,
            }))
        }
    }
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

fn is_utf8(charset: &str) -> bool {
    UTF8.iter().any(|known| is(charset, known))
}

/// `; name=value; name="quoted; value"`, as far as it can be read.
fn parameters_of(text: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = text;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let (name, behind) = rest.split_at(rest.find([';', '=']).unwrap_or(rest.len()));
        let Some(value) = behind.strip_prefix('=') else {
            rest = behind;
            return Some((name.trim(), String::new()));
        };
        let (value, behind) = word_of(value);
        rest = behind.split_once(';').map_or("", |(_, behind)| behind);
        Some((name.trim(), value))
    })
}

/// What came in a header, fit to be shown.
fn came(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| quoted(value.as_bytes()))
        .collect();
    if values.is_empty() {
        "none".to_owned()
    } else {
        values.join(" and ")
    }
}

/// The text of a header that occurs once.
pub(super) fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    // Of two lines neither counts: a proxy in front may have gone by the one that we would not.
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        None
    } else {
        value.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn parameters_are_passed_over_but_for_another_character_set() {
        let door = SourceDoor::default();
        for value in [
            "application/json",
            " Application/JSON ; v=1",
            "application/json;charset=utf8",
            "application/json; odata=verbose; charset=\"UTF-8\"",
            "application/json; profile=\"a;charset=utf-16\"; charset=us-ascii",
            "application/json;",
        ] {
            assert!(
                content_type(&door, &head(&[("content-type", value)])).is_ok(),
                "{value}"
            );
        }
        for value in [
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=latin1",
            "application/json; x=\"\\\"\"; charset=latin1",
            "application/jsonx",
            "application/json, text/plain",
            "application/json; charset",
            "",
        ] {
            let refused = content_type(&door, &head(&[("content-type", value)])).unwrap_err();
            let HttpError::MediaType(mismatch) = refused else {
                panic!("{refused}")
            };
            assert_eq!(mismatch.came, format!("`{value}`"));
            assert_eq!(mismatch.taken, "application/json in UTF-8");
        }
    }

    #[test]
    fn one_layer_of_gzip_is_taken_where_the_source_says_so() {
        let gzip = SourceDoor {
            gzip: true,
            ..SourceDoor::default()
        };
        let coded = |door: &SourceDoor, lines: &[&str]| {
            let lines: Vec<_> = lines
                .iter()
                .map(|line| ("content-encoding", *line))
                .collect();
            content_encoding(door, &head(&lines)).ok()
        };
        for lines in [
            &[][..],
            &["identity"],
            &[""],
            &["utf-8"],
            &["UTF8"],
            &["identity, utf-8"],
            &["none"],
        ] {
            assert_eq!(
                (coded(&gzip, lines), coded(&SourceDoor::default(), lines)),
                (Some(false), Some(false)),
                "{lines:?}"
            );
        }
        for lines in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["identity, gzip"],
            &["utf-8", "gzip"],
        ] {
            assert_eq!(
                (coded(&gzip, lines), coded(&SourceDoor::default(), lines)),
                (Some(true), None),
                "{lines:?}"
            );
        }
        for lines in [
            &["gzip, gzip"][..],
            &["gzip", "gzip"],
            &["br"],
            &["deflate"],
            &["gzip;q=1"],
        ] {
            assert_eq!(coded(&gzip, lines), None, "{lines:?}");
        }
    }
}

//! The text of a body, whichever Unicode encoding it was sent in.

use std::borrow::Cow;

use super::fault::{JsonFault, NotStrict};
use super::replacement::REPLACED;

/// The text of a body, without a byte order mark at its start and NULs at its end.
pub(super) fn decoded(body: &[u8]) -> Result<Cow<'_, str>, NotStrict> {
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

//! What is no character becomes U+FFFD before the grammar sees it: NULs, and escapes that mean half of a pair.

use std::borrow::Cow;

/// Stands for what could not be read as a character.
pub const REPLACED: char = '\u{fffd}';

/// The same text with U+FFFD for NULs and for escapes that mean no character.
pub(super) fn replaced(text: Cow<'_, str>) -> Cow<'_, str> {
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

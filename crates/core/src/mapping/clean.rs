//! Ids without what is wrapped around them: blanks, quotes, braces, and characters that nobody sees.

use std::borrow::Cow;

use uuid::Uuid;

use crate::alert::MachineId;

/// Pairs that stand around an id and are no part of it.
const AROUND: [(char, char); 7] = [
    ('{', '}'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
    ('<', '>'),
];

/// Characters without width: they come along where people and programs copy.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
    )
}

/// An id as it is meant: what stands at its ends is cut off.
pub(super) fn id(text: &str) -> &str {
    unwrapped(trim(text))
}

/// A name or an id that has no unseen characters inside either.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_unseen) {
        return Cow::Borrowed(id(text));
    }
    let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    Cow::Owned(id(&seen).to_owned())
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_unseen(c))
}

fn unwrapped(text: &str) -> &str {
    let mut text = text;
    while let Some(inner) = AROUND.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(*open)?.strip_suffix(*close).map(trim)?;
        (!inner.is_empty()).then_some(inner)
    }) {
        text = inner;
    }
    text
}

/// A machine's id at Defender, with what may be wrapped around it.
pub(super) fn machine(text: &str) -> Option<MachineId> {
    MachineId::parse(text).or_else(|| MachineId::parse(&name(text)))
}

/// A GUID in any of its spellings, in its usual one.
pub(super) fn guid(text: &str) -> Option<String> {
    let text = name(text);
    let text = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(&text)
        .trim();
    let known = matches!(text.len(), 32 | 36 | 45);
    let guid = known
        .then(|| Uuid::try_parse(&text.to_ascii_lowercase()).ok())
        .flatten()?;
    (!guid.is_nil()).then(|| guid.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_without_what_is_wrapped_around_it() {
        for text in [
            "a-1",
            " a-1\t",
            "{a-1}",
            "\"a-1\"",
            "'{ a-1 }'",
            "\u{feff}a-1\u{200b}",
            "“a-1”",
            "<a-1>",
        ] {
            assert_eq!(id(text), "a-1", "{text:?}");
        }
        assert_eq!((id("{}"), id("\""), id("{a")), ("{}", "\"", "{a"));
    }

    #[test]
    fn what_nobody_sees_inside_a_name_is_left_out_and_inside_an_id_kept() {
        assert_eq!(
            (name("lt-\u{200b}042").as_ref(), id("a\u{200b}b")),
            ("lt-042", "a\u{200b}b")
        );
    }

    #[test]
    fn a_guid_has_one_spelling() {
        let usual = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";
        for text in [
            "8D6F1F4E-1B2C-4D3E-8F90-A1B2C3D4E5F6",
            "{8D6F1F4E-1B2C-4D3E-8F90-A1B2C3D4E5F6}",
            "(8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6)",
            "8D6F1F4E1B2C4D3E8F90A1B2C3D4E5F6",
            "urn:uuid:8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6",
            " \u{feff}8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6 ",
        ] {
            assert_eq!(guid(text).as_deref(), Some(usual), "{text}");
        }
        for text in [
            "",
            "8d6f1f4e",
            "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(guid(text), None, "{text}");
        }
    }
}

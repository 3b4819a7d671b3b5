//! The token at the end of a comment, by which a scan is known again; nothing that a sender writes may look like it.

use crate::plain::shown;

/// Hex digits in the token.
pub(super) const TAIL_LEN: usize = 12;

/// The 12 hex digits of our token, if a comment read back from Defender ends with one.
#[must_use]
pub fn tail_of(comment: &str) -> Option<&str> {
    let inside = comment.trim_end().strip_suffix(']')?;
    let at = inside.rfind("[sh-")?;
    let tail = inside.get(at + 4..)?;
    (tail.len() == TAIL_LEN && tail.bytes().all(|b| b.is_ascii_hexdigit())).then_some(tail)
}

/// A value as it may be inserted: one line, without anything that looks like our token.
pub(super) fn clean(text: &str) -> String {
    without_token(text.chars().map(shown))
}

/// Drops every `[sh-<hex>]`, also one that appears because another was dropped out of its middle. One pass: a match
/// ends at a `]`, and what stands before it is final by then.
pub(super) fn without_token(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        out.push(c);
        if c == ']' {
            let before = out
                .get(..out.len() - 1)
                .unwrap_or("")
                .trim_end_matches(|c: char| c.is_ascii_hexdigit());
            let open = before.len().checked_sub(4);
            let token = open
                .and_then(|at| before.get(at..))
                .is_some_and(|text| text.eq_ignore_ascii_case("[sh-"));
            if let Some(at) = open.filter(|_| token) {
                out.truncate(at);
            }
        }
    }
    out
}

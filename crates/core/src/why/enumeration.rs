//! Several things in one phrase: joined with *and*, or the first of them in brackets.

use crate::verdict::Seen;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(mut parts: Vec<String>) -> String {
    match parts.pop() {
        Some(last) if !parts.is_empty() => format!("{} and {last}", parts.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// The first of them, in brackets.
pub(super) fn listed<'s>(seen: impl Iterator<Item = &'s Seen>) -> String {
    let shown = seen.take(4).map(|seen| match (&seen.value, seen.unknown) {
        (_, true) => format!("{} is unknown", seen.field),
        (Some(value), _) => format!("{} is {value}", seen.field),
        (None, _) => format!("{} is absent", seen.field),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if shown.is_empty() {
        shown
    } else {
        format!(" ({shown})")
    }
}

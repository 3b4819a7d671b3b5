//! Text from elsewhere in a line of the log.

use scanhook_core::plain::shown;

/// Control characters and what turns the direction of writing, spelled out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if shown(c) == c {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

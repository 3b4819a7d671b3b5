//! Text from outside, made fit for one line that a person reads: no control characters, no line breaks, nothing
//! that turns the direction of writing, no more characters than asked for.

/// The character as it may be shown: control characters, line breaks and bidi controls become a space.
#[must_use]
pub const fn shown(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => ' ',
        _ => c,
    }
}

/// Whether nobody would see the character, or would see others in another order for it: control characters but the line
/// breaks and tabs of a layout, and format characters.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    !matches!(c, '\n' | '\r' | '\t') && (is_format(c) || (shown(c) as u32 != c as u32))
}

/// A text in which every character that nobody sees is written as `\uXXXX`, as JSON would.
#[must_use]
pub fn spelled_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `max` characters of a text, each as it may be shown; a text that was cut ends with `…`.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    cut(text.chars().map(shown), max)
}

/// At most `max` characters; where there were more, the last is `…`.
pub(super) fn cut(chars: impl Iterator<Item = char>, max: usize) -> String {
    let mut chars = chars;
    let mut out: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() && out.pop().is_some() {
        out.push('…');
    }
    out
}

/// What Unicode calls format characters (Cf): soft hyphens, joiners, bidi controls, byte order marks, tags.
const fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_the_direction_of_writing() {
        assert_eq!(
            one_line("a\u{1b}[31m\r\nb\u{202e}c\u{2028}d", 40),
            "a [31m  b c d"
        );
    }

    #[test]
    fn a_cut_text_says_so_and_counts_characters_not_bytes() {
        assert_eq!(one_line("ääää", 4), "ääää");
        assert_eq!(one_line("äääää", 4), "äää…");
        assert_eq!(one_line("ab", 0), "");
    }
}

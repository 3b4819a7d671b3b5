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

//! Text that fits a terminal: measured in its columns and broken at blanks alone. Nothing is cut, and no word, id, path
//! or address is broken: one that is longer than a line has a line of its own.

use unicode_width::UnicodeWidthStr as _;

/// No terminal is taken to be narrower.
const NARROWEST: usize = 20;
/// Bytes of what stands before a colon, if it is a key.
const KEY: usize = 24;
/// What begins so far in is prose below its key.
const DEEP: usize = 8;
/// How a command begins; it is kept whole wherever it stands, to be copied.
const COMMAND: &str = "`scanhook ";

/// Columns that a text takes on a terminal; colours take none.
pub(super) fn width(text: &str) -> usize {
    match text.contains('\u{1b}') {
        false => text.width(),
        true => without_colours(text).width(),
    }
}

/// The text without `ESC [ … m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

/// The text with blanks behind it up to a width.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Each line that is too long goes on below its own text: behind its number, behind what stands before two blanks, a
/// little further in where it begins with a key and a colon. Lines of a file behind their numbers, and the marks below them, stay as they are.
pub(super) fn folded(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line
            .strip_suffix('\n')
            .map_or((line, ""), |line| (line, "\n"));
        match is_of_file(line) {
            true => out.push_str(line),
            false => out.push_str(&hung(line, columns, hang(line, columns))),
        }
        out.push_str(end);
    }
    out
}

/// One line, and where it is too long, the rest of it behind `hang` blanks.
pub(super) fn hung(line: &str, columns: usize, hang: usize) -> String {
    let columns = columns.max(NARROWEST);
    if width(line) <= columns {
        return line.to_owned();
    }
    let (mut out, mut at) = (String::new(), 0);
    for (gap, unit) in units(line, columns.saturating_sub(hang)) {
        let (begin, wide) = (at + gap.len(), width(unit));
        if begin + wide <= columns || out.trim().is_empty() {
            out.push_str(gap);
            at = begin;
        } else {
            // As far in as the line has room for.
            let hang = hang.min(columns.saturating_sub(wide));
            out.truncate(out.trim_end().len());
            out.push_str(&format!("\n{}", " ".repeat(hang)));
            at = hang;
        }
        out.push_str(unit);
        at += wide;
    }
    out
}

/// `12 | scan = "full"`, or the marks below that.
fn is_of_file(line: &str) -> bool {
    let line = without_colours(line);
    line.trim_start()
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start()
        .starts_with('|')
}

/// A command as lines that a shell takes as one: broken before its options, and before other words only where there is no
/// other way.
pub(super) fn command(text: &str, indent: usize, columns: Option<usize>) -> String {
    let margin = " ".repeat(indent);
    let Some(columns) = columns.filter(|columns| indent + width(text) > *columns) else {
        return format!("{margin}{text}");
    };
    // Room for what stands before and behind a part: the margin, and ` \\`.
    let room = columns.saturating_sub(indent + 4);
    let options = text.replace(" --", "\n--");
    let parts: Vec<&str> = options
        .lines()
        .flat_map(|part| part.split(move |c| c == ' ' && width(part) > room))
        .collect();
    let mut lines = vec![margin.clone()];
    for (n, part) in parts.iter().enumerate() {
        let end = if n + 1 == parts.len() { 0 } else { 2 };
        let Some(line) = lines.last_mut() else {
            continue;
        };
        match n {
            0 => line.push_str(part),
            _ if width(line) + 1 + width(part) + end <= columns => {
                line.push_str(&format!(" {part}"))
            }
            _ => {
                line.push_str(" \\");
                lines.push(format!("{margin}  {part}"));
            }
        }
    }
    lines.join("\n")
}

/// Where a line goes on.
fn hang(line: &str, columns: usize) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let text = &line[indent..];
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && text[digits..].starts_with(". ") {
        return indent + digits + 2;
    }
    // The last column that leaves half of the line.
    let gaps = text.match_indices("  ").map(|(at, _)| {
        let rest = &text[at..];
        width(&line[..indent + at]) + rest.len() - rest.trim_start_matches(' ').len()
    });
    let key = text.find(": ").is_some_and(|at| at < KEY);
    let own = if (key && indent < DEEP) || (1..6).contains(&indent) {
        indent + 2
    } else {
        indent
    };
    gaps.filter(|column| *column <= columns / 2)
        .last()
        .unwrap_or(own)
        .min(columns / 2)
}

/// The words of a line, each with the blanks before it. What stands in backticks is one word if it fits in a line, and
/// a command always.
fn units(line: &str, room: usize) -> Vec<(&str, &str)> {
    let mut units = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.trim_start_matches(' ');
        let gap = &rest[..rest.len() - word.len()];
        let end = whole(word, room).unwrap_or_else(|| word.find(' ').unwrap_or(word.len()));
        units.push((gap, &word[..end]));
        rest = &word[end..];
    }
    units
}

/// Where a word ends that holds blanks and has to stay whole: a date with its time, or what stands in backticks.
fn whole(word: &str, room: usize) -> Option<usize> {
    let first = word.find(' ')?;
    let ends = |from: usize| {
        word[from..]
            .find(' ')
            .map_or(word.len(), |blank| from + blank)
    };
    if is_date(word[..first].trim_start_matches(['(', '`']))
        && word[first + 1..].starts_with(|c: char| c.is_ascii_digit())
    {
        return Some(ends(first + 1));
    }
    let open = word[..first]
        .find('`')
        .filter(|_| word[..first].matches('`').count() % 2 == 1)?;
    let close = open + 1 + word[open + 1..].find('`')?;
    let end = ends(close);
    (width(&word[..end]) <= room || word[open..].starts_with(COMMAND)).then_some(end)
}

/// 2026-11-02.
fn is_date(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(n, b)| {
            if n == 4 || n == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a19b54-1b98-7d81-9d81-f5ce7f4a7c14";

    #[test]
    fn what_is_wide_is_measured_and_padded_as_a_terminal_shows_it() {
        for (text, columns) in [
            ("lt-042", 6),
            ("端末-1", 6),
            ("cafe\u{301}", 4),
            ("🖥️", 2),
            ("\u{1b}[1mbold\u{1b}[0m", 4),
            ("", 0),
        ] {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&padded(text, 9)), 9, "{text}");
        }
    }

    #[test]
    fn a_line_is_broken_at_blanks_and_goes_on_below_its_text() {
        for (line, said) in [
            (
                "one two three four five six",
                "one two three four\nfive six",
            ),
            (
                "key: one two three four five",
                "key: one two three\n  four five",
            ),
            (
                "  key   one two three four five",
                "  key   one two\n        three four\n        five",
            ),
            (
                "12. one two three four five",
                "12. one two three\n    four five",
            ),
            (
                "    below one two three four",
                "    below one two\n      three four",
            ),
            ("漢字 漢字 漢字 漢字 漢字", "漢字 漢字 漢字 漢字\n漢字"),
        ] {
            assert_eq!(folded(line, Some(20)), said);
            assert_eq!(folded(line, None), line);
        }
        assert_eq!(folded("a\n\n  b\n", Some(20)), "a\n\n  b\n");
    }

    #[test]
    fn an_id_a_path_or_a_command_is_never_broken() {
        let said = folded(&format!("    decided by {ID} of then"), Some(38));
        assert_eq!(said, format!("    decided by\n  {ID}\n      of then"));
        let said = folded(&format!("look at /a/very/long/path/{ID} now"), Some(20));
        assert_eq!(said, format!("look at\n/a/very/long/path/{ID}\nnow"));
        let said = folded(
            "see what `scanhook decisions --state held` shows of `one two three four five` here",
            Some(24),
        );
        assert_eq!(
            said,
            "see what\n`scanhook decisions --state held`\nshows of `one two three\nfour five` here"
        );
        assert_eq!(
            folded("not before 2026-11-02 08:20:43 UTC", Some(24)),
            "not before\n2026-11-02 08:20:43 UTC"
        );
        assert_eq!(
            folded("rule `high and more` asks", Some(22)),
            "rule `high and more`\nasks"
        );
    }

    #[test]
    fn a_command_that_is_too_long_is_still_one_for_a_shell() {
        let text = "scanhook send /tmp/a/yours.json --config /tmp/a/scanhook.toml --source soar";
        assert_eq!(command(text, 3, None), format!("   {text}"));
        let said = command(text, 3, Some(48));
        assert_eq!(
            said,
            "   scanhook send /tmp/a/yours.json \\\n     --config /tmp/a/scanhook.toml --source soar"
        );
        let said = command(text, 3, Some(34));
        assert!(
            said.lines()
                .nth(1)
                .is_some_and(|line| line.starts_with("     /tmp/a/yours.json")),
            "{said}"
        );
        assert!(said.lines().all(|line| width(line) <= 34), "{said}");
        assert_eq!(
            said.replace("\\\n", "")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            text
        );
    }
}

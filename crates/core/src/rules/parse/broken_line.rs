//! The mistakes of a line that is not TOML because it is written in another language.

use core::ops::Range;

use super::hint::{comparison, logic};
use super::other_name::field;
use crate::plain::one_line;
use crate::rules::finding::{Finding, Level, code};
use crate::rules::named::Named;

/// Symbols that compare in other languages, longest first.
const SYMBOLS: &[&str] = &[
    "!==", "===", ">=", "<=", "=>", "=<", "==", "!=", "<>", "=~", "!~", "~=", ">", "<",
];

/// Words that do, and stand between a field and a value.
const WORDS: &[&str] = &[
    "not in",
    "is not",
    "in",
    "is",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "matches",
    "like",
    "startswith",
    "starts_with",
    "endswith",
    "ends_with",
    "regex",
    "has",
    "equals",
    "cidr",
    "glob",
];

/// The mistakes of a line that is not TOML, each with what this language says in its place. `start`: where the line is.
pub(super) fn syntax(line: &str, start: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, end) in unquoted(line) {
        let mut from = at;
        while from < end {
            let Some((found, length)) = mistake(line, from, start) else {
                from += line
                    .get(from..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8);
                continue;
            };
            findings.push(found);
            from += length;
        }
    }
    findings
}

/// The mistake that begins at this byte, and how long it is.
fn mistake(line: &str, at: usize, start: usize) -> Option<(Finding, usize)> {
    let (before, rest) = (line.get(..at)?, line.get(at..)?);
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Some((
            compared(line, before, symbol, &rest[symbol.len()..], start),
            symbol.len(),
        ));
    }
    let joined = |word: &str| {
        let message = format!("conditions are not joined by `{word}`");
        let span = start + at..start + at + word.len();
        logic(word).map(|remedy| (finding(span, message, remedy.to_owned()), word.len()))
    };
    if let Some(symbol) = ["&&", "||"]
        .into_iter()
        .find(|symbol| rest.starts_with(symbol))
    {
        return joined(symbol);
    }
    let ends_a_word = before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c));
    if ends_a_word {
        return None;
    }
    let word = |word: &&str| {
        let head = rest
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word));
        let next = rest.get(word.len()..).and_then(|rest| rest.chars().next());
        head && !next.is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c))
    };
    if let Some(found) = ["and", "or", "not"].iter().find(|one| word(one)) {
        let (before, after) = (before.trim_end(), rest[found.len()..].trim_start());
        let behind_value = before.ends_with(|c: char| "\"']}".contains(c) || c.is_ascii_digit());
        let first = before.ends_with(['{', ',', '=', '[', '(']) && !after.starts_with(['=', '.']);
        let is_in = word(&"not in");
        if !is_in && ((*found == "not" && first) || (*found != "not" && behind_value)) {
            return joined(&rest[..found.len()]);
        }
    }
    let found = WORDS.iter().find(|one| word(one))?;
    let after = &rest[found.len()..];
    let has_value = after
        .trim_start()
        .starts_with(|c: char| "\"'[".contains(c) || c.is_ascii_digit());
    let has_field = key_before(before).is_some();
    (has_value && has_field).then(|| {
        (
            compared(line, before, &rest[..found.len()], after, start),
            found.len(),
        )
    })
}

/// A comparison that is written as elsewhere.
fn compared(line: &str, before: &str, operator: &str, after: &str, start: usize) -> Finding {
    let key = key_before(before).unwrap_or("severity");
    let quoted = key.starts_with(['"', '\'']);
    let ours = field(key).filter(|_| !quoted && Named::of_code(key).is_none());
    let key = ours.map_or(key, |named| named.code());
    let value = value_of(after);
    let remedy = match comparison(operator, key, value) {
        Some(remedy) => remedy,
        None => format!("write `{key}.{} = {value}`", operator.to_lowercase()),
    };
    let bare = ["when", "unless"].into_iter().find(|word| {
        let rest = line.trim_start().strip_prefix(word).map(str::trim_start);
        rest.and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|rest| !rest.trim_start().starts_with('{'))
    });
    let remedy = match bare {
        Some(word) => format!("{remedy}, inside a table: `{word} = {{ … }}`"),
        None => remedy,
    };
    let at = start + before.len();
    finding(
        at..at + operator.len(),
        format!("conditions are not compared with `{operator}`"),
        remedy,
    )
}

fn finding(span: Range<usize>, message: String, remedy: String) -> Finding {
    let (message, remedy) = (one_line(&message, 200), Some(one_line(&remedy, 200)));
    Finding {
        code: code::SYNTAX,
        level: Level::Error,
        span,
        message,
        remedy,
    }
}

/// The key that ends here.
fn key_before(before: &str) -> Option<&str> {
    let before = before.trim_end();
    if let Some(quote) = before.chars().next_back().filter(|c| "\"'".contains(*c)) {
        let opened = before[..before.len() - 1].rfind(quote)?;
        return before.get(opened..);
    }
    let is_key = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let key = before.trim_end_matches(is_key).len();
    before.get(key..).filter(|key| !key.is_empty())
}

/// The value that begins here; `…` where there is none.
fn value_of(after: &str) -> &str {
    let after = after.trim();
    let end = match after.chars().next() {
        Some(quote @ ('"' | '\'')) => after[1..].find(quote).map(|end| end + 2),
        Some('[') => after.find(']').map(|end| end + 1),
        _ => after.find([' ', ',', '}', '#', ')', ']']),
    };
    let value = after
        .get(..end.unwrap_or(after.len()))
        .unwrap_or(after)
        .trim();
    if value.is_empty() { "…" } else { value }
}

/// The stretches of a line that stand outside of texts and comments.
fn unquoted(line: &str) -> Vec<(usize, usize)> {
    let (mut stretches, mut from, mut open) = (Vec::new(), 0, None);
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match open {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(quote) if c == quote => {
                open = None;
                from = at + c.len_utf8();
            }
            Some(_) => {}
            None if c == '"' || c == '\'' => {
                stretches.push((from, at));
                open = Some(c);
            }
            None if c == '#' => {
                stretches.push((from, at));
                return stretches;
            }
            None => {}
        }
    }
    if open.is_none() {
        stretches.push((from, line.len()));
    }
    stretches
}

//! What is told of a text that is not TOML: a parser stumbles several times over one mistake, and its tree holds
//! guesses.

use std::collections::BTreeSet;

use super::broken_line;
use crate::plain::one_line;
use crate::rules::finding::{Finding, Level, LineStarts, code};

/// What is told of a text that is not TOML: one mistake makes a parser stumble several times.
pub(super) fn told(
    syntax: &[Finding],
    broken: &BTreeSet<usize>,
    lines: &LineStarts,
    text: &str,
) -> Vec<Finding> {
    let mut told = Vec::new();
    for line in broken {
        let hints = lines
            .text(*line, text)
            .map_or_else(Vec::new, |(line, start)| broken_line::syntax(line, start));
        if !hints.is_empty() {
            told.extend(hints);
            continue;
        }
        let Some(fault) = syntax
            .iter()
            .find(|fault| lines.number(fault.span.start) == *line)
        else {
            continue;
        };
        if let Some(brace) = unclosed(fault, text) {
            // It swallows everything behind it, and nothing there can be believed.
            told.push(brace);
            break;
        }
        told.push(fault.clone());
    }
    told
}

/// The brace before a line that a parser takes for a part of its table.
fn unclosed(fault: &Finding, text: &str) -> Option<Finding> {
    let inside = [
        "missing key for inline table element",
        "missing comma between key-value pairs",
    ];
    let before = text.get(..fault.span.start)?;
    let begins_line = before
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim().is_empty());
    let at = before
        .rfind('{')
        .filter(|_| begins_line && inside.iter().any(|one| fault.message.starts_with(one)))?;
    let (message, remedy) = (
        "this `{` is not closed".to_owned(),
        Some("write the `}` that ends the table".to_owned()),
    );
    Some(Finding {
        span: at..at + 1,
        message,
        remedy,
        ..fault.clone()
    })
}

/// Whether it is only said again of each `[[rule]]` that the first one is written `[rule]`.
pub(super) fn is_header_again(fault: &Finding, text: &str, walked: &[Finding]) -> bool {
    let word = text.get(fault.span.clone()).unwrap_or_default();
    let first = format!("`{word}` must be a list of tables");
    fault.message.starts_with("duplicate key")
        && walked
            .iter()
            .any(|one| one.code == code::WRONG_TYPE && one.message.starts_with(&first))
}

pub(super) fn syntax(fault: &toml::de::Error, text: &str) -> Finding {
    let span = fault.span().unwrap_or(text.len()..text.len());
    let message = one_line(fault.message(), 200);
    Finding {
        code: code::SYNTAX,
        level: Level::Error,
        span,
        message,
        remedy: None,
    }
}

/// Where the text is not TOML the tree holds guesses: on that line nothing else is told, and nothing is missed.
pub(super) fn believable(finding: &Finding, broken: &BTreeSet<usize>, lines: &LineStarts) -> bool {
    let guessed = [
        code::MISSING_KEY,
        code::MISSING_VERSION,
        code::EMPTY,
        code::EMPTY_FILE,
        code::UNKNOWN_RULE,
        code::UNKNOWN_PROTECTION,
        code::UNKNOWN_LIST,
        code::UNKNOWN_WINDOW,
        code::UNUSED_LIST,
    ];
    !guessed.contains(&finding.code) && !broken.contains(&lines.number(finding.span.start))
}

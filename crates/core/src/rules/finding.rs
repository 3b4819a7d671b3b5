//! What is wrong, or worth a second look, in a rules file: where, which kind, what to do about it.

use core::ops::Range;

use annotate_snippets::{AnnotationKind, Level as Shown, Renderer, Snippet};

use crate::plain::one_line;
use crate::suggestion::nearest;

/// Whether a finding keeps the file from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file is refused.
    Error,
    /// The file is used; `check --deny-warnings` refuses it.
    Lint,
}

/// One finding about a rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, one of [`Finding::CODES`].
    pub code: &'static str,
    /// Error or lint.
    pub level: Level,
    /// The bytes of the file it is about.
    pub span: Range<usize>,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do, if that can be said.
    pub remedy: Option<String>,
}

/// Declares the codes once: as constants for the code, as a list for the documentation.
macro_rules! findings {
    ($($name:ident = $code:literal: $meaning:literal;)*) => {
        /// The stable codes.
        pub(super) mod code {
            $(pub(crate) const $name: &str = $code;)*
        }

        impl Finding {
            /// Every code with its meaning in one line.
            pub const CODES: &'static [(&'static str, &'static str)] = &[$(($code, $meaning)),*];
        }
    };
}

findings! {
    TOO_LARGE = "too-large": "the file is larger than 4 MiB";
    SYNTAX = "syntax": "the text is not TOML";
    EMPTY_FILE = "empty-file": "the file says nothing; an empty file never means \"match everything\"";
    MISSING_VERSION = "missing-version": "the file does not begin with `version = 1`";
    BAD_VERSION = "bad-version": "the file is written for another version of the language";
    UNKNOWN_KEY = "unknown-key": "a key that the language does not have at this place";
    MISSING_KEY = "missing-key": "a key that must be there is not";
    UNKNOWN_FIELD = "unknown-field": "a condition or an event names a field that does not exist";
    UNKNOWN_OPERATOR = "unknown-operator": "a condition uses an operator that does not exist";
    UNFIT_OPERATOR = "unfit-operator": "the operator has no meaning for this field";
    WRONG_TYPE = "wrong-type": "the value is of another type than the key takes";
    BAD_VALUE = "bad-value": "the value is none of those the key takes";
    BAD_SEVERITY = "bad-severity": "a severity off the scale informational, low, medium, high, critical";
    OUT_OF_RANGE = "out-of-range": "a number or a span outside the range the key takes";
    BAD_DURATION = "bad-duration": "a span of time that is not one number and one unit";
    BAD_TIME = "bad-time": "a time that is not an instant: it needs a date, a time and an offset";
    BAD_REGEX = "bad-regex": "a regular expression that cannot be read, or is too large";
    BAD_GLOB = "bad-glob": "a glob that cannot be read";
    BAD_CIDR = "bad-cidr": "a network that is neither an address with the prefix it has nor a single address";
    BAD_POINTER = "bad-pointer": "a key that starts with `/` but is not a JSON pointer";
    EMPTY = "empty": "an empty condition, list or pattern, whose meaning nobody should have to guess";
    DUPLICATE_NAME = "duplicate-name": "two rules, two protections or two tests of the same name";
    UNKNOWN_LIST = "unknown-list": "a condition names a list that does not exist";
    UNREADABLE_LIST = "unreadable-list": "the file of a list cannot be read";
    TOO_FEW_ENTRIES = "too-few-entries": "a list has fewer entries than it must have";
    UNKNOWN_WINDOW = "unknown-window": "a rule or a protection names a window that does not exist";
    BAD_WINDOW = "bad-window": "days or hours of a window that cannot be read";
    BAD_ZONE = "bad-zone": "a window's time zone is none";
    UNKNOWN_RULE = "unknown-rule": "a test expects a rule that does not exist";
    UNKNOWN_PROTECTION = "unknown-protection": "a test expects a protection that does not exist";
    BAD_TEMPLATE = "bad-template": "the comment's template names an unknown field, or not its alert";
    BAD_TEST = "bad-test": "a test that does not say what happens, or says it twice";
    LIMIT_REMOVED = "limit-removed": "lint: a rule without a limit can scan every machine there is";
    LITERAL_REGEX = "literal-regex": "lint: a regular expression that is plain text";
    UNREACHABLE = "unreachable-rule": "lint: a rule that can never win";
    UNTESTED = "untested-rule": "lint: a rule that wins in none of the file's tests";
    UNUSED_LIST = "unused-list": "lint: a list that no condition names";
    NEVER_OPENS = "window-never-opens": "lint: a window, or one of its ranges, that never opens";
    PROTECTS_ALL = "protects-everything": "lint: a protection that matches whatever comes";
    UNKNOWN_SOURCE = "unknown-source": "lint: a condition names a source that is not configured";
    NEVER_EQUAL = "never-equal": "lint: a pattern or a network that is compared as it stands, so that nothing is equal to it";
    NO_TECHNIQUE = "no-technique": "lint: a technique that is not an ATT&CK id";
    ONE_ADDRESS = "one-address": "lint: an address without a prefix that looks like a network";
    CONTROL_CHARACTER = "control-character": "lint: a text with a control character, which `\\b` in double quotes is";
    ENTRY_OVER = "entry-over": "lint: an entry of a list whose `until` is over";
    SEVERITY_UNKNOWN = "severity-unknown": "lint: an alert whose severity is not known gets no scan, and no person hears of it";
    UNSEEN_POINTER = "unseen-pointer": "lint: a JSON pointer that leads nowhere in any stored delivery";
}

impl Finding {
    /// Line and column of its beginning, both from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, text: &str) -> (usize, usize) {
        let before = text.get(..on_boundary(text, self.span.start)).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count();
        (before.matches('\n').count() + 1, column + 1)
    }

    /// The part of its span that lies on its first line, so that a picture of it stays small.
    fn first_line(&self, text: &str) -> Range<usize> {
        let start = on_boundary(text, self.span.start);
        let end = on_boundary(text, self.span.end.max(start));
        let marked = text.get(start..end).unwrap_or("");
        let length = marked.find(['\n', '\r']).unwrap_or(marked.len());
        start..start + length
    }
}

/// The nearest character boundary at or before a byte.
fn on_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// The findings as a person reads them: `file:line:col`, the line with a caret, the code, and what to do.
#[must_use]
pub fn render(findings: &[Finding], file_name: &str, text: &str, colour: bool) -> String {
    render_within(None, findings, file_name, text, colour)
}

/// The same for a terminal of so many columns: of a longer line of the file the part with the mark is shown.
#[must_use]
pub fn render_within(
    columns: Option<usize>,
    findings: &[Finding],
    file_name: &str,
    text: &str,
    colour: bool,
) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = match columns {
        Some(columns) => renderer.term_width(columns),
        None => renderer,
    };
    let mut out = String::new();
    for finding in findings {
        let level = match finding.level {
            Level::Error => Shown::ERROR,
            Level::Lint => Shown::WARNING,
        };
        let mark = AnnotationKind::Primary.span(finding.first_line(text));
        let snippet = Snippet::source(text).path(file_name).annotation(mark);
        let mut group = level
            .primary_title(&finding.message)
            .id(finding.code)
            .element(snippet);
        if let Some(remedy) = &finding.remedy {
            group = group.element(Shown::HELP.message(remedy));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    out
}

/// A word of the file, quoted for a message: one line, and no longer than anyone wants to read.
pub(super) fn quoted(word: &str) -> String {
    format!("`{}`", one_line(word, 60))
}

/// A remedy for a word that is none of the known ones.
pub(super) fn suggest(word: &str, known: &[&str]) -> String {
    self::known(nearest(word, known.iter().copied()), known)
}

/// The same where it is known what was meant.
pub(super) fn known(meant: Option<&str>, known: &[&str]) -> String {
    match meant {
        Some(meant) => format!("did you mean `{meant}`? Known: {}", known.join(", ")),
        None => format!("known: {}", known.join(", ")),
    }
}

/// Where the lines of a text begin.
pub(super) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(super) fn of(text: &str) -> LineStarts {
        LineStarts(
            core::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// The line, from 1, that this byte is in.
    pub(super) fn number(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }

    /// The text of a line, from 1, and where it begins.
    pub(super) fn text<'t>(&self, line: usize, text: &'t str) -> Option<(&'t str, usize)> {
        let start = *self.0.get(line.checked_sub(1)?)?;
        Some((text.get(start..)?.lines().next()?, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(span: Range<usize>) -> Finding {
        let remedy = Some("did you mean `full`?".to_owned());
        Finding {
            code: code::BAD_VALUE,
            level: Level::Error,
            span,
            message: "no scan `fill`".to_owned(),
            remedy,
        }
    }

    #[test]
    fn a_finding_is_shown_with_file_line_column_caret_code_and_remedy() {
        let text = "version = 1\n\n[[rule]]\nname = \"ü\" # ä\nscan = \"fill\"\n";
        let at = text.find("\"fill\"").unwrap_or(0);
        let finding = finding(at..at + 6);
        assert_eq!(finding.position(text), (5, 8));
        let shown = render(&[finding], "rules.toml", text, false);
        for part in [
            "rules.toml:5:8",
            "error[bad-value]: no scan `fill`",
            "scan = \"fill\"",
            "^^^^^^",
            "help: did you mean `full`?",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'), "no colour unless asked for");
    }

    #[test]
    fn columns_count_characters_and_spans_outside_the_text_are_harmless() {
        let text = "äöü = 1";
        assert_eq!(finding(7..8).position(text), (1, 5));
        assert_eq!(
            finding(1..3).position(text),
            (1, 1),
            "inside a character counts as at it"
        );
        assert_eq!(finding(900..901).position(text), (1, 8));
        for span in [0..0, 900..901, 1..2] {
            assert!(!render(&[finding(span.clone())], "f", text, true).is_empty());
            assert!(!render(&[finding(span)], "f", "", false).is_empty());
        }
    }
}

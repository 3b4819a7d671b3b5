//! Reads what a text is matched with: `contains`, `glob` and `regex`, of which the last costs memory.

use core::ops::Range;

use super::walk::{Node, Walk};
use crate::rules::comparison::{Pattern, Test};
use crate::rules::expression::{self, Expression};
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted};
use crate::rules::glob::Glob;
use crate::rules::named::Shape;
use crate::rules::text::Folded;

impl Walk<'_> {
    /// `contains`, `glob` or `regex`: one pattern, or a list of which any may match.
    pub(super) fn pattern(
        &mut self,
        field: &Field,
        operator: &str,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        if matches!(field.shape(), Shape::Severity | Shape::Time) {
            self.unfit(
                field,
                what,
                span,
                "compare it with `=`, `gt`, `gte`, `lt` or `lte`",
            );
            return None;
        }
        let (mut texts, mut globs, mut expressions) = (Vec::new(), Vec::new(), Vec::new());
        for (text, span) in self.some_texts(value, what) {
            if text.is_empty() {
                let remedy = "an empty pattern matches everything; to ask whether there is a value, use `exists`";
                self.error_with(code::EMPTY, span, format!("{what} is empty"), remedy);
                continue;
            }
            let first_label = field.shape() == Shape::HostName && !text.contains('.');
            let odd = self.has_control(&text, span.clone());
            match operator {
                "contains" => texts.push(Pattern {
                    pattern: Folded::new(&text),
                    first_label,
                }),
                "glob" => match Glob::parse(&text) {
                    Ok(pattern) => globs.push(Pattern {
                        pattern,
                        first_label,
                    }),
                    Err(why) => self.error(
                        code::BAD_GLOB,
                        span,
                        format!("{} is not a glob: {why}", quoted(&text)),
                    ),
                },
                _ => {
                    let regex = self.expression(&text, what, span, odd);
                    expressions.extend(regex.map(|pattern| Pattern {
                        pattern,
                        first_label,
                    }));
                }
            }
        }
        Some(match operator {
            "contains" => Test::Contains(texts),
            "glob" => Test::Globs(globs),
            _ => Test::Matches(expressions),
        })
    }

    fn expression(
        &mut self,
        text: &str,
        what: &str,
        span: Range<usize>,
        odd: bool,
    ) -> Option<Expression> {
        if regex::escape(text) == text && !odd {
            let remedy = "use `contains`, which says what is meant";
            self.lint(
                code::LITERAL_REGEX,
                span.clone(),
                "this regular expression is plain text",
                remedy,
            );
        }
        if self.compiled > expression::ALL {
            // Said once, and nothing more is compiled.
            return None;
        }
        let why = match Expression::compile(text) {
            Ok(regex) => {
                self.compiled += regex.size();
                if self.compiled <= expression::ALL {
                    return Some(regex);
                }
                let limit = expression::ALL >> 20;
                let message = format!(
                    "with this one the regular expressions of the file take more than {limit} MiB together when compiled"
                );
                let remedy = "\\w, \\d and \\s stand for characters of all scripts: [a-z0-9_], or a shorter repetition, takes far less";
                self.error_with(code::BAD_REGEX, span, message, remedy);
                return None;
            }
            Err(why) => why,
        };
        self.error(
            code::BAD_REGEX,
            span,
            format!("{what} is not a regular expression that can be used: {why}"),
        );
        None
    }
}

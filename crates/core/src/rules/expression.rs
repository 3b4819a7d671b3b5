//! Regular expressions that ignore case and match anywhere, with a bound on the memory that one of them, and all of a
//! file together, may take.

use core::fmt;
use std::sync::Arc;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

/// Bytes the program of one expression may take. A generous one takes some ten thousand.
const ONE: usize = 2 << 20;
/// Bytes that all expressions of one file may take once they are compiled.
pub(super) const ALL: usize = 64 << 20;
/// Bytes that one may fill while it is looked for, in each thread.
const CACHE: usize = 128 << 10;

/// A compiled expression, with its text.
#[derive(Clone)]
pub(super) struct Expression {
    text: String,
    regex: Arc<Regex>,
}

impl Expression {
    /// Compiles it.
    ///
    /// # Errors
    /// Why it cannot be used, as the end of a sentence.
    pub(super) fn compile(text: &str) -> Result<Expression, String> {
        let config = Config::new()
            .nfa_size_limit(Some(ONE))
            .hybrid_cache_capacity(CACHE);
        let built = Regex::builder()
            .configure(config)
            .syntax(syntax::Config::new().case_insensitive(true))
            .build(text);
        let regex = built.map_err(|fault| match (fault.size_limit(), fault.syntax_error()) {
            (Some(limit), _) => format!("it takes more than {limit} bytes when compiled"),
            // The crate draws a picture of its own; its last line is the reason.
            (None, Some(fault)) => last_line(&fault.to_string()),
            (None, None) => last_line(&fault.to_string()),
        })?;
        Ok(Expression {
            text: text.to_owned(),
            regex: Arc::new(regex),
        })
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.regex.memory_usage()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

fn last_line(text: &str) -> String {
    text.lines()
        .last()
        .unwrap_or("")
        .trim_start_matches("error: ")
        .to_owned()
}

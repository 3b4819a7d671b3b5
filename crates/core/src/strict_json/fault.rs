//! What can be wrong with a body, and where.

use core::fmt;

codes! {
    /// Why a body is not strict JSON. The codes stand in the answer (400).
    pub enum JsonFault {
        /// Nothing but blanks.
        Empty = "empty-body",
        /// UTF-32.
        NotUtf8 = "not-utf8",
        /// Outside the grammar of RFC 8259, or cut off.
        Syntax = "json-syntax",
        /// Arrays and objects nested more than 127 deep.
        TooDeep = "json-too-deep",
        /// Something stands behind the value.
        Trailing = "json-trailing",
        /// An operator's order names a key twice. Never said of a sender's body.
        DuplicateKey = "json-duplicate-key",
        /// A number beyond what a double can hold, such as `1e400`.
        NumberRange = "json-number-range",
    }
}

impl JsonFault {
    /// A sentence for the sender; nothing of the body is in it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            JsonFault::Empty => "The body is empty; a JSON value is expected.",
            JsonFault::NotUtf8 => "The body is UTF-32; UTF-8 and UTF-16 are read.",
            JsonFault::Syntax => "The body is not JSON, or is cut off.",
            JsonFault::TooDeep => "Arrays and objects are nested more than 127 deep.",
            JsonFault::Trailing => "Something stands behind the JSON value.",
            JsonFault::DuplicateKey => "The order holds the same key twice.",
            JsonFault::NumberRange => "A number is larger than any JSON reader can hold.",
        }
    }
}

/// A body that is not strict JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStrict {
    /// What is wrong.
    pub fault: JsonFault,
    /// Line, from 1; 0 where the whole body is meant.
    pub line: usize,
    /// Column in bytes, from 1; 0 where the whole body is meant.
    pub column: usize,
}

impl NotStrict {
    pub(super) const fn whole(fault: JsonFault) -> NotStrict {
        NotStrict {
            fault,
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for NotStrict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.code())?;
        if self.line > 0 {
            write!(f, " at line {}, column {}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for NotStrict {}

/// serde_json keeps its error codes to itself; its wording is held by the tests of the reader.
pub(super) fn not_strict(error: &serde_json::Error) -> NotStrict {
    let text = error.to_string();
    let fault = [
        ("recursion limit exceeded", JsonFault::TooDeep),
        ("number out of range", JsonFault::NumberRange),
        ("trailing characters", JsonFault::Trailing),
    ]
    .into_iter()
    .find_map(|(wording, fault)| text.starts_with(wording).then_some(fault));
    NotStrict {
        fault: fault.unwrap_or(JsonFault::Syntax),
        line: error.line(),
        column: error.column(),
    }
}

//! Words that say that there is no value. Senders and their templates write them where a value is missing, and two
//! alerts that both say `N/A` have nothing in common.

use std::collections::BTreeSet;

/// Sorted, in lower case, with single blanks between words; see [`normal`].
const WORDS: [&str; 58] = [
    "0.0.0.0",
    "blank",
    "dbnull",
    "empty",
    "host unknown",
    "missing",
    "n a",
    "n.a",
    "n/a",
    "na",
    "nan",
    "nil",
    "no data",
    "no device",
    "no host",
    "no hostname",
    "no id",
    "no ip",
    "no name",
    "no user",
    "no value",
    "nodata",
    "none",
    "none given",
    "not applicable",
    "not available",
    "not defined",
    "not found",
    "not known",
    "not provided",
    "not reported",
    "not set",
    "not specified",
    "notapplicable",
    "notavailable",
    "nothing",
    "notset",
    "novalue",
    "nul",
    "null",
    "undef",
    "undefined",
    "undetermined",
    "unidentified",
    "unkn",
    "unknown",
    "unknown device",
    "unknown host",
    "unknown hostname",
    "unknown ip",
    "unknown machine",
    "unknown user",
    "unknown value",
    "unknowndevice",
    "unknownhost",
    "unset",
    "unspecified",
    "value not set",
];

/// No word is longer, in bytes. A longer text is a value.
const LONGEST: usize = 40;

/// The zeros of an empty GUID.
const ZEROS: usize = 32;

/// The product's words and a source's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Nothing(BTreeSet<String>);

impl Nothing {
    /// The words that a source has beside those of the product.
    pub(super) fn with(words: &[String]) -> Nothing {
        Nothing(words.iter().map(|word| normal(core(word))).collect())
    }

    /// Whether a text says that there is no value. Signs around a word do not count: `<nil>`, `(none)`, `[no value]`.
    pub(super) fn says(&self, text: &str) -> bool {
        let word = core(text);
        if word.len() > LONGEST {
            return false;
        }
        if word.is_empty() {
            // A byte that could not be read stood for something, and a path is an attempt.
            return !text.contains(['\0', '\u{fffd}', '/', '\\']);
        }
        // Most values begin with a letter that none of the words begins with, or are longer than the longest word.
        let first = word.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
        if self.0.is_empty()
            && !matches!(
                first,
                b'0' | b'b' | b'd' | b'e' | b'h' | b'm' | b'n' | b'u' | b'v'
            )
        {
            return false;
        }
        if word.bytes().all(|b| matches!(b, b'0' | b'-')) {
            return word.bytes().filter(|b| *b == b'0').count() == ZEROS;
        }
        let word = normal(word);
        WORDS.binary_search(&word.as_str()).is_ok() || self.0.contains(&word)
    }
}

/// The text without the signs around it.
fn core(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphanumeric())
}

/// In lower case, with one blank for every run of blanks, `_` and `-`.
fn normal(word: &str) -> String {
    let parts = word
        .split(|c: char| c.is_whitespace() || matches!(c, '_' | '-'))
        .filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_told_from_a_value() {
        assert!(
            WORDS.is_sorted()
                && WORDS
                    .iter()
                    .all(|word| word.len() <= LONGEST && normal(core(word)) == *word)
        );
        let none = Nothing::default();
        for word in [
            "N/A",
            "n/a",
            " na ",
            "None",
            "NULL",
            "nil",
            "undefined",
            "Unknown",
            "-",
            "--",
            "?",
            "...",
            "*",
            "<no value>",
            "[no value]",
            "<nil>",
            "(null)",
            "(none)",
            "Not Available",
            "NOT_APPLICABLE",
            "not-set",
            "no data",
            "empty",
            "*UNKNOWN*",
            "0.0.0.0",
            "$null",
            "#N/A",
            "\u{200b}",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "",
            " ",
        ] {
            assert!(none.says(word), "{word:?}");
        }
        for value in [
            "lt-042",
            "0",
            "0000",
            "0000000000000000000000000000000000000000",
            "N/A-7",
            "unknown malware found",
            "nobody",
            "none-01",
            "1",
            "10.0.0.0",
            "Notepad.exe",
            "nas-01",
            "NULL-SRV-2",
            "無",
        ] {
            assert!(!none.says(value), "{value:?}");
        }
    }

    #[test]
    fn a_source_has_words_of_its_own_beside_them() {
        let own = Nothing::with(&["TBD".to_owned(), "wird noch ermittelt".to_owned()]);
        for word in ["tbd", "<TBD>", "Wird noch  ermittelt", "n/a"] {
            assert!(own.says(word), "{word}");
        }
        assert!(!own.says("tbd-7") && !Nothing::default().says("tbd"));
    }
}

//! Glob patterns: `*` any characters, `?` one, `[abc]` `[a-z]` `[!a-z]` one of a set, `\` takes the next literally.
//! Against the whole text, ignoring case, in time proportional to the text times the pattern.

use super::text::Folded;

/// Characters of a pattern; longer ones are no names of anything.
const LONGEST: usize = 300;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<GlobToken>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum GlobToken {
    Literal(char),
    One,
    Any,
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence about what cannot be read.
    pub(crate) fn parse(pattern: &str) -> Result<Glob, String> {
        if pattern.chars().count() > LONGEST {
            return Err(format!("it has more than {LONGEST} characters"));
        }
        let folded = Folded::new(pattern);
        let mut chars = folded.as_str().chars();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                // Two stars are one.
                '*' if tokens.last() == Some(&GlobToken::Any) => continue,
                '*' => GlobToken::Any,
                '?' => GlobToken::One,
                '[' => set(&mut chars)?,
                '\\' => GlobToken::Literal(
                    chars
                        .next()
                        .ok_or("it ends with a `\\` that takes nothing literally")?,
                ),
                '{' | '}' => {
                    return Err("braces have no meaning: write a list of patterns".to_owned());
                }
                other => GlobToken::Literal(other),
            });
        }
        Ok(Glob(tokens))
    }

    /// Whether it matches all of a text in lower case.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Where to go on if what follows the last star does not fit: one character further.
        let mut again: Option<(usize, core::str::Chars<'_>)> = None;
        loop {
            if self.0.get(at) == Some(&GlobToken::Any) {
                at += 1;
                again = Some((at, rest.clone()));
                continue;
            }
            match (self.0.get(at), rest.next()) {
                (None, None) => return true,
                (Some(token), Some(c)) if token.takes(c) => {
                    at += 1;
                    continue;
                }
                (Some(_), None) => return false,
                _ => {}
            }
            let Some((after_star, from)) = &mut again else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*after_star, from.clone());
        }
    }

    /// Whether it matches every text there is.
    pub(super) fn is_everything(&self) -> bool {
        self.0 == [GlobToken::Any]
    }

    /// What every text that it matches begins with, and whether that is all of the text.
    pub(crate) fn beginning(&self) -> (String, bool) {
        let literal = |token: &GlobToken| {
            if let GlobToken::Literal(c) = token {
                Some(*c)
            } else {
                None
            }
        };
        (
            self.0.iter().map_while(literal).collect(),
            self.0.iter().all(|token| literal(token).is_some()),
        )
    }

    /// Its longest run of literal characters: every text it matches holds it.
    pub(super) fn literal(&self) -> String {
        let mut best = String::new();
        let mut run = String::new();
        for token in &self.0 {
            if let GlobToken::Literal(c) = token {
                run.push(*c);
                if run.len() > best.len() {
                    best.clone_from(&run);
                }
            } else {
                run.clear();
            }
        }
        best
    }
}

impl GlobToken {
    fn takes(&self, c: char) -> bool {
        match self {
            GlobToken::Literal(literal) => *literal == c,
            GlobToken::One => true,
            GlobToken::Any => false,
            GlobToken::Set { ranges, negated } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// What stands behind `[`, up to its `]`.
fn set(chars: &mut core::str::Chars<'_>) -> Result<GlobToken, String> {
    let unclosed = || "a `[` without its `]`; to mean the character, write `\\[`".to_owned();
    let mut negated = false;
    if chars.as_str().starts_with(['!', '^']) {
        negated = true;
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let mut low = chars.next().ok_or_else(unclosed)?;
        if low == ']' {
            break;
        }
        if low == '\\' {
            low = chars.next().ok_or_else(unclosed)?;
        }
        let mut high = low;
        let mut ahead = chars.clone();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
            chars.next();
            high = chars.next().ok_or_else(unclosed)?;
        }
        if high < low {
            return Err(format!("the set runs backwards, from `{low}` to `{high}`"));
        }
        ranges.push((low, high));
    }
    if ranges.is_empty() {
        return Err("an empty set matches nothing".to_owned());
    }
    Ok(GlobToken::Set { ranges, negated })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_is_held_against_the_whole_text() {
        for (pattern, yes, no) in [
            ("dc-*", &["dc-01", "dc-"][..], &["xdc-01", "dc"][..]),
            ("*", &["", "anything"], &[]),
            ("lt-0?2", &["lt-042", "lt-0ü2"], &["lt-02", "lt-0422"]),
            ("sql-[0-9][0-9]", &["sql-07"], &["sql-7", "sql-ab"]),
            ("[!a-c]*", &["d", "zz"], &["a", "cz", ""]),
            ("*a*b*", &["ab", "xxaxxbxx", "aab"], &["ba", "b"]),
            ("a\\*b", &["a*b"], &["axb"]),
            ("DC-[A-B]", &["dc-a"], &["dc-c"]),
            ("[]", &[], &[]),
            ("[a-]", &["a", "-"], &["b"]),
        ] {
            let Ok(glob) = Glob::parse(pattern) else {
                assert_eq!(pattern, "[]");
                continue;
            };
            assert!(
                yes.iter().all(|text| glob.matches(text)),
                "{pattern}: {yes:?}"
            );
            assert!(
                !no.iter().any(|text| glob.matches(text)),
                "{pattern}: {no:?}"
            );
        }
        for bad in ["[", "[a", "[!", "{a,b}", "x\\", "[z-a]", "[\\"] {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn many_stars_over_a_long_text_come_to_an_end() {
        let glob = Glob::parse(&"a*".repeat(100)).unwrap();
        assert!(!glob.matches(&format!("{}b!", "x".repeat(1_000_000))));
        assert!(
            !Glob::parse("*a*a*a*a*b")
                .unwrap()
                .matches(&"a".repeat(100_000))
        );
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_regular_expression(tokens in proptest::collection::vec("[ab]|\\*|\\?|\\[[!]?a-b\\]|\\[b\\]", 0..8), text in "[abc]{0,8}") {
            let pattern = tokens.concat();
            let regex: String = tokens.iter().map(|token| match token.as_str() {
                "*" => ".*".to_owned(),
                "?" => ".".to_owned(),
                other => other.replace('!', "^"),
            }).collect();
            let expected = regex::Regex::new(&format!("^{regex}$")).unwrap().is_match(&text);
            prop_assert_eq!(Glob::parse(&pattern).unwrap().matches(&text), expected, "{} {}", pattern, text);
        }
    }
}

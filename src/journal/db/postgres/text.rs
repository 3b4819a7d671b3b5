//! A statement's text as PostgreSQL reads it: `?`, `?1` and `:name` become `$1`, and what only SQLite's planner is told is
//! left out. Everything else is the same text.

/// The text, with the names that its numbers stand for where it has names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) text: String,
    /// In the order of their numbers, each with its colon.
    pub(super) names: Vec<String>,
    /// The highest number.
    pub(super) places: usize,
    /// What stands before a number.
    place: &'static str,
}

const HINT: &str = "INDEXED BY ";

/// Texts in quotes are passed over; the journal's statements have no comments but at the end of a line.
pub(super) fn translated(sql: &str) -> Translated {
    translated_to(sql, "$")
}

/// The same with something else before each number.
pub(super) fn translated_to(sql: &str, place: &'static str) -> Translated {
    let mut found = Translated {
        text: String::with_capacity(sql.len() + 16),
        names: Vec::new(),
        places: 0,
        place,
    };
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\'' => quoted(rest),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '?' => {
                rest = found.number(&rest[1..]);
                continue;
            }
            ':' if is_word(rest[1..].chars().next()) => {
                rest = found.name(rest);
                continue;
            }
            'I' if rest.starts_with(HINT) => {
                rest = &rest[HINT.len() + word(&rest[HINT.len()..])..];
                continue;
            }
            _ => c.len_utf8(),
        };
        found.text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    found
}

impl Translated {
    fn number<'s>(&mut self, rest: &'s str) -> &'s str {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest[..digits].parse().unwrap_or(self.places + 1);
        self.place(number);
        &rest[digits..]
    }

    fn name<'s>(&mut self, rest: &'s str) -> &'s str {
        let (name, rest) = rest.split_at(1 + word(&rest[1..]));
        let at = self.names.iter().position(|known| known == name);
        let number = at.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.place(number + 1);
        rest
    }

    fn place(&mut self, number: usize) {
        self.places = self.places.max(number);
        self.text.push_str(self.place);
        self.text.push_str(&number.to_string());
    }
}

const fn is_word(c: Option<char>) -> bool {
    matches!(c, Some('a'..='z' | 'A'..='Z' | '0'..='9' | '_'))
}

/// How long the word is that stands at the beginning.
fn word(text: &str) -> usize {
    text.find(|c| !is_word(Some(c))).unwrap_or(text.len())
}

/// How long the quotation is that stands at the beginning. A quote that is doubled ends one and begins another.
fn quoted(text: &str) -> usize {
    text[1..].find('\'').map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_numbers_and_what_is_quoted_stays() {
        for (sql, text, places) in [
            ("a = ? AND b = ?", "a = $1 AND b = $2", 2),
            ("a = ?2 AND b IN (?1, ?2)", "a = $2 AND b IN ($1, $2)", 2),
            (
                "SET a = ? WHERE b = ? AND a <> ?1",
                "SET a = $1 WHERE b = $2 AND a <> $1",
                2,
            ),
            ("'?' || state || ':' || ?", "'?' || state || ':' || $1", 1),
            ("'it''s ?' = ?", "'it''s ?' = $1", 1),
            (
                "SELECT 1 -- what? :so\n, ?",
                "SELECT 1 -- what? :so\n, $1",
                1,
            ),
            (
                "FROM scan s INDEXED BY scan_at WHERE a > ?",
                "FROM scan s  WHERE a > $1",
                1,
            ),
        ] {
            let found = translated(sql);
            assert_eq!((found.text.as_str(), found.places), (text, places));
        }
    }

    #[test]
    fn names_are_numbered_as_they_come() {
        let found = translated("a = :word AND b = :since AND c = :word");
        assert_eq!(found.text, "a = $1 AND b = $2 AND c = $1");
        assert_eq!(found.names, [":word", ":since"]);
    }
}

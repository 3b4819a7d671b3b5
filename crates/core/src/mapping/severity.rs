//! A sender's words and numbers for how bad it is, on the one ordered scale.

use std::collections::BTreeMap;

use super::field::LONGEST_LIST;
use super::found::{TextOrigin, Yielded};
use super::notes::Notes;
use super::path::At;
use super::source::ValueSource;
use super::value::Band;
use crate::alert::{AlertReason, Severity};
use crate::json::Json;

/// The words that mean the same wherever they are used, without blanks, `-` and `_`, in alphabetical order. A map adds to
/// them and its own word wins; docs/sources/maps.md shows them.
const WORDS: [(&str, Severity); 56] = {
    use Severity::{Critical, High, Informational, Low, Medium};
    [
        ("alert", Critical),
        ("average", Medium),
        ("blocker", Critical),
        ("crit", Critical),
        ("critical", Critical),
        ("debug", Informational),
        ("disaster", Critical),
        ("emerg", Critical),
        ("emergency", Critical),
        ("err", High),
        ("error", High),
        ("fatal", Critical),
        ("high", High),
        ("highest", Critical),
        ("important", High),
        ("info", Informational),
        ("information", Informational),
        ("informational", Informational),
        ("low", Low),
        ("lowest", Informational),
        ("major", High),
        ("med", Medium),
        ("medium", Medium),
        ("minor", Low),
        ("moderate", Medium),
        ("notice", Informational),
        ("p1", Critical),
        ("p2", High),
        ("p3", Medium),
        ("p4", Low),
        ("p5", Informational),
        ("panic", Critical),
        ("priority1", Critical),
        ("priority2", High),
        ("priority3", Medium),
        ("priority4", Low),
        ("priority5", Informational),
        ("sev0", Critical),
        ("sev1", Critical),
        ("sev2", High),
        ("sev3", Medium),
        ("sev4", Low),
        ("sev5", Informational),
        ("severe", Critical),
        ("severity1", Critical),
        ("severity2", High),
        ("severity3", Medium),
        ("severity4", Low),
        ("severity5", Informational),
        ("trace", Informational),
        ("urgent", Critical),
        ("verbose", Informational),
        ("veryhigh", Critical),
        ("verylow", Informational),
        ("warn", Medium),
        ("warning", Medium),
    ]
};

/// What one sender's values mean.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    words: BTreeMap<String, Severity>,
    bands: Vec<(f64, Band)>,
}

/// The severity of the first source that says any. Of several the worst counts; if one of them is off the scale, nobody
/// knows how bad it is.
pub(super) fn read(
    sources: &[ValueSource],
    scale: &Scale,
    at: At<'_, '_>,
    notes: &mut Notes,
) -> Option<Severity> {
    const FIELD: &str = "severity";
    let mut silent = true;
    for source in sources {
        let (mut texts, mut odd) = (Vec::new(), false);
        let found = notes.field(source, at);
        silent &= found.is_empty();
        found
            .iter()
            .for_each(|found| said(found, at, &mut texts, &mut odd));
        if texts.is_empty() && !odd {
            continue;
        }
        if texts.iter().any(|(text, _)| text.contains('\0')) {
            notes.fault(AlertReason::NulInText, "severity holds U+0000");
        }
        let read = texts
            .iter()
            .map(|(text, _)| scale.of(text))
            .collect::<Option<Vec<Severity>>>();
        let worst = read.filter(|_| !odd).and_then(|all| {
            let worst = all.iter().copied().max()?;
            texts
                .get(all.iter().position(|one| *one == worst)?)
                .map(|text| (worst, text))
        });
        return match worst {
            Some((severity, (text, from))) => {
                notes.supplied_as(FIELD, text, severity.code(), from);
                Some(severity)
            }
            None => {
                notes.unusable(FIELD);
                None
            }
        };
    }
    // A word such as `unknown` is not in the way of another source, but it is no silence either.
    if !silent {
        notes.unusable(FIELD);
    }
    None
}

fn said(
    found: &Yielded<'_, '_>,
    at: At<'_, '_>,
    texts: &mut Vec<(String, TextOrigin)>,
    odd: &mut bool,
) {
    if let Yielded::Node(Json::List(elements)) = found {
        let present = elements
            .iter()
            .filter(|element| !element.is_missing())
            .take(LONGEST_LIST);
        return present.for_each(|element| said(&Yielded::Node(element), at, texts, odd));
    }
    match found.text() {
        Some(text) if at.is_nothing(text) => {}
        Some(text) => texts.push((text.to_owned(), found.origin())),
        None => *odd = true,
    }
}

impl Scale {
    pub(super) fn new(words: BTreeMap<String, Severity>, bands: Vec<(f64, Band)>) -> Scale {
        Scale {
            words: words
                .into_iter()
                .map(|(word, severity)| (word.to_lowercase(), severity))
                .collect(),
            bands,
        }
    }

    /// Whether each band starts above the one before it.
    pub(super) fn rises(&self) -> bool {
        self.bands.is_sorted_by(|a, b| a.0 < b.0)
    }

    /// `None`: off the scale. Nothing is rounded to the nearest word.
    pub(super) fn of(&self, text: &str) -> Option<Severity> {
        let word = text.trim().to_lowercase();
        let own = self.words.get(&word).copied();
        own.or_else(|| common(&word))
            .or_else(|| self.band(&word))
            .or_else(|| self.numbered(&word))
    }

    /// `1 - critical`, `P3 - moderate` and `high (3)`: a word beside its number on the sender's own scale.
    fn numbered(&self, text: &str) -> Option<Severity> {
        let before = text
            .split_once(['-', ':', '–'])
            .map(|(number, word)| (number.trim(), word.trim()));
        let behind = text.strip_suffix(')').and_then(|text| text.split_once('('));
        let behind = behind.map(|(word, number)| (number.trim(), word.trim()));
        let means = |word: &str| self.words.get(word).copied().or_else(|| common(word));
        let said = |(number, word): (&str, &str)| {
            let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            let severity = means(word)?;
            (is_number || means(number) == Some(severity)).then_some(severity)
        };
        before.and_then(said).or_else(|| behind.and_then(said))
    }

    fn band(&self, text: &str) -> Option<Severity> {
        let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
        self.bands
            .iter()
            .rev()
            .find(|(from, _)| number >= *from)
            .and_then(|(_, Band(severity))| *severity)
    }
}

/// A word of the product, in lower case.
fn common(word: &str) -> Option<Severity> {
    let parts: String;
    let key = if word.contains([' ', '-', '_']) {
        parts = word.split([' ', '-', '_']).collect();
        &parts
    } else {
        word
    };
    let found = WORDS
        .binary_search_by(|(known, _)| (*known).cmp(key))
        .ok()?;
    WORDS.get(found).map(|(_, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_first_then_bands_and_nothing_else() {
        let words = [
            ("Alert".to_owned(), Severity::High),
            ("4".to_owned(), Severity::Low),
        ];
        let bands = [
            (3.0, Some(Severity::Low)),
            (7.0, Some(Severity::Medium)),
            (12.0, Some(Severity::High)),
            (17.0, None),
        ];
        let bands = bands
            .map(|(from, severity)| (from, Band(severity)))
            .to_vec();
        let scale = Scale::new(words.into_iter().collect(), bands);
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        for (value, severity) in [
            ("HIGH", Some(Severity::High)),
            (" info ", Some(Severity::Informational)),
            ("alert", Some(Severity::High)),
            ("4", Some(Severity::Low)),
            ("7", Some(Severity::Medium)),
            ("6.9", Some(Severity::Low)),
            ("12", Some(Severity::High)),
            ("16.9", Some(Severity::High)),
            ("Very-High", Some(Severity::Critical)),
            ("SEV 2", Some(Severity::High)),
            ("1 - Critical", Some(Severity::Critical)),
            ("4 - Low", Some(Severity::Low)),
            ("P3 - Moderate", Some(Severity::Medium)),
            ("P1 - Low", None),
            ("High (3)", Some(Severity::High)),
            ("99", None),
            ("2", None),
            ("-1", None),
            ("unknown", None),
            ("ok", None),
            ("resolved", None),
            ("normal", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(scale.of(value), severity, "{value:?}");
        }
    }
}

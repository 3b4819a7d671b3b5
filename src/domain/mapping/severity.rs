//! A sender's words and numbers for how bad it is, on the one ordered scale.

use std::collections::BTreeMap;

use super::value::Band;
use crate::domain::alert::Severity;

/// What one sender's values mean.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    words: BTreeMap<String, Severity>,
    bands: Vec<(f64, Band)>,
}

impl Scale {
    pub(super) fn new(words: BTreeMap<String, Severity>, bands: Vec<(f64, Band)>) -> Scale {
        Scale { words: words.into_iter().map(|(word, severity)| (word.to_lowercase(), severity)).collect(), bands }
    }

    /// Whether each band starts above the one before it.
    pub(super) fn rises(&self) -> bool {
        self.bands.is_sorted_by(|a, b| a.0 < b.0)
    }

    /// `None`: off the scale. Nothing is rounded to the nearest word.
    pub(super) fn of(&self, text: &str) -> Option<Severity> {
        let word = text.trim().to_lowercase();
        let own = self.words.get(&word).copied();
        own.or_else(|| Severity::of_code(if word == "info" { "informational" } else { &word }))
            .or_else(|| self.band(&word))
    }

    fn band(&self, text: &str) -> Option<Severity> {
        let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
        self.bands.iter().rev().find(|(from, _)| number >= *from).and_then(|(_, Band(severity))| *severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_first_then_bands_and_nothing_else() {
        let words = [("Alert".to_owned(), Severity::Critical), ("4".to_owned(), Severity::Low)];
        let bands =
            [(3.0, Some(Severity::Low)), (7.0, Some(Severity::Medium)), (12.0, Some(Severity::High)), (17.0, None)];
        let bands = bands.map(|(from, severity)| (from, Band(severity))).to_vec();
        let scale = Scale::new(words.into_iter().collect(), bands);
        for (value, severity) in [
            ("HIGH", Some(Severity::High)),
            (" info ", Some(Severity::Informational)),
            ("alert", Some(Severity::Critical)),
            ("4", Some(Severity::Low)),
            ("7", Some(Severity::Medium)),
            ("6.9", Some(Severity::Low)),
            ("12", Some(Severity::High)),
            ("16.9", Some(Severity::High)),
            ("99", None),
            ("2", None),
            ("-1", None),
            ("unknown", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(scale.of(value), severity, "{value:?}");
        }
    }
}

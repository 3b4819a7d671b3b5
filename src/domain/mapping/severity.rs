//! A sender's words and numbers for how bad it is, on the one ordered scale.

use std::collections::BTreeMap;

use crate::domain::alert::Severity;
use crate::domain::json::Json;

/// What one sender's values mean.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    words: BTreeMap<String, Severity>,
    bands: Vec<(f64, Severity)>,
}

impl Scale {
    pub(super) fn new(words: BTreeMap<String, Severity>, bands: Vec<(f64, Severity)>) -> Scale {
        Scale { words: words.into_iter().map(|(word, severity)| (word.to_lowercase(), severity)).collect(), bands }
    }

    /// Whether each band starts above the one before it.
    pub(super) fn rises(&self) -> bool {
        self.bands.is_sorted_by(|a, b| a.0 < b.0)
    }

    /// `None`: off the scale, or no value a severity can have. Nothing is rounded to the nearest word.
    pub(super) fn of(&self, value: &Json<'_>) -> Option<Severity> {
        let word = value.text()?.trim().to_lowercase();
        let own = self.words.get(&word).copied();
        own.or_else(|| Severity::of_code(if word == "info" { "informational" } else { &word }))
            .or_else(|| self.band(&word))
    }

    fn band(&self, text: &str) -> Option<Severity> {
        let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
        self.bands.iter().rev().find(|(from, _)| number >= *from).map(|(_, severity)| *severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_first_then_bands_and_nothing_else() {
        let words = [("Alert".to_owned(), Severity::Critical), ("4".to_owned(), Severity::Low)];
        let bands = vec![(3.0, Severity::Low), (7.0, Severity::Medium), (12.0, Severity::High)];
        let scale = Scale::new(words.into_iter().collect(), bands);
        let number = |n: &'static str| Json::Number(n.into());
        let text = |t: &'static str| Json::Text(t.into());
        for (value, severity) in [
            (text("HIGH"), Some(Severity::High)),
            (text(" info "), Some(Severity::Informational)),
            (text("alert"), Some(Severity::Critical)),
            (number("4"), Some(Severity::Low)),
            (number("7"), Some(Severity::Medium)),
            (number("6.9"), Some(Severity::Low)),
            (text("12"), Some(Severity::High)),
            (number("99"), Some(Severity::High)),
            (number("2"), None),
            (number("-1"), None),
            (text("unknown"), None),
            (text("NaN"), None),
            (text("inf"), None),
            (Json::Bool(true), None),
            (Json::List(vec![text("high")]), None),
        ] {
            assert_eq!(scale.of(&value), severity, "{value:?}");
        }
    }
}

//! The word that was probably meant by one that is not known: the one "did you mean" of scanhook.toml, rules.toml and the
//! command line.

/// The known word nearest to this one, if it is near enough for a typing error: at most a third of the letters differ.
/// Of words that are equally near the first is taken, so the caller's order says which is the more likely.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    // The distance takes time and memory for each pair of letters, and the word may be as long as a file.
    if letters > 60 {
        return None;
    }
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&word, known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= (letters.max(known.len()) / 3).max(1))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_probably_meant_is_suggested_and_nothing_far_off() {
        assert_eq!(nearest("sevrity", ["severity", "source"]), Some("severity"));
        assert_eq!(nearest("Full", ["quick", "full"]), Some("full"));
        assert_eq!(nearest("banana", ["quick", "full"]), None);
    }
}

//! Words of a header.

/// A token or a quoted text at the beginning, and what stands behind it.
pub(super) fn word_of(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, behind) = text.split_at(text.find([';', ',']).unwrap_or(text.len()));
        return (word.trim().to_owned(), behind);
    };
    let mut word = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (word, &quoted[at + 1..]),
            '\\' => word.extend(chars.next().map(|(_, c)| c)),
            c => word.push(c),
        }
    }
    (word, "")
}

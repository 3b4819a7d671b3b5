//! What people read is plain English: the phrases that it was not, before, stay out.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::{SAID, TESTS, regex};

/// Phrases that nobody says, with what is said instead.
static ODD: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (regex(r"\b(?:is|are) no [a-z`*]"), "is not a …"),
        (regex(r"that there is not"), "that does not exist"),
        (regex(r"comes? to (?:its|their) end"), "ends"),
        (regex(r"\bno span of time\b"), "is not a valid duration"),
    ]
});
/// Where the first of them is right.
static RIGHT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b[Tt]here (?:is|are) no\b|\bis no (?:more|longer)\b"));

fn odd_phrases(file: &str, text: &str) -> Vec<String> {
    let code = TESTS
        .find(text)
        .map_or(text, |found| &text[..found.start()]);
    // Comments are for those who read the code.
    let texts = SAID
        .find_iter(code)
        .map(|said| said.as_str())
        .filter(|said| !said.starts_with('/'));
    let mut found = Vec::new();
    for said in texts.map(|said| RIGHT.replace_all(said, "").into_owned()) {
        for (odd, instead) in ODD.iter().filter(|(odd, _)| odd.is_match(&said)) {
            found.push(format!("{file}: {said:?} has {odd}; say {instead:?}"));
        }
    }
    found
}

#[test]
fn what_people_read_has_no_phrase_that_nobody_says() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                found.extend(odd_phrases(&path.display().to_string(), &text));
            }
        }
    }
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&home.join("src"), &mut found);
    walk(&home.join("crates/core/src"), &mut found);
    found.retain(|line| !line.contains("/tests/"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_odd_phrase_is_seen_and_a_right_one_is_not() {
    let planted = r#"fn f() { g("`x` is no glob"); } // it is no glob"#;
    assert_eq!(odd_phrases("f.rs", planted).len(), 1);
    for right in [
        r#"g("there is no rules.toml")"#,
        r#"g("it is not a glob")"#,
        "// it is no glob",
    ] {
        assert_eq!(odd_phrases("f.rs", right), Vec::<String>::new());
    }
}

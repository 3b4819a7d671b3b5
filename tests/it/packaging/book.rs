//! The documents as a book: its contents name every page, once, and nothing that is not there.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::text;

/// All pages below a folder of docs, as the contents name them.
fn pages(folder: &Path, below: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, below, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            let name = path.strip_prefix(below).unwrap();
            found.push(name.display().to_string());
        }
    }
}

#[test]
fn the_contents_of_the_book_name_every_page_once() {
    let link = Regex::new(r"\]\(([^)]+)\)").unwrap();
    let contents = text("docs/SUMMARY.md");
    let named: Vec<String> = link
        .captures_iter(&contents)
        .map(|found| found[1].to_owned())
        .collect();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut there = Vec::new();
    pages(&docs, &docs, &mut there);
    let there: BTreeSet<&str> = there
        .iter()
        .map(String::as_str)
        .filter(|page| *page != "SUMMARY.md")
        .collect();
    let once: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(once.len(), named.len(), "a page is named twice");
    assert_eq!(once, there);
    assert!(text("book.toml").contains("src = \"docs\""));
}

#[test]
fn the_oldest_compiler_is_the_same_wherever_it_is_said() {
    let manifest = text("Cargo.toml");
    let oldest = Regex::new("(?m)^rust-version = \"([0-9.]+)\"$").unwrap();
    let oldest = oldest.captures(&manifest).unwrap()[1].to_owned();
    for file in ["README.md", "CONTRIBUTING.md", "docs/releasing.md"] {
        assert!(text(file).contains(&oldest), "{file} does not say {oldest}");
    }
    assert!(text(".github/workflows/release.yml").contains(&format!("cargo +{oldest} check")));
}

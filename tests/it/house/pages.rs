//! What templates and the files of pages may hold: no value goes in unescaped but a picture of ours, no script and no style
//! stands in the markup, and nothing is loaded from elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::regex;

/// What no template may hold, and why.
static BANNED: LazyLock<[(Regex, &str); 7]> = LazyLock::new(|| {
    [
        (
            regex(r"\|\s*(?:safe|escape|e)\b"),
            "values are escaped, always; a picture goes through |svg",
        ),
        (
            regex(r"(?i)[\s{]style\s*="),
            "styles are classes: the policy of pages blocks attributes",
        ),
        (regex(r"(?i)<style\b"), "styles stand in app.css"),
        (
            regex(r#"(?i)\son[a-z]+\s*=\s*["']"#),
            "nothing runs from an attribute",
        ),
        (regex(r"(?i)javascript:"), "nothing runs from a link"),
        (
            regex(r"(?i)<script\b(?:[^>]*)>\s*[^<\s]"),
            "scripts stand in app.js",
        ),
        (
            regex(r#"(?i)(?:src|href|action)\s*=\s*["'](?:https?:)?//"#),
            "nothing is loaded from elsewhere",
        ),
    ]
});
/// An address of elsewhere in a file that pages load. The name of a markup language is none.
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)(?:https?:)?//[a-z0-9]"));
const LANGUAGE: &str = "http://www.w3.org/2000/svg";

/// Lines that app.js may have: whoever wants more of it wants another page.
const LINES: usize = 400;

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn faults(template: &str) -> Vec<&'static str> {
    let broken = BANNED
        .iter()
        .filter(|(banned, _)| banned.is_match(template));
    broken.map(|(_, because)| *because).collect()
}

#[test]
fn no_template_holds_a_script_a_style_or_a_value_that_is_not_escaped() {
    let templates = below(&home().join("templates"));
    assert!(templates.len() > 3, "{templates:?}");
    for path in templates {
        let faults = faults(&fs::read_to_string(&path).unwrap());
        assert!(faults.is_empty(), "{}: {faults:?}", path.display());
    }
}

#[test]
fn a_template_that_holds_one_would_be_seen() {
    for planted in [
        "{{ title|safe }}",
        "{{ title | safe }}",
        "<p style=\"color:red\">",
        "<style>p{}</style>",
        "<p onclick=\"f()\">",
        "<a href=\"JavaScript:f()\">",
        "<script>f()</script>",
        "<img src=\"//cdn.example/x.png\">",
        "<link href=\"https://cdn.example/x.css\">",
    ] {
        assert_eq!(faults(planted).len(), 1, "{planted}");
    }
    for right in [
        "{{ picture|svg }}",
        "<script type=\"module\" src=\"{{ shell.js }}\"></script>",
        "<a href=\"{{ url }}\" class=\"on\">on = \"x\"</a>",
    ] {
        assert_eq!(faults(right), Vec::<&str>::new(), "{right}");
    }
}

#[test]
fn only_pictures_of_ours_pass_unescaped() {
    let mut passing = Vec::new();
    for path in below(&home().join("src")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.contains("askama::filters::Safe") || text.contains("HtmlSafe") {
            passing.push(path.strip_prefix(home()).unwrap().to_owned());
        }
    }
    assert_eq!(passing, [PathBuf::from("src/server/page/filters.rs")]);
    let filters = fs::read_to_string(home().join("src/server/page/filters.rs")).unwrap();
    assert_eq!(filters.matches("Safe(").count(), 1, "in `svg` alone");
}

#[test]
fn pages_load_nothing_from_elsewhere_and_little_of_a_script() {
    let assets = below(&home().join("src/server/page/assets"));
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in assets {
        let text = fs::read_to_string(&path).unwrap().replace(LANGUAGE, "");
        let name = path.display();
        assert!(!ELSEWHERE.is_match(&text), "{name} names a place elsewhere");
        assert!(!text.contains("@import"), "{name}");
        if path.extension().is_some_and(|ending| ending == "js") {
            let lines = text.lines().count();
            assert!(lines <= LINES, "{name} has {lines} lines");
            for banned in ["innerHTML", "eval(", "insertAdjacentHTML", "document.write"] {
                assert!(!text.contains(banned), "{name}: {banned}");
            }
        }
    }
}

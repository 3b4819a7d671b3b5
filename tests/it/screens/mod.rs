//! What the verbs look like on a terminal of 80 and of 120 columns, empty and full, with names in wide characters: kept
//! as snapshots. Of each screen it is asked that no line is too long and no id is broken.
//!
//! Ids, times and ports are replaced by others of the same width, so that the same screen is the same at any time.
//! `INSTA_UPDATE=always cargo test --test it screens::` writes them anew: look at the difference before it is committed.

mod files;
mod help;
mod night;
mod orders;
mod terminal;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

pub use terminal::Terminal;

/// The widths that are tried.
const NARROW: usize = 80;
const WIDE: usize = 120;

static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap()
});
/// How an id begins.
static PART: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}").unwrap());
/// What differs from run to run, as digits alone.
static CHANGING: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?",
        r"127\.0\.0\.1:\d{4,5}",
        r"(?m)^\d{1,2}s +\b",
        r"\d+/\d+ in the last (minute|hour)",
        r"[0-9a-f]{64}",
        r"\b[0-9a-f]{12}\b",
    ];
    Regex::new(&parts.join("|")).unwrap()
});

/// Screens of one subject, as they are kept.
pub struct Screens {
    name: &'static str,
    text: String,
    count: usize,
}

impl Screens {
    pub fn of(name: &'static str) -> Screens {
        Screens {
            name,
            text: String::new(),
            count: 0,
        }
    }

    /// One more, which has to fit.
    #[track_caller]
    pub fn add(&mut self, columns: usize, called: &str, shown: &str) {
        fits(called, columns, shown);
        let shown = shown
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n");
        self.text.push_str(&format!(
            "$ scanhook {called}   # {columns} columns\n{}\n\n",
            stable(&shown)
        ));
        self.count += 1;
    }

    /// Compares all of them with those that are kept.
    #[track_caller]
    pub fn kept(self, at_least: usize) {
        assert!(
            self.count >= at_least,
            "{}: {} screens",
            self.name,
            self.count
        );
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!(self.name, self.text);
        });
    }
}

/// The same text at any time and with any ids.
fn stable(text: &str) -> String {
    let ids = ID.replace_all(text, |found: &Captures<'_>| {
        found[0].replace(|c: char| c.is_ascii_hexdigit(), "x")
    });
    let text = CHANGING.replace_all(&ids, |found: &Captures<'_>| hidden(&found[0]));
    text.replace(
        env!("CARGO_PKG_VERSION"),
        &"x".repeat(env!("CARGO_PKG_VERSION").len()),
    )
}

/// Hexadecimal where it is long, and digits elsewhere.
fn hidden(text: &str) -> String {
    match text.trim() {
        address if address.starts_with("127") => {
            format!("127.0.0.1:{}", "0".repeat(address.len() - 10))
        }
        hex if hex.len() >= 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            text.replace(|c: char| c.is_ascii_hexdigit(), "x")
        }
        seconds if seconds.ends_with('s') && seconds.len() <= 3 => {
            format!("{:1$}", "0s", text.len())
        }
        _ => text.replace(|c: char| c.is_ascii_digit(), "0"),
    }
}

/// No line is wider than the terminal unless it is one word, or a command to be copied; no id is broken; nothing moves
/// the cursor.
#[track_caller]
pub fn fits(what: &str, columns: usize, shown: &str) {
    for line in shown.lines() {
        let text = line.trim();
        let alone = !text.contains(' ') || text.starts_with("`scanhook ");
        assert!(
            alone || line.width() <= columns,
            "{what}: {} columns: {line}\n\n{shown}",
            line.width()
        );
    }
    let broken = PART.find_iter(shown).find(|part| {
        !ID.is_match_at(shown, part.start()) || at(&ID, shown, part.start()).is_none()
    });
    assert_eq!(
        broken.map(|part| part.as_str()),
        None,
        "{what}: a broken id in\n{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{what}: {shown:?}");
}

fn at(regex: &Regex, text: &str, start: usize) -> Option<usize> {
    regex
        .find_at(text, start)
        .filter(|found| found.start() == start)
        .map(|found| found.end())
}

/// All that a list says in JSON stands in its text.
#[track_caller]
pub fn says_all(items: &[Value], keys: &[&str], shown: &str) {
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = joined(shown);
    for item in items {
        for key in keys {
            for text in [&item[*key], &item["decision"][*key]]
                .into_iter()
                .filter_map(Value::as_str)
            {
                assert!(
                    shown.contains(&joined(text)),
                    "{key} `{text}` is lost in\n{shown}"
                );
            }
        }
    }
}

/// The program in this folder, with nothing of this machine's environment; what it prints, and what it complains of.
pub fn shown(folder: &Path, columns: usize, args: &[&str]) -> String {
    let mut command = command(folder, args);
    command
        .env("COLUMNS", columns.to_string())
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    text(output.stdout) + &text(output.stderr)
}

/// The command alone.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command.args(args).current_dir(folder).env_clear();
    command
}

//! The rules of the house, held against the source text: which module may know which, where the clock, the
//! environment and the process enter, and which names say nothing. The reasons stand beside each rule.

mod pages;
mod rooms;
mod words;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What a module must not mention.
enum Banned {
    /// This path and everything below it.
    Below(&'static str),
    /// Every path that ends so, however it was imported.
    Ending(&'static str),
    /// This macro.
    Macro(&'static str),
    /// This keyword.
    Keyword(&'static str),
}

struct Rule {
    /// Whether the rule holds in a module, named as in `worker::run`.
    holds_in: fn(&str) -> bool,
    banned: &'static [Banned],
    because: &'static str,
}

/// The module itself or one below it.
fn within(module: &str, of: &str) -> bool {
    module
        .strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn within_any(module: &str, of: &[&str]) -> bool {
    of.iter().any(|of| within(module, of))
}

const RULES: &[Rule] = &[
    Rule {
        // Cargo.toml of the crate keeps the rest out, see below.
        holds_in: |module| within(module, "scanhook_core"),
        banned: &[
            Banned::Below("std::fs"),
            Banned::Below("std::env"),
            Banned::Below("std::time"),
            Banned::Below("std::net"),
            Banned::Below("std::process"),
            Banned::Below("std::thread"),
        ],
        because: "decisions replay: the same input gives the same answer for ever",
    },
    Rule {
        holds_in: |module| {
            (within(module, "worker") && module != "worker::run")
                || (within(module, "notify") && module != "notify::run")
                || (within(module, "defender") && module != "defender::client")
        },
        banned: &[
            Banned::Below("tokio"),
            Banned::Below("axum"),
            Banned::Below("reqwest"),
        ],
        because: "hours of protocol run in virtual time",
    },
    Rule {
        holds_in: |module| within(module, "replay"),
        banned: &[
            Banned::Below("tokio"),
            Banned::Below("axum"),
            Banned::Below("hyper"),
            Banned::Below("reqwest"),
            Banned::Below("crate::defender"),
        ],
        because: "a replay asks nobody and sends nothing",
    },
    Rule {
        holds_in: |module| within(module, "server"),
        banned: &[
            Banned::Below("crate::worker"),
            Banned::Below("crate::defender"),
        ],
        because: "a slow Defender cannot slow intake",
    },
    Rule {
        holds_in: |module| within(module, "journal"),
        banned: &[
            Banned::Below("crate::server"),
            Banned::Below("crate::worker"),
            Banned::Below("crate::defender"),
        ],
        because: "the journal records; it knows nobody who writes to it",
    },
    Rule {
        holds_in: |module| !within(module, "journal"),
        banned: &[Banned::Below("rusqlite"), Banned::Below("tokio_postgres")],
        because: "SQL stays inside the journal",
    },
    Rule {
        holds_in: |module| !within(module, "journal"),
        banned: &[Banned::Ending("VerifiedDelivery::recalled")],
        because: "only what was authenticated is in the journal, so only the journal may say that a delivery was",
    },
    Rule {
        holds_in: |module| !within(module, "app"),
        banned: &[
            Banned::Ending("tokio::spawn"),
            Banned::Ending("task::spawn"),
            Banned::Ending("thread::spawn"),
            Banned::Ending("thread::Builder::new"),
        ],
        because: "whoever starts a loop joins it; elsewhere a JoinSet owned by the loop that fills it",
    },
    Rule {
        holds_in: |module| module != "clock",
        banned: &[
            Banned::Ending("SystemTime::now"),
            Banned::Ending("Instant::now"),
            Banned::Ending("Timestamp::now"),
            Banned::Ending("Zoned::now"),
        ],
        because: "the clock enters at one door",
    },
    Rule {
        // `main` reads the command line, which is not the environment.
        holds_in: |module| !within_any(module, &["settings", "main"]),
        banned: &[Banned::Below("std::env")],
        because: "the environment enters at one door",
    },
    Rule {
        holds_in: |module| !within(module, "settings"),
        banned: &[
            Banned::Ending("env::var"),
            Banned::Ending("env::var_os"),
            Banned::Ending("env::vars"),
            Banned::Ending("env::vars_os"),
        ],
        because: "the environment enters at one door",
    },
    Rule {
        holds_in: |module| !within_any(module, &["main", "cli"]),
        banned: &[
            Banned::Ending("process::exit"),
            Banned::Ending("process::abort"),
            Banned::Macro("println"),
            Banned::Macro("print"),
            Banned::Macro("eprintln"),
            Banned::Macro("eprint"),
            Banned::Below("anyhow"),
        ],
        because: "only the command line speaks to a terminal and ends the process",
    },
    Rule {
        holds_in: |module| {
            let doors = [
                "activation",
                "app",
                "app::endings",
                "app::exports",
                "app::heartbeat",
                "app::loops",
                "app::replicas",
                "app::silences",
                "app::storms",
                "defender::client",
                "intake",
                "journal",
                "journal::db::postgres::filling",
                "journal::db::postgres::line",
                "keyrings",
                "notify::run",
                "notify::smtp",
                "openid",
                "worker::run",
                "workers",
                "main",
                "reload",
                "reload::patience",
                "telemetry::export",
                "scanhook_simulator::serve",
            ];
            !doors.contains(&module) && !within_any(module, &["server", "cli"])
        },
        banned: &[Banned::Keyword("async"), Banned::Keyword("await")],
        because: "what decides is called, not awaited",
    },
];

/// The crates beside the program, by the names that code knows them by.
const CRATES: &[&str] = &["scanhook_core", "scanhook_simulator"];

/// Attic names: they say where something was put, not what it is.
const ATTIC: &[&str] = &[
    "manager",
    "processor",
    "service",
    "engine",
    "helper",
    "helpers",
    "util",
    "utils",
    "common",
    "core",
    "types",
    "misc",
    "data",
    "info",
];

/// Two or more names joined by `::`.
static MENTION: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+"));
/// The name of a type or module declared at the left margin.
static DECLARED: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?m)^(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|type|mod|union) (\w+)")
});
/// One word of a name in either case style.
static WORD: LazyLock<Regex> = LazyLock::new(|| regex("[A-Z]?[a-z0-9]+"));
/// The head of the module of unit tests.
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^#\[cfg\(test\)\]\n(?:#\[.*\]\n)*(?:pub\S* )?mod \w+ \{"));
/// A whole import.
static IMPORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)\buse\s+([^;]+);"));
/// Comments and literals.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r#"(?s:b?r"[^"]*")"#,
        r##"(?s:b?r#".*?"#)"##,
        r#"(?s:b?"(?:[^"\\]|\\.)*")"#,
        r"b?'(?:[^'\\\n]|\\(?:u\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|.))'",
        r"//[^\n]*",
        r"(?s:/\*.*?\*/)",
    ];
    regex(&parts.join("|"))
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// One source file as the compiler reads it.
struct Module {
    /// `worker::run`; `lib` and `main` for the roots.
    name: String,
    /// The text without comments, literals and the test module at its end.
    code: String,
    /// Every path it mentions, imports spelled out, `self` and `super` resolved.
    paths: Vec<String>,
}

impl Module {
    fn read(name: &str, text: &str) -> Module {
        let code = without_literals(without_tests(text));
        let mut paths = imports(&code);
        paths.extend(
            MENTION
                .find_iter(&code)
                .map(|path| path.as_str().to_owned()),
        );
        let paths = paths
            .into_iter()
            .map(|path| resolved(name, &path))
            .collect();
        Module {
            name: name.to_owned(),
            code,
            paths,
        }
    }

    /// Each violation in one line.
    fn violations(&self) -> Vec<String> {
        let rules = RULES.iter().filter(|rule| (rule.holds_in)(&self.name));
        let broken = rules.flat_map(|rule| {
            rule.banned
                .iter()
                .flat_map(|banned| self.mentions(banned))
                .map(|what| (what, rule.because))
        });
        let broken = broken.map(|(what, because)| format!("{}: {what} ({because})", self.name));
        broken.chain(self.attic_names()).collect()
    }

    fn mentions(&self, banned: &Banned) -> Vec<String> {
        let path = |wanted: &dyn Fn(&str) -> bool| {
            self.paths
                .iter()
                .filter(|path| wanted(path))
                .cloned()
                .collect()
        };
        match banned {
            Banned::Below(root) => path(&|path| within(path, root)),
            Banned::Ending(end) => {
                path(&|path| path == *end || path.ends_with(&format!("::{end}")))
            }
            Banned::Macro(name) => occurs(&self.code, name, true),
            Banned::Keyword(name) => occurs(&self.code, name, false),
        }
    }

    fn attic_names(&self) -> Vec<String> {
        let types = DECLARED
            .captures_iter(&self.code)
            .map(|found| found[1].to_owned());
        let modules = self
            .name
            .split("::")
            .filter(|name| !CRATES.contains(name))
            .map(str::to_owned);
        modules
            .chain(types)
            .filter(|name| {
                WORD.find_iter(name)
                    .any(|part| ATTIC.contains(&part.as_str().to_lowercase().as_str()))
            })
            .map(|name| format!("{}: the name {name} says nothing", self.name))
            .collect()
    }
}

/// The word, if the code has it as a word of its own, or as a macro's name.
fn occurs(code: &str, word: &str, called: bool) -> Vec<String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let found = code.match_indices(word).any(|(at, _)| {
        let after = &code[at + word.len()..];
        !code[..at].ends_with(part)
            && if called {
                after.starts_with('!')
            } else {
                !after.starts_with(part)
            }
    });
    if found {
        vec![word.to_owned()]
    } else {
        Vec::new()
    }
}

/// Unit tests live in one module at the end of a file, and may do what the file may not.
fn without_tests(text: &str) -> &str {
    TESTS
        .find(text)
        .map_or(text, |found| &text[..found.start()])
}

/// Comments and literals say things; code does them.
fn without_literals(text: &str) -> String {
    SAID.replace_all(text, " ").into_owned()
}

/// Every path that the `use` declarations name, with groups spelled out.
fn imports(code: &str) -> Vec<String> {
    IMPORT
        .captures_iter(code)
        .flat_map(|found| spelled_out("", &found[1]))
        .collect()
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn spelled_out(before: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        let path = path.trim_end_matches("::self").trim_end_matches("::*");
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![
                format!("{before}{path}")
                    .trim_end_matches("::self")
                    .to_owned(),
            ]
        };
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let before = format!("{before}{}", prefix.trim());
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts
        .iter()
        .flat_map(|part| spelled_out(&before, part))
        .collect()
}

/// A path from the crate's root, whoever mentions it.
fn resolved(module: &str, path: &str) -> String {
    let own = module
        .split("::")
        .next()
        .filter(|name| CRATES.contains(name));
    if let Some((own, rest)) = own.zip(path.strip_prefix("crate::")) {
        return format!("{own}::{rest}");
    }
    let mut home: Vec<&str> = if matches!(module, "lib" | "main") {
        Vec::new()
    } else {
        module.split("::").collect()
    };
    let mut rest = path;
    let mut relative = false;
    loop {
        if let Some(next) = rest.strip_prefix("self::") {
            rest = next;
        } else if let Some(next) = rest.strip_prefix("super::") {
            home.pop();
            rest = next;
        } else {
            break;
        }
        relative = true;
    }
    if relative {
        if own.is_none() {
            home.insert(0, "crate");
        }
        format!("{}::{rest}", home.join("::"))
    } else {
        // The binary knows its library by name.
        rest.strip_prefix("scanhook::")
            .map_or_else(|| rest.to_owned(), |rest| format!("crate::{rest}"))
    }
}

fn modules() -> Vec<Module> {
    fn walk(directory: &Path, above: &str, found: &mut Vec<Module>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let name = if above.is_empty() {
                stem.clone()
            } else {
                format!("{above}::{stem}")
            };
            if path.is_dir() && stem != "tests" {
                walk(&path, &name, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "tests"
            {
                let root = stem == "mod" || (stem == "lib" && CRATES.contains(&above));
                let name = if root { above } else { &name };
                found.push(Module::read(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&home.join("src"), "", &mut found);
    for name in CRATES {
        let folder = name.strip_prefix("scanhook_").unwrap();
        walk(
            &home.join("crates").join(folder).join("src"),
            name,
            &mut found,
        );
    }
    found
}

/// The names under `[dependencies]` of a crate's Cargo.toml.
fn dependencies(of: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(of)
        .join("Cargo.toml");
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[test]
fn the_core_can_reach_no_network_no_database_and_no_runtime() {
    let banned = [
        "tokio",
        "axum",
        "hyper",
        "reqwest",
        "rusqlite",
        "tracing",
        "getrandom",
        "scanhook-simulator",
    ];
    let found = dependencies("crates/core");
    assert!(
        found.len() > 10 && !found.iter().any(|name| banned.contains(&name.as_str())),
        "{found:?}"
    );
}

#[test]
fn the_simulator_knows_nothing_that_the_product_knows() {
    let found = dependencies("crates/simulator");
    assert!(
        found.len() > 5 && !found.iter().any(|name| name.starts_with("scanhook")),
        "{found:?}"
    );
}

#[test]
fn every_module_keeps_the_rules_of_the_house() {
    let modules = modules();
    assert!(
        modules
            .iter()
            .any(|module| module.name == "scanhook_core::plan")
            && modules.iter().any(|module| module.name == "main")
    );
    let violations: Vec<_> = modules.iter().flat_map(Module::violations).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn a_planted_violation_of_each_rule_is_found() {
    let mut all = Vec::new();
    for (module, text, expected) in [
        (
            "scanhook_core::plan",
            "use std::{collections::BTreeMap, fs};",
            "std::fs",
        ),
        (
            "scanhook_core::plan",
            "fn f() { let t = std::time::Duration::ZERO; }",
            "std::time",
        ),
        (
            "server::admin::x",
            "use super::super::super::worker::TenantWorker;",
            "crate::worker::TenantWorker",
        ),
        (
            "server::admin",
            "use crate::{domain::scan::Kind, worker::{Call, TenantWorker}};",
            "crate::worker::Call",
        ),
        (
            "worker::backoff",
            "use tokio::time::{self, sleep};",
            "tokio::time",
        ),
        (
            "defender::request",
            "use reqwest::Url as Target;",
            "reqwest::Url",
        ),
        (
            "server::admin",
            "use crate::worker::TenantWorker;",
            "crate::worker",
        ),
        (
            "server::admin",
            "fn f() { super::super::defender::reply::read(); }",
            "crate::defender::reply",
        ),
        (
            "journal::store",
            "use crate::server::refusal::Refusal;",
            "crate::server",
        ),
        (
            "replay::queue",
            "use crate::defender::client::Client;",
            "crate::defender::client",
        ),
        ("intake", "use rusqlite::Connection;", "rusqlite"),
        (
            "intake",
            "fn f() { VerifiedDelivery::recalled(s, b, t); }",
            "VerifiedDelivery::recalled",
        ),
        (
            "server::admin",
            "fn f() { tokio::spawn(g()); }",
            "tokio::spawn",
        ),
        (
            "journal",
            "use std::thread; fn f() { thread::spawn(g); }",
            "thread::spawn",
        ),
        (
            "worker",
            "use std::time::Instant; fn f() { Instant::now(); }",
            "Instant::now",
        ),
        (
            "api",
            "fn f() { jiff::Timestamp::now(); }",
            "Timestamp::now",
        ),
        ("app", "fn f() { std::env::var(\"X\").ok(); }", "std::env"),
        ("app", "fn f() { std::process::exit(1); }", "process::exit"),
        ("app", "fn f() { println!(\"x\"); }", "println"),
        ("policy", "use anyhow::Context;", "anyhow"),
        ("policy", "pub async fn load() {}", "async"),
        ("policy", "pub struct RuleManager;", "RuleManager"),
        ("journal::utils", "", "utils"),
        (
            "scanhook_core::plan",
            "pub(crate) enum ScanTypes { A }",
            "ScanTypes",
        ),
    ] {
        let found = Module::read(module, text).violations();
        assert!(
            found.iter().any(|line| line.contains(expected)),
            "{module}: {text} gave {found:?}"
        );
        all.extend(found);
    }
    for rule in RULES {
        assert!(
            all.iter().any(|line| line.contains(rule.because)),
            "nothing planted breaks: {}",
            rule.because
        );
    }
}

#[test]
fn what_is_allowed_or_only_said_is_not_taken_for_a_violation() {
    for (module, text) in [
        (
            "scanhook_core::plan",
            "/// Unlike std::fs or crate::worker, pure.\nuse core::time::Duration;",
        ),
        (
            "scanhook_core::plan",
            "const WHY: &str = \"see \\\" std::fs and println!\"; const RAW: &str = r#\"tokio::spawn(\"x\")\"#;",
        ),
        (
            "scanhook_core::plan",
            "const QUOTE: char = '\"'; use super::scan::Kind; const END: char = '\"';",
        ),
        (
            "scanhook_core::plan",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
        ),
        ("worker::run", "use tokio::sync::Notify; async fn f() {}"),
        ("clock", "fn f() { std::time::SystemTime::now(); }"),
        ("app", "fn f() { tokio::spawn(g()); }"),
        ("cli::show", "fn f() { println!(\"x\"); }"),
        ("settings", "fn f() { std::env::var(\"X\").ok(); }"),
        (
            "server::webhook",
            "use std::sync::Arc; async fn f<'a>(x: &'a str) { g::<'a>(x).await; }",
        ),
        ("journal::store", "use super::ids::Ids; struct Metadata;"),
    ] {
        assert_eq!(
            Module::read(module, text).violations(),
            Vec::<String>::new(),
            "{module}: {text}"
        );
    }
}

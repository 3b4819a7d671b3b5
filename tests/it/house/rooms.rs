//! Who imports whom, file by file: no circles, and imports of the program run down the list of its rooms. A name of a
//! type means one thing in the whole workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::{CRATES, DECLARED, Module, modules, regex, spelled_out};

/// The rooms of the program, each of which may know those before it.
const ROOMS: &[&str] = &[
    "clock",
    "file",
    "certificate",
    "presets",
    "defender",
    "settings",
    "api",
    "journal",
    "policy",
    "explain",
    "in_force",
    "keyrings",
    "openid",
    "intake",
    "worker",
    "workers",
    "notify",
    "replay",
    "logs",
    "metrics",
    "telemetry",
    "activation",
    "reload",
    "server",
    "app",
    "cli",
    "main",
];

/// A name that is passed on from another module.
static PASSED_ON: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?ms)^\s*pub(?:\([^)]*\))? use ([^;]+);"));

/// Modules with the modules they import, whatever they were imported through.
struct Graph {
    known: BTreeSet<String>,
    /// By module: names that it passes on, with the whole path that each has.
    passed_on: BTreeMap<String, BTreeMap<String, String>>,
}

impl Graph {
    fn of(modules: &[Module]) -> Graph {
        let known = modules.iter().map(|module| module.name.clone()).collect();
        let mut graph = Graph {
            known,
            passed_on: BTreeMap::new(),
        };
        for module in modules {
            for found in PASSED_ON.captures_iter(&module.code) {
                for path in spelled_out("", &found[1]) {
                    let Some(name) = path.rsplit("::").next().map(str::to_owned) else {
                        continue;
                    };
                    let path = graph.absolute(&module.name, &super::resolved(&module.name, &path));
                    graph
                        .passed_on
                        .entry(module.name.clone())
                        .or_default()
                        .insert(name, path);
                }
            }
        }
        graph
    }

    /// A path, resolved as the module's own are, as modules are named: from the root of its crate.
    fn absolute(&self, module: &str, path: &str) -> String {
        if let Some(path) = path.strip_prefix("crate::") {
            return path.to_owned();
        }
        let below = format!("{module}::{path}");
        let first = below[..module.len() + 2].to_owned() + path.split("::").next().unwrap_or(path);
        if self.known.contains(&first) {
            below
        } else {
            path.to_owned()
        }
    }

    /// The module in which what a path names is declared.
    fn home(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..8 {
            let parts: Vec<&str> = path.split("::").collect();
            let length = (1..=parts.len())
                .rev()
                .find(|length| self.known.contains(&parts[..*length].join("::")))?;
            let module = parts[..length].join("::");
            let next = parts
                .get(length)
                .and_then(|name| self.passed_on.get(&module)?.get(*name));
            match next {
                Some(next) => {
                    let rest: String = parts[length + 1..]
                        .iter()
                        .map(|part| format!("::{part}"))
                        .collect();
                    path = format!("{next}{rest}");
                }
                None => return Some(module),
            }
        }
        None
    }

    /// Whom each module imports.
    fn imports(&self, modules: &[Module]) -> BTreeMap<String, BTreeSet<String>> {
        let of = |module: &Module| {
            let passed_on: BTreeSet<&String> = self
                .passed_on
                .get(&module.name)
                .into_iter()
                .flat_map(BTreeMap::values)
                .collect();
            let paths = module
                .paths
                .iter()
                .map(|path| self.absolute(&module.name, path));
            let homes = paths
                .filter(|path| !passed_on.contains(path))
                .filter_map(|path| self.home(&path));
            homes.filter(|home| *home != module.name).collect()
        };
        modules
            .iter()
            .map(|module| (module.name.clone(), of(module)))
            .collect()
    }
}

/// Modules that import one another, directly or through others.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<(String, String)> {
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(at) = open.pop() {
            for next in imports.get(&at).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = imports
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let mut found = Vec::new();
    for (module, next) in imports {
        for other in next
            .iter()
            .filter(|other| reach.get(other).is_some_and(|reach| reach.contains(module)))
        {
            found.push((module.clone(), other.clone()));
        }
    }
    found
}

fn graph() -> (Vec<Module>, BTreeMap<String, BTreeSet<String>>) {
    let modules: Vec<Module> = modules()
        .into_iter()
        .filter(|module| module.name != "lib")
        .collect();
    let imports = Graph::of(&modules).imports(&modules);
    (modules, imports)
}

#[test]
fn no_file_imports_one_that_imports_it() {
    let (_, imports) = graph();
    assert!(
        imports.values().map(BTreeSet::len).sum::<usize>() > 500,
        "imports are seen"
    );
    let circles = circles(&imports);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn imports_run_down_the_list_of_rooms() {
    let (modules, imports) = graph();
    let room = |module: &str| module.split("::").next().unwrap().to_owned();
    let place = |module: &str| ROOMS.iter().position(|known| *known == room(module));
    let program = modules
        .iter()
        .filter(|module| !CRATES.contains(&room(&module.name).as_str()));
    let mut up = Vec::new();
    for module in program {
        let mine = place(&module.name).unwrap_or_else(|| panic!("no room {}", module.name));
        for other in &imports[&module.name] {
            if place(other).is_some_and(|other| other > mine) {
                up.push(format!("{} imports {other}", module.name));
            }
        }
    }
    assert!(up.is_empty(), "{}", up.join("\n"));
}

#[test]
fn a_circle_and_an_import_that_runs_up_would_be_seen() {
    let planted = [
        Module::read("journal::a", "use super::b::B; use crate::journal::C;"),
        Module::read("journal::b", "fn f(a: super::a::A) {}"),
        Module::read("journal::c", "use super::a::A;"),
        Module::read("journal", "pub use c::C; pub use a::A;"),
    ];
    let imports = Graph::of(&planted).imports(&planted);
    let found: BTreeSet<_> = circles(&imports)
        .into_iter()
        .map(|(from, to)| format!("{from} {to}"))
        .collect();
    let expected = [
        "journal::a journal::b",
        "journal::a journal::c",
        "journal::b journal::a",
        "journal::c journal::a",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}

#[test]
fn a_name_of_a_type_means_one_thing() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for module in modules() {
        for declared in DECLARED
            .captures_iter(&module.code)
            .map(|found| found[1].to_owned())
        {
            if declared.starts_with(char::is_uppercase) {
                homes.entry(declared).or_default().push(module.name.clone());
            }
        }
    }
    assert!(homes.len() > 500, "types are seen");
    homes.retain(|_, homes| homes.len() > 1);
    assert!(homes.is_empty(), "{homes:#?}");
}

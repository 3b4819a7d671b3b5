//! Manual pages and completions, which packages bring: each verb has its page, and shells can read their scripts.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::verbs::{Desk, has};

/// The verbs, as the help lists them.
fn verbs(desk: &Desk) -> BTreeSet<String> {
    let help = desk.run(&["--help"]).ends(0).out;
    let (_, below) = help.split_once("\nCommands:\n").unwrap();
    let verbs: BTreeSet<String> = below
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect();
    assert!(verbs.len() > 30, "{verbs:?}");
    verbs
}

#[test]
fn each_verb_has_a_manual_page_that_names_its_flags() {
    let desk = Desk::empty();
    std::fs::create_dir(desk.path("man1")).unwrap();
    desk.run(&["man", "man1"]).ends(0);
    let page = |name: &str| {
        std::fs::read_to_string(desk.path("man1").join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let main = page("scanhook.1");
    assert_eq!(
        desk.run(&["man"]).ends(0).out.lines().next(),
        main.lines().next()
    );
    for verb in verbs(&desk) {
        let page = page(&format!("scanhook-{verb}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{verb}");
        has(
            &main,
            &[&format!("scanhook\\-{}(1)", verb.replace('-', "\\-"))],
        );
    }
    has(
        &page("scanhook-serve.1"),
        &["\\-\\-admin\\-listen", "\\-\\-simulate"],
    );
    // Verbs below a verb have theirs as well.
    page("scanhook-outbox-retry.1");
    has(&desk.run(&["man", "missing"]).ends(66).err, &["missing"]);
}

/// What a shell says of a script, where it is there.
fn parses(shell: &str, arguments: &[&str], script: &str) -> bool {
    let there = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(shell).is_file())
    });
    if !there {
        return false;
    }
    let mut child = Command::new(shell)
        .args(arguments)
        .current_dir(Path::new("/"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(
        said.status.success() && said.stderr.is_empty(),
        "{shell}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    true
}

/// How a script offers a verb, and nothing else: the name alone stands in many a sentence.
fn offer(shell: &str, verb: &str) -> String {
    match shell {
        "bash" => format!("scanhook,{verb})"),
        "zsh" => format!("\n'{verb}:"),
        "fish" => format!("\"__fish_scanhook_needs_command\" -f -a \"{verb}\""),
        _ => format!("\n        'scanhook;{verb}' {{"),
    }
}

#[test]
fn the_completions_of_each_shell_name_every_verb_and_parse() {
    let desk = Desk::empty();
    let verbs = verbs(&desk);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = desk.run(&["completion", shell]).ends(0).out;
        for verb in &verbs {
            let offer = offer(shell, verb);
            assert!(script.contains(&offer), "{shell}: {offer}");
        }
        let parsed = parses(shell, &["-n"], &script);
        // The other shells are there on some computers alone.
        assert!(parsed || shell != "bash" || !Path::new("/bin/bash").exists());
    }
    desk.run(&["completion", "cmd"]).ends(64);
}

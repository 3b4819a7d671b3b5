//! The demo is what a stranger runs first: it ends well, by itself, in less than a minute, and leaves nothing behind.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::screens::{Terminal, command, fits};

/// Runs the demo in a directory of its own for temporary files; its status, what it said, and what it left there.
fn play() -> (Option<i32>, String, Vec<String>) {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(["demo", "--exit-when-done"])
        .env("TMPDIR", temporary.path())
        .env("SCANHOOK_SERVER__LISTEN", "192.0.2.1:1")
        .env_remove("COLUMNS")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let left = std::fs::read_dir(temporary.path()).unwrap();
    let left = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    (output.status.code(), String::from_utf8(text).unwrap(), left)
}

fn sample_names() -> Vec<String> {
    let numbered = |name: &str, n: usize| format!("{name}-{n}");
    let single = [
        "3212",
        "da6386_-1364969609",
        "forged-1",
        "host-only-1",
        "resolved-1",
        "throttled-1",
        "lost-answer-1",
    ];
    let storm = (1..=40).map(|n| format!("storm-{n:02}"));
    let late = (1..=4).map(|n| numbered("late", n));
    let killed = (1..=8).map(|n| numbered("killed", n));
    single
        .map(str::to_owned)
        .into_iter()
        .chain(storm)
        .chain(late)
        .chain(killed)
        .collect()
}

#[test]
fn the_demo_accounts_for_every_sample_alert_by_name_and_ends_with_0_in_a_minute() {
    let (status, text, left) = play();
    assert_eq!(status, Some(0), "{text}");
    let reckoning = text
        .split("Every alert by name")
        .nth(1)
        .unwrap_or_else(|| panic!("no reckoning: {text}"));
    let names = sample_names();
    for name in &names {
        let rows = reckoning
            .lines()
            .filter(|line| line.split_whitespace().nth(1) == Some(name));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), 1, "{name}: {text}");
        assert!(rows[0].starts_with("   \u{2713} "), "{}", rows[0]);
    }
    let total = format!(
        "{} alerts, 20 scans: 0 doubled (by Defender's own log), 0 over quota, 0 lost.",
        names.len()
    );
    assert!(reckoning.contains(&total), "{text}");
    assert!(
        !text.contains('\u{2717}') && !text.contains('\x1b'),
        "{text}"
    );
    assert_eq!(left, Vec::<String>::new(), "files left behind");
}

#[test]
fn on_a_dumb_terminal_the_demo_moves_no_cursor_and_every_line_fits() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = command(temporary.path(), &["demo", "--exit-when-done"]);
    command.env("TMPDIR", temporary.path()).env("TERM", "dumb");
    let (status, text) = Terminal::open(80, 24).run(&mut command, "");
    assert_eq!(status, Some(0), "{text}");
    fits("demo", 80, &text);
    let restart = text
        .find("After the restart:")
        .unwrap_or_else(|| panic!("no heading: {text}"));
    assert!(
        text.find("Before the kill:")
            .is_some_and(|before| before < restart),
        "{text}"
    );
    // All of the last table is there, in the order of arrival.
    let reckoning = text.split("Every alert by name").nth(1).unwrap();
    for name in sample_names() {
        let row = reckoning
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(&name));
        assert!(
            row.is_some_and(|row| row.starts_with("   \u{2713} ")),
            "{name}: {text}"
        );
    }
    let storm: Vec<_> = reckoning
        .lines()
        .filter(|line| line.contains(" storm-") && line.contains(" ws-101 "))
        .collect();
    assert!(
        storm.len() == 5 && storm[0].contains("scan (new)"),
        "who came first began the scan: {storm:#?}"
    );
}

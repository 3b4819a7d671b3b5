//! Help, and what is said of a command line that makes no sense.

use super::{NARROW, Screens, WIDE, fits, shown};
use crate::verbs::Desk;

const VERBS: [&str; 36] = [
    "demo",
    "serve",
    "check",
    "doctor",
    "test",
    "explain",
    "show",
    "replay",
    "login",
    "rules",
    "schema",
    "init",
    "send",
    "simulate",
    "status",
    "alerts",
    "decisions",
    "held",
    "machine",
    "summary",
    "scans",
    "approve",
    "deny",
    "cancel",
    "retry",
    "pause",
    "resume",
    "token",
    "whoami",
    "audit",
    "export",
    "events",
    "outbox",
    "health",
    "completion",
    "man",
];

#[test]
fn the_help_of_every_verb_fits() {
    let desk = Desk::empty();
    let mut screens = Screens::of("help");
    for columns in [NARROW, WIDE] {
        screens.add(
            columns,
            "--help",
            &shown(&desk.path("."), columns, &["--help"]),
        );
    }
    for (n, verb) in VERBS.into_iter().enumerate() {
        let columns = if n % 2 == 0 { NARROW } else { WIDE };
        let help = shown(&desk.path("."), columns, &[verb, "--help"]);
        assert!(help.contains("Usage: scanhook"), "{help}");
        fits(verb, columns, &help);
    }
    screens.add(
        NARROW,
        "scans --help",
        &shown(&desk.path("."), NARROW, &["scans", "--help"]),
    );
    screens.add(
        NARROW,
        "approve --help",
        &shown(&desk.path("."), NARROW, &["approve", "--help"]),
    );
    for args in [
        &["decisions", "--state", "hold"][..],
        &["status", "--admin", "127.0.0.1:1"],
        &["approve"],
        &["explain"],
    ] {
        screens.add(
            NARROW,
            &args.join(" "),
            &shown(&desk.path("."), NARROW, args),
        );
    }
    screens.kept(8);
}

//! Verbs that read and write files, and sending.

use std::time::{Duration, SystemTime};

use super::{NARROW, Screens, WIDE, shown};
use crate::verbs::{CONFIG, Desk, PAYLOAD, TENANT};

const RULES: &str = r#"version = 1

[lists]
crown_jewels = { type = "glob", values = ["dc-*", "経理-*"] }

[windows]
nights = { timezone = "Europe/Oslo", days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], hours = ["00:00-24:00"] }

[[protect]]
name    = "the jewels of the crown, which nobody scans without asking first"
when    = { device.name = "@crown_jewels" }
at_most = "hold"

[[rule]]
name = "重大: ransomware and stolen credentials on any machine"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "rest"
scan = "none"
when = { severity.lte = "medium" }

[[test]]
name   = "high is scanned fully, whatever the machine is called and wherever it stands"
event  = { severity = "critical", alert.id = "1", device.name = "端末-07" }
expect = { rule = "重大: ransomware and stolen credentials on any machine", scan = "full" }

[[test]]
name   = "low is scanned as well"
event  = { severity = "low", alert.id = "2", device.name = "lt-042" }
expect = { rule = "重大: ransomware and stolen credentials on any machine", scan = "full" }
"#;

fn desk(rules: &str) -> Desk {
    let desk = Desk::empty();
    desk.file("rules.toml", rules);
    // So that its age is always the same.
    let old = SystemTime::now() - Duration::from_secs(3 * 86_400 + 7_200);
    std::fs::File::options()
        .write(true)
        .open(desk.path("rules.toml"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    desk
}

fn both(screens: &mut Screens, desk: &Desk, args: &[&str]) {
    for columns in [NARROW, WIDE] {
        screens.add(
            columns,
            &args.join(" "),
            &shown(&desk.path("."), columns, args),
        );
    }
}

#[test]
fn what_is_said_of_a_policy_fits() {
    let mut screens = Screens::of("policy");
    let ready = desk(RULES);
    both(&mut screens, &ready, &["check"]);
    both(&mut screens, &ready, &["test", "--coverage"]);
    both(&mut screens, &ready, &["show"]);
    let faulty = RULES.replace("severity.gte", "sevrity.gte").replace(
        "at_most = \"hold\"",
        "at_most = \"hodl\", and_this = \"is a long line of the file with more than a terminal has room for\"",
    );
    both(&mut screens, &desk(&faulty), &["check"]);
    screens.add(
        NARROW,
        "test",
        &shown(&desk(&faulty).path("."), NARROW, &["test"]),
    );
    ready.file("scanhook.toml", "[server]\ngrace = 7\nlisen = \"x\"\n");
    screens.add(
        NARROW,
        "check   # a faulty scanhook.toml",
        &shown(&ready.path("."), NARROW, &["check"]),
    );
    screens.add(
        NARROW,
        "check   # in an empty folder",
        &shown(&Desk::empty().path("."), NARROW, &["check"]),
    );
    screens.kept(11);
}

#[test]
fn a_replay_fits() {
    let mut screens = Screens::of("replay");
    let desk = desk(RULES);
    let body = |n: u32, severity: &str, name: &str, title: &str| {
        format!(
            "{{\"alert_id\":\"a-{n}\",\"title\":\"{title}\",\"severity\":\"{severity}\",\"time\":\"2026-11-0{n}T08:00:00Z\",\"devices\":[{{\"mde_id\":\"{n:040}\",\"name\":\"{name}\"}}]}}\n"
        )
    };
    let bodies = [
        body(1, "high", "端末-会計-07", "資格情報の窃取"),
        body(2, "critical", "dc-1.corp.example", "Ransomware"),
        body(
            3,
            "unknown",
            "lt-042",
            "A title that is longer than half of a line of a terminal, as many are",
        ),
        body(4, "low", "lt-043", "Odd logon"),
    ];
    desk.file("bodies.ndjson", &bodies.concat());
    desk.file(
        "other.toml",
        &RULES.replace("severity.gte = \"high\"", "severity.gte = \"critical\""),
    );
    let args = [
        "replay",
        "bodies.ndjson",
        "--source",
        "generic",
        "--against",
        "other.toml",
    ];
    both(&mut screens, &desk, &args);
    desk.file("none.ndjson", "");
    screens.add(
        NARROW,
        "replay none.ndjson",
        &shown(
            &desk.path("."),
            NARROW,
            &["replay", "none.ndjson", "--source", "generic"],
        ),
    );
    screens.kept(3);
}

#[test]
fn what_is_left_to_do_at_a_sender_fits() {
    let mut screens = Screens::of("init");
    for columns in [NARROW, WIDE] {
        for source in ["splunk", "sentinel-incident"] {
            let desk = Desk::empty();
            let args = [
                "init",
                "--source",
                source,
                "--url",
                "https://hooks.corp.example",
            ];
            screens.add(
                columns,
                &args.join(" "),
                &shown(&desk.path("."), columns, &args),
            );
        }
    }
    screens.add(
        NARROW,
        "init --source splnk",
        &shown(
            &Desk::empty().path("."),
            NARROW,
            &["init", "--source", "splnk"],
        ),
    );
    screens.kept(5);
}

#[test]
fn receipts_and_refusals_fit() {
    let desk = Desk::ready();
    desk.file("scanhook.toml", &format!("{CONFIG}{TENANT}"));
    let serving = {
        desk.file("scanhook.toml", CONFIG);
        desk.serve()
    };
    let mut screens = Screens::of("send");
    let url = serving.webhooks("soar");
    let body = std::fs::read_to_string(PAYLOAD).unwrap();
    for (columns, id) in [(NARROW, "a-4711"), (WIDE, "a-4712")] {
        desk.file("generic.json", &body.replace("a-4711", id));
        let sent = shown(
            &desk.path("."),
            columns,
            &["send", "generic.json", "--source", "soar", "--url", &url],
        );
        // What the first scan waits for, and whether the second device is decided, is a matter of milliseconds.
        let first: Vec<_> = sent
            .lines()
            .take_while(|line| !line.contains("waits:") && !line.contains("10.20.0.9"))
            .collect();
        super::fits("send", columns, &sent);
        screens.add(
            columns,
            "send generic.json --source soar",
            &first.join("\n"),
        );
    }
    let refused = shown(
        &desk.path("."),
        NARROW,
        &["send", "generic.json", "--source", "other", "--url", &url],
    );
    screens.add(NARROW, "send generic.json --source other", &refused);
    let nobody = shown(
        &desk.path("."),
        NARROW,
        &[
            "send",
            "generic.json",
            "--source",
            "soar",
            "--url",
            "http://127.0.0.1:1/webhooks/soar",
        ],
    );
    screens.add(NARROW, "send   # to nobody", &nobody);
    screens.kept(4);
}

//! `scanhook replay`: a policy over alerts that came before. It decides as what serves does, and touches nothing.

mod worker;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use scanhook::journal::{Archive, Ids, Store};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::desk::write;
use crate::verbs::{Desk, PAYLOAD, has, until};

const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

const RULE: &str =
    "version = 1\n[[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n";

/// A body that the generic preset reads: one alert about one device, so many seconds after 08:00.
fn body(id: &str, severity: &str, title: &str, second: u32, device: Value) -> String {
    let time = format!(
        "2026-11-02T{:02}:{:02}:{:02}Z",
        8 + second / 3_600,
        second / 60 % 60,
        second % 60
    );
    json!({ "alert_id": id, "severity": severity, "title": title, "time": time, "devices": [device] }).to_string()
}

fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// Every file of a folder with a hash of its bytes, but for those that SQLite's readers share to keep out of each
/// other's way.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let hash = |path: &Path| hex::encode(Sha256::digest(fs::read(path).unwrap()));
    let file = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let hash = if name.ends_with("-shm") {
            String::new()
        } else {
            hash(path)
        };
        (name, hash)
    };
    entries.map(|entry| file(&entry.path())).collect()
}

/// How many decisions are in a state for a reason.
fn count(report: &Value, state: &str, reason: &str) -> u64 {
    let all = report["outcomes"].as_array().unwrap();
    let of = all
        .iter()
        .find(|one| one["state"] == state && one["reason"] == reason);
    of.map_or(0, |one| one["count"].as_u64().unwrap())
}

/// A desk that has served four alerts and decided about all of their devices.
fn served() -> (Desk, crate::verbs::Serving) {
    let desk = Desk::ready();
    let serving = desk.serve();
    let url = serving.webhooks("soar");
    let known = json!({ "mde_id": MACHINE, "name": "lt-042" });
    desk.file("1.json", &body("1", "high", "Mimikatz", 0, known.clone()));
    desk.file("2.json", &body("2", "low", "Odd login", 1, known.clone()));
    desk.file("3.json", &body("3", "critical", "Lockbit", 2, known));
    for payload in [PAYLOAD, "1.json", "2.json", "3.json"] {
        desk.run(&["send", payload, "--source", "soar", "--url", &url])
            .ends(0);
    }
    let admin = serving.admin();
    let resolving = || {
        desk.run(&["decisions", "--state", "resolving", "--admin", &admin])
            .ends(0)
            .out
    };
    until("all is decided", || resolving().is_empty());
    (desk, serving)
}

#[test]
fn what_a_site_decided_is_decided_again_while_it_serves_and_after_and_nothing_is_written() {
    let (desk, serving) = served();
    let replayed = |args: &[&str]| {
        desk.run(&[&["replay", "-o", "json"], args].concat())
            .ends(0)
    };
    let live = replayed(&["data"]).json();
    assert_eq!(
        (
            &live["differences"]["compared"],
            &live["differences"]["different"]
        ),
        (&5.into(), &0.into()),
        "{live}"
    );
    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(0));

    let before = files(&desk.path("data"));
    let ran = replayed(&["--data-dir", "data"]);
    assert_eq!(ran.err, "", "no bar where no terminal is");
    let report = ran.json();
    assert_eq!(report, live);
    assert_eq!(files(&desk.path("data")), before, "no byte and no file");
    assert_eq!(report["differences"]["with"], "journal");
    assert_eq!(
        (&report["deliveries"], &report["alerts"]["total"]),
        (&4.into(), &4.into())
    );
    assert_eq!(count(&report, "none", "no_match"), 1);
    assert_eq!(
        count(&report, "held", "unresolved_device"),
        1,
        "the directory had said that it knows no such machine"
    );
    assert_eq!(
        report["directory"],
        json!({ "needed": 1, "from_journal": 1, "assumed": 0, "assumption": "unremarkable" })
    );
    assert_eq!(
        report["rules"][0]["begun"], 1,
        "the others are merged, or answered by it: {report}"
    );
}

#[test]
fn a_changed_rule_shows_what_it_would_change_and_whom() {
    let (desk, serving) = served();
    serving.signal("TERM");
    serving.ended();
    desk.file(
        "new.toml",
        "version = 1\n[[rule]]\nname = \"logins\"\nscan = \"quick\"\nwhen = { alert.title.contains = \"login\" }\n\
         [[rule]]\nname = \"high\"\nscan = \"full\"\nmode = \"approve\"\nwhen = { severity = \"critical\" }\n",
    );
    let ran = desk
        .run(&[
            "replay",
            "--rules",
            "new.toml",
            "data/scanhook-simulated.db",
        ])
        .ends(0);
    has(
        &ran.out,
        &[
            "policy     new.toml",
            "compared   with what was decided: ",
            "no rule: none, none (no_match)  ->  `logins`: quick, scan",
        ],
    );
    has(&ran.out, &["soar 2 \"Odd login\" on lt-042 ("]);
    let report = desk
        .run(&["replay", "--rules", "new.toml", "data", "-o", "json"])
        .ends(0)
        .json();
    let groups = report["differences"]["groups"].as_array().unwrap();
    let group = |title: &str| {
        let of = |group: &&Value| {
            group["examples"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one["title"] == title)
        };
        groups
            .iter()
            .find(of)
            .unwrap_or_else(|| panic!("{title}: {groups:#?}"))
    };
    let was = json!({ "rule": null, "scan": null, "state": "none", "reason": "no_match" });
    let now = json!({ "rule": "logins", "scan": "quick", "state": "scan", "reason": null });
    assert_eq!(
        (&group("Odd login")["was"], &group("Odd login")["now"]),
        (&was, &now)
    );
    // Held for approval only where nothing answers yet: the high alert has no rule any more.
    assert_eq!(
        (
            &group("Mimikatz")["now"]["state"],
            &group("Mimikatz")["was"]["rule"]
        ),
        (&"none".into(), &"high".into())
    );
    assert_eq!(group("Lockbit")["now"]["reason"], "approval", "{report}");

    // Of one source only, and against another policy.
    assert_eq!(
        desk.run(&["replay", "--source", "other", "data"])
            .ends(66)
            .err,
        "scanhook: there is nothing to replay\n"
    );
    let against = [
        "replay",
        "--rules",
        "new.toml",
        "--against",
        "rules.toml",
        "--source",
        "soar",
        "data",
        "-o",
        "json",
    ];
    let report = desk.run(&against).ends(0).json();
    assert_eq!(report["differences"]["with"], "against");
    assert!(
        report["tenants_against"]["default"]["full"] == 1
            && report["tenants"]["default"]["full"] == 0,
        "{report}"
    );
}

#[test]
fn a_folder_or_a_file_of_bodies_is_played_in_the_order_its_alerts_happened() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        "version = 1\n[[rule]]\nname = \"first wins\"\nscan = \"quick\"\nlimit = { scans = 1, per = \"1h\" }\n\
         when = { severity.gte = \"medium\" }\n",
    );
    let bodies = [
        body("3", "high", "third", 120, named("c")),
        body("1", "high", "first", 0, named("a")),
        body("1", "high", "first", 30, named("a")),
        body("2", "high", "second", 60, named("b")),
    ];
    let lines = bodies.join("\n");
    desk.file("newest-first.ndjson", &lines);
    fs::create_dir_all(desk.path("captured/more")).unwrap();
    for (n, body) in bodies.iter().enumerate() {
        let folder = if n == 1 { "captured/more" } else { "captured" };
        desk.file(&format!("{folder}/{n}.json"), &body.replace(',', ",\n"));
    }
    let replay = |input: &str| {
        desk.run(&["replay", input, "--source", "generic", "-o", "json"])
            .ends(0)
            .json()
    };
    let (file, folder) = (replay("newest-first.ndjson"), replay("captured"));
    assert_eq!(file, folder);
    assert_eq!(
        file["alerts"]["by_state"],
        json!({ "decided": 3, "duplicate": 1 })
    );
    assert_eq!(
        (&file["from"], &file["to"]),
        (
            &"2026-11-02T08:00:00.000Z".into(),
            &"2026-11-02T08:02:00.000Z".into()
        )
    );
    assert_eq!(
        (count(&file, "scan", "new"), count(&file, "held", "limit")),
        (1, 2)
    );
    assert_eq!(
        file["holds"][0],
        json!({ "reason": "limit", "rule": "first wins", "protections": [], "count": 2 })
    );
    assert_eq!(file["differences"]["with"], "nothing");
}

#[test]
fn what_cannot_be_read_is_named_and_passed_over_and_nothing_at_all_is_a_failure() {
    let desk = Desk::ready();
    let good = body("1", "high", "t", 0, named("a"));
    let long = body("2", "high", &"x".repeat(2 << 20), 0, named("a"));
    desk.file(
        "some.ndjson",
        &format!(
            "{good}\nno json\n\n{{\"a\":1e999}}\n{long}\n{}\n",
            body("3", "high", "t", 9, named("b"))
        ),
    );
    let ran = desk
        .run(&["replay", "some.ndjson", "--source", "soar", "-o", "json"])
        .ends(0);
    has(
        &ran.err,
        &[
            "some.ndjson:2: json-",
            "some.ndjson:4: json-",
            "some.ndjson:5: longer than",
            "3 bodies passed over",
        ],
    );
    let report = ran.json();
    assert_eq!(
        (&report["deliveries"], &report["left_out"]["unreadable"]),
        (&2.into(), &3.into())
    );
    assert_eq!(report["left_out"]["first"][0]["place"], "some.ndjson:2");

    desk.file("none.ndjson", "no json\n");
    has(
        &desk
            .run(&["replay", "none.ndjson", "--source", "soar"])
            .ends(65)
            .err,
        &["none.ndjson:1", "the only body cannot be read"],
    );
    desk.file("empty.ndjson", "");
    has(
        &desk
            .run(&["replay", "empty.ndjson", "--source", "soar"])
            .ends(66)
            .err,
        &["nothing to replay"],
    );
    desk.run(&["replay", "missing.ndjson", "--source", "soar"])
        .ends(66);
    desk.run(&["replay", "data", "--source", "soar"]).ends(66);
    has(
        &desk.run(&["replay", "some.ndjson"]).ends(64).err,
        &["--source must say", "other, soar"],
    );
    has(
        &desk
            .run(&["replay", "some.ndjson", "--source", "sour"])
            .ends(64)
            .err,
        &["no source is called `sour`"],
    );
    desk.file("other.db", "SQLite format 3\0 and nothing else");
    desk.run(&["replay", "other.db"]).ends(65);
    desk.file("broken.toml", "version = 1\n[[rule]]\n");
    has(
        &desk
            .run(&["replay", "some.ndjson", "--rules", "broken.toml"])
            .ends(78)
            .err,
        &["broken.toml"],
    );
    desk.run(&["replay", "some.ndjson", "--rules", "missing.toml"])
        .ends(66);
}

#[test]
fn a_storm_stays_inside_the_quota_and_the_urgent_do_not_wait() {
    let desk = Desk::ready();
    desk.file(
        "rules.toml",
        "version = 1\n[defaults]\nlimit = false\n[[rule]]\nname = \"all\"\nscan = \"quick\"\nwhen = { severity.gte = \"low\" }\n",
    );
    let config = fs::read_to_string(desk.path("scanhook.toml")).unwrap();
    desk.file(
        "scanhook.toml",
        &format!("{config}\n[tenants.default]\nlimit = {{ scans = 100000, per = \"1h\" }}\n"),
    );
    let severity = |n: u32| {
        if n.is_multiple_of(50) {
            "critical"
        } else {
            "medium"
        }
    };
    let storm: Vec<_> = (0..2_000)
        .map(|n| {
            body(
                &n.to_string(),
                severity(n),
                "storm",
                n / 10,
                named(&format!("pc-{n}")),
            )
        })
        .collect();
    desk.file("storm.ndjson", &storm.join("\n"));
    let report = desk
        .run(&["replay", "storm.ndjson", "--source", "soar", "-o", "json"])
        .ends(0)
        .json();
    let load = &report["tenants"]["default"];
    assert_eq!(
        (&load["quick"], &load["too_old"]),
        (&2_000.into(), &0.into())
    );
    let number = |value: &Value| value.as_u64().unwrap();
    let (minute, hour) = (
        number(&load["per_minute"]["count"]),
        number(&load["per_hour"]["count"]),
    );
    assert!(
        (80..=100).contains(&minute) && (1_400..=1_500).contains(&hour),
        "{load}"
    );
    assert!(number(&load["queue"]["count"]) > 1_500, "{load}");
    assert_eq!(
        (&load["urgent"]["a_second"], &load["urgent"]["a_minute"]),
        (&40.into(), &0.into()),
        "{load}"
    );
    let longest = number(&load["others"]["longest"]["ms"]);
    assert!(
        (3_300_000..4_500_000).contains(&longest),
        "the last of 1,960 others waits for the second hour: {longest} ms"
    );
    has(
        &desk
            .run(&["replay", "storm.ndjson", "--source", "soar"])
            .ends(0)
            .out,
        &["2000 sent", "40 waited up to 1 s"],
    );
}

#[test]
fn what_one_protection_holds_is_one_row_whatever_the_rules_and_approvals_are_by_rule() {
    let rules = "version = 1\n[[protect]]\nname = \"domain controllers\"\nwhen = { device.reported_name.glob = \"dc-*\" }\n\
        at_most = \"hold\"\n[[protect]]\nname = \"kiosks\"\nwhen = { device.reported_name.glob = \"k-*\" }\nat_most = \"quick\"\n\
        [[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n\
        [[rule]]\nname = \"medium\"\nscan = \"full\"\nwhen = { severity = \"medium\" }\n\
        [[rule]]\nname = \"asks\"\nscan = \"full\"\nmode = \"approve\"\nwhen = { source.exists = true }\n";
    let desk = Desk::empty();
    desk.file("rules.toml", rules);
    let bodies = [
        ("a", "high", "dc-1"),
        ("b", "medium", "dc-2"),
        ("c", "medium", "dc-3"),
        ("d", "low", "k-1"),
        ("e", "low", "lt-1"),
    ];
    let bodies: Vec<_> = bodies
        .iter()
        .zip(0..)
        .map(|((id, severity, name), second)| body(id, severity, "t", second, named(name)))
        .collect();
    desk.file("bodies.ndjson", &bodies.join("\n"));
    let ran = desk
        .run(&["replay", "bodies.ndjson", "--source", "generic"])
        .ends(0)
        .out;
    let held = ran
        .split_once("HELD FOR")
        .unwrap()
        .1
        .split("\n\n")
        .next()
        .unwrap();
    let rows: Vec<_> = held
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "protection 3 protection `domain controllers`",
            "approval 2 rule `asks`"
        ],
        "{ran}"
    );
}

#[test]
fn titles_without_a_rule_are_counted_and_hostile_text_stays_on_its_line() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        "version = 1\n[[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n",
    );
    let hostile = "\u{1b}[2J\u{202e}{alert.id}\r\nforged  line\u{2028}";
    let mut lines: Vec<_> = (0..5)
        .map(|n| body(&format!("a{n}"), "low", "Odd login", n, named("a")))
        .collect();
    lines.push(body("b", "low", hostile, 6, named("a\u{1b}[31m")));
    lines.push(body(hostile, "high", hostile, 7, named("b\r\nc")));
    desk.file("bodies", &lines.join("\n"));
    desk.file(
        "against.toml",
        "version = 1\n[[rule]]\nname = \"low\"\nscan = \"full\"\nwhen = { severity = \"low\" }\n",
    );
    let ran = desk
        .run(&[
            "replay",
            "bodies",
            "--source",
            "generic",
            "--against",
            "against.toml",
            "--top",
            "1",
        ])
        .ends(0);
    has(
        &ran.out,
        &["no rule    6 alerts\nALERTS  TITLE\n5       Odd login\n1 more under other titles\n"],
    );
    has(
        &ran.out,
        &[
            "`low`: full, scan  ->  no rule: none, none (no_match)",
            "and 2 more kinds of differences",
        ],
    );
    let all = desk
        .run(&[
            "replay",
            "bodies",
            "--source",
            "generic",
            "--against",
            "against.toml",
        ])
        .ends(0)
        .out;
    for text in [&ran.out, &all] {
        let odd = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
        assert!(
            !text.contains(odd) && !text.lines().any(|line| line.starts_with("forged")),
            "{text:?}"
        );
    }
    has(&all, &["[2J {alert.id}  forged  line"]);
}

#[test]
fn without_a_word_of_the_directory_it_is_said_how_much_hangs_on_it() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        "version = 1\n[[protect]]\nname = \"servers\"\nwhen = { device.os.glob = \"WindowsServer*\" }\nat_most = \"hold\"\n\
         [[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n",
    );
    let known = json!({ "mde_id": MACHINE });
    desk.file(
        "bodies",
        &[
            body("1", "high", "t", 0, known),
            body("2", "high", "t", 1, named("pc-7")),
        ]
        .join("\n"),
    );
    let replay = |more: &[&str]| {
        let args = [
            &["replay", "bodies", "--source", "generic", "-o", "json"],
            more,
        ]
        .concat();
        desk.run(&args).ends(0).json()
    };
    let report = replay(&[]);
    assert_eq!(
        (
            &report["directory"]["needed"],
            &report["directory"]["assumed"]
        ),
        (&2.into(), &2.into())
    );
    assert_eq!(
        count(&report, "scan", "new"),
        2,
        "two machines, taken for unremarkable ones"
    );
    let silent = replay(&["--directory", "silent"]);
    assert_eq!(silent["directory"]["assumption"], "silent");
    assert_eq!(
        (
            count(&silent, "held", "undecided"),
            count(&silent, "held", "unresolved_device")
        ),
        (1, 1),
        "{silent}"
    );
    assert_eq!(silent["holds"].as_array().unwrap().len(), 2);
    has(
        &desk
            .run(&["replay", "bodies", "--source", "generic"])
            .ends(0)
            .out,
        &[
            "directory  2 of 2 decisions depend on it: 0 by what the journal knows of it, 2 taken for unremarkable machines",
        ],
    );
}

#[test]
fn time_passes_as_it_would_for_cool_downs_windows_ages_and_stronger_scans() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        r#"version = 1
[defaults]
limit = false
[windows.evening]
timezone = "UTC"
hours = ["18:00-22:00"]
[[rule]]
name = "in the evening"
scan = "full"
start = "evening"
when = { alert.title = "server" }
[[rule]]
name = "not for long"
scan = "quick"
max_age = "1m"
when = { alert.title = "short" }
[[rule]]
name = "high"
scan = "full"
when = { severity = "high" }
[[rule]]
name = "medium"
scan = "quick"
when = { severity = "medium" }
"#,
    );
    let hour = 3_600;
    let mut lines = vec![
        // A Quick of four minutes cools the next hour, and no longer.
        body("1", "medium", "t", 0, named("a")),
        body("2", "medium", "t", 120, named("a")),
        body("3", "medium", "t", hour, named("a")),
        body("4", "medium", "t", hour + 300, named("a")),
        // A Full waits for the end of a Quick, and takes along what comes meanwhile.
        body("5", "medium", "t", 0, named("b")),
        body("6", "high", "t", 60, named("b")),
        body("7", "medium", "t", 120, named("b")),
        body("8", "medium", "t", 300, named("b")),
        // A window that opens ten hours later.
        body("9", "high", "server", 0, named("c")),
        body("10", "high", "server", 9 * hour, named("c")),
    ];
    // More than a minute's quota, of which the last would be too old.
    lines.extend((0..200).map(|n| {
        body(
            &format!("s{n}"),
            "medium",
            "short",
            4 * hour,
            named(&format!("s-{n}")),
        )
    }));
    desk.file("bodies", &lines.join("\n"));
    let report = desk
        .run(&["replay", "bodies", "--source", "generic", "-o", "json"])
        .ends(0)
        .json();
    let begun = |rule: &str| {
        let rules = report["rules"].as_array().unwrap();
        rules.iter().find(|one| one["rule"] == rule).unwrap()["begun"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(
        (begun("medium"), begun("high"), begun("in the evening")),
        (3, 1, 1),
        "{report}"
    );
    // 2 by a running Quick, 8 by a running Full; 3 by one that has ended; 7 and 10 go along.
    let by = ["running", "cooldown", "merged"].map(|reason| count(&report, "scan", reason));
    assert_eq!(by, [2, 1, 2], "{report}");
    let load = &report["tenants"]["default"];
    let (sent, too_old) = (
        load["quick"].as_u64().unwrap() + load["full"].as_u64().unwrap(),
        load["too_old"].as_u64().unwrap(),
    );
    assert_eq!(sent + too_old, 3 + 1 + 1 + 200);
    assert!(
        (80..=120).contains(&too_old),
        "a minute lets 80 to 100 leave: {load}"
    );
    let long = desk
        .run(&[
            "replay", "bodies", "--source", "generic", "--quick", "2h", "-o", "json",
        ])
        .ends(0)
        .json();
    assert_eq!(
        count(&long, "scan", "cooldown"),
        0,
        "all of it runs for longer: {long}"
    );
}

#[test]
fn dry_runs_count_as_enforced_and_what_needs_approval_is_held() {
    let desk = Desk::ready();
    let config = fs::read_to_string(desk.path("scanhook.toml")).unwrap();
    desk.file("bodies", &body("1", "high", "t", 0, named("a")));
    for (mode, state, reason) in [
        ("dry_run", "scan", "new"),
        ("enforce", "scan", "new"),
        ("approve", "held", "approval"),
    ] {
        desk.file("rules.toml", &format!(
            "version = 1\n[[rule]]\nname = \"high\"\nscan = \"full\"\nmode = \"{mode}\"\nwhen = {{ severity = \"high\" }}\n"
        ));
        desk.file("scanhook.toml", &config);
        let replay = || {
            desk.run(&["replay", "bodies", "--source", "soar", "-o", "json"])
                .ends(0)
                .json()
        };
        assert_eq!(count(&replay(), state, reason), 1, "rule: {mode}");
        desk.file("rules.toml", RULE);
        desk.file(
            "scanhook.toml",
            &format!("{config}\n[tenants.default]\nmode = \"{mode}\"\n"),
        );
        assert_eq!(count(&replay(), state, reason), 1, "tenant: {mode}");
    }
}

#[test]
fn an_alert_whose_body_is_forgotten_is_decided_without_it_and_counted() {
    let (desk, serving) = served();
    serving.signal("TERM");
    serving.ended();
    desk.file("new.toml", "version = 1\n[[rule]]\nname = \"p2\"\nscan = \"full\"\nwhen = { \"/severity\" = \"P2\" }\n");
    let replay = || {
        desk.run(&["replay", "data", "--rules", "new.toml", "-o", "json"])
            .ends(0)
            .json()
    };
    let whole = replay();
    assert_eq!(
        (count(&whole, "scan", "new"), &whole["bodies_forgotten"]),
        (1, &0.into())
    );
    let db = Connection::open(desk.path("data/scanhook-simulated.db")).unwrap();
    db.execute_batch("UPDATE delivery SET body = NULL").unwrap();
    drop(db);
    let forgotten = replay();
    assert_eq!(
        (
            count(&forgotten, "scan", "new"),
            &forgotten["bodies_forgotten"]
        ),
        (0, &4.into()),
        "{forgotten}"
    );
    has(
        &desk
            .run(&["replay", "data", "--rules", "new.toml"])
            .ends(0)
            .out,
        &["bodies     4 alerts have none any more"],
    );
}

#[test]
fn a_journal_of_an_older_version_is_replayed_and_one_of_a_newer_or_of_somebody_else_is_not() {
    let desk = Desk::ready();
    let db = Connection::open(desk.path("old.db")).unwrap();
    db.execute_batch(include_str!("../../../src/journal/schema.sql"))
        .unwrap();
    db.execute_batch(&format!(
        "PRAGMA application_id = 0x73636e68; PRAGMA user_version = 1;
         INSERT INTO tenant(id, name) VALUES (1, 'default');
         INSERT INTO policy(id, hash, rules, loaded_at) VALUES (1, '', '', 0);
         INSERT INTO delivery(id, uuid, source, received_at) VALUES (1, zeroblob(16), 'gone', 1793606400000);
         INSERT INTO alert(delivery, n, source, alert_id, state, fields) VALUES (1, 0, 'gone', '1', 'decided',
             '{{\"id\":\"1\",\"dedupe\":\"1\",\"severity\":\"high\",\"devices\":[{{\"machine\":\"{MACHINE}\"}}]}}');
         INSERT INTO alert(delivery, n, source, alert_id, state, fields) VALUES (1, 1, 'gone', '2', 'decided', 'nonsense');
         INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, rule, kind, policy, why)
             VALUES (1, 0, 1, '{MACHINE}', '{MACHINE}', 1793606400000, 'scan', 'new', 'high', 'full', 1, '{{}}');"
    ))
    .unwrap();
    let ran = desk.run(&["replay", "old.db", "-o", "json"]).ends(0);
    has(
        &ran.err,
        &["00000000-0000-0000-0000-000000000000: rows of it cannot be read"],
    );
    let report = ran.json();
    assert_eq!(
        (
            &report["differences"]["compared"],
            &report["differences"]["different"]
        ),
        (&1.into(), &0.into())
    );
    assert_eq!(report["left_out"]["unreadable"], 1);
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    has(
        &desk.run(&["replay", "old.db"]).ends(78).err,
        &["old.db: the journal has schema 99"],
    );
    db.execute_batch("PRAGMA application_id = 7").unwrap();
    has(
        &desk.run(&["replay", "old.db"]).ends(65).err,
        &["not a scanhook journal"],
    );
}

#[test]
fn a_journal_that_somebody_opens_meanwhile_is_not_half_read_in_silence() {
    let desk = Desk::empty();
    let path = desk.path("journal.db");
    drop(Store::open(&path, Ids::seeded(1)).unwrap());
    let mut archive = Archive::open(&path, None, false).unwrap();
    let mut store = Store::open(&path, Ids::seeded(1)).unwrap();
    write(&mut store, |tx| tx.tenant("default"));
    has(
        &archive.next().unwrap_err().to_string(),
        &["somebody opened it while it was read"],
    );
    let mut second = Archive::open(&path, None, false).unwrap();
    assert!(
        second.next().unwrap().is_none(),
        "one that is open is read as it is"
    );
}

#[test]
fn conditions_on_the_raw_body_see_it() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        "version = 1\n[[rule]]\nname = \"score\"\nscan = \"full\"\nwhen = { \"/score\".gte = 80 }\n",
    );
    let alert = |id: &str, score: u32| {
        body(id, "low", "t", 0, named(id)).replacen('{', &format!("{{\"score\":{score},"), 1)
    };
    desk.file("bodies", &[alert("1", 90), alert("2", 10)].join("\n"));
    let report = desk
        .run(&["replay", "bodies", "--source", "generic", "-o", "json"])
        .ends(0)
        .json();
    assert_eq!(
        (
            count(&report, "scan", "new"),
            count(&report, "none", "no_match")
        ),
        (1, 1)
    );
    assert_eq!(report["bodies_forgotten"], 0);
}

#[test]
fn the_worked_example_of_the_documentation_is_what_the_program_prints() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap();
    let example = text.split_once("\n### An example\n").unwrap().1;
    let block = |opening: &str, n: usize| {
        let after = example
            .split(&format!("```{opening}\n"))
            .nth(n)
            .unwrap_or_else(|| panic!("no {opening}"));
        after.split("```").next().unwrap()
    };
    let desk = Desk::empty();
    desk.file("rules.toml", block("toml", 1));
    desk.file("new.toml", block("toml", 2));
    desk.file("captured.ndjson", block("json captured", 1));
    let command = block("console", 1)
        .trim()
        .strip_prefix("scanhook ")
        .unwrap();
    let ran = desk.run(&command.split(' ').collect::<Vec<_>>()).ends(0);
    assert_eq!(ran.out, block("text replayed", 1));
}

#[test]
fn what_no_window_of_eight_days_has_room_for_is_too_old_as_it_would_be() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        r#"version = 1
[defaults]
limit = false
[windows.a_minute_each_night]
timezone = "UTC"
hours = ["22:00-22:01"]
[[rule]]
name = "at night"
scan = "full"
start = "a_minute_each_night"
when = { severity = "high" }
"#,
    );
    let lines: Vec<_> = (0..1_500)
        // No more in an hour than the tenant's own limit.
        .map(|n| {
            let second = n / 250 * 3_600;
            body(
                &n.to_string(),
                "high",
                "t",
                second,
                named(&format!("m-{n}")),
            )
        })
        .collect();
    desk.file("bodies", &lines.join("\n"));
    let report = desk
        .run(&["replay", "bodies", "--source", "generic", "-o", "json"])
        .ends(0)
        .json();
    let load = &report["tenants"]["default"];
    let (sent, too_old) = (
        load["full"].as_u64().unwrap(),
        load["too_old"].as_u64().unwrap(),
    );
    assert_eq!(sent + too_old, 1_500, "{load}");
    assert!(
        (600..=900).contains(&sent),
        "eight or nine minutes let 80 to 100 leave each: {load}"
    );
}

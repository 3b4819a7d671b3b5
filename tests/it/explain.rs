//! The verbs that answer "why?" and "what is in force?", as a person at a terminal meets them.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::verbs::{CONFIG, Desk, MACHINE, PAYLOAD, Ran, has, until};

const POLICY: &str = r#"version = 1

[defaults]
mode = "enforce"

[lists.jewels]
type   = "glob"
values = ["dc-*", { value = "erp-01", until = 2020-01-01 }]

[lists.lab]
type = "cidr"
file = "lab.txt"

[windows.nights]
timezone = "Europe/Berlin"
hours    = ["22:00-05:00"]

[[protect]]
name    = "crown jewels"
when    = { device.name = "@jewels" }
at_most = "hold"

[[protect]]
name  = "servers by night"
when  = { device.os.glob = "WindowsServer*" }
start = "nights"

[[rule]]
name = "lab"
scan = "none"
when = { device.ip = "@lab" }

[[rule]]
name = "kiosks by night"
scan = "quick"
when = { severity.gte = "high" }
during = "nights"

[[rule]]
name     = "ransomware"
scan     = "full"
priority = 95
when     = { severity.gte = "high", any = [{ alert.category = "Ransomware" }, { alert.techniques = "T1486" }] }

[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }

[[test]]
name   = "ransomware"
event  = { severity = "high", alert.category = "Ransomware" }
expect = { rule = "ransomware" }
"#;

fn desk() -> Desk {
    let desk = Desk::empty();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    desk
}

#[test]
fn a_database_that_cannot_be_reached_is_named_and_no_file_is_looked_for() {
    let desk = desk();
    let url = "[journal]\nurl = \"postgres://scanhook@127.0.0.1:1/journal?sslmode=disable\"\n";
    desk.file("scanhook.toml", &format!("{url}{CONFIG}"));
    desk.secret("soar secret");
    desk.secret("it's");
    for verb in [
        &["explain", "--delivery", "0198f3"][..],
        &["explain", "--device", "lt-042"],
        &["replay"],
    ] {
        has(
            &desk.run(verb).ends(69).err,
            &["postgres://scanhook@127.0.0.1:1/journal"],
        );
    }
}

/// The line that begins so, without its indentation.
#[track_caller]
fn line<'t>(text: &'t str, beginning: &str) -> &'t str {
    let found = text
        .lines()
        .map(str::trim_start)
        .find(|line| line.starts_with(beginning));
    found.unwrap_or_else(|| panic!("no line begins with `{beginning}` in:\n{text}"))
}

fn fed(desk: &Desk, args: &[&str], body: &str) -> Ran {
    let mut command = desk.command(args);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(body.as_bytes())
        .unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn every_rule_says_what_it_saw_for_a_usual_machine_and_a_silent_directory_side_by_side() {
    let desk = desk();
    let noon = ["explain", PAYLOAD, "--at", "2026-03-02T12:00:00Z"];
    let said = desk.run(&noon).ends(0).out;
    has(
        line(&said, "UNREMARKABLE"),
        &["UNREMARKABLE DEVICE", "SILENT DIRECTORY"],
    );
    has(line(&said, "outcome"), &["full scan", "held: undecided"]);
    has(
        line(&said, "protection crown jewels"),
        &["no", "unknown: a person decides"],
    );
    has(
        &said,
        &[
            "unremarkable: device.name = \"@jewels\": it is `lt-042`",
            "silent: device.name = \"@jewels\": it is unknown",
        ],
    );
    has(line(&said, "1. lab"), &["no", "unknown"]);
    has(line(&said, "2. kiosks by night"), &["no"]);
    has(
        line(&said, "during nights"),
        &["closed, opens 2026-03-02 21:00:00 UTC"],
    );
    has(line(&said, "3. ransomware"), &["wins"]);
    has(
        &said,
        &["severity is `high`, alert.category is `Ransomware`"],
    );
    has(line(&said, "4. high"), &["an earlier rule wins"]);
    has(
        line(&said, "receipt"),
        &[
            "could change the outcome",
            "protection crown jewels: device.name is unknown",
        ],
    );

    let night = desk
        .run(&["explain", PAYLOAD, "--at", "2026-03-02T23:00:00+01:00"])
        .ends(0)
        .out;
    has(line(&night, "2. kiosks by night"), &["wins"]);
    has(line(&night, "during nights"), &["open"]);
}

#[test]
fn what_nobody_could_judge_is_named_inside_any_and_not_the_name_that_is_known() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        "version = 1\n[lists.domain_controllers]\ntype = \"glob\"\nvalues = [\"dc-*\"]\n[[protect]]\nname = \"domain controllers\"\n\
         when = { any = [ { device.reported_name = \"@domain_controllers\" }, { device.tags = \"tier0\" } ] }\nat_most = \"hold\"\n\
         [[rule]]\nname = \"lab\"\nscan = \"none\"\nwhen = { any = [ { device.reported_ip.cidr = \"10.99.0.0/16\" }, { device.tags = \"lab\" } ] }\n\
         [[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity.gte = \"high\" }\n",
    );
    let body = json!({ "alert_id": "a-1", "severity": "high",
                       "devices": [{ "mde_id": MACHINE, "name": "lt-042", "ip": "10.1.2.3" }] });
    let said = fed(&desk, &["explain", "-"], &body.to_string()).ends(0).out;
    has(
        &said,
        &[
            "silent: device.tags = \"tier0\": it is unknown",
            "silent: device.tags = \"lab\": it is unknown",
        ],
    );
}

#[test]
fn the_example_of_the_documentation_is_what_is_printed() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        r#"version = 1
[lists.crown_jewels]
type = "glob"
values = ["dc-*"]
[lists.lab_networks]
type = "cidr"
values = ["10.99.0.0/16"]
[[protect]]
name = "crown jewels"
when = { device.name = "@crown_jewels" }
at_most = "hold"
[[rule]]
name = "lab"
scan = "none"
when = { device.ip = "@lab_networks" }
[[rule]]
name = "ransomware"
scan = "full"
when = { severity.gte = "high", alert.category = "Ransomware" }
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
"#,
    );
    let body = json!({ "alert_id": "a-1", "severity": "high", "category": "Ransomware",
                       "devices": [{ "mde_id": MACHINE, "name": "lt-042" }] });
    let said = fed(&desk, &["explain", "-"], &body.to_string()).ends(0).out;
    let heads = said.find("UNREMARKABLE DEVICE").unwrap();
    let table = &said[said[..heads].rfind('\n').unwrap() + 1..];
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap();
    assert!(
        page.contains(&format!("```text\n{table}```\n")),
        "docs/rules.md should show:\n{table}"
    );
}

#[test]
fn facts_of_the_directory_can_be_tried_out() {
    let desk = desk();
    let with = |facts: &[&str]| {
        let facts: Vec<&str> = facts.iter().flat_map(|fact| ["--fact", fact]).collect();
        desk.run(
            &[
                &["explain", PAYLOAD, "--at", "2026-03-02T12:00:00Z"][..],
                &facts,
            ]
            .concat(),
        )
    };
    let jewel = with(&["device.name=DC-1"]).ends(0).out;
    has(line(&jewel, "AS GIVEN"), &["SILENT DIRECTORY"]);
    has(line(&jewel, "outcome"), &["held: protection"]);
    has(line(&jewel, "protection crown jewels"), &["applies"]);
    let server = with(&["os=WindowsServer2022", "ip=10.20.0.9"]).ends(0).out;
    has(&server, &["not before 2026-03-02 21:00:00 UTC"]);
    let lab = with(&["ip=192.0.2.1,10.99.3.4"]).ends(0).out;
    has(line(&lab, "outcome"), &["none: rule"]);
    has(line(&lab, "1. lab"), &["wins"]);
    has(
        line(&with(&["name=unknown"]).ends(0).out, "outcome"),
        &["held: undecided"],
    );

    has(
        &with(&["device.tag=x"]).ends(64).err,
        &["device.tag", "did you mean `device.tags`?"],
    );
    has(&with(&["tags"]).ends(64).err, &["KEY=VALUE"]);
    has(&with(&["id=pc-7"]).ends(64).err, &["40 hex digits"]);
    has(
        &desk
            .run(&["explain", PAYLOAD, "--at", "yesterday"])
            .ends(64)
            .err,
        &["2026-11-02T08:00:00Z"],
    );
}

#[test]
fn where_each_field_came_from_is_shown_for_a_preset_and_for_a_configured_source() {
    let desk = desk();
    let said = desk
        .run(&["explain", PAYLOAD, "--source", "generic"])
        .ends(0)
        .out;
    for (field, text, from) in [
        ("severity ", "P2", "/severity"),
        ("alert.techniques ", "T1486", "/technique/0"),
        ("device.name [0]", "lt-042", "/devices/0/name"),
        ("device.ip [1]", "10.20.0.9", "/devices/1/ip"),
    ] {
        has(line(&said, &format!("from        {field}")), &[text, from]);
    }
    has(
        line(&said, "missing     alert.detector"),
        &["looked at /detector"],
    );

    desk.secret("soar secret");
    desk.secret("it's");
    desk.file(
        "scanhook.toml",
        &format!("{CONFIG}[sources.soar.map]\ntitle = [\"/user\"]\n"),
    );
    let said = desk
        .run(&["explain", PAYLOAD, "--source", "soar"])
        .ends(0)
        .out;
    has(line(&said, "from        alert.title"), &["/user"]);
    has(line(&said, "read by source soar"), &["preset generic"]);
    has(
        &desk.run(&["explain", PAYLOAD]).ends(64).err,
        &["--source", "other, soar"],
    );
    has(
        &desk
            .run(&["explain", PAYLOAD, "--source", "sentinel-incident"])
            .ends(64)
            .err,
        &["no source", "other, soar"],
    );
}

#[test]
fn a_body_that_a_map_cannot_read_shows_what_looks_like_what_is_missing() {
    let desk = desk();
    let body = json!({ "alert_id": "7", "severity": "high", "asset": { "hostname": "lt-042", "sensor": MACHINE } });
    let said = fed(&desk, &["explain", "-"], &body.to_string()).ends(0).out;
    has(line(&said, "alert 1: 7"), &["parked: no-device"]);
    has(line(&said, "missing     device.id"), &["/mde_id"]);
    has(
        line(&said, "looks like  device.id"),
        &[MACHINE, "/asset/sensor"],
    );
    has(
        line(&said, "looks like  device.name"),
        &["lt-042", "/asset/hostname"],
    );
    assert!(
        !said.contains("outcome"),
        "there is nothing to decide:\n{said}"
    );

    let json = fed(&desk, &["explain", "-", "-o", "json"], &body.to_string())
        .ends(0)
        .json();
    let read = &json["read"][0];
    assert_eq!(
        (&read["state"], &read["reason"]),
        (&"parked".into(), &"no-device".into())
    );
    let candidate = read["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["field"] == "device.name");
    assert_eq!(candidate.unwrap()["pointer"], "/asset/hostname");
    assert_eq!(json["decisions"], json!([]));
}

#[test]
fn what_programs_read_of_an_explanation_holds_every_rule_in_every_case() {
    let desk = desk();
    let json = desk
        .run(&[
            "explain",
            PAYLOAD,
            "-o",
            "json",
            "--at",
            "2026-03-02T12:00:00Z",
        ])
        .ends(0)
        .json();
    let one = &json["decisions"][0];
    assert_eq!(
        (&one["alert"], &one["device"]),
        (&"a-4711".into(), &MACHINE.into())
    );
    assert_eq!(one["first"]["state"], "resolving");
    let worlds = one["worlds"].as_array().unwrap();
    let directory: Vec<_> = worlds
        .iter()
        .map(|world| world["directory"].as_str().unwrap())
        .collect();
    assert_eq!(directory, ["unremarkable", "silent"]);
    for world in worlds {
        let rules = world["rules"].as_array().unwrap();
        let names: Vec<_> = rules
            .iter()
            .map(|rule| rule["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["lab", "kiosks by night", "ransomware", "high"]);
        assert_eq!(world["protections"].as_array().unwrap().len(), 2);
        assert_eq!(world["outcome"]["rule"], "ransomware");
        assert_eq!(world["outcome"]["priority"], 95);
    }
    let lab = |world: &Value| {
        (
            world["rules"][0]["judged"].clone(),
            world["rules"][0]["failing"]["condition"].clone(),
        )
    };
    assert_eq!(
        lab(&worlds[0]),
        ("false".into(), "device.ip = \"@lab\"".into())
    );
    assert_eq!(
        lab(&worlds[1]),
        ("unknown".into(), "device.ip = \"@lab\"".into())
    );
    // A device that only has an address is scanned only if the directory says which machine it is.
    let named = &json["decisions"][1]["worlds"][1]["outcome"];
    assert_eq!(
        (&named["state"], &named["reason"]),
        (&"held".into(), &"unresolved_device".into())
    );
}

#[test]
fn hostile_text_stays_on_its_line_and_moves_no_cursor() {
    let desk = desk();
    let explain = |title: &str, name: &str| {
        let body = json!({ "alert_id": title, "title": title, "severity": "high", "category": title, "user": name,
                           "devices": [{ "name": name, "mde_id": MACHINE }], "host": title });
        fed(
            &desk,
            &["explain", "-", "--at", "2026-03-02T12:00:00Z"],
            &body.to_string(),
        )
        .ends(0)
        .out
    };
    let harmless = explain("Ransomware", "lt-042");
    let title = "Ransom\u{1b}[2J\r\n4. high  wins\u{202e}\u{2028}{alert.id}\u{7}";
    let hostile = explain(title, "dc-1\u{1b}]0;x\u{7}\nnote: approved\u{200f}");
    let odd = hostile
        .chars()
        .find(|c| scanhook_core::plain::shown(*c) != *c && *c != '\n');
    assert_eq!(odd, None, "{hostile}");
    assert!(
        !hostile
            .lines()
            .any(|line| line.starts_with("4. high  wins") || line.starts_with("note: approved"))
    );
    assert!(hostile.contains("{alert.id}"), "text is never a template");
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .count()
    };
    assert_eq!(rows(&hostile), rows(&harmless));
}

#[test]
fn what_is_printed_for_programs_moves_no_cursor_and_says_the_same() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let serving = desk.serve();
    let title = "Ransom\u{9b}2J\u{7f}\u{202e}\u{2028}\u{200b}\u{e0041}ware ü";
    let body = json!({ "alert_id": title, "title": title, "severity": "high", "devices": [{ "mde_id": MACHINE }] });
    desk.file("body.json", &body.to_string());
    let sent = [
        "send",
        "body.json",
        "--source",
        "soar",
        "--url",
        &serving.webhooks("soar"),
        "-o",
        "json",
    ];
    let sent = desk.run(&sent).ends(0);
    let id = sent.json()["delivery"].as_str().unwrap().to_owned();
    let here = desk
        .run(&["explain", "body.json", "--source", "soar", "-o", "json"])
        .ends(0);
    let kept = desk
        .run(&[
            "explain",
            "--data-dir",
            "data",
            "--delivery",
            &id,
            "-o",
            "json",
        ])
        .ends(0);
    let alerts = desk
        .run(&["alerts", "--admin", &serving.admin(), "-o", "json"])
        .ends(0);
    for (ran, said) in [
        (&sent, "/alerts/0/id"),
        (&here, "/read/0/alert/title"),
        (&kept, "/alerts/0/id"),
        (&alerts, "/items/0/id"),
    ] {
        assert_eq!(ran.json().pointer(said), Some(&title.into()), "{}", ran.out);
        has(
            &ran.out,
            &["Ransom\\u009b2J\\u007f\\u202e\\u2028\\u200b\\udb40\\udc41ware ü"],
        );
    }
}

#[test]
fn of_many_alerts_ten_are_shown_and_the_others_counted() {
    let desk = desk();
    let alert =
        |n: u32| json!({ "alert_id": n, "severity": "high", "devices": [{ "mde_id": MACHINE }] });
    let body = Value::Array((0..14).map(alert).collect()).to_string();
    let said = fed(&desk, &["explain", "-"], &body).ends(0).out;
    has(
        &said,
        &[
            "and 4 alerts more; -o json has all of them",
            "and 4 decisions more; -o json has all of them",
        ],
    );
    assert_eq!(said.matches("\noutcome ").count(), 10);
    let json = fed(&desk, &["explain", "-", "-o", "json"], &body)
        .ends(0)
        .json();
    assert_eq!(json["decisions"].as_array().unwrap().len(), 14);
    let large = format!(
        "{{\"alert_id\": 1, \"notes\": \"{}\"}}",
        "x".repeat(1 << 20)
    );
    has(
        &fed(&desk, &["explain", "-"], &large).ends(0).out,
        &["note: a receiver answers 413"],
    );
}

#[test]
fn what_cannot_be_explained_ends_with_its_own_status_and_what_to_do() {
    let desk = desk();
    desk.file("broken", "{\"alert_id\": 1,");
    has(
        &desk.run(&["explain", "missing"]).ends(66).err,
        &["missing"],
    );
    has(
        &desk.run(&["explain", "broken"]).ends(65).err,
        &["broken", "not strict JSON"],
    );
    has(
        &desk.run(&["explain"]).ends(64).err,
        &["what is to be explained?", "--delivery ID"],
    );
    desk.run(&["explain", PAYLOAD, "--delivery", "0198"])
        .ends(64);
    has(
        &desk
            .run(&["explain", PAYLOAD, "--source", "nobody"])
            .ends(64)
            .err,
        &["no preset", "`nobody`", "generic"],
    );
    has(
        &desk
            .run(&["explain", PAYLOAD, "--rules", "missing"])
            .ends(66)
            .err,
        &["missing"],
    );
    has(
        &desk.run(&["explain", "--delivery", "0198"]).ends(66).err,
        &["no journal", "--data-dir"],
    );
    std::fs::create_dir(desk.path("data")).unwrap();
    desk.file("data/scanhook.db", "no journal at all");
    let damaged = desk.run(&[
        "explain",
        "--data-dir",
        "data",
        "--delivery",
        "01a19b54-1b98-7000-8000-000000000001",
    ]);
    has(&damaged.ends(65).err, &["scanhook.db"]);
    desk.file("scanhook.toml", "[server]\nlisen = 1\n");
    has(
        &desk.run(&["explain", PAYLOAD]).ends(78).err,
        &["server.lisen", "did you mean `listen`?"],
    );
    std::fs::remove_file(desk.path("scanhook.toml")).unwrap();
    desk.file("rules.toml", &POLICY.replace("\"full\"", "\"fill\""));
    has(
        &desk.run(&["explain", PAYLOAD]).ends(78).err,
        &["did you mean `full`?"],
    );
    has(&desk.run(&["show"]).ends(78).err, &["did you mean `full`?"]);
    std::fs::remove_file(desk.path("rules.toml")).unwrap();
    let said = desk.run(&["explain", PAYLOAD]).ends(0).out;
    has(
        &said,
        &["note: no rules.toml is here", "from        severity"],
    );
    has(&desk.run(&["show"]).ends(66).err, &["rules.toml"]);
}

/// A served site, and what it says of a body.
fn delivered(desk: &Desk, url: &str, body: &Value) -> Value {
    desk.file("body.json", &body.to_string());
    desk.run(&[
        "send",
        "body.json",
        "--source",
        "soar",
        "--url",
        url,
        "-o",
        "json",
    ])
    .ends(0)
    .json()
}

#[test]
fn a_decision_of_the_journal_is_explained_by_the_policy_that_made_it() {
    let desk = Desk::ready();
    // At whatever hour this is run, the rule by night is not the one that wins.
    let policy = POLICY.replace(
        "\nduring =",
        "\nunless = { alert.category = \"Ransomware\" }\nduring =",
    );
    desk.file("rules.toml", &policy);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let serving = desk.serve();
    let body = json!({ "alert_id": "a-1", "severity": "high", "category": "Ransomware",
                       "devices": [{ "mde_id": MACHINE, "name": "lt-042" }, { "name": "nobody-knows" }] });
    let receipt = delivered(&desk, &serving.webhooks("soar"), &body);
    let id = receipt["delivery"].as_str().unwrap();
    let explain = |id: &str, more: &[&str]| {
        desk.run(
            &[
                &["explain", "--data-dir", "data", "--delivery", id][..],
                more,
            ]
            .concat(),
        )
    };
    until("both are decided", || {
        let json = explain(id, &["-o", "json"]).ends(0).json();
        json["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["stored"]["state"] != "resolving")
    });
    // What stands in the file now decided nothing.
    desk.file("rules.toml", &policy.replace("ransomware", "another"));
    let said = explain(id, &[]).ends(0).out;
    has(line(&said, &format!("delivery {id}")), &["of source soar"]);
    has(
        &said,
        &[
            "stored: alert a-1 is decided",
            "from the stored alert and the policy that decided",
        ],
    );
    has(line(&said, "decided"), &["UTC: ", "rule `ransomware`"]);
    has(line(&said, "3. ransomware"), &["wins"]);
    has(
        line(&said, "from        device.name [1]"),
        &["nobody-knows", "/devices/1/name"],
    );
    let json = explain(id, &["-o", "json"]).ends(0).json();
    let [first, second] = json["decisions"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    assert_eq!(
        first["worlds"][0]["directory"], "recorded",
        "the simulated directory knows the machine: {first}"
    );
    assert_eq!(
        second["worlds"][0]["directory"], "unremarkable",
        "and not this one"
    );
    assert_eq!(
        (&second["stored"]["state"], &second["stored"]["reason"]),
        (&"held".into(), &"unresolved_device".into())
    );
    assert_eq!(first["policy"], first["stored"]["policy"]);
    let recorded = &first["worlds"][0]["outcome"];
    for key in ["state", "rule", "scan"] {
        assert_eq!(
            recorded[key], first["stored"][key],
            "what is worked out now is what was decided: {first}"
        );
    }

    let one = explain(second["stored"]["id"].as_str().unwrap(), &["-o", "json"])
        .ends(0)
        .json();
    assert_eq!(
        one["decisions"].as_array().unwrap().len(),
        1,
        "an id of a decision is about that one"
    );
    assert_eq!(one["decisions"][0]["device"], "nobody-knows");

    let repeated = delivered(
        &desk,
        &serving.webhooks("soar"),
        &json!({ "alert_id": "a-1", "severity": "high",
        "category": "Ransomware", "devices": [{ "mde_id": MACHINE, "name": "lt-042" }, { "name": "nobody-knows" }],
        "again": true }),
    );
    assert_eq!(repeated["alerts"][0]["state"], "duplicate");
    let said = explain(
        repeated["delivery"].as_str().unwrap(),
        &["--rules", "rules.toml"],
    )
    .ends(0)
    .out;
    has(
        &said,
        &[
            "stored: alert a-1 is duplicate",
            "below it is as if it were new",
        ],
    );

    let foreign = explain(id, &["--source", "other"]).ends(0).out;
    has(
        &foreign,
        &["read as if it came from source other; it came from soar"],
    );
    let other = explain(id, &["--rules", "rules.toml"]).ends(0).out;
    has(
        &other,
        &["not by those that decided then", "and another policy"],
    );
    has(line(&other, "3. another"), &["wins"]);
    let unknown = "01a19b54-1b98-7000-8000-000000000001";
    has(
        &explain(unknown, &[]).ends(66).err,
        &[unknown, "`scanhook alerts`"],
    );
    has(&explain("nonsense\u{1b}", &[]).ends(66).err, &["nonsense "]);
}

#[test]
fn a_parked_delivery_of_the_journal_shows_what_was_missing_and_what_a_mended_map_makes_of_it() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let serving = desk.serve();
    let body = json!({ "alert_id": "a-2", "severity": "high", "asset": { "hostname": "lt-042", "sensor": MACHINE } });
    let receipt = delivered(&desk, &serving.webhooks("soar"), &body);
    assert_eq!(receipt["alerts"][0]["state"], "parked");
    let id = receipt["delivery"].as_str().unwrap();
    let parked = desk
        .run(&["alerts", "--state", "parked", "--admin", &serving.admin()])
        .ends(0)
        .out;
    has(&parked, &[id]);
    let explain = || {
        desk.run(&["explain", "--data-dir", "data", "--delivery", id])
            .ends(0)
            .out
    };
    let said = explain();
    has(line(&said, "stored: alert a-2 is parked"), &["device"]);
    has(line(&said, "alert 1: a-2"), &["parked: no-device"]);
    has(
        line(&said, "looks like  device.id"),
        &[MACHINE, "/asset/sensor"],
    );
    assert!(!said.contains("outcome"), "{said}");

    let mended = CONFIG.replacen(
        "[[sources.soar.auth]]",
        "[[sources.soar.map.devices]]\neach = [\"/asset\"]\nmde_id = [\"/sensor\"]\n[[sources.soar.auth]]",
        1,
    );
    desk.file("scanhook.toml", &mended);
    let said = explain();
    has(
        line(&said, "from        device.id [0]"),
        &[MACHINE, "/asset/sensor"],
    );
    has(
        &said,
        &[&format!(
            "note: the map as it is now reads alerts; `scanhook retry {id}` does so"
        )],
    );
    has(line(&said, "4. high"), &["wins"]);

    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(0));
    assert_eq!(
        explain(),
        said,
        "the journal is read whether or not it is served"
    );
}

/// A served site that has decided one alert, and is down again; the delivery's id.
fn decided_and_down(desk: &Desk) -> String {
    let serving = desk.serve();
    let body = json!({ "alert_id": "a-1", "severity": "high", "devices": [{ "mde_id": MACHINE }] });
    let id = delivered(desk, &serving.webhooks("soar"), &body)["delivery"]
        .as_str()
        .unwrap()
        .to_owned();
    until("it is decided", || {
        let page = desk
            .run(&["decisions", "--admin", &serving.admin(), "-o", "json"])
            .ends(0)
            .json();
        page["items"][0]["state"]
            .as_str()
            .is_some_and(|state| state != "resolving")
    });
    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(0));
    id
}

#[test]
fn a_journal_that_nobody_serves_is_explained_without_a_trace_beside_it() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let id = decided_and_down(&desk);
    let files = || {
        let files = std::fs::read_dir(desk.path("data")).unwrap();
        files
            .map(|file| file.unwrap().file_name())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = files();
    has(
        &desk
            .run(&["explain", "--data-dir", "data", "--delivery", &id])
            .ends(0)
            .out,
        &["4. high", "wins"],
    );
    assert_eq!(files(), before);
}

#[test]
fn what_the_journal_holds_and_this_version_cannot_read_is_named_and_not_explained() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let id = decided_and_down(&desk);
    let change = |sql: &str| {
        rusqlite::Connection::open(desk.path("data/scanhook-simulated.db"))
            .unwrap()
            .execute_batch(sql)
            .unwrap()
    };
    change("UPDATE alert SET fields = '{\"devices\": 3}'");
    let ran = desk
        .run(&["explain", "--data-dir", "data", "--delivery", &id])
        .ends(0);
    has(
        &ran.out,
        &[
            "stored: alert a-1 is decided",
            "note: alert a-1: as it is stored this version cannot read it",
        ],
    );
    assert!(
        !ran.out.contains("outcome") && !ran.out.contains("nothing was decided"),
        "{}",
        ran.out
    );
    change("PRAGMA user_version = 99");
    let newer = desk
        .run(&["explain", "--data-dir", "data", "--delivery", &id])
        .ends(78);
    has(&newer.err, &["schema 99", "use the newer scanhook"]);
}

#[test]
fn a_decision_is_explained_for_the_tenant_that_it_was_made_for() {
    let desk = Desk::ready();
    desk.file(
        "rules.toml",
        "version = 1\n[[protect]]\nname = \"a is careful\"\nwhen = { tenant = \"a\" }\nat_most = \"hold\"\n\
         [[rule]]\nname = \"all\"\nscan = \"full\"\nwhen = { preset = \"generic\" }\n",
    );
    let acts_for = |tenant: &str| {
        let head = |tenant: &str, digit: u8| {
            let id = format!("{digit}d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e");
            format!("[tenants.{tenant}]\ntenant_id = \"{id}\"\nclient_id = \"{id}\"\n")
        };
        let config = CONFIG.replace(
            "preset = \"generic\"",
            &format!("preset = \"generic\"\ntenants = [\"{tenant}\"]"),
        );
        desk.file(
            "scanhook.toml",
            &format!("{}{}{config}", head("a", 3), head("b", 4)),
        );
    };
    acts_for("a");
    let id = decided_and_down(&desk);
    let explained = || {
        let json = desk
            .run(&[
                "explain",
                "--data-dir",
                "data",
                "--delivery",
                &id,
                "-o",
                "json",
            ])
            .ends(0)
            .json();
        let one = &json["decisions"][0];
        assert_eq!(
            (&one["tenant"], &one["stored"]["state"]),
            (&"a".into(), &"held".into()),
            "{json}"
        );
        (
            one["worlds"][0]["protections"][0]["judged"].clone(),
            one["worlds"][0]["outcome"]["state"].clone(),
            json["notes"].to_string(),
        )
    };
    let (protected, state, notes) = explained();
    assert_eq!((protected, state), ("true".into(), "held".into()));
    assert!(!notes.contains("preset"), "{notes}");
    acts_for("b");
    let (protected, state, _) = explained();
    assert_eq!((protected, state), ("true".into(), "held".into()));

    // The source is gone, and with it what is known of its preset.
    desk.file(
        "scanhook.toml",
        &std::fs::read_to_string(desk.path("scanhook.toml"))
            .unwrap()
            .replace("sources.soar", "sources.new"),
    );
    let (protected, _, notes) = explained();
    assert_eq!(protected, "true");
    has(
        &notes,
        &[
            "source soar is not configured here",
            "conditions on `preset`",
        ],
    );
}

#[test]
fn an_alert_without_an_id_is_explained_under_the_id_that_its_receipt_gives_it() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    let serving = desk.serve();
    let receipt = delivered(
        &desk,
        &serving.webhooks("soar"),
        &json!({ "severity": "low", "mde_id": MACHINE }),
    );
    let explained = desk
        .run(&["explain", "body.json", "--source", "soar", "-o", "json"])
        .ends(0)
        .json();
    assert_eq!(
        explained["read"][0]["alert"]["id"],
        receipt["alerts"][0]["id"]
    );
    assert_eq!(explained["read"][0]["alert"]["id_derived"], true);
}

#[test]
fn a_replaced_byte_is_a_note_and_what_it_makes_unusable_is_said() {
    let desk = Desk::ready();
    desk.file("rules.toml", POLICY);
    desk.file("lab.txt", "10.99.0.0/16\n");
    desk.file(
        "body.json",
        &format!(
            r#"{{"alert_id":"a\u0000","title":"\ud800","severity":"low","mde_id":"{MACHINE}"}}"#
        ),
    );
    let ran = desk
        .run(&["explain", "body.json", "--source", "soar"])
        .ends(0);
    has(
        &ran.out,
        &[
            "note",
            "replaced-bytes",
            "U+FFFD",
            "unusable    alert.id",
            "derived",
        ],
    );
    let json = desk
        .run(&["explain", "body.json", "--source", "soar", "-o", "json"])
        .ends(0)
        .json();
    let alert = &json["read"][0]["alert"];
    assert_eq!(
        (&alert["notes"], &alert["title"]),
        (&json!(["replaced-bytes"]), &json!("\u{fffd}"))
    );
    assert_eq!(alert["unusable"], json!(["alert.id"]));
}

#[test]
fn show_says_what_is_in_force_with_every_default_in_its_place() {
    let desk = desk();
    let said = desk.run(&["show"]).ends(0).out;
    has(line(&said, "rules.toml, changed"), &["ago", "1 test"]);
    has(line(&said, "mode"), &["enforce"]);
    has(line(&said, "cooldown"), &["quick 1h, full 6h"]);
    has(line(&said, "jewels"), &["glob  1        1"]);
    has(line(&said, "lab"), &["cidr", "lab.txt, changed", "ago"]);
    has(
        line(&said, "nights"),
        &["Europe/Berlin", "every day", "22:00-05:00"],
    );
    has(line(&said, "crown jewels"), &["hold"]);
    has(line(&said, "when device.name"), &["= \"@jewels\""]);
    has(line(&said, "1. lab"), &["none"]);
    has(
        line(&said, "3. ransomware"),
        &["full", "enforce", "95", "6h", "50 scans in 1h", "1d"],
    );
    has(
        &said,
        &[
            "when severity.gte = \"high\", any = [{ alert.category = \"Ransomware\" }, { alert.techniques = \"T1486\" }]",
        ],
    );

    let json = desk.run(&["show", "-o", "json"]).ends(0).json();
    let names: Vec<_> = json["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["lab", "kiosks by night", "ransomware", "high"]);
    assert_eq!(json["rules"][1]["during"], json!(["nights"]));
    assert_eq!(
        (&json["lists"][0]["entries"], &json["lists"][0]["ended"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        json["defaults"]["comment"],
        "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})"
    );
    assert!(
        json["files"]["lab.txt"].is_string() && json["files"]["rules.toml"].is_string(),
        "{}",
        json["files"]
    );
    let before = json["fingerprint"].clone();
    desk.file("lab.txt", "10.99.0.0/16\n10.98.0.0/16\n");
    let after = desk.run(&["show", "-o", "json"]).ends(0).json();
    assert_eq!(after["lists"][1]["entries"], 2);
    assert_ne!(after["fingerprint"], before);
}

#[test]
fn coverage_names_what_no_test_hits_and_ends_with_1_where_all_tests_ran() {
    let desk = desk();
    desk.run(&["test"]).ends(0);
    let said = desk.run(&["test", "--coverage"]).ends(1).out;
    for missed in [
        "rule `lab` (line 28)",
        "rule `high` (line 45)",
        "protection `crown jewels` (line 18)",
    ] {
        has(&said, &[&format!("no test hits {missed}\n")]);
    }
    has(
        &said,
        &[
            "1 passed, 0 failed\n",
            "hit: 1 of 4 rules, 0 of 2 protections\n",
        ],
    );
    desk.run(&["test", "--coverage", "--filter", "ransom"])
        .ends(0);
    let json = desk
        .run(&["test", "--coverage", "-o", "json"])
        .ends(1)
        .json();
    assert_eq!(
        (
            &json["coverage"]["rules"]["all"],
            &json["coverage"]["rules"]["hit"]
        ),
        (&4.into(), &1.into())
    );
    assert_eq!(
        json["coverage"]["protections"]["missed"][1],
        json!({ "name": "servers by night", "line": 23 })
    );

    let more = r#"
[[test]]
name = "all the others"
at   = 2026-03-02T12:00:00Z
[[test.step]]
event  = { severity = "high", device.ip = "10.99.1.1" }
expect = { rule = "lab" }
[[test.step]]
event  = { severity = "high", device.name = "dc-1", device.os = "WindowsServer2022" }
expect = { rule = "high", state = "held" }
[[test.step]]
after  = "12h"
event  = { severity = "high" }
expect = { rule = "kiosks by night" }
"#;
    desk.file("rules.toml", &format!("{POLICY}{more}"));
    has(
        &desk.run(&["test", "--coverage"]).ends(0).out,
        &["hit: 4 of 4 rules, 2 of 2 protections\n"],
    );
}

#[test]
fn each_mending_is_shown_with_the_text_it_came_from() {
    let desk = desk();
    let body = json!({
        "alert_id": " {a-1} ", "title": "t", "severity": "warn", "category": "N/A", "technique": "Encrypted (t1486), Discovery",
        "time": "2026/11/02 08:15:42 GMT", "devices": [{ "name": "CORP\\LT-042", "ip": "10.20.0.9:51000" }],
    });
    let said = fed(&desk, &["explain", "-"], &body.to_string()).ends(0).out;
    for (row, parts) in [
        ("from        alert.id", &["{a-1}", "read as a-1"][..]),
        ("from        severity", &["warn", "read as medium"]),
        ("from        alert.techniques", &["read as T1486"]),
        (
            "from        alert.time",
            &["read as 2026-11-02T08:15:42.000Z"],
        ),
        (
            "from        device.name",
            &["CORP\\LT-042", "/devices/0/name", "read as LT-042"],
        ),
        (
            "from        device.ip",
            &["10.20.0.9:51000", "read as 10.20.0.9"],
        ),
        (
            "note        alert.category",
            &["`N/A` says that there is no value", "/category"],
        ),
    ] {
        has(line(&said, row), parts);
    }
    let json = fed(&desk, &["explain", "-", "-o", "json"], &body.to_string())
        .ends(0)
        .json();
    let supplied = json["read"][0]["supplied"].as_array().unwrap();
    let name = supplied
        .iter()
        .find(|one| one["field"] == "device.name")
        .unwrap();
    assert_eq!(
        (&name["text"], &name["read_as"]),
        (&"CORP\\LT-042".into(), &"LT-042".into())
    );
    assert_eq!(json["read"][0]["remarks"][0]["from"], json!(["/category"]));
}

#[test]
fn what_cannot_be_a_host_name_is_said_to_be_none_and_no_scan_is_shown_for_it() {
    let desk = desk();
    let body = json!({ "alert_id": "a", "severity": "high", "technique": "Encrypted", "devices": [{ "name": "the laptop of John" }] });
    let said = fed(&desk, &["explain", "-"], &body.to_string()).ends(0).out;
    has(
        line(&said, "note        device.name"),
        &["`the laptop of John` cannot be a host name"],
    );
    has(
        line(&said, "note        alert.techniques"),
        &["`Encrypted` holds no number of a technique"],
    );
    has(
        line(&said, "receipt"),
        &[
            "decided at once",
            "`the laptop of John` cannot be a host name",
        ],
    );
    let json = fed(&desk, &["explain", "-", "-o", "json"], &body.to_string())
        .ends(0)
        .json();
    let worlds = json["decisions"][0]["worlds"].as_array().unwrap();
    assert!(
        worlds
            .iter()
            .all(|world| world["outcome"]["state"] == "held"),
        "{worlds:?}"
    );
    // A rule that asks for a technique has not been told that there is none.
    let ransomware = &worlds[0]["rules"][2];
    assert_eq!(
        (&ransomware["name"], &ransomware["judged"]),
        (&"ransomware".into(), &"unknown".into())
    );
    assert_eq!(
        json["read"][0]["alert"]["notes"],
        json!(["technique-not-read"])
    );
}

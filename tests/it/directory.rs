//! Devices that an alert only names: Defender's directory says which machine it is, or nobody is scanned. The far
//! side's own record is the witness of what was asked and what was begun.

use std::time::Duration;

use scanhook_simulator::{CallRecord, Fault, How, Machine, Setup, Tenant};
use serde_json::{Value, json};

use crate::harness::{
    CLIENT, RULES, Site, TENANT, Wish, alert, fault, join, machine, never, scan_id, until,
};

const ENTRA: &str = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";

/// A row of the directory.
fn row(n: u32, name: &str, record: Value) -> Machine {
    let record = record.as_object().unwrap().clone();
    Machine {
        id: machine(n),
        dns_name: Some(name.to_owned()),
        record,
        ..Machine::default()
    }
}

fn listing(machines: Vec<Machine>) -> Wish {
    let mut wish = Wish::default();
    wish.setup = Setup {
        machines,
        open_fleet: false,
        ..wish.setup
    };
    wish
}

/// An alert of severity high about one device, written as `name=… ip=… aad=… id=…`.
fn about(id: &str, device: &str) -> String {
    of_severity(id, "high", device)
}

fn of_severity(id: &str, severity: &str, device: &str) -> String {
    let mut named = json!({});
    for part in device.split_whitespace() {
        let (key, value) = part.split_once('=').unwrap();
        let key = match key {
            "id" => "mde_id",
            "aad" => "aad_id",
            other => other,
        };
        named[key] = value.into();
    }
    json!({ "alert_id": id, "title": "t", "severity": severity, "devices": [named] }).to_string()
}

/// The first decision of a receipt.
fn decision(receipt: &Value) -> &Value {
    &receipt["alerts"][0]["decisions"][0]
}

/// The decision of this receipt, once it waits for the directory no longer; its id is still the one of the receipt.
async fn decided(site: &Site, receipt: &Value) -> Value {
    let id = decision(receipt)["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no decision in {receipt}"))
        .to_owned();
    until("the decision is made", async || {
        let all = site.get("/api/v1/decisions").await;
        let one = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == id.as_str())
            .cloned();
        one.filter(|one| one["state"] != "resolving")
    })
    .await
}

/// Posts an alert and waits for its decision.
async fn settle(site: &Site, body: String) -> Value {
    let receipt = site.accepted(body).await;
    decided(site, &receipt).await
}

/// State and reason of a decision, and the last digit of its machine.
fn told(decision: &Value) -> String {
    let machine = decision["machine"].as_str().map_or("-", |id| &id[39..]);
    format!(
        "{} {} {machine}",
        decision["state"].as_str().unwrap(),
        decision["reason"].as_str().unwrap()
    )
}

fn why(decision: &Value) -> &str {
    decision["why"].as_str().unwrap()
}

/// What the directory was asked, each question once decoded.
fn looks(site: &Site) -> Vec<CallRecord> {
    site.far
        .calls()
        .into_iter()
        .filter(|call| ["machine", "machines", "findbyip"].contains(&call.route))
        .collect()
}

fn asked(site: &Site) -> Vec<String> {
    let decoded = |path: &str| {
        percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    looks(site).iter().map(|call| decoded(&call.path)).collect()
}

fn registered(roles: &[&str]) -> Vec<Tenant> {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    vec![Tenant {
        id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        roles,
        ..Tenant::default()
    }]
}

fn always(route: &str, how: How) -> Fault {
    Fault {
        route: route.to_owned(),
        nth: 1,
        times: 1000,
        how,
    }
}

/// Until the first token is there, nothing can be asked.
fn late_token(ms: u64) -> Fault {
    Fault {
        route: "token".to_owned(),
        nth: 1,
        times: 1,
        how: How::Delay { ms },
    }
}

#[tokio::test]
async fn a_device_is_found_by_its_name_and_the_receipts_decision_becomes_a_scan() {
    let site = Site::with(listing(vec![
        row(1, "ws-eng-04.corp.example.com", json!({})),
        row(2, "ws-eng-042.corp.example.com", json!({})),
        row(3, "lt-7", json!({})),
    ]))
    .await;
    for (n, (device, machine, questions)) in [
        (
            "name=WS-ENG-04.corp.example.com",
            1,
            vec!["computerDnsName eq 'ws-eng-04.corp.example.com'"],
        ),
        (
            "name=ws-eng-042",
            2,
            vec![
                "computerDnsName eq 'ws-eng-042'",
                "startswith(computerDnsName,'ws-eng-042.')",
            ],
        ),
        (
            "name=lt-7.corp.example.com",
            3,
            vec![
                "computerDnsName eq 'lt-7.corp.example.com'",
                "computerDnsName eq 'lt-7'",
            ],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let before = asked(&site).len();
        let receipt = site.accepted(about(&n.to_string(), device)).await;
        let first = decision(&receipt);
        assert_eq!(
            (&first["state"], &first["reason"]),
            (&"resolving".into(), &"awaits_directory".into())
        );
        assert!(why(first).contains("asked which machine"), "{first}");
        let made = decided(&site, &receipt).await;
        assert_eq!(told(&made), format!("scan new {machine}"), "{device}");
        assert!(why(&made).contains("its name is that of `"), "{made}");
        let scan = site
            .scan_in(made["scan_id"].as_str().unwrap(), "finished")
            .await;
        assert_eq!(
            (&scan["outcome"], &scan["alerts"]),
            (&"succeeded".into(), &json!([n.to_string()]))
        );
        let expected: Vec<_> = questions
            .iter()
            .map(|question| format!("/api/machines?$filter={question}"))
            .collect();
        assert_eq!(asked(&site)[before..], expected, "{device}");
    }
    assert_eq!(site.far.scans().len(), 3);
    let again = site
        .post("siem", about("0", "name=WS-ENG-04.corp.example.com"))
        .await
        .json();
    assert_eq!(
        (&again["duplicate"], &decision(&again)["state"]),
        (&true.into(), &"scan".into())
    );
}

#[tokio::test]
async fn a_device_is_found_by_its_entra_id_and_last_by_its_address_at_the_time_of_the_alert() {
    let site = Site::with(listing(vec![
        row(
            1,
            "ws-1",
            json!({ "aadDeviceId": ENTRA, "lastIpAddress": "10.0.0.11" }),
        ),
        row(2, "ws-2", json!({ "lastIpAddress": "10.0.0.12" })),
    ]))
    .await;
    let by_entra = settle(&site, about("1", &format!("aad={ENTRA}"))).await;
    assert_eq!(told(&by_entra), "scan new 1");
    assert!(why(&by_entra).contains("Entra device id"), "{by_entra}");
    let before = jiff::Timestamp::now();
    let by_address = settle(&site, about("2", "ip=10.0.0.12")).await;
    assert_eq!(told(&by_address), "scan new 2");
    let paths = asked(&site);
    assert_eq!(
        paths[0],
        format!("/api/machines?$filter=aadDeviceId eq {ENTRA}")
    );
    let at = paths[1]
        .strip_prefix("/api/machines/findbyip(ip='10.0.0.12',timestamp=")
        .unwrap()
        .strip_suffix(')')
        .unwrap();
    let off = before.as_second() - at.parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((-1..=300).contains(&off), "{off} seconds from the receipt");
    assert_eq!(paths.len(), 2);
}

#[tokio::test]
async fn an_address_that_many_share_and_a_name_that_is_none_are_never_asked_for() {
    let site = Site::with(listing(vec![row(
        1,
        "ws-1",
        json!({ "lastExternalIpAddress": "198.51.100.7" }),
    )]))
    .await;
    for (n, device) in [
        "ip=198.51.100.7",
        "name=a/../alerts",
        "name=a/b?c ip=10.0.0.1",
        "aad=not-a-guid",
    ]
    .iter()
    .enumerate()
    {
        let receipt = site.accepted(about(&n.to_string(), device)).await;
        assert_eq!(
            told(decision(&receipt)),
            "held unresolved_device -",
            "{device}: at once"
        );
        let none = if device.contains('/') {
            "cannot be a host name"
        } else {
            "not the id of a machine"
        };
        assert!(why(decision(&receipt)).contains(none), "{receipt}");
    }
    for (id, name) in [
        ("odd-1", "two words"),
        ("odd-2", "line\nbreak"),
        ("odd-3", "x' or 'a' eq 'a"),
    ] {
        let body = json!({ "alert_id": id, "severity": "high", "devices": [{ "name": name }] });
        assert_eq!(
            decision(&site.accepted(body.to_string()).await)["state"],
            "held",
            "{name}"
        );
    }
    assert_eq!(looks(&site).len(), 0);
    let quoted = settle(&site, about("quoted", "name=o'brien")).await;
    assert_eq!(told(&quoted), "held unresolved_device -");
    assert_eq!(
        asked(&site)[0],
        "/api/machines?$filter=computerDnsName eq 'o''brien'"
    );
    assert!(looks(&site).iter().all(|call| call.status == Some(200)));
}

#[tokio::test]
async fn several_machines_of_one_name_are_listed_and_none_of_them_is_scanned() {
    let site = Site::with(listing(vec![
        row(
            1,
            "ws-1.corp.example.com",
            json!({ "lastSeen": "2026-11-02T08:00:00Z" }),
        ),
        row(
            2,
            "WS-1.corp.example.com",
            json!({ "healthStatus": "Inactive", "lastSeen": "2026-10-01T08:00:00Z" }),
        ),
        row(3, "ws-1.lab.example.com", json!({})),
    ]))
    .await;
    site.far
        .shared
        .with(|far| far.setup().eq_ignores_case = true);
    let made = settle(&site, about("1", "name=ws-1.corp.example.com")).await;
    assert_eq!(told(&made), "held ambiguous_device -");
    let first = format!(
        "{} (ws-1.corp.example.com, last seen 2026-11-02T08:00:00.000Z, Active)",
        machine(1)
    );
    let second = format!(
        "{} (WS-1.corp.example.com, last seen 2026-10-01T08:00:00.000Z, Inactive)",
        machine(2)
    );
    assert!(
        why(&made).contains(&format!(
            "`ws-1.corp.example.com` could be each of {first} and {second}"
        )),
        "{made}"
    );
    assert_eq!(
        told(&settle(&site, about("2", "name=ws-1")).await),
        "held ambiguous_device -"
    );
    assert_eq!(
        told(&settle(&site, about("3", "name=ws-1.lab.example.com")).await),
        "scan new 3"
    );
    // All pages are read before anything is concluded from them.
    site.far.shared.with(|far| far.setup().page_size = Some(1));
    assert_eq!(
        told(&settle(&site, about("4", "name=WS-1 ip=10.0.0.200")).await),
        "held ambiguous_device -"
    );
    until("the one that is unique is scanned", async || {
        (site.far.scans().len() == 1).then_some(())
    })
    .await;
    assert_eq!(site.far.scans()[0].machine, machine(3));
}

#[tokio::test]
async fn pages_are_read_to_their_end_before_a_machine_counts_as_the_only_one() {
    let twins = vec![
        row(1, "ws-1.a.example", json!({})),
        row(2, "ws-1.b.example", json!({})),
    ];
    let mut wish = listing(twins);
    wish.setup.page_size = Some(1);
    let site = Site::with(wish).await;
    assert_eq!(
        told(&settle(&site, about("1", "name=ws-1")).await),
        "held ambiguous_device -"
    );
    assert_eq!(asked(&site).len(), 3, "one that found none, and two pages");
    assert!(asked(&site)[2].contains("$skip=1"));
}

#[tokio::test]
async fn none_found_holds_the_decision_whether_it_comes_as_an_empty_list_or_as_404() {
    for none_is_404 in [false, true] {
        let mut wish = listing(vec![row(1, "ws-1", json!({}))]);
        wish.setup.none_is_404 = none_is_404;
        let site = Site::with(wish).await;
        let device = format!("name=ws-9.corp.example.com aad={ENTRA} ip=10.0.0.9");
        let made = settle(&site, about("1", &device)).await;
        assert_eq!(told(&made), "held unresolved_device -");
        assert!(
            why(&made).contains("knows no machine that `ws-9.corp.example.com` could be"),
            "{made}"
        );
        assert_eq!(
            looks(&site).len(),
            4,
            "its name, its label, its Entra id, its address"
        );
        assert!(site.far.scans().is_empty());
    }
}

#[tokio::test]
async fn letter_case_hides_a_machine_at_most_and_never_shows_another() {
    for (ignores, outcome) in [(true, "scan new 1"), (false, "held unresolved_device -")] {
        let mut wish = listing(vec![
            row(1, "WS-1.Corp.example.com", json!({})),
            row(2, "WS-11.Corp.example.com", json!({})),
        ]);
        wish.setup.eq_ignores_case = ignores;
        let site = Site::with(wish).await;
        assert_eq!(
            told(&settle(&site, about("1", "name=Ws-1.corp.Example.com")).await),
            outcome
        );
        assert_eq!(
            told(&settle(&site, about("2", "name=wS-1")).await)
                .replace("cooldown", "new")
                .replace("running", "new")
                .replace("merged", "new"),
            outcome
        );
    }
}

const TAGGED: &str = r#"
version = 1
[defaults]
mode = "enforce"
resolve_within = "2s"
[[rule]]
name = "lab"
scan = "none"
when = { device.tags = "lab" }
[[rule]]
name = "by name"
scan = "quick"
when = { device.name = "db-1" }
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
"#;

#[tokio::test]
async fn rules_see_what_the_directory_says_and_an_id_wins_over_a_name() {
    let machines = vec![
        row(1, "ws-1", json!({ "machineTags": ["x", "Lab"] })),
        row(2, "db-1.corp.example.com", json!({})),
        row(3, "ws-3", json!({ "machineTags": null })),
    ];
    let site = Site::with(Wish {
        rules: TAGGED.to_owned(),
        ..listing(machines)
    })
    .await;
    let lab = settle(&site, alert("1", "high", &machine(1))).await;
    assert_eq!(
        (told(&lab), &lab["rule"]),
        ("none rule 1".to_owned(), &"lab".into())
    );
    assert!(why(&lab).contains("device.tags is x, Lab"), "{lab}");
    let named = settle(&site, about("2", &format!("id={} name=ws-3", machine(2)))).await;
    assert_eq!(
        (told(&named), &named["rule"]),
        ("scan new 2".to_owned(), &"by name".into())
    );
    assert!(why(&named).contains("the alert calls it `ws-3`"), "{named}");
    let not = settle(&site, about("3", &format!("id={} name=db-1", machine(3)))).await;
    assert_eq!(
        (told(&not), &not["rule"]),
        ("scan new 3".to_owned(), &"high".into()),
        "the claim is not the fact"
    );
    let paths = asked(&site);
    assert_eq!(
        paths,
        [1, 2, 3].map(|n| format!("/api/machines/{}", machine(n))),
        "an id is asked for alone"
    );
}

#[tokio::test]
async fn nothing_is_asked_where_the_answer_could_change_nothing() {
    let site = Site::with(listing(vec![row(1, "ws-1", json!({}))])).await;
    let none = site.accepted(of_severity("1", "low", "name=ws-1")).await;
    assert_eq!(
        told(decision(&none)),
        "none no_match -",
        "no scan is wanted: decided at once"
    );
    let known = site.accepted(alert("2", "high", &machine(1))).await;
    assert_eq!(
        decision(&known)["state"],
        "scan",
        "the machine is known and no rule asks more: at once"
    );
    assert_eq!(
        site.scan_in(&scan_id(&known), "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(looks(&site).len(), 0);
}

#[tokio::test]
async fn a_machine_that_cannot_be_scanned_is_said_so_plainly() {
    let machines = vec![
        row(1, "merged", json!({ "mergedIntoMachineId": machine(9) })),
        row(
            2,
            "excluded",
            json!({ "isExcluded": true, "exclusionReason": "DuplicateDevice" }),
        ),
        row(
            3,
            "unsupported",
            json!({ "onboardingStatus": "Unsupported" }),
        ),
        row(
            4,
            "onboardable",
            json!({ "onboardingStatus": "CanBeOnboarded" }),
        ),
        row(
            5,
            "unclear",
            json!({ "onboardingStatus": "InsufficientInfo" }),
        ),
        row(6, "circle", json!({ "mergedIntoMachineId": machine(6) })),
        row(
            7,
            "asleep",
            json!({ "healthStatus": "Inactive", "isPotentialDuplication": true }),
        ),
        row(9, "renamed", json!({})),
    ];
    // A rule that needs a fact makes the directory asked for an id, too.
    let site = Site::with(Wish {
        rules: TAGGED.to_owned(),
        ..listing(machines)
    })
    .await;
    for (n, name, outcome, words) in [
        (1, "merged", "scan new 9", "was merged into"),
        (
            2,
            "excluded",
            "dropped excluded 2",
            "somebody has excluded the machine",
        ),
        (
            3,
            "unsupported",
            "dropped unsupported 3",
            "it is `Unsupported`, not onboarded",
        ),
        (
            4,
            "onboardable",
            "dropped unsupported 4",
            "it is `CanBeOnboarded`, not onboarded",
        ),
        (
            5,
            "unclear",
            "dropped unsupported 5",
            "it is `InsufficientInfo`, not onboarded",
        ),
        (
            6,
            "circle",
            "dropped no_such_machine 6",
            "does not know the machine",
        ),
        (7, "asleep", "scan new 7", "may stay pending for days"),
        (
            8,
            "gone",
            "dropped no_such_machine 8",
            "does not know the machine",
        ),
    ] {
        let by_id = settle(&site, alert(&format!("id-{n}"), "high", &machine(n))).await;
        assert_eq!(told(&by_id), outcome, "{name}");
        assert!(why(&by_id).contains(words), "{name}: {by_id}");
        if let Some(scan) = by_id["scan_id"].as_str() {
            site.scan_in(scan, "finished").await;
        }
        let by_name = settle(&site, about(&format!("name-{n}"), &format!("name={name}"))).await;
        let expected = match n {
            6 | 8 => "held unresolved_device -".to_owned(),
            _ => outcome.replace("new", "cooldown"),
        };
        assert_eq!(told(&by_name), expected, "{name}");
    }
    let scanned: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .map(|action| action.machine)
        .collect();
    assert_eq!(scanned, [machine(9), machine(7)]);
}

#[tokio::test]
async fn one_look_up_serves_every_decision_that_waits_for_it() {
    let mut wish = listing(vec![row(1, "ws-1.corp.example.com", json!({}))]);
    wish.faults = vec![late_token(1_500)];
    let site = Site::with(wish).await;
    let posts =
        (0..30).map(|n| site.accepted(about(&format!("storm-{n}"), "name=ws-1.corp.example.com")));
    let receipts = join(posts.collect()).await;
    let scans = join(
        receipts
            .iter()
            .map(|receipt| decided(&site, receipt))
            .collect(),
    )
    .await;
    assert!(
        scans
            .iter()
            .all(|made| made["scan_id"] == scans[0]["scan_id"]),
        "one scan for all of them"
    );
    let ended = site
        .scan_in(scans[0]["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(ended["alerts"].as_array().unwrap().len(), 30);
    // What is known is not asked again.
    assert_eq!(
        told(&settle(&site, about("later", "name=WS-1.Corp.example.com")).await),
        "scan cooldown 1"
    );
    assert_eq!((looks(&site).len(), site.far.scans().len()), (1, 1));
}

#[tokio::test]
async fn names_that_lead_to_one_machine_lead_to_one_scan() {
    let mut wish = listing(vec![row(
        1,
        "ws-1.corp.example.com",
        json!({ "lastIpAddress": "10.0.0.7" }),
    )]);
    wish.faults = vec![late_token(1_000)];
    let site = Site::with(wish).await;
    let devices = [
        "name=ws-1",
        "name=ws-1.corp.example.com",
        "ip=10.0.0.7",
        &format!("id={}", machine(1)),
    ];
    let mut receipts = Vec::new();
    for (n, device) in devices.iter().enumerate() {
        receipts.push(site.accepted(about(&n.to_string(), device)).await);
    }
    for receipt in &receipts {
        assert_eq!(decided(&site, receipt).await["machine"], machine(1));
    }
    site.scan_in(&scan_id(&receipts[3]), "finished").await;
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn what_was_found_is_believed_for_a_while_and_dropped_when_defender_does_not_know_it() {
    let mut wish = listing(vec![row(1, "ws-1.corp.example.com", json!({}))]);
    wish.pace.unknown_for = Duration::from_millis(300);
    let site = Site::with(wish).await;
    let name = "name=ws-1.corp.example.com";
    site.far
        .fault("scan", 1, 1, fault(404, "ResourceNotFound", None));
    let first = settle(&site, about("1", name)).await;
    let ended = site.scan_ended(first["scan_id"].as_str().unwrap()).await;
    assert_eq!(ended["outcome"], "no_such_machine");
    // The machine was onboarded anew.
    site.far
        .shared
        .with(|far| far.setup().machines[0].id = machine(2));
    assert_eq!(told(&settle(&site, about("2", name)).await), "scan new 2");
    assert_eq!(looks(&site).len(), 2, "asked again, because of the 404");
    assert_eq!(
        told(&settle(&site, about("3", name)).await)
            .split(' ')
            .next_back(),
        Some("2")
    );
    assert_eq!(looks(&site).len(), 2, "and not again");
    // That nobody was found is believed for a shorter time: somebody may be mending it.
    let other = "name=ws-2.corp.example.com";
    assert_eq!(
        told(&settle(&site, about("4", other)).await),
        "held unresolved_device -"
    );
    site.far.shared.with(|far| {
        far.setup()
            .machines
            .push(row(3, "ws-2.corp.example.com", json!({})))
    });
    let mut n = 4;
    until("it is found", async || {
        n += 1;
        (told(&settle(&site, about(&n.to_string(), other)).await) == "scan new 3").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_look_up_that_fails_is_made_again_until_it_is_answered() {
    let faults = [
        fault(500, "InternalServerError", None),
        fault(503, "ServiceUnavailable", None),
        How::LostRequest,
        How::LostAnswer,
        How::Raw {
            status: 200,
            content_type: None,
            body: "<html>".to_owned(),
        },
        How::Raw {
            status: 200,
            content_type: None,
            body: r#"{"value":[{"id":"odd"}]}"#.to_owned(),
        },
        How::Raw {
            status: 302,
            content_type: None,
            body: String::new(),
        },
        fault(401, "Unauthorized", None),
        fault(429, "TooManyRequests", Some("1")),
    ];
    join(faults.map(made_again).into()).await;
}

async fn made_again(how: How) {
    let name = format!("{how:?}");
    let site = Site::with(listing(vec![row(1, "ws-1.corp.example.com", json!({}))])).await;
    site.far.fault("machines", 1, 1, how);
    let made = settle(&site, about("1", "name=ws-1.corp.example.com")).await;
    assert_eq!(told(&made), "scan new 1", "{name}");
    assert_eq!(looks(&site).len(), 2, "{name}");
    site.scan_in(made["scan_id"].as_str().unwrap(), "finished")
        .await;
}

#[tokio::test]
async fn a_directory_that_fails_does_not_keep_a_known_machine_from_its_scan() {
    let site = Site::with(Wish {
        faults: vec![always("machines", fault(500, "X", None))],
        ..listing(vec![row(1, "a", json!({}))])
    })
    .await;
    let named = site.accepted(about("1", "name=ws-1")).await;
    until("it was asked in vain", async || {
        (looks(&site).len() >= 2).then_some(())
    })
    .await;
    let known = site.accepted(alert("2", "high", &machine(1))).await;
    assert_eq!(
        site.scan_in(&scan_id(&known), "finished").await["outcome"],
        "succeeded"
    );
    let status = site.get("/api/v1/status").await;
    assert_eq!(
        status["tenants"][0]["resolving"], 1,
        "while the other one still waits: {named}"
    );
}

#[tokio::test]
async fn a_directory_that_stays_silent_is_waited_for_no_longer_than_resolve_within() {
    let site = Site::with(Wish {
        rules: TAGGED.to_owned(),
        faults: vec![
            always("machine", fault(500, "X", None)),
            always("machines", fault(500, "X", None)),
        ],
        ..listing(vec![row(1, "ws-1", json!({}))])
    })
    .await;
    let named = site.accepted(about("1", "name=ws-1")).await;
    let known = site.accepted(alert("2", "high", &machine(1))).await;
    let (named, known) = (decided(&site, &named).await, decided(&site, &known).await);
    assert_eq!(told(&named), "held unresolved_device -");
    assert!(why(&named).contains("did not answer in time"), "{named}");
    // Whether it is a lab machine could not be said, and the milder rule stands before the one that won.
    assert_eq!(
        (told(&known), &known["rule"]),
        ("held undecided 1".to_owned(), &"high".into())
    );
    assert!(why(&known).contains("was not checked"), "{known}");
    assert!(looks(&site).len() >= 3, "it was tried more than once");
    assert!(site.far.scans().is_empty());
}

/// What the directory says matters, but no rule that it could make true is milder than the last.
const STRONGER: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "server"
scan = "full"
when = { device.os = "WindowsServer2022" }
[[rule]]
name = "any"
scan = "quick"
when = { any = [{ severity.gte = "high" }, { device.os = "WindowsServer2022" }] }
"#;

#[tokio::test]
async fn without_a_role_that_reads_machines_an_id_is_scanned_unchecked_and_a_name_is_held_at_once()
{
    let mut wish = Wish {
        rules: STRONGER.to_owned(),
        ..listing(vec![row(1, "ws-1", json!({}))])
    };
    wish.setup.tenants = registered(&["Machine.Scan"]);
    let site = Site::with(wish).await;
    let known = settle(&site, alert("1", "high", &machine(1))).await;
    assert_eq!(told(&known), "scan new 1");
    assert!(
        why(&known)
            .contains("no role that reads machines, so whether a scan can work was not checked"),
        "{known}"
    );
    let named = settle(&site, about("2", "name=ws-1")).await;
    assert_eq!(told(&named), "held unresolved_device -");
    assert!(
        why(&named).contains("no role that reads machines"),
        "{named}"
    );
    until("it is sent", async || {
        (site.far.scans().len() == 1).then_some(())
    })
    .await;
    assert_eq!(looks(&site).len(), 0, "there was no use in asking");
}

#[tokio::test]
async fn where_the_directory_is_forbidden_it_is_asked_once_and_scans_go_on() {
    let site = Site::with(Wish {
        rules: STRONGER.to_owned(),
        faults: vec![
            always("machines", fault(403, "Forbidden", None)),
            always("machine", fault(403, "Forbidden", None)),
        ],
        ..listing(vec![row(1, "ws-1", json!({}))])
    })
    .await;
    for n in 0..5 {
        let named = settle(&site, about(&n.to_string(), &format!("name=ws-{n}"))).await;
        assert_eq!(told(&named), "held unresolved_device -");
        assert!(why(&named).contains("forbids reading machines"), "{named}");
    }
    let known = settle(&site, alert("known", "high", &machine(1))).await;
    assert_eq!(told(&known), "scan new 1");
    assert_eq!(
        site.scan_in(known["scan_id"].as_str().unwrap(), "finished")
            .await["outcome"],
        "succeeded"
    );
    assert_eq!(looks(&site).len(), 1);
    let lane = &site.get("/api/v1/status").await["tenants"][0]["lane"];
    assert_eq!(lane["stopped"], Value::Null);
    assert!(
        lane["notes"]
            .to_string()
            .contains("forbids reading machines"),
        "{lane}"
    );
}

#[tokio::test]
async fn a_question_that_is_refused_is_not_asked_again_and_holds_its_decision() {
    let site = Site::with(listing(vec![row(1, "ws-1", json!({}))])).await;
    site.far
        .fault("machines", 1, 1000, fault(400, "ODataError", None));
    let made = settle(&site, about("1", "name=ws-1.corp.example.com")).await;
    assert_eq!(told(&made), "held unresolved_device -");
    assert!(why(&made).contains("refused the question"), "{made}");
    assert_eq!(looks(&site).len(), 1);
}

#[tokio::test]
async fn a_429_to_a_look_up_stops_every_call_of_the_tenant() {
    let site = Site::with(listing(vec![row(1, "ws-1.corp.example.com", json!({}))])).await;
    site.far
        .fault("machines", 1, 1, fault(429, "TooManyRequests", Some("2")));
    let named = site
        .accepted(about("1", "name=ws-1.corp.example.com"))
        .await;
    until("the 429 was answered", async || {
        looks(&site)
            .iter()
            .any(|call| call.status == Some(429))
            .then_some(())
    })
    .await;
    let known = site.accepted(alert("2", "high", &machine(1))).await;
    assert_eq!(decided(&site, &named).await["machine"], machine(1));
    site.scan_in(&scan_id(&known), "finished").await;
    let calls = site.far.calls();
    let refused = calls
        .iter()
        .position(|call| call.status == Some(429))
        .unwrap();
    let free = calls[refused].at + Duration::from_secs(2);
    assert!(
        calls[refused + 1..].iter().all(|call| call.at >= free),
        "a call inside the pause"
    );
}

#[tokio::test]
async fn look_ups_keep_to_their_own_budget_and_the_most_urgent_is_asked_first() {
    let names = ["medium", "critical", "high"];
    let machines = (1..)
        .zip(names)
        .map(|(n, name)| row(n, &format!("ws-{name}.corp.example.com"), json!({})));
    let mut wish = Wish {
        tenant: "quota = { per_minute = 1, per_hour = 100 }",
        ..listing(machines.collect())
    };
    wish.faults = vec![late_token(1_500)];
    let site = Site::with(wish).await;
    let receipts = join(
        names
            .map(|name| {
                site.accepted(of_severity(
                    name,
                    name,
                    &format!("name=ws-{name}.corp.example.com"),
                ))
            })
            .into(),
    )
    .await;
    assert_eq!(told(&decided(&site, &receipts[1]).await), "scan new 2");
    never("a second look-up is made", || looks(&site).len() > 1).await;
    assert!(asked(&site)[0].contains("ws-critical"));
    let quota = &site.get("/api/v1/status").await["tenants"][0]["quota"];
    assert_eq!(
        (&quota["machines"]["minute"], &quota["machine"]["minute"]),
        (&1.into(), &0.into()),
        "each API has its own"
    );
    // The budget of another API is not touched by that.
    let by_address = site.accepted(about("4", "ip=10.0.0.99")).await;
    assert_eq!(
        told(&decided(&site, &by_address).await),
        "held unresolved_device -"
    );
    assert_eq!(site.far.calls_of("findbyip").len(), 1);
}

const POINTED: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "flagged"
scan = "quick"
when = { "/custom/flag" = true }
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
"#;

#[tokio::test]
async fn a_decision_is_made_anew_from_the_stored_alert_and_body_by_the_rules_of_that_moment() {
    let mut wish = listing(vec![row(1, "ws-1.corp.example.com", json!({}))]);
    wish.faults = vec![always("token", fault(503, "temporarily_unavailable", None))];
    let mut site = Site::with(wish).await;
    let body = json!({ "alert_id": "1", "severity": "high", "device_name": "ws-1.corp.example.com", "custom": { "flag": true } });
    let receipt = site.accepted(body.to_string()).await;
    assert_eq!(decision(&receipt)["state"], "resolving");
    let old = site.get("/api/v1/decisions").await["items"][0]["policy"].clone();
    site.far.mend();
    site.restart_with(POINTED).await;
    let made = decided(&site, &receipt).await;
    assert_eq!(
        (told(&made), &made["rule"], &made["scan"]),
        ("scan new 1".to_owned(), &"flagged".into(), &"quick".into())
    );
    assert_ne!(made["policy"], old);
    site.scan_in(made["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(site.far.scans()[0].kind, "Quick");
}

#[tokio::test]
async fn a_source_that_is_gone_meanwhile_leaves_its_decisions_held_and_not_lost() {
    let mut wish = listing(vec![row(1, "ws-1.corp.example.com", json!({}))]);
    wish.faults = vec![always("token", fault(503, "temporarily_unavailable", None))];
    let mut site = Site::with(wish).await;
    let receipt = site
        .accepted(about("1", "name=ws-1.corp.example.com"))
        .await;
    site.stop().await;
    let file = site.folder.path().join("scanhook.toml");
    let config = std::fs::read_to_string(&file)
        .unwrap()
        .replace("sources.siem", "sources.renamed");
    std::fs::write(&file, config).unwrap();
    site.far.mend();
    site.restart().await;
    let made = decided(&site, &receipt).await;
    assert_eq!(told(&made), "held source_removed -");
    assert!(
        why(&made).contains("taken out of the configuration"),
        "{made}"
    );
    assert!(site.far.scans().is_empty());

    // Once the source is back, a retry decides it by its rules.
    site.stop().await;
    let config = std::fs::read_to_string(&file)
        .unwrap()
        .replace("sources.renamed", "sources.siem");
    std::fs::write(&file, config).unwrap();
    site.restart().await;
    let told_of = site
        .ordered("/api/v1/retry", json!({ "ids": [made["id"]] }))
        .await;
    assert_eq!(told_of["items"][0]["result"], "retried", "{told_of}");
    let made = decided(&site, &receipt).await;
    assert_eq!(told(&made), "scan new 1");
    site.scan_in(made["scan_id"].as_str().unwrap(), "finished")
        .await;
}

#[tokio::test]
async fn a_machine_that_is_named_for_an_address_is_not_taken_for_another_time() {
    let mut site = Site::with(listing(Vec::new())).await;
    let (early, late) = (
        settle(&site, about("1", "ip=10.0.0.12")).await,
        settle(&site, about("2", "ip=10.0.0.12")).await,
    );
    let other = settle(&site, about("3", "ip=10.0.0.12")).await;
    assert_eq!(told(&early), "held unresolved_device -");
    site.stop().await;
    // The first was received hours before the others: the address was another machine's then.
    let db = rusqlite::Connection::open(site.journal()).unwrap();
    db.execute(
        "UPDATE delivery SET received_at = received_at - 10800000 WHERE id = 1",
        [],
    )
    .unwrap();
    drop(db);
    site.restart().await;
    let path = format!("/api/v1/decisions/{}/approve", late["id"].as_str().unwrap());
    let approved = site.ordered(&path, json!({ "machine": machine(2) })).await;
    let ids: Vec<_> = approved["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(
        ids,
        [late["id"].clone(), other["id"].clone()],
        "both asked the same of the directory"
    );
    let held = site.get("/api/v1/decisions?state=held").await;
    assert_eq!(held["items"][0]["id"], early["id"]);
}

#[tokio::test]
async fn a_decision_made_anew_is_of_the_tenant_it_was_made_for_and_is_protected_as_that_one() {
    let mut wish = listing(vec![row(1, "ws-1.corp.example.com", json!({}))]);
    wish.rules = format!(
        "{RULES}\n[[protect]]\nname = \"a person decides\"\nwhen = {{ tenant = \"default\" }}\nat_most = \"hold\"\n"
    );
    wish.faults = vec![always("token", fault(503, "temporarily_unavailable", None))];
    let mut site = Site::with(wish).await;
    let receipt = site
        .accepted(about("1", "name=ws-1.corp.example.com"))
        .await;
    site.stop().await;
    let file = site.folder.path().join("scanhook.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let tenant = config
        .split("[sources.siem]")
        .next()
        .unwrap()
        .split("[tenants.default]")
        .nth(1)
        .unwrap();
    let tenant = tenant.replace(TENANT, "second.example");
    let several = "[sources.siem]\ntenants = [\"default\", \"second\"]\ntenant_from = \"/org\"\n\
                   tenant_map = { n = \"default\", s = \"second\" }";
    let several = config
        .replace("preset = ", "tenants = \"default\"\npreset = ")
        .replace("[sources.siem]\ntenants = \"default\"", several);
    std::fs::write(&file, format!("{several}\n[tenants.second]{tenant}")).unwrap();
    site.far.mend();
    site.restart().await;
    let made = decided(&site, &receipt).await;
    assert_eq!(
        (&made["tenant"], &made["state"]),
        (&"default".into(), &"held".into()),
        "{made}"
    );
    assert!(site.far.scans().is_empty());
}

#[tokio::test]
async fn a_restart_while_the_directory_is_asked_changes_nothing() {
    let mut site = Site::with(listing(vec![row(1, "ws-1.corp.example.com", json!({}))])).await;
    site.far
        .fault("machines", 1, 1, How::Silence { executed: true });
    let receipt = site
        .accepted(about("1", "name=ws-1.corp.example.com"))
        .await;
    until("it is asked", async || {
        (looks(&site).len() == 1).then_some(())
    })
    .await;
    site.restart().await;
    let made = decided(&site, &receipt).await;
    assert_eq!(told(&made), "scan new 1");
    site.scan_in(made["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn a_person_who_must_approve_is_told_the_machine() {
    let rules = RULES.replace("enforce", "approve");
    let site = Site::with(Wish {
        rules,
        ..listing(vec![row(1, "ws-1.corp.example.com", json!({}))])
    })
    .await;
    let made = settle(&site, about("1", "name=ws-1")).await;
    assert_eq!(told(&made), "held approval 1");
    assert!(why(&made).contains("`ws-1.corp.example.com`"), "{made}");
}

#[tokio::test]
async fn a_dry_run_finds_the_machine_and_sends_nothing() {
    let site = Site::with(Wish {
        dry_run: true,
        ..listing(vec![row(1, "ws-1.corp.example.com", json!({}))])
    })
    .await;
    let made = settle(&site, about("1", "name=ws-1")).await;
    assert_eq!(told(&made), "scan new 1");
    let ended = site
        .scan_in(made["scan_id"].as_str().unwrap(), "finished")
        .await;
    assert_eq!(ended["outcome"], "dry_run");
    assert!(site.far.calls_of("scan").is_empty());
}

#[tokio::test]
async fn a_decision_that_waited_is_counted_when_it_is_made() {
    let site = Site::with(listing(vec![row(1, "ws-1.corp.example.com", json!({}))])).await;
    settle(&site, about("1", "name=ws-1")).await;
    settle(&site, about("2", "name=ws-2")).await;
    let metrics = site.admin("/metrics").await.text;
    for line in [
        r#"scanhook_decisions_total{tenant="default",rule="",state="resolving"} 2"#,
        r#"scanhook_decisions_total{tenant="default",rule="high",state="scan"} 1"#,
        r#"scanhook_decisions_total{tenant="default",rule="high",state="held"} 1"#,
        r#"scanhook_not_scanned_total{reason="unresolved_device"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert!(
        !metrics.contains("awaits_directory"),
        "what is not decided yet is not unscanned"
    );
}

#[tokio::test]
async fn what_the_directory_spoke_against_is_asked_anew_when_a_person_says_once_more() {
    let excluded = row(1, "excluded", json!({ "isExcluded": true }));
    let site = Site::with(Wish {
        rules: TAGGED.to_owned(),
        ..listing(vec![excluded])
    })
    .await;
    let barred = settle(&site, alert("1", "high", &machine(1))).await;
    let unknown = settle(&site, alert("2", "high", &machine(2))).await;
    assert_eq!(
        (told(&barred), told(&unknown)),
        (
            "dropped excluded 1".into(),
            "dropped no_such_machine 2".into()
        )
    );
    let asked_before = looks(&site).len();
    site.far.shared.with(|far| {
        far.setup().machines = vec![row(1, "cleared", json!({})), row(2, "new", json!({}))]
    });
    let ids = json!({ "ids": [barred["id"], unknown["id"]], "by": "anna" });
    site.ordered("/api/v1/retry", ids).await;
    site.resolved().await;
    let all = site.get("/api/v1/decisions").await;
    for (decision, scanned) in all["items"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["scan new 2", "scan new 1"])
    {
        assert_eq!(told(decision), scanned);
        assert!(why(decision).contains("tried again by anna"), "{decision}");
    }
    assert_eq!(
        looks(&site).len(),
        asked_before + 2,
        "nothing that was said before is believed"
    );
}

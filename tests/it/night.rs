//! A night at two customers, and what an analyst asks in it: each question of docs/control.md has its one command. The
//! verbs are the real ones, and speak to the real admin listener.

use scanhook_simulator::Setup;
use serde_json::{Value, json};

use crate::harness::{
    SOUTH, Site, TENANT, Wish, alert, generic, listed, machine, two_customers, until,
};
use crate::verbs::{Ran, has};

const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[protect]]
name    = "domain controllers"
when    = { device.name.glob = "dc-*" }
at_most = "hold"

[[rule]]
name = "critical"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "mail"
scan = "quick"
mode = "approve"
when = { severity = "medium" }

[[rule]]
name = "rest"
scan = "none"
when = { source.exists = true }
"#;

/// An alert about these devices.
fn about(id: &str, severity: &str, title: &str, devices: Value) -> String {
    json!({ "alert_id": id, "title": title, "severity": severity, "devices": devices }).to_string()
}

/// The night: scans at both customers, one that failed, one that waits for a person, and alerts that led to none.
async fn night() -> Site {
    let mut wish = Wish {
        rules: RULES.to_owned(),
        config: Some(two_customers(
            "south",
            &[generic("soc", "north"), generic("branch", "south")].concat(),
        )),
        ..Wish::default()
    };
    let machines = vec![
        listed(1, "srv-file-1.corp.example", TENANT),
        listed(42, "lt-042.corp.example", TENANT),
        listed(7, "srv-7.corp.example", TENANT),
        listed(50, "lt-050.corp.example", TENANT),
        listed(142, "lt-042.branch.example", SOUTH),
    ];
    let outcomes = [(machine(7), "Failed".to_owned())].into();
    wish.setup = Setup {
        machines,
        open_fleet: false,
        outcomes,
        ..wish.setup
    };
    let site = Site::with(wish).await;
    let both = json!([{ "mde_id": machine(1) }, { "name": "lt-042.corp.example" }]);
    let formula = "=HYPERLINK(\"http://evil.example\",\"click\")";
    for (source, body) in [
        ("soc", about("3212", "critical", "Ransomware", both)),
        (
            "soc",
            about("3213", "low", "Odd logon", json!([{ "name": "LT-042" }])),
        ),
        (
            "soc",
            about("3215", "medium", formula, json!([{ "name": "lt-050" }])),
        ),
        ("soc", about("3216", "high", "No device", json!([]))),
        (
            "soc",
            about("3217", "high", "Beacon", json!([{ "mde_id": machine(7) }])),
        ),
        (
            "branch",
            about("9", "high", "Beacon", json!([{ "name": "lt-042" }])),
        ),
    ] {
        assert_eq!(site.post(source, body).await.status, 202);
    }
    let closed = json!({ "alert_id": "3214", "title": "t", "severity": "high", "status": "recovered",
                         "devices": [{ "name": "LT-047.corp.example" }] });
    assert_eq!(site.post("soc", closed.to_string()).await.status, 202);
    until("the night is over", async || {
        let decisions = site.get("/api/v1/decisions").await;
        let scans = site.get("/api/v1/scans").await;
        let decided = items(&decisions)
            .iter()
            .all(|one| one["state"] != "resolving");
        let over = items(&scans)
            .iter()
            .filter(|one| one["state"] == "finished")
            .count()
            == 4;
        (decided && over).then_some(())
    })
    .await;
    site
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {page}"))
}

/// A verb of the program, which asks this installation.
pub async fn says(site: &Site, args: &[&str]) -> Ran {
    let admin = format!("http://{}", site.admin);
    let local = args[0] == "explain";
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(args)
        .current_dir(site.folder.path())
        .env_clear()
        .stdin(std::process::Stdio::null());
    if !local {
        command.args(["--admin", &admin]);
    }
    // The responder runs on this thread.
    Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    )
}

/// The questions of docs/control.md, each with its command.
fn questions() -> Vec<(String, Vec<String>)> {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/control.md")).unwrap();
    let section = text
        .split("\n## ")
        .find(|section| section.starts_with("Ten questions"))
        .expect("the section is there");
    let rows = section.lines().filter_map(|line| {
        line.strip_prefix("| ")?
            .strip_suffix(" |")?
            .split_once(" | `scanhook ")
    });
    rows.map(|(question, command)| {
        let command = command.strip_suffix('`').expect("it ends the row");
        (
            question.to_owned(),
            command.split_whitespace().map(str::to_owned).collect(),
        )
    })
    .collect()
}

#[tokio::test]
async fn ten_questions_of_an_analyst_have_each_one_command() {
    let site = night().await;
    let there: &[(&[&str], &[&str])] = &[
        (
            &[
                "deliveries",
                "decided",
                "parked: no-device",
                "finished: failed",
                "machines scanned",
                "held now",
            ],
            &[],
        ),
        (
            &[
                "TENANT",
                "north",
                "south",
                "3212",
                "3213",
                "lt-042.branch.example",
                "rule `rest`",
            ],
            &["lt-050", "srv-7"],
        ),
        (
            &["3214", "ignored: guard", "LT-047.corp.example"],
            &["3212"],
        ),
        (
            &[
                "srv-file-1.corp.example (",
                "lt-042.corp.example (",
                "finished: succeeded",
            ],
            &["TENANT", "srv-7"],
        ),
        (
            &[
                "AGE",
                "HOLD ENDS",
                "lt-050",
                "medium",
                "HYPERLINK",
                "next: a person: approve or deny",
            ],
            &["3212", "TENANT", "lt-042"],
        ),
        (
            &["srv-7.corp.example", "finished: failed", "3217"],
            &["lt-042", "succeeded"],
        ),
        (&["3215", "held", "approval"], &["3212", "3213"]),
        (&["3212", "critical", "srv-file", "+1"], &["3217", "3215"]),
        (&["3216", "parked: no-device"], &["3212", "3214"]),
        (
            &[
                "at,tenant,source",
                "lt-042.branch.example",
                "\"'=HYPERLINK(",
            ],
            &[",=", ",\"="],
        ),
    ];
    let questions = questions();
    assert_eq!(questions.len(), there.len());
    for ((question, command), (says_so, says_not)) in questions.iter().zip(there) {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let said = says(&site, &args).await.ends(0);
        // An alert without a machine's name is shown by its id.
        let said_of = said.out.replace(&machine(1), "srv-file");
        has(&said_of, says_so);
        for not in *says_not {
            assert!(
                !said.out.contains(not),
                "{question}: `{not}` is in\n{}",
                said.out
            );
        }
    }
}

#[tokio::test]
async fn a_device_is_found_by_every_name_it_has_in_every_list_and_by_explain() {
    let site = night().await;
    let count = async |list: &str, device: &str| {
        items(&site.get(&format!("/api/v1/{list}?device={device}")).await).len()
    };
    // Alert 3212 says it in full, alert 3213 in capitals, the branch another machine of that name. Of alert 3213 the
    // directory was not asked, for no scan is wanted, so it is known by what it says alone.
    for (device, alerts, decisions, scans) in [
        ("lt-042", 3, 3, 2),
        ("LT-042", 3, 3, 2),
        ("lt-04*", 4, 3, 2),
        ("%3Ft-042", 3, 3, 2),
        ("lt-042.corp.example", 1, 1, 1),
        ("lt-042.CORP.*", 1, 1, 1),
        (&machine(42), 1, 1, 1),
        ("lt-047", 1, 0, 0),
        ("LT-047.corp.example", 1, 0, 0),
        // The alert says nothing but the id; the name is the directory's.
        ("srv-file-1", 1, 1, 1),
        ("srv-*", 2, 2, 2),
        ("nobody", 0, 0, 0),
        ("lt-04", 0, 0, 0),
    ] {
        let found = (
            count("alerts", device).await,
            count("decisions", device).await,
            count("scans", device).await,
        );
        assert_eq!(found, (alerts, decisions, scans), "{device}");
    }
    let ignored = site.get("/api/v1/alerts?device=lt-047").await;
    assert_eq!(
        items(&ignored)[0]["devices"],
        json!([{ "label": "LT-047.corp.example", "name": "LT-047.corp.example" }])
    );
    let said = says(&site, &["explain", "--device", "SRV-FILE-1"])
        .await
        .ends(0);
    has(&said.out, &["the latest about SRV-FILE-1", "critical"]);
    let said = says(&site, &["explain", "--device", "lt-047", "-o", "json"])
        .await
        .ends(0)
        .json();
    assert_eq!(said["alerts"][0]["reason"], "guard");
    let said = says(&site, &["explain", "--device", "lt-042"])
        .await
        .ends(0);
    has(&said.out, &["earlier ones, for --delivery: "]);
    has(
        &says(&site, &["explain", "--device", "nobody"])
            .await
            .ends(66)
            .err,
        &["knows no alert about nobody"],
    );
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused_with_its_code() {
    let site = Site::open().await;
    for (query, code, key) in [
        ("alerts?foo=1", "unknown-parameter", "foo"),
        ("decisions?scan=1", "unknown-parameter", "scan"),
        ("decisions?id=1", "unknown-parameter", "id"),
        ("scans?Device=x", "unknown-parameter", "Device"),
        ("alerts?state=held", "bad-value", "state"),
        ("decisions?state=foo", "bad-value", "state"),
        ("scans?state=", "bad-value", "state"),
        ("decisions?reason=guard", "bad-value", "reason"),
        ("scans?reason=approval", "bad-value", "reason"),
        ("scans?severity=worst", "bad-value", "severity"),
        ("alerts?device=%5B", "bad-value", "device"),
        ("alerts?since=yesterday", "bad-value", "since"),
        ("alerts?until=-1h", "bad-value", "until"),
        ("scans?limit=0", "bad-value", "limit"),
        ("scans?limit=101", "bad-value", "limit"),
        ("scans?limit=five", "bad-value", "limit"),
        ("scans?after=x", "bad-value", "after"),
        ("scans?alert=1&alert=2", "bad-value", "alert"),
        ("summary?limit=5", "unknown-parameter", "limit"),
        ("summary?since=soon", "bad-value", "since"),
    ] {
        let answer = site.admin(&format!("/api/v1/{query}")).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"], &problem["key"]),
            (400, &code.into(), &key.into()),
            "{query}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{query}"
        );
        assert!(
            !problem["takes"].as_str().unwrap().is_empty(),
            "{query}: {problem}"
        );
    }
    let said = says(&site, &["decisions", "--reason", "guard"])
        .await
        .ends(64);
    has(
        &said.err,
        &["[bad-value]; key: reason; it takes: one of rule, no_match"],
    );
}

#[tokio::test]
async fn lists_are_narrowed_by_time_alert_rule_source_reason_severity_and_limit() {
    let site = night().await;
    let ids = async |query: &str, key: &str| {
        let page = site.get(&format!("/api/v1/{query}")).await;
        let mut ids: Vec<String> = items(&page)
            .iter()
            .map(|one| one[key].to_string().replace('"', ""))
            .collect();
        ids.sort();
        ids.join(" ")
    };
    for (query, alerts) in [
        ("decisions?alert=3212", "3212 3212"),
        ("decisions?alert=nobody", ""),
        ("decisions?source=branch", "9"),
        ("decisions?rule=critical&tenant=north", "3212 3212 3217"),
        ("decisions?severity=low", "3213"),
        ("decisions?reason=approval", "3215"),
        ("decisions?reason=new&source=soc", "3212 3212 3217"),
        (
            "decisions?since=1h&until=2099-01-01T00:00:00Z&rule=mail",
            "3215",
        ),
        ("decisions?until=1h", ""),
        ("decisions?since=2099-01-01T00:00:00Z", ""),
        ("decisions?device=lt-0*&rule=critical", "3212 9"),
    ] {
        assert_eq!(ids(query, "alert").await, alerts, "{query}");
    }
    for (query, alerts) in [
        ("alerts?alert=3212", "3212"),
        ("alerts?id=3212", "3212"),
        ("alerts?rule=mail", "3215"),
        ("alerts?tenant=south", "9"),
        ("alerts?severity=critical", "3212"),
        ("alerts?reason=guard", "3214"),
        ("alerts?reason=no-device&since=1h", "3216"),
        ("alerts?reason=no-device&until=1h", ""),
        ("alerts?since=2099-01-01T00:00:00Z", ""),
        ("alerts?source=branch&since=1h", "9"),
    ] {
        assert_eq!(ids(query, "id").await, alerts, "{query}");
    }
    let of = |n: u32| machine(n);
    for (query, machines) in [
        ("scans?alert=3212", [of(1), of(42)].join(" ")),
        ("scans?source=branch", of(142)),
        ("scans?severity=high", [of(7), of(142)].join(" ")),
        ("scans?reason=failed", of(7)),
        ("scans?rule=critical&tenant=south", of(142)),
        ("scans?rule=mail", String::new()),
        ("scans?until=1h", String::new()),
        ("scans?since=1h&device=lt-042.corp.example", of(42)),
    ] {
        assert_eq!(ids(query, "machine").await, machines, "{query}");
    }
    let first = site
        .get("/api/v1/decisions?limit=2&severity=critical")
        .await;
    assert_eq!((items(&first).len(), &first["next"]), (2, &Value::Null));
    let first = site.get("/api/v1/scans?limit=1").await;
    let rest = site
        .get(&format!(
            "/api/v1/scans?limit=9&after={}",
            first["next"].as_str().unwrap()
        ))
        .await;
    assert_eq!((items(&first).len(), items(&rest).len()), (1, 3));
}

#[tokio::test]
async fn a_list_is_written_as_csv_and_as_lines_of_json_with_every_row() {
    let site = night().await;
    let lines = says(&site, &["alerts", "-o", "ndjson"]).await.ends(0).out;
    let alerts: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((alerts.len(), &alerts[0]["id"]), (7, &"3214".into()));
    let two = says(&site, &["scans", "-o", "ndjson", "--limit", "2"])
        .await
        .ends(0);
    assert_eq!(two.out.lines().count(), 2);
    has(&two.err, &["--limit shows more"]);
    for (list, rows) in [("alerts", 7), ("decisions", 6), ("scans", 4)] {
        let csv = says(&site, &[list, "-o", "csv"]).await.ends(0).out;
        assert_eq!(csv.lines().count(), rows + 1, "{csv}");
        let heads = csv.lines().next().unwrap().split(',').count();
        // No text of the night has a comma in it but the one in quotes.
        let odd: Vec<_> = csv
            .lines()
            .filter(|line| !line.contains('"') && line.split(',').count() != heads)
            .collect();
        assert_eq!(odd, Vec::<&str>::new());
    }
    let summary = says(
        &site,
        &[
            "summary", "--since", "1h", "--tenant", "south", "-o", "json",
        ],
    )
    .await
    .ends(0)
    .json();
    assert_eq!(
        (&summary["machines"], &summary["held"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        summary["decisions"],
        json!([{ "name": "scan", "reason": "new", "count": 1 }])
    );
    let whole = site.get("/api/v1/summary?since=1h").await;
    assert_eq!(
        (&whole["deliveries"], &whole["machines"], &whole["held"]),
        (&7.into(), &4.into(), &1.into())
    );
}

#[tokio::test]
async fn the_beginning_of_an_id_is_enough_where_it_is_the_only_one() {
    let site = Site::with(Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    })
    .await;
    let receipt = site.accepted(alert("1", "medium", &machine(1))).await;
    site.resolved().await;
    let decision = receipt["alerts"][0]["decisions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let delivery = receipt["delivery"].as_str().unwrap().to_owned();
    let explained = says(&site, &["explain", "--delivery", &delivery[..26]])
        .await
        .ends(0)
        .out;
    has(&explained, &[&delivery]);
    let (status, problem) = site
        .refused("/api/v1/decisions/01a19/approve", json!({}))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &"unknown-id".into()),
        "five digits are too few"
    );
    let approved = says(&site, &["approve", &decision[..10]]).await.ends(0).out;
    has(&approved, &["approved", &decision]);
    let scan = site.get("/api/v1/decisions").await["items"][0]["scan_id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.scan_in(&scan, "finished").await;
    has(
        &says(&site, &["scans", &scan[..8]]).await.ends(0).out,
        &[&scan, "succeeded"],
    );

    // A decision and its scan begin alike: an order about both is refused, and names them.
    let failed = json!({ "ids": [&decision[..6]], "preview": true });
    let told = site.ordered("/api/v1/retry", failed).await;
    let item = &told["items"][0];
    assert_eq!(item["result"], "ambiguous-id");
    assert!(
        item["candidates"]
            .as_array()
            .unwrap()
            .contains(&decision.as_str().into()),
        "{item}"
    );

    // Of two decisions of one delivery both begin alike.
    let both = about(
        "2",
        "medium",
        "t",
        json!([{ "mde_id": machine(2) }, { "mde_id": machine(3) }]),
    );
    let receipt = site.accepted(both).await;
    site.resolved().await;
    let id = receipt["alerts"][0]["decisions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, problem) = site
        .refused(&format!("/api/v1/decisions/{}/deny", &id[..12]), json!({}))
        .await;
    assert_eq!((status, &problem["code"]), (409, &"ambiguous-id".into()));
    assert_eq!(problem["item"]["candidates"].as_array().unwrap().len(), 2);
    let told = site
        .ordered(
            "/api/v1/decisions/deny",
            json!({ "ids": [&id[..34]], "preview": true }),
        )
        .await;
    assert_eq!(told["items"][0]["result"], "ambiguous-id");
}

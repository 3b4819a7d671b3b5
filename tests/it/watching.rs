//! What a SIEM and a Prometheus see of the running program: log lines that can be searched for a device, an alert, a
//! decision or a scan, and metrics that are there from the start.

use std::collections::BTreeSet;
use std::path::Path;

use scanhook::worker::ANSWERS;
use scanhook_core::scan::DecisionState;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::docs::rows;
use crate::harness::{
    Far, OTHER_SECRET, RULES, Served, Site, Wish, alert, client, install, machine, scan_id, until,
};

/// Where it is documented.
const PAGE: &str = "docs/operations.md";

/// The program on an installation of its own.
struct Watched {
    folder: TempDir,
    _far: Far,
    served: Served,
    http: reqwest::Client,
}

impl Watched {
    async fn start(rules: &str) -> Watched {
        let far = Far::open(Wish::default().setup).await;
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), far.at, "", "");
        std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
        let served = Served::start(folder.path()).await;
        Watched {
            folder,
            _far: far,
            served,
            http: client(),
        }
    }

    async fn post(&self, body: &Value) -> Value {
        let answer = self.served.post(&self.http, &body.to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["alerts"][0]["decisions"][0].clone()
    }

    async fn order(&self, path: &str, body: &Value) {
        let request = self
            .http
            .post(format!("http://{}{path}", self.served.admin));
        let answer = request
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            200,
            "{path}: {}",
            answer.text().await.unwrap()
        );
    }

    /// The lines of the log in which this field is, or holds, this value.
    fn lines(&self, field: &str, value: &str) -> Vec<Value> {
        let holds = |line: &Value| match &line[field] {
            Value::Array(values) => values.iter().any(|one| one == value),
            one => one == value,
        };
        log(self.folder.path()).into_iter().filter(holds).collect()
    }

    async fn says(&self, field: &str, value: &str, message: &str) -> Vec<Value> {
        until(&format!("{field} {value}: {message}"), async || {
            let lines = self.lines(field, value);
            lines
                .iter()
                .any(|line| line["message"] == message)
                .then_some(lines)
        })
        .await
    }
}

fn log(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("serve.log")).unwrap();
    // The last line may be half written.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

/// Fields that any line may have.
const ANY: [&str; 9] = [
    "@timestamp",
    "ecs.version",
    "error.code",
    "log.level",
    "log.logger",
    "message",
    "service.name",
    "service.version",
    "error.message",
];

/// Every field of these lines stands in the table of the page.
fn all_are_documented(lines: &[Value]) {
    let known: Vec<String> = rows(PAGE, "Lines about decisions and scans")
        .iter()
        .map(|row| row[1].clone())
        .collect();
    for line in lines {
        let fields = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|field| !ANY.contains(field));
        let unknown: Vec<_> = fields
            .filter(|field| !known.contains(&format!("`{field}`")))
            .collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{line}");
    }
}

fn about(id: &str, name: &str, n: u32) -> Value {
    json!({ "alert_id": id, "severity": "high", "devices": [{ "mde_id": machine(n), "name": name }] })
}

#[tokio::test]
async fn a_delivery_is_followed_in_the_log_by_its_decision_its_device_and_its_alert_to_the_end_of_its_scan()
 {
    let watched = Watched::start(RULES).await;
    let decision = watched.post(&about("a-1", "ws-1.corp.example", 1)).await;
    let (id, scan) = (
        decision["id"].as_str().unwrap(),
        decision["scan_id"].as_str().unwrap(),
    );
    let lines = watched.says("scanhook.decision", id, "scan over").await;
    let life = ["decided", "scan sent", "scan call answered", "scan over"];
    assert_eq!(messages(&lines), life, "{lines:#?}");
    for (field, value) in [
        ("scanhook.tenant", "default"),
        ("scanhook.source", "siem"),
        ("scanhook.alert", "a-1"),
        ("scanhook.device", &machine(1)),
        ("host.name", "ws-1.corp.example"),
        ("host.id", &machine(1)),
        ("scanhook.scan", scan),
        ("rule.name", "high"),
    ] {
        assert_eq!(
            messages(&watched.lines(field, value))
                .iter()
                .filter(|said| life.contains(said))
                .count(),
            4,
            "{field}"
        );
    }
    assert_eq!(
        (&lines[0]["event.reason"], &lines[3]["scanhook.outcome"]),
        (&"new".into(), &"succeeded".into())
    );
    let accepted = watched.lines(
        "scanhook.delivery",
        lines[0]["scanhook.delivery"].as_str().unwrap(),
    );
    assert_eq!(
        messages(&accepted),
        ["delivery accepted", "decided"],
        "the request leads to its decisions"
    );
    all_are_documented(&lines);
}

#[tokio::test]
async fn a_scan_that_answers_several_decisions_names_them_all_and_so_does_what_people_order() {
    let watched = Watched::start(RULES).await;
    watched
        .order("/api/v1/pause", &json!({ "by": "anna" }))
        .await;
    let first = watched.post(&about("a-1", "ws-1", 1)).await;
    // An id that looks like a list, and like the end of a line.
    let odd = "[\"a-1\"]\n\u{1f}{}";
    let second = watched.post(&about(odd, "ws-1", 1)).await;
    let other = watched.post(&about("a-3", "ws-3", 3)).await;
    let ids = [&first["id"], &second["id"]];
    assert_eq!(first["scan_id"], second["scan_id"]);

    let cancelled = other["scan_id"].as_str().unwrap();
    let path = format!("/api/v1/scans/{cancelled}/cancel");
    watched
        .order(&path, &json!({ "by": "bert", "reason": "not this one" }))
        .await;
    let lines = watched.says("scanhook.scan", cancelled, "ordered").await;
    all_are_documented(&lines);
    let ordered = lines.last().unwrap();
    for (field, value) in [
        ("user.name", "bert"),
        ("scanhook.verb", "cancel"),
        ("scanhook.words", "not this one"),
        ("scanhook.result", "cancelled"),
        ("scanhook.alert", "a-3"),
        ("host.id", &machine(3)),
        ("host.name", "ws-3"),
        ("scanhook.tenant", "default"),
    ] {
        assert_eq!(ordered[field], value, "{ordered}");
    }

    watched
        .order("/api/v1/resume", &json!({ "by": "anna" }))
        .await;
    for id in ids {
        let lines = watched
            .says("scanhook.decision", id.as_str().unwrap(), "scan sent")
            .await;
        let sent = lines.last().unwrap();
        assert_eq!(sent["scanhook.decision"], json!(ids), "{sent}");
        assert_eq!(
            sent["scanhook.alert"],
            json!(["a-1", r#"["a-1"]\n\u{1f}{}"#]),
            "an id stays one value: {sent}"
        );
        assert_eq!(
            (&sent["host.name"], &sent["scanhook.source"]),
            (&"ws-1".into(), &"siem".into())
        );
    }
}

#[tokio::test]
async fn a_decision_that_waits_for_a_person_is_found_by_the_same_words_when_it_is_approved() {
    let watched = Watched::start(&RULES.replace("\"enforce\"", "\"approve\"")).await;
    let held = watched.post(&about("a-1", "dc-1", 1)).await;
    let id = held["id"].as_str().unwrap();
    watched
        .order(
            &format!("/api/v1/decisions/{id}/approve"),
            &json!({ "by": "anna" }),
        )
        .await;
    // The order is told by whoever carried it out, the scan by its lane: either may come first.
    watched.says("scanhook.decision", id, "ordered").await;
    let lines = watched.says("scanhook.decision", id, "scan sent").await;
    let [decided, ordered, sent] = ["decided", "ordered", "scan sent"].map(|message| {
        lines
            .iter()
            .find(|line| line["message"] == message)
            .expect("each is there")
    });
    assert_eq!(
        (&decided["event.reason"], &ordered["scanhook.result"]),
        (&"approval".into(), &"approved".into())
    );
    assert_eq!(
        (&ordered["user.name"], &ordered["scanhook.scan"]),
        (&"anna".into(), &sent["scanhook.scan"])
    );
    assert!(
        lines
            .iter()
            .all(|line| line["host.name"] == "dc-1" && line["scanhook.alert"] == "a-1"),
        "{lines:#?}"
    );
}

/// The samples of a scrape: name with labels, value.
fn samples(text: &str) -> Vec<(String, f64)> {
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

async fn scrape(site: &Site) -> Vec<(String, f64)> {
    samples(&site.admin("/metrics").await.text)
}

#[track_caller]
fn value(samples: &[(String, f64)], name: &str) -> f64 {
    let found = samples.iter().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("{name} is not in {samples:#?}"))
        .1
}

#[tokio::test]
async fn what_can_be_counted_is_there_as_0_before_it_is_counted_for_the_first_time() {
    let site = Site::open().await;
    let first = scrape(&site).await;
    for source in ["siem", "other", "sentinel", "defender"] {
        for status in ["200", "202", "400", "401", "413", "503"] {
            let name =
                format!("scanhook_deliveries_total{{source=\"{source}\",status=\"{status}\"}}");
            assert_eq!(value(&first, &name), 0.0);
        }
        for state in ["decided", "parked", "ignored", "duplicate"] {
            let name = format!("scanhook_alerts_total{{source=\"{source}\",state=\"{state}\"}}");
            assert_eq!(value(&first, &name), 0.0);
        }
        let name =
            format!("scanhook_unreadable_bodies_total{{source=\"{source}\",code=\"json-syntax\"}}");
        assert_eq!(value(&first, &name), 0.0);
    }
    for outcome in ANSWERS {
        let name = format!(
            "scanhook_scan_requests_total{{tenant=\"default\",type=\"full\",outcome=\"{outcome}\"}}"
        );
        assert_eq!(value(&first, &name), 0.0);
    }
    for state in DecisionState::ALL {
        let name = format!(
            "scanhook_decisions_total{{tenant=\"default\",rule=\"high\",state=\"{state}\"}}"
        );
        assert_eq!(value(&first, &name), 0.0);
    }
    for reason in ["no_match", "limit", "expired", "denied", "no-device"] {
        assert_eq!(
            value(
                &first,
                &format!("scanhook_not_scanned_total{{reason=\"{reason}\"}}")
            ),
            0.0
        );
    }
    assert_eq!(
        value(
            &first,
            "scanhook_refused_requests_total{code=\"unauthenticated\"}"
        ),
        0.0
    );

    // And what then is counted had a series before, so that the increase shows.
    site.accepted(alert("1", "high", &machine(1))).await;
    site.accepted(json!({ "alert_id": "2", "severity": "high" }).to_string())
        .await;
    site.post("siem", "{").await;
    let known: BTreeSet<_> = first.iter().map(|(name, _)| name).collect();
    let last = scrape(&site).await;
    let counted = last
        .iter()
        .filter(|(name, value)| name.contains("_total") && *value > 0.0);
    let new: Vec<_> = counted.filter(|(name, _)| !known.contains(name)).collect();
    assert_eq!(new, Vec::<&(String, f64)>::new());
    assert_eq!(
        value(
            &last,
            "scanhook_deliveries_total{source=\"siem\",status=\"400\"}"
        ),
        1.0
    );
}

#[tokio::test]
async fn the_page_has_a_row_for_each_metric_and_for_no_other() {
    let two = "[sources.two]\npreset = \"generic\"\nexpect_every = \"24h\"\nauth = { bearer = { secret_file = [\"new.secret\", \"siem.secret\"] } }\n";
    let secrets = vec![("new.secret", OTHER_SECRET)];
    let site = Site::with(Wish {
        more: two.to_owned(),
        secrets,
        ..Wish::default()
    })
    .await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let text = site.admin("/metrics").await.text;
    let shown = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let shown: BTreeSet<String> = shown.map(str::to_owned).collect();
    let told: BTreeSet<String> = rows(PAGE, "Metrics")
        .into_iter()
        .map(|mut row| row.remove(0))
        // Nothing ends where there is no certificate and no token, and nobody is told where there is no receiver: the tests of TLS, of access and of
        // messages hold these.
        .filter(|name| {
            name != "scanhook_token_until_timestamp_seconds"
                && name != "scanhook_certificate_expiry_timestamp_seconds"
                && name != "scanhook_messages_total"
                && name != "scanhook_write_backs_total"
                && !name.starts_with("scanhook_outbox_")
        })
        .collect();
    assert_eq!(shown, told);
    assert_eq!(
        value(
            &samples(&text),
            "scanhook_old_secret_deliveries_total{source=\"two\",credential=\"siem.secret\"}"
        ),
        0.0
    );
}

#[tokio::test]
async fn a_source_that_a_reload_adds_begins_at_0_and_the_counters_of_one_that_is_gone_do_not_fall()
{
    let site = Site::open().await;
    let file = site.folder.path().join("scanhook.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let late = "[sources.late]\npreset = \"generic\"\nauth = { bearer = { secret_file = \"siem.secret\" } }\n";
    let counter = "scanhook_deliveries_total{source=\"late\",status=\"202\"}";
    assert!(!site.admin("/metrics").await.text.contains(counter));
    std::fs::write(&file, format!("{before}{late}")).unwrap();
    site.ordered("/-/reload", json!({})).await;
    assert_eq!(value(&scrape(&site).await, counter), 0.0);
    assert_eq!(
        site.post("late", alert("1", "low", &machine(1)))
            .await
            .status,
        202
    );
    assert_eq!(value(&scrape(&site).await, counter), 1.0);
    std::fs::write(&file, before).unwrap();
    site.ordered("/-/reload", json!({})).await;
    assert_eq!(value(&scrape(&site).await, counter), 1.0);
}

#[tokio::test]
async fn ten_thousand_rules_are_not_ten_thousand_series_before_they_decide() {
    let rule = |n: u32| {
        format!("[[rule]]\nname = \"r{n}\"\nscan = \"none\"\nwhen = {{ alert.id = \"{n}\" }}\n")
    };
    let rules = (0..10_000).fold("version = 1\n".to_owned(), |rules, n| rules + &rule(n));
    let site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    assert!(scrape(&site).await.len() < 2_000);
    site.accepted(alert("77", "high", &machine(1))).await;
    let counted = "scanhook_decisions_total{tenant=\"default\",rule=\"r77\",state=\"none\"}";
    assert_eq!(value(&scrape(&site).await, counted), 1.0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_shows_itself_under_the_names_that_all_exporters_share() {
    let watched = Watched::start(RULES).await;
    let text = watched
        .http
        .get(format!("http://{}/metrics", watched.served.admin))
        .send()
        .await
        .unwrap();
    let shown = samples(&text.text().await.unwrap());
    let of = |name: &str| value(&shown, name);
    let pid = watched.served.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kib = |key: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap();
        line.split_whitespace()
            .next()
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    for (name, key) in [
        ("process_resident_memory_bytes", "VmRSS:"),
        ("process_virtual_memory_bytes", "VmSize:"),
    ] {
        let (ours, theirs) = (of(name), kib(key) * 1024.0);
        assert!(
            (ours / theirs - 1.0).abs() < 0.5,
            "{name}: {ours} and {theirs}"
        );
    }
    assert!(of("process_cpu_seconds_total") > 0.0 && of("process_threads") >= 2.0);
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let most = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap();
    assert_eq!(
        of("process_max_fds").to_string(),
        most.split_whitespace().next().unwrap()
    );
    assert!(
        (5.0..200.0).contains(&of("process_open_fds")),
        "the listeners, the journal, this connection"
    );
    let age = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let age = age - of("process_start_time_seconds");
    assert!((-2.0..60.0).contains(&age), "it was started {age} s ago");
}

#[tokio::test]
async fn the_journal_shows_how_long_its_transactions_take_and_what_waits_for_them() {
    let site = Site::open().await;
    let before = scrape(&site).await;
    for n in 1..=20 {
        site.accepted(alert(&n.to_string(), "low", &machine(n)))
            .await;
    }
    let after = scrape(&site).await;
    let grown = |name: &str| value(&after, name) - value(&before, name);
    // Deliveries one after the other are a transaction each.
    assert!(grown("scanhook_journal_commit_duration_seconds_count") >= 20.0);
    assert!(grown("scanhook_journal_commit_duration_seconds_sum") > 0.0);
    assert!(
        grown("scanhook_journal_jobs_total")
            >= grown("scanhook_journal_commit_duration_seconds_count")
    );
    let all = "scanhook_journal_commit_duration_seconds_bucket{le=\"+Inf\"}";
    assert_eq!(
        value(&after, all),
        value(&after, "scanhook_journal_commit_duration_seconds_count")
    );
    assert_eq!(value(&after, "scanhook_journal_waiting_jobs"), 0.0);
    assert!(value(&after, "scanhook_journal_bytes") > 0.0);
}

//! Why a scan is or is not there, and why it waits: in the same words wherever somebody looks, and true.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use scanhook_simulator::{Fault, How, Machine, Setup};
use serde_json::{Value, json};

use crate::harness::{CLIENT, Site, TENANT, Wish, alert, fault, logging, machine, scan_id, until};

/// A scanhook.toml whose far sides are elsewhere.
fn config(api: &str, authority: &str) -> Option<String> {
    Some(format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
grace = "2s"
[journal]
url = "sqlite:scanhook.db"
[tenants.default]
tenant_id = "{TENANT}"
client_id = "{CLIENT}"
credential = {{ secret_file = "app.secret" }}
api_base = "http://{api}"
authority = "http://{authority}"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}
"#
    ))
}

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

fn patient() -> Wish {
    let mut wish = Wish::default();
    wish.pace.token_retry = Duration::from_millis(200);
    wish
}

/// Waits until the scan waits for this; the sentence.
async fn waits(site: &Site, scan: &str, cause: &str) -> String {
    let mut last = Value::Null;
    let found = until(&format!("{scan} waits for {cause}"), async || {
        last = site.scan(scan).await;
        last["waits"]
            .as_array()?
            .iter()
            .find(|wait| wait["cause"] == cause)
            .cloned()
    })
    .await;
    found["why"].as_str().unwrap().to_owned()
}

/// What a verb of the program says of a site.
async fn says(site: &Site, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(args)
        .current_dir(site.folder.path())
        .env_clear();
    if args[0] != "explain" {
        command.args(["--admin", &format!("http://{}", site.admin)]);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test]
async fn an_entra_id_out_of_reach_shows_at_once_wherever_somebody_looks() {
    let (log, _guard) = logging();
    let mut wish = Wish {
        config: config("FAR", NOBODY),
        ..Wish::default()
    };
    // The sentence stays as it is until it is tried again.
    wish.pace.token_retry = Duration::from_secs(3600);
    let site = Site::with(wish).await;
    let scan = scan_id(&site.accepted(alert("1", "critical", &machine(1))).await);
    let why = waits(&site, &scan, "entra_unreachable").await;
    for part in [
        "Entra ID at http://127.0.0.1:1",
        "no connection can be made (`refused`)",
        "tried again at",
        "firewall",
    ] {
        assert!(why.contains(part), "{why}");
    }
    let status = site.get("/api/v1/status").await;
    let outage = &status["tenants"][0]["lane"]["unreachable"][0];
    assert_eq!(
        (&outage["side"], &outage["code"], &outage["why"]),
        (&"entra".into(), &"refused".into(), &why.as_str().into())
    );
    let ready = site.get("/readyz?verbose").await;
    assert_eq!(ready["lanes"]["default"]["unreachable"][0], *outage);
    assert_eq!(
        (&ready["mode"], &status["mode"]),
        (&"enforce".into(), &"enforce".into())
    );
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains("scanhook_unreachable{tenant=\"default\",side=\"entra\"} 1.0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("scanhook_unreachable{tenant=\"default\",side=\"defender\"} 0.0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("scanhook_mode{tenant=\"default\",mode=\"enforce\"} 1.0\n"),
        "{metrics}"
    );

    let receipt = site.accepted(alert("2", "high", &machine(2))).await;
    assert_eq!(
        receipt["alerts"][0]["decisions"][0]["waits"][0]["why"],
        why.as_str(),
        "in the receipt"
    );
    let told = log.lines(&["WARN", "cannot be reached", "side=entra"]);
    assert_eq!(told.len(), 1, "{told:?}");
    let text = says(&site, &["status"]).await;
    let (head, rest) = text.split_once('\n').unwrap();
    assert_eq!(head, "ARMED: scans are sent");
    assert!(
        rest.find(&why).unwrap() < rest.find("\nTENANT").unwrap(),
        "problems come first: {text}"
    );
}

#[tokio::test]
async fn the_beginning_and_the_end_of_an_outage_are_told_once_and_what_waited_goes_on() {
    let (log, _guard) = logging();
    let lost = Fault {
        route: "token".to_owned(),
        nth: 1,
        times: 1000,
        how: How::LostRequest,
    };
    let site = Site::with(Wish {
        faults: vec![lost],
        ..patient()
    })
    .await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    waits(&site, &scan, "entra_unreachable").await;
    until("it was tried again", async || {
        (site.far.calls_of("token").len() >= 4).then_some(())
    })
    .await;
    site.far.mend();
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(
        site.get("/api/v1/status").await["tenants"][0]["lane"]["unreachable"],
        Value::Null
    );
    assert_eq!(log.lines(&["WARN", "cannot be reached"]).len(), 1);
    assert_eq!(
        log.lines(&["INFO", "reachable again", "side=entra"]).len(),
        1
    );
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains("scanhook_unreachable{tenant=\"default\",side=\"entra\"} 0.0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_defender_out_of_reach_is_the_reason_of_what_waits_and_of_who_is_held() {
    let (log, _guard) = logging();
    let site = Site::with(Wish {
        config: config(NOBODY, "FAR"),
        ..Wish::default()
    })
    .await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    let why = waits(&site, &scan, "defender_unreachable").await;
    assert!(
        why.contains("Defender at http://127.0.0.1:1 cannot be reached since"),
        "{why}"
    );
    let named = json!({ "alert_id": "2", "title": "t", "severity": "high", "devices": [{ "name": "ws-1" }] });
    let receipt = site.accepted(named.to_string()).await;
    let waiting = &receipt["alerts"][0]["decisions"][0];
    assert_eq!(
        (&waiting["state"], &waiting["waits"][0]["cause"]),
        (&"resolving".into(), &"look_up".into())
    );
    assert!(
        waiting["waits"][0]["why"]
            .as_str()
            .unwrap()
            .contains("has not been asked yet"),
        "{waiting}"
    );
    let causes = until(
        "the outage is the reason of what is looked up",
        async || {
            let page = site.get("/api/v1/decisions?state=resolving").await;
            let waits = page["items"][0]["waits"].to_string();
            waits.contains("defender_unreachable").then_some(waits)
        },
    )
    .await;
    assert!(!causes.contains("did not answer"), "{causes}");
    assert_eq!(
        log.lines(&["WARN", "cannot be reached", "side=defender"])
            .len(),
        1
    );
}

#[tokio::test]
async fn an_unknown_severity_is_no_silence_the_rules_and_the_field_are_named() {
    let (log, _guard) = logging();
    let site = Site::open().await;
    let receipt = site.accepted(alert("1", "gelb-rot", &machine(1))).await;
    let decision = &receipt["alerts"][0]["decisions"][0];
    assert_eq!(
        (&decision["state"], &decision["reason"]),
        (&"none".into(), &"no_match".into())
    );
    let why = decision["why"].as_str().unwrap();
    let says = "no rule matched; rule `high` and rule `medium` could not be judged, because severity is unknown; the alert \
                states no severity, or one off the scale";
    assert!(why.starts_with(says), "{why}");
    let listed = site.get("/api/v1/decisions").await;
    assert_eq!(listed["items"][0]["why"], why, "the same words");
    assert!(
        log.lines(&["decided"]).is_empty(),
        "what wants no scan is not logged"
    );
}

const WINDOWS: &str = r#"
version = 1
[defaults]
mode = "enforce"
[windows.never_now]
timezone = "UTC"
days = ["DAY"]
hours = ["03:00-03:30"]
[[protect]]
name = "vdi is scanned quickly"
when = { device.name.glob = "vdi-*" }
at_most = "quick"
[[protect]]
name = "servers wait"
when = { device.name.glob = "srv-*" }
start = "never_now"
[[rule]]
name = "weekly"
scan = "quick"
when = { severity = "medium" }
start = "never_now"
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
"#;

fn named(id: &str, severity: &str, name: &str, n: u32) -> String {
    let device = json!({ "name": name, "mde_id": machine(n) });
    json!({ "alert_id": id, "title": "t", "severity": severity, "devices": [device] }).to_string()
}

/// The directory knows these machines by these names.
fn known(names: &[&str]) -> Setup {
    let record = json!({ "onboardingStatus": "Onboarded", "healthStatus": "Active", "lastSeen": "2026-03-05T10:00:00Z" });
    let record = record.as_object().unwrap().clone();
    let machines = (1..).zip(names).map(|(n, name)| Machine {
        id: machine(n),
        dns_name: Some((*name).to_owned()),
        record: record.clone(),
        ..Machine::default()
    });
    Setup {
        machines: machines.collect(),
        ..Wish::default().setup
    }
}

#[tokio::test]
async fn what_protections_and_windows_change_or_delay_is_said_with_the_time() {
    // A day of the week that is not today, nor tomorrow.
    let in_three_days = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .weekday()
        .wrapping_add(3);
    let day = format!("{in_three_days:?}")[..3].to_lowercase();
    let rules = WINDOWS.replace("DAY", &day);
    let setup = known(&[
        "vdi-7.corp.example",
        "srv-file-1.corp.example",
        "lt-3.corp.example",
    ]);
    let site = Site::with(Wish {
        rules,
        setup,
        ..Wish::default()
    })
    .await;
    site.accepted(named("1", "high", "vdi-7", 1)).await;
    site.accepted(named("2", "high", "srv-file-1", 2)).await;
    site.accepted(named("3", "medium", "lt-3", 3)).await;
    site.resolved().await;
    let decisions = site.get("/api/v1/decisions").await;
    let of = |alert: &str| {
        let items = decisions["items"].as_array().unwrap();
        items
            .iter()
            .find(|one| one["alert"] == alert)
            .unwrap()
            .clone()
    };
    let (vdi, server, weekly) = (of("1"), of("2"), of("3"));
    let why = |one: &Value| one["why"].as_str().unwrap().to_owned();
    assert!(
        why(&vdi).contains("rule `high` asks for a full scan"),
        "{vdi}"
    );
    assert!(
        why(&vdi).contains(
            "protection `vdi is scanned quickly` makes it a quick one; it is sent in its turn"
        ),
        "{vdi}"
    );
    assert_eq!(vdi["scan"], "quick");
    let scan = site.scan(server["scan_id"].as_str().unwrap()).await;
    let opens = scan["opens_at"].as_str().unwrap()[..19].replace('T', " ");
    let says = format!(
        "it waits, not before {opens} UTC, for window `never_now` of protection `servers wait`"
    );
    assert!(why(&server).contains(&says), "{server}");
    assert!(
        why(&weekly).contains(&format!(
            "not before {opens} UTC, for window `never_now` of rule `weekly`"
        )),
        "{weekly}"
    );
    assert_eq!(
        (&scan["waits"][0]["cause"], &scan["waits"][0]["until"]),
        (&"window".into(), &scan["opens_at"])
    );
    let sentence = scan["waits"][0]["why"].as_str().unwrap();
    assert!(
        sentence.starts_with(&format!("window `never_now` is closed until {opens} UTC")),
        "{sentence}"
    );
    assert_eq!(server["waits"], scan["waits"], "the same words");
}

#[tokio::test]
async fn a_pause_is_told_in_the_same_words_wherever_somebody_looks() {
    let site = Site::open().await;
    site.ordered(
        "/api/v1/pause",
        json!({ "by": "anna", "reason": "change freeze", "device": "0*" }),
    )
    .await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let decision = &receipt["alerts"][0]["decisions"][0];
    assert_eq!(decision["waits"][0]["cause"], "paused");
    let why = decision["waits"][0]["why"].as_str().unwrap().to_owned();
    for part in [
        "device `0*` is paused by anna since ",
        "(change freeze)",
        "`scanhook resume --device '0*'` ends it",
    ] {
        assert!(why.contains(part), "{why}");
    }
    let scan = decision["scan_id"].as_str().unwrap();
    assert_eq!(waits(&site, scan, "paused").await, why);
    assert_eq!(
        site.get("/api/v1/scans").await["items"][0]["waits"][0]["why"],
        why.as_str()
    );
    assert_eq!(
        site.get("/api/v1/decisions").await["items"][0]["waits"][0]["why"],
        why.as_str()
    );
    assert_eq!(
        site.get("/api/v1/alerts").await["items"][0]["decisions"][0]["waits"][0]["why"],
        why.as_str()
    );
    let delivery = receipt["delivery"].as_str().unwrap();
    let looks: [&[&str]; 4] = [
        &["scans"],
        &["scans", scan],
        &["decisions"],
        &["explain", "--delivery", delivery],
    ];
    for look in looks {
        let text = says(&site, look).await;
        assert!(text.contains(&why), "{look:?}: {text}");
    }
    let again = site
        .post("siem", alert("1", "high", &machine(1)))
        .await
        .json();
    assert_eq!(again["duplicate"], true);
    assert_eq!(
        again["alerts"][0]["decisions"][0]["waits"][0]["why"],
        why.as_str(),
        "and so is a repeat"
    );
}

#[tokio::test]
async fn each_thing_in_the_way_of_a_scan_is_named_as_what_it_is() {
    let mut wish = patient();
    wish.setup.quick_ms = 60_000;
    wish.setup.full_ms = 60_000;
    wish.pace.busy = Duration::from_secs(60);
    wish.pace.settle = Duration::from_secs(60);
    let site = Site::with(wish).await;
    let send = async |id: &str, severity: &str, n| {
        scan_id(&site.accepted(alert(id, severity, &machine(n))).await)
    };
    // Behind a weaker one of ours.
    let quick = send("1", "medium", 1).await;
    site.scan_in(&quick, "running").await;
    let full = send("2", "high", 1).await;
    let why = waits(&site, &full, "behind").await;
    assert!(
        why.contains(&format!(
            "the quick scan {quick} of this machine must end first"
        )),
        "{why}"
    );
    let decided = site.get("/api/v1/decisions").await["items"][0]["why"].to_string();
    assert!(
        decided.contains(&format!(
            "it waits for the end of the quick scan {quick} of this machine"
        )),
        "{decided}"
    );
    // Behind somebody else's.
    let action = site.far.foreign(&machine(2), "Quick");
    let blocked = send("3", "high", 2).await;
    let why = waits(&site, &blocked, "foreign").await;
    assert!(why.contains(&format!("machine action {action}")), "{why}");
    // An answer that was lost.
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let lost = send("4", "high", 4).await;
    waits(&site, &lost, "unanswered").await;
    // A machine that is forbidden.
    site.far.fault("scan", 1, 1, fault(403, "Forbidden", None));
    let forbidden = send("5", "high", 5).await;
    let why = waits(&site, &forbidden, "forbidden").await;
    assert!(why.contains("tried 1 of 6 times, next at "), "{why}");
    // Defender asks to wait.
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("600")));
    let throttled = send("6", "high", 6).await;
    let why = waits(&site, &throttled, "throttled").await;
    assert!(why.starts_with("Defender asked to wait until "), "{why}");
}

#[tokio::test]
async fn a_tenant_that_is_stopped_in_dry_run_or_gone_is_the_reason_of_what_waits() {
    let mut site = Site::open().await;
    site.far
        .fault("scan", 1, 1000, fault(401, "Unauthorized", None));
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    let why = waits(&site, &scan, "stopped").await;
    assert!(
        why.contains("the tenant is stopped: Defender refuses a fresh token"),
        "{why}"
    );
    site.restart_dry().await;
    let why = waits(&site, &scan, "dry_run").await;
    assert!(why.contains("take `--dry-run` or"), "{why}");
    let status = site.get("/api/v1/status").await;
    assert_eq!(status["mode"], "dry_run");
    assert!(
        status["armed"]
            .as_str()
            .unwrap()
            .contains("started with `--dry-run`"),
        "{status}"
    );
    assert!(
        says(&site, &["status"])
            .await
            .starts_with("DRY RUN: nothing is sent, because")
    );
    assert!(
        site.admin("/metrics")
            .await
            .text
            .contains("scanhook_mode{tenant=\"default\",mode=\"dry_run\"} 1.0\n")
    );
    // The name of the tenant is taken out of the configuration.
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("[tenants.default]", "[tenants.other]");
    std::fs::write(&file, text).unwrap();
    site.restart().await;
    let why = waits(&site, &scan, "not_configured").await;
    assert!(why.contains("names no tenant `default` any more"), "{why}");
}

#[tokio::test]
async fn a_quota_that_is_spent_is_told_with_its_numbers() {
    let tenant = "quota = { per_minute = 2, per_hour = 100 }";
    let site = Site::with(Wish {
        tenant,
        ..Wish::default()
    })
    .await;
    let mut last = String::new();
    for n in 1..=4 {
        last = scan_id(
            &site
                .accepted(alert(&n.to_string(), "high", &machine(n)))
                .await,
        );
    }
    let told = until("the quota is the reason", async || {
        let waits = site.scan(&last).await["waits"][0].clone();
        ["quota", "kept_for_urgent"]
            .contains(&waits["cause"].as_str()?)
            .then_some(waits)
    })
    .await;
    let why = told["why"].as_str().unwrap();
    assert!(
        why.contains(" of 2 in the last minute, ") && why.contains(" of 100 in the last hour"),
        "{why}"
    );
    assert!(told["until"].is_string(), "{told}");
}

#[tokio::test]
async fn status_names_what_is_parked_and_does_not_drown_in_quotas() {
    let site = Site::open().await;
    site.accepted(json!({ "alert_id": "1", "severity": "high", "title": "t" }).to_string())
        .await;
    let status = site.get("/api/v1/status").await;
    assert_eq!(status["parked"], 1);
    let text = says(&site, &["status"]).await;
    assert!(text.contains("PARKED     1 alert, the last at "), "{text}");
    assert!(
        text.contains("`scanhook alerts --state parked` says why"),
        "{text}"
    );
    let text = says(&site, &["status", "--tenant", "default"]).await;
    assert!(text.matches("quota ").count() <= 1, "{text}");
    assert!(
        text.contains(&format!("tenant {TENANT}")) || text.contains("token      none yet"),
        "{text}"
    );
}

#[test]
fn every_reason_and_every_wait_is_explained() {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(PathBuf::from("docs/reasons.md")),
    )
    .unwrap();
    let section = text
        .split_once("\n## What is waited for\n")
        .unwrap()
        .1
        .split("\n## ")
        .next()
        .unwrap();
    let codes = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let known: Vec<_> = scanhook_core::wait::Cause::ALL
        .iter()
        .map(|cause| cause.code())
        .collect();
    assert_eq!(codes.collect::<Vec<_>>(), known);
}

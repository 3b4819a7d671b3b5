//! A night with names of every script: status, the lists, the summary and explanations.

use std::time::Duration;

use scanhook_simulator::Setup;
use serde_json::{Value, json};

use super::{NARROW, Screens, WIDE, says_all, shown};
use crate::harness::{Site, TENANT, Wish, generic, listed, machine, two_customers, until};

pub const WIDE_NAME: &str = "端末-会計-07";
const OFFICE: &str = "büro-étage-2";
/// No host name; what is in it is two columns wide, or none.
const KIOSK: &str = "kiosk-🖥-e\u{301}";

const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[protect]]
name    = "domain controllers are for people who know what they do"
when    = { device.name.glob = "dc-*" }
at_most = "hold"

[[rule]]
name = "重大: ransomware and stolen credentials on any machine"
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

fn about(id: &str, severity: &str, title: &str, devices: Value) -> String {
    let url = format!("https://siem.corp.example/incidents/{id}?tab=timeline");
    json!({ "alert_id": id, "title": title, "severity": severity, "devices": devices, "url": url })
        .to_string()
}

/// An installation to which nothing has happened yet.
pub async fn quiet() -> Site {
    let machines = vec![
        listed(1, "srv-file-1.headquarters.corp.example", TENANT),
        listed(42, "lt-042.corp.example", TENANT),
        listed(7, WIDE_NAME, TENANT),
        listed(8, OFFICE, TENANT),
    ];
    let outcomes = [(machine(8), "Failed".to_owned())].into();
    let mut wish = Wish {
        rules: RULES.to_owned(),
        config: Some(two_customers(
            "southern-branches",
            &[
                generic("soc", "north"),
                generic("branch-office-siem", "southern-branches"),
            ]
            .concat(),
        )),
        ..Wish::default()
    };
    wish.setup = Setup {
        machines,
        outcomes,
        ..wish.setup
    };
    Site::with(wish).await
}

/// The same after a night. Each alert comes when all before it is decided, so that the order is always the same.
pub async fn night() -> Site {
    let site = quiet().await;
    let long = "Suspicious use of a signed binary that came with the operating system, from a folder for temporary files";
    for (source, body) in [
        (
            "soc",
            about(
                "3212",
                "critical",
                "Ransomware",
                json!([{ "mde_id": machine(1), "name": "srv-file-1.headquarters.corp.example" }]),
            ),
        ),
        (
            "soc",
            about("3213", "low", "Odd logon", json!([{ "name": "LT-042" }])),
        ),
        (
            "soc",
            about(
                "3214",
                "high",
                "資格情報の窃取が検出されました",
                json!([{ "mde_id": machine(7), "name": WIDE_NAME }]),
            ),
        ),
        (
            "soc",
            about(
                "3215",
                "medium",
                long,
                json!([{ "mde_id": machine(42), "name": "lt-042" }]),
            ),
        ),
        ("soc", about("3216", "high", "No device", json!([]))),
        (
            "soc",
            about(
                "3217",
                "high",
                "🔥 Beacon from Cafe\u{301} de l'E\u{301}toile",
                json!([{ "mde_id": machine(8), "name": OFFICE }]),
            ),
        ),
        (
            "soc",
            about(
                "3218-of-a-sender-with-long-names-for-its-alerts",
                "high",
                "Kiosk",
                json!([{ "name": KIOSK }]),
            ),
        ),
        (
            "branch-office-siem",
            about(
                "9",
                "high",
                "Beacon",
                json!([{ "mde_id": machine(142), "name": "dc-1" }]),
            ),
        ),
    ] {
        assert_eq!(site.post(source, body).await.status, 202);
        settled(&site).await;
    }
    let closed = json!({ "alert_id": "3219", "title": "Over", "severity": "high", "status": "recovered", "devices": [{ "name": WIDE_NAME }] });
    assert_eq!(site.post("soc", closed.to_string()).await.status, 202);
    site
}

/// Waits until every decision is made and every scan is over.
pub async fn settled(site: &Site) {
    until("all is decided and over", async || {
        let decided = items(&site.get("/api/v1/decisions").await)
            .iter()
            .all(|one| one["state"] != "resolving");
        let over = items(&site.get("/api/v1/scans").await)
            .iter()
            .all(|one| one["state"] == "finished");
        (decided && over).then_some(())
    })
    .await;
    // What was decided in one millisecond has no order.
    tokio::time::sleep(Duration::from_millis(2)).await;
}

pub fn items(page: &Value) -> Vec<Value> {
    page["items"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {page}"))
        .clone()
}

/// A verb of the program, which asks this installation.
pub async fn asked(site: &Site, columns: usize, args: &[&str]) -> String {
    let (folder, admin) = (
        site.folder.path().to_owned(),
        format!("http://{}", site.admin),
    );
    let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    if !["explain", "send", "replay"].contains(&args[0].as_str()) {
        args.extend(["--admin".to_owned(), admin]);
    }
    // The responder runs on this thread.
    let run = move || {
        shown(
            &folder,
            columns,
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn both(screens: &mut Screens, site: &Site, args: &[&str]) {
    for columns in [NARROW, WIDE] {
        let shown = asked(site, columns, args).await;
        screens.add(columns, &args.join(" "), &shown);
    }
}

#[tokio::test]
async fn the_status_of_a_night_fits_and_has_a_line_for_each_tenant() {
    let site = night().await;
    let mut screens = Screens::of("status");
    both(&mut screens, &site, &["status"]).await;
    both(&mut screens, &site, &["status", "--details"]).await;
    for args in [
        &["status", "--tenant", "north"][..],
        &["status", "--source", "soc"],
        &["status", "--tenant", "nobody"],
    ] {
        screens.add(NARROW, &args.join(" "), &asked(&site, NARROW, args).await);
    }
    let text = asked(&site, WIDE, &["status"]).await;
    for tenant in ["north ", "southern-branches "] {
        assert_eq!(
            text.lines().filter(|line| line.starts_with(tenant)).count(),
            1,
            "{text}"
        );
    }
    assert!(
        text.find("problems").unwrap() < text.find("TENANT").unwrap(),
        "{text}"
    );
    let one = asked(&site, WIDE, &["status", "--tenant", "north", "-o", "json"]).await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["tenants"].as_array().unwrap().len(), 1, "{one}");
    screens.kept(7);
}

#[tokio::test]
async fn the_lists_of_a_night_fit_and_nothing_of_them_is_lost() {
    let site = night().await;
    let mut screens = Screens::of("lists");
    for (list, keys) in [
        (
            "alerts",
            &["id", "title", "severity", "state", "delivery"][..],
        ),
        ("decisions", &["id", "state", "reason", "why", "alert"]),
        ("scans", &["id", "rule", "name"]),
    ] {
        both(&mut screens, &site, &[list]).await;
        let all = items(&site.get(&format!("/api/v1/{list}")).await);
        says_all(&all, keys, &asked(&site, NARROW, &[list]).await);
    }
    both(&mut screens, &site, &["decisions", "--state", "held"]).await;
    both(&mut screens, &site, &["held"]).await;
    both(&mut screens, &site, &["held", "--group", "machine"]).await;
    both(&mut screens, &site, &["machine", WIDE_NAME]).await;
    screens.add(
        NARROW,
        "alerts --state parked",
        &asked(&site, NARROW, &["alerts", "--state", "parked"]).await,
    );
    screens.add(
        NARROW,
        "scans --reason failed",
        &asked(&site, NARROW, &["scans", "--reason", "failed"]).await,
    );
    let scan = items(&site.get("/api/v1/scans?reason=failed").await)[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for columns in [NARROW, WIDE] {
        screens.add(
            columns,
            "scans ID",
            &asked(&site, columns, &["scans", &scan]).await,
        );
    }
    both(&mut screens, &site, &["summary"]).await;
    screens.kept(20);
}

#[tokio::test]
async fn explanations_of_a_night_fit() {
    let site = night().await;
    let mut screens = Screens::of("explain");
    both(&mut screens, &site, &["explain", "--device", WIDE_NAME]).await;
    both(&mut screens, &site, &["explain", "--device", "dc-1"]).await;
    let body = about(
        "1",
        "medium",
        "メールの添付ファイル",
        json!([{ "name": KIOSK }]),
    );
    std::fs::write(site.folder.path().join("body.json"), body).unwrap();
    both(
        &mut screens,
        &site,
        &["explain", "body.json", "--source", "soc"],
    )
    .await;
    screens.kept(6);
}

#[tokio::test]
async fn screens_fit_where_nothing_has_happened_yet() {
    let site = quiet().await;
    until("it has a token", async || {
        let status = site.get("/api/v1/status").await;
        let tenants = status["tenants"].as_array().unwrap().clone();
        tenants
            .iter()
            .all(|tenant| tenant["lane"]["audience"].is_string())
            .then_some(())
    })
    .await;
    let mut screens = Screens::of("quiet");
    both(&mut screens, &site, &["status"]).await;
    for args in [
        &["alerts"][..],
        &["decisions"],
        &["scans"],
        &["summary"],
        &["decisions", "--state", "held"],
        &["held"],
        &["machine", "lt-042"],
        &["resume"],
    ] {
        screens.add(NARROW, &args.join(" "), &asked(&site, NARROW, args).await);
    }
    screens.kept(10);
}

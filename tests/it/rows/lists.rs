//! Lists with their filters, and single things.

use serde_json::{Value, json};

use super::{RULES, about, items, send};
use crate::harness::{SOUTH, Site, TENANT, Wish, generic, listed, machine, two_customers, until};

async fn page(site: &Site, path: &str) -> Value {
    site.get(&format!("/api/v1/{path}")).await
}

fn alerts_of(page: &Value, key: &str) -> Vec<String> {
    let of = items(page).iter();
    of.map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

/// Three alerts: one that is scanned and over, one that waits for a person, one that nobody asks for.
async fn night() -> Site {
    let mut wish = Wish {
        rules: RULES.to_owned(),
        ..Wish::default()
    };
    let mut first = listed(1, "lt-001.corp.example", TENANT);
    first
        .record
        .insert("machineTags".to_owned(), json!(["finance"]));
    wish.setup.machines = vec![first, listed(2, "lt-002", TENANT)];
    let site = Site::with(wish).await;
    send(&site, "1", "high", "Ransom note dropped", &[(1, "lt-001")]).await;
    send(&site, "2", "medium", "Odd logon", &[(2, "lt-002")]).await;
    send(&site, "3", "informational", "Hello", &[(3, "lt-003")]).await;
    until("the scan is over", async || {
        let scans = page(&site, "scans").await;
        (items(&scans)[0]["state"] == "finished").then_some(())
    })
    .await;
    site
}

#[tokio::test]
async fn a_row_of_a_decision_says_all_that_a_person_needs_to_decide() {
    let site = night().await;
    let held = page(&site, "decisions?state=held").await;
    assert_eq!((items(&held).len(), &held["total"]), (1, &json!(1)));
    let row = &items(&held)[0];
    let delivery = row["delivery"].as_str().unwrap();
    for (key, value) in [
        ("title", json!("Odd logon")),
        ("severity", json!("medium")),
        ("url", json!("https://siem.example/2")),
        ("move", json!("person")),
        ("state", json!("held")),
        ("n", json!(0)),
        ("rule", json!("ask")),
    ] {
        assert_eq!(row[key], value, "{key} of {row}");
    }
    assert_eq!(row["ends_at"], row["hold_ends"]);
    assert!(row["ends_at"].is_string() && row["why"].is_string());
    assert_eq!(
        (
            &row["device"]["said"],
            &row["device"]["name"],
            &row["device"]["machine"]
        ),
        (&json!(machine(2)), &json!("lt-002"), &json!(machine(2)))
    );
    // The same by its id, whole or cut, and its alert by delivery and place.
    let id = row["id"].as_str().unwrap();
    assert_eq!(page(&site, &format!("decisions/{id}")).await, *row);
    let alert = page(&site, &format!("alerts/{delivery}/0")).await;
    assert_eq!(
        (&alert["id"], &alert["move"], &alert["tenant"]),
        (&json!("2"), &json!("person"), &json!("default"))
    );
    assert_eq!(alert["why"], row["why"]);
    for path in [
        format!("decisions/{delivery}"),
        "decisions/nonsense".to_owned(),
        format!("alerts/{delivery}/1"),
        format!("alerts/{id}/0"),
        "alerts/x/0".to_owned(),
    ] {
        let answer = site.admin(&format!("/api/v1/{path}")).await;
        let code = answer.json()["code"].clone();
        assert_eq!((answer.status, code), (404, json!("unknown-id")), "{path}");
    }

    // Why it is so, rule by rule.
    let explained = page(&site, &format!("decisions/{id}/explain")).await;
    assert_eq!(
        (
            &explained["stored"]["id"],
            &explained["alert"],
            &explained["policy"]
        ),
        (&row["id"], &json!("2"), &row["policy"])
    );
    let told = explained["worlds"][0]["rules"].to_string();
    assert!(
        told.contains("ransom") && told.contains("ask"),
        "{explained}"
    );
    let answer = site.admin("/api/v1/decisions/01a19b54/explain").await;
    assert_eq!(answer.status, 404);

    // What the directory told stands in the row, and the move of a decision is that of its scan.
    let scanned = page(&site, "decisions?state=scan").await;
    let row = &items(&scanned)[0];
    assert_eq!(row["move"], "nobody", "{row}");
    assert_eq!(
        (
            &row["device"]["name"],
            &row["device"]["os"],
            &row["device"]["tags"]
        ),
        (
            &json!("lt-001.corp.example"),
            &json!("Windows11"),
            &json!(["finance"])
        )
    );
}

#[tokio::test]
async fn lists_are_narrowed_by_whatever_stands_in_their_rows() {
    let site = night().await;
    for (path, expected) in [
        ("alerts?title=NOTE", vec!["1"]),
        ("alerts?q=logon", vec!["2"]),
        ("alerts?severity=high", vec!["1"]),
        ("alerts?decision_state=held", vec!["2"]),
        ("alerts?reason=approval", vec!["2"]),
        ("alerts?reason=no_match", vec!["3"]),
        ("alerts?rule=ransom", vec!["1"]),
        ("alerts?tenant=default&since=1h", vec!["3", "2", "1"]),
        ("alerts?until=1h", vec![]),
    ] {
        assert_eq!(
            alerts_of(&page(&site, path).await, "id"),
            expected,
            "{path}"
        );
    }
    let second = format!("decisions?machine={}", machine(2).to_uppercase());
    for (path, expected) in [
        ("decisions?title=ransom", vec!["1"]),
        ("decisions?severity=medium", vec!["2"]),
        ("decisions?severity=critical", vec![]),
        (&second, vec!["2"]),
        ("decisions?source=siem&rule=ask", vec!["2"]),
        ("decisions?source=other", vec![]),
    ] {
        assert_eq!(
            alerts_of(&page(&site, path).await, "alert"),
            expected,
            "{path}"
        );
    }
    for (path, expected) in [
        ("scans?outcome=succeeded", 1),
        ("scans?outcome=failed", 0),
        ("scans?kind=full", 1),
        ("scans?kind=quick", 0),
        ("scans?paused=true", 0),
        ("scans?paused=false", 1),
    ] {
        assert_eq!(items(&page(&site, path).await).len(), expected, "{path}");
    }
    for (path, code, key) in [
        (
            "alerts?decision_state=parked",
            "bad-value",
            "decision_state",
        ),
        ("decisions?machine=lt-002", "bad-value", "machine"),
        ("scans?kind=huge", "bad-value", "kind"),
        ("scans?paused=yes", "bad-value", "paused"),
        ("scans?title=x", "unknown-parameter", "title"),
        ("live?x=1", "unknown-parameter", "x"),
        ("policies?x=1", "unknown-parameter", "x"),
        ("machines", "bad-value", "device"),
        ("rules?window=soon", "bad-value", "window"),
    ] {
        let answer = site.admin(&format!("/api/v1/{path}")).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"], &problem["key"]),
            (400, &json!(code), &json!(key)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_scan_says_how_it_stands_and_until_when_it_answers_for_new_alerts() {
    let site = night().await;
    let scans = page(&site, "scans").await;
    let scan = &items(&scans)[0];
    assert_eq!(
        (
            &scan["move"],
            &scan["device"]["name"],
            &scan["device"]["machine"]
        ),
        (
            &json!("nobody"),
            &json!("lt-001.corp.example"),
            &json!(machine(1))
        )
    );
    assert!(
        scan["why"].as_str().unwrap().contains("not a verdict"),
        "{scan}"
    );
    let cools = scan["cools_until"].as_str().unwrap();
    assert!(cools > scan["ended_at"].as_str().unwrap(), "{scan}");
    // A new alert is answered by it, as said.
    send(&site, "4", "high", "Again", &[(1, "lt-001")]).await;
    let again = page(&site, "decisions?alert=4").await;
    assert_eq!(items(&again)[0]["reason"], "cooldown");

    site.ordered("/api/v1/pause", json!({ "device": "lt-009" }))
        .await;
    send(&site, "5", "high", "Paused", &[(9, "lt-009")]).await;
    let paused = until("it is paused", async || {
        let paused = page(&site, "scans?paused=true").await;
        items(&paused).first().cloned()
    })
    .await;
    assert_eq!(
        (&paused["move"], &paused["kind"]),
        (&json!("person"), &json!("full"))
    );
}

#[tokio::test]
async fn a_machine_is_told_with_its_names_its_record_and_its_latest() {
    let site = night().await;
    let found = page(&site, "machines?device=LT-001.corp.example").await;
    assert_eq!(
        found,
        json!([{ "tenant": "default", "id": machine(1), "name": "lt-001.corp.example" }])
    );
    site.ordered("/api/v1/pause", json!({ "device": "lt-001", "by": "anna" }))
        .await;
    site.ordered("/api/v1/pause", json!({ "device": "lt-002" }))
        .await;
    let view = page(&site, &format!("machines/default/{}", machine(1))).await;
    assert_eq!(
        (&view["directory"]["os"], &view["directory"]["tags"]),
        (&json!("Windows11"), &json!(["finance"])),
        "{view}"
    );
    for name in ["lt-001", "lt-001.corp.example", &machine(1)] {
        assert!(
            view["names"].as_array().unwrap().contains(&json!(name)),
            "{name}: {view}"
        );
    }
    let counts =
        ["scans", "decisions", "alerts", "pauses"].map(|key| view[key].as_array().unwrap().len());
    assert_eq!(counts, [1, 1, 1, 1], "{view}");
    assert_eq!(view["pauses"][0]["by"], "anna");
    assert!(
        view["cooling"]["why"]
            .as_str()
            .unwrap()
            .contains("a full scan succeeded"),
        "{view}"
    );
    for path in [
        format!("machines/default/{}", machine(77)),
        format!("machines/nobody/{}", machine(1)),
        "machines/default/lt-001".to_owned(),
    ] {
        let answer = site.admin(&format!("/api/v1/{path}")).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("unknown-id"))
        );
    }
}

#[tokio::test]
async fn a_machine_that_two_tenants_know_is_told_for_each() {
    let sources = [generic("soc", "north"), generic("branch", "south")].concat();
    let mut wish = Wish {
        rules: RULES.to_owned(),
        config: Some(two_customers("south", &sources)),
        ..Wish::default()
    };
    wish.setup.machines = vec![listed(1, "lt-1", TENANT), listed(1, "lt-1", SOUTH)];
    let site = Site::with(wish).await;
    for source in ["soc", "branch"] {
        let body = about("1", "medium", "Odd logon", &[(1, "lt-1")]);
        assert_eq!(site.post(source, body).await.status, 202);
    }
    let held = until("both are held", async || {
        let held = page(&site, "held?group=machine").await;
        (held["decisions"] == 2).then_some(held)
    })
    .await;
    assert_eq!(held["total"], 2, "a machine is its tenant's: {held}");
    let found = page(&site, "machines?device=lt-1").await;
    let tenants: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["tenant"].as_str().unwrap())
        .collect();
    assert_eq!(tenants, ["north", "south"]);
    let by_alert = page(&site, "held?tenant=south").await;
    assert_eq!(
        (&by_alert["decisions"], &items(&by_alert)[0]["tenant"]),
        (&json!(1), &json!("south"))
    );
    let north = page(&site, &format!("machines/north/{}", machine(1))).await;
    assert_eq!(north["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(north["decisions"][0]["tenant"], "north");
}

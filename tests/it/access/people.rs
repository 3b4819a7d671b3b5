//! Two people on a protection: who counts as the second, whatever way the order comes, and what is shown meanwhile.

use std::time::Duration;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{ask, code, table, token};
use crate::harness::{Answer, Site, Wish, alert, join, machine, never, until};

/// High takes two people; medium takes one; of what only has a name nobody knows whether it is protected.
const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[protect]]
name = "crown jewels"
when = { severity = "high" }
at_most = "hold"
people = 2
[[protect]]
name = "one is enough"
when = { severity = "medium" }
at_most = "hold"
[[protect]]
name = "by name"
when = { device.name.glob = "dc-*" }
at_most = "hold"
people = 2
[[rule]]
name = "all"
scan = "quick"
when = { source.exists = true }
"#;

const ANNA: u8 = 70;
const BOB: u8 = 71;
const XSOAR: u8 = 72;
const NAMESAKE: u8 = 73;
const OPERATOR: u8 = 74;

/// Two people, a program that acts for others, one person who has a second token, an operator, and this computer.
fn accounts() -> String {
    let approver = "role = \"approver\"";
    [
        "[admin]\nloopback = \"admin\"\n".to_owned(),
        table("anna", ANNA, approver),
        table("bob", BOB, approver),
        table("xsoar", XSOAR, &format!("{approver}\nfor_others = true")),
        table("Anna", NAMESAKE, approver),
        table("carol", OPERATOR, "role = \"operator\""),
    ]
    .concat()
}

async fn site_with(rules: &str, more: &str) -> Site {
    Site::with(Wish {
        rules: rules.to_owned(),
        more: format!("{}{more}", accounts()),
        ..Wish::default()
    })
    .await
}

async fn site() -> Site {
    site_with(RULES, "").await
}

/// A held decision of this machine; its id.
async fn held(site: &Site, id: &str, severity: &str, n: u32) -> String {
    let receipt = site.accepted(alert(id, severity, &machine(n))).await;
    site.resolved().await;
    let decision = &receipt["alerts"][0]["decisions"][0]["id"];
    let id = decision.as_str().unwrap().to_owned();
    assert_eq!(row(site, &id).await["state"], "held");
    id
}

async fn row(site: &Site, id: &str) -> Value {
    site.get(&format!("/api/v1/decisions/{id}")).await
}

/// An order by a token, or by this computer.
async fn order(site: &Site, who: Option<u8>, path: &str, body: Value) -> Answer {
    ask(
        site,
        Method::POST,
        path,
        who.map(token).as_deref(),
        Some(body),
    )
    .await
}

async fn approve(site: &Site, who: Option<u8>, id: &str, body: Value) -> Answer {
    order(site, who, &format!("/api/v1/decisions/{id}/approve"), body).await
}

fn results(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    let result = |item: &Value| item["result"].as_str().unwrap_or_default().to_owned();
    items.iter().map(result).collect()
}

#[tokio::test]
async fn a_second_approval_counts_where_neither_credential_nor_name_is_the_same() {
    let site = site().await;
    let by = |name: &str| json!({ "by": name });
    let nobody = || json!({});
    let cases = [
        ((Some(ANNA), nobody()), (Some(BOB), nobody()), true),
        ((Some(ANNA), nobody()), (Some(ANNA), nobody()), false),
        ((Some(ANNA), nobody()), (Some(NAMESAKE), nobody()), false),
        ((None, nobody()), (None, nobody()), false),
        ((None, nobody()), (Some(ANNA), nobody()), true),
        ((Some(ANNA), nobody()), (None, nobody()), true),
        ((Some(XSOAR), by("anna")), (Some(XSOAR), by("bob")), false),
        ((Some(XSOAR), by("anna")), (Some(ANNA), nobody()), false),
        ((Some(XSOAR), by("anna")), (Some(BOB), nobody()), true),
        ((Some(ANNA), nobody()), (Some(XSOAR), by("bob")), false),
    ];
    let mut begun = 0;
    for (n, ((first, said), (second, then), counts)) in (1..).zip(cases) {
        let id = held(&site, &format!("a-{n}"), "high", n).await;
        let once = approve(&site, first, &id, said).await;
        assert_eq!(once.status, 200, "{n}: {}", once.text);
        assert_eq!(results(&once), ["approved_once"], "{n}");
        assert_eq!(
            (&once.json()["needs"], &once.json()["items"][0]["needs"]),
            (&json!(1), &json!(1))
        );
        let given = row(&site, &id).await["people"]["given"].clone();
        let twice = approve(&site, second, &id, then).await;
        let decision = row(&site, &id).await;
        if counts {
            assert_eq!(results(&twice), ["approved"], "{n}: {}", twice.text);
            assert_eq!(
                decision["approvals"].as_array().unwrap().len(),
                2,
                "{decision}"
            );
            let scan = decision["scan_id"]
                .as_str()
                .unwrap_or_else(|| panic!("{n}: {decision}"));
            site.scan_in(scan, "finished").await;
            begun += 1;
        } else {
            assert_eq!(
                (twice.status, code(&twice).as_str()),
                (409, "second-person-needed"),
                "{n}"
            );
            assert_eq!(twice.json()["given"], given, "{n}");
            assert_eq!(
                (&decision["state"], &decision["people"]["given"]),
                (&json!("held"), &given)
            );
            assert_eq!(decision["scan_id"], Value::Null);
        }
    }
    assert_eq!(site.far.scans().len(), begun, "nothing else was begun");
}

#[tokio::test]
async fn two_tabs_of_one_person_count_once_and_two_people_at_once_begin_one_scan() {
    let site = site().await;
    let id = held(&site, "1", "high", 1).await;
    let tab = || approve(&site, Some(ANNA), &id, json!({}));
    let mut told: Vec<u16> = join(vec![tab(), tab(), tab()])
        .await
        .iter()
        .map(|one| one.status)
        .collect();
    told.sort_unstable();
    assert_eq!(told, [200, 409, 409]);
    let decision = row(&site, &id).await;
    assert_eq!(
        (&decision["state"], &decision["people"]),
        (&json!("held"), &json!({ "needed": 2, "given": ["anna"] }))
    );

    let both = held(&site, "2", "high", 2).await;
    let each = |who| approve(&site, Some(who), &both, json!({}));
    let mut told: Vec<String> = join(vec![each(ANNA), each(BOB)])
        .await
        .iter()
        .flat_map(results)
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["approved", "approved_once"]);
    let scan = row(&site, &both).await["scan_id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.scan_in(&scan, "finished").await;
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn no_way_in_goes_past_the_second_person() {
    let site = site().await;
    let (one, two) = (
        held(&site, "1", "high", 1).await,
        held(&site, "2", "high", 2).await,
    );
    let all = "/api/v1/decisions/approve";
    let preview = json!({ "rule": "all", "preview": true });
    let seen = order(&site, Some(ANNA), all, preview.clone()).await.json();
    assert_eq!(
        (&seen["decisions"], &seen["second_person"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        results(&order(&site, Some(ANNA), all, json!({ "ids": [one] })).await),
        ["approved_once"]
    );
    let then = order(&site, Some(BOB), all, preview).await.json();
    assert_eq!(then["second_person"], 1, "one of them would be begun");
    assert_ne!(seen["digest"], then["digest"]);

    // Whoever agreed to a first approval does not begin a scan.
    let stale = json!({ "rule": "all", "expect": { "digest": seen["digest"] } });
    assert_eq!(
        code(&order(&site, Some(BOB), all, stale).await),
        "changed-since"
    );
    let group = site.get("/api/v1/held?group=rule").await["items"][0].clone();
    assert_eq!(group["people"], json!({ "needed": 2, "given": ["anna"] }));
    assert_eq!(group["approved_once"], 1);
    for body in [
        json!({ "ids": [one, two] }),
        json!({ "rule": "all" }),
        json!({ "group": group["key"] }),
        json!({ "ids": [one], "now": true }),
        json!({ "held": "protection", "now": true }),
    ] {
        let told = order(&site, Some(ANNA), all, body).await;
        assert!(
            results(&told).contains(&"second-person-needed".to_owned()),
            "{}",
            told.text
        );
    }
    let path = format!("/api/v1/decisions/{one}/approve");
    let named = order(
        &site,
        Some(ANNA),
        &path,
        json!({ "machine": machine(1), "now": true }),
    )
    .await;
    assert_eq!(
        (named.status, code(&named).as_str()),
        (409, "second-person-needed")
    );
    // A retry is no approval: of what is held, of what was denied, and of what two people had approved.
    let retry = |id: &str| {
        order(
            &site,
            Some(OPERATOR),
            "/api/v1/retry",
            json!({ "ids": [id], "now": true }),
        )
    };
    assert_eq!(results(&retry(&one).await), ["not-retryable"]);
    let denied = order(
        &site,
        Some(BOB),
        &format!("/api/v1/decisions/{one}/deny"),
        json!({}),
    )
    .await;
    assert_eq!(results(&denied), ["denied"], "one denial is enough");
    assert_eq!(
        row(&site, &one).await["approvals"][0]["name"],
        "anna",
        "it stays in the record"
    );
    assert_eq!(results(&retry(&one).await), ["retried"]);
    let again = row(&site, &one).await;
    assert_eq!(
        (&again["state"], &again["people"]["given"]),
        (&json!("held"), &json!([]))
    );
    assert_eq!(
        results(&approve(&site, Some(ANNA), &one, json!({})).await),
        ["approved_once"],
        "anew"
    );
    never("nothing was begun", || !site.far.scans().is_empty()).await;

    site.ordered("/api/v1/pause", json!({})).await;
    let begun = approve(&site, Some(BOB), &one, json!({})).await.json();
    let scan = begun["items"][0]["scan_id"].as_str().unwrap().to_owned();
    site.ordered(&format!("/api/v1/scans/{scan}/cancel"), json!({}))
        .await;
    assert_eq!(results(&retry(&scan).await), ["retried"]);
    let held_again = row(&site, &one).await;
    assert_eq!(
        (&held_again["state"], &held_again["people"]["given"]),
        (&json!("held"), &json!([]))
    );
}

#[tokio::test]
async fn what_is_held_together_is_approved_together_and_each_by_what_it_asks_for() {
    let site = site().await;
    let first = held(&site, "1", "high", 1).await;
    let second = held(&site, "2", "high", 1).await;
    let once = approve(&site, Some(ANNA), &second, json!({ "reason": "INC-7" })).await;
    assert_eq!(results(&once), ["approved_once", "approved_once"]);
    // What comes after the first approval was not seen by whoever gave it.
    let late = held(&site, "3", "high", 1).await;
    let twice = approve(&site, Some(BOB), &first, json!({})).await;
    assert_eq!(results(&twice), ["approved", "approved", "approved_once"]);
    let rest = approve(&site, Some(ANNA), &late, json!({})).await;
    assert_eq!(results(&rest), ["approved"]);
    assert_eq!(
        row(&site, &late).await["people"]["given"],
        json!(["bob", "anna"])
    );
    // The other protection asks for one.
    let medium = held(&site, "4", "medium", 9).await;
    assert_eq!(row(&site, &medium).await.get("people"), None);
    assert_eq!(
        results(&approve(&site, Some(ANNA), &medium, json!({})).await),
        ["approved"]
    );
}

#[tokio::test]
async fn a_first_approval_is_shown_wherever_the_decision_is() {
    let site = site().await;
    let id = held(&site, "1", "high", 1).await;
    let before = row(&site, &id).await;
    assert!(
        before["why"]
            .as_str()
            .unwrap()
            .contains("holds it for two people; two people decide until"),
        "{before}"
    );
    approve(&site, Some(ANNA), &id, json!({ "reason": "INC-7" })).await;
    let shown = row(&site, &id).await;
    let why = shown["why"].as_str().unwrap();
    assert!(
        why.contains("approved by anna (INC-7) at ")
            && why.contains("; needs one more person until "),
        "{why}"
    );
    let approval = &shown["approvals"][0];
    assert_eq!(
        (&approval["name"], &approval["reason"]),
        (&json!("anna"), &json!("INC-7"))
    );
    assert!(
        approval["at"].as_str().unwrap().ends_with('Z'),
        "{approval}"
    );
    let event = &shown["events"][0];
    assert_eq!(
        [&event["what"], &event["who"], &event["detail"]],
        [&json!("approved_once"), &json!("anna"), &json!("INC-7")]
    );
    let listed = site.get("/api/v1/decisions?state=held").await["items"][0].clone();
    assert_eq!(
        (&listed["people"], &listed["approvals"]),
        (&shown["people"], &shown["approvals"])
    );
    let explained = site
        .get(&format!("/api/v1/decisions/{id}/explain"))
        .await
        .to_string();
    assert!(explained.contains("needs one more person"), "{explained}");
    let audit = site.get("/api/v1/audit?what=approve").await["items"][0]["entry"].clone();
    assert_eq!(
        [&audit["subject"], &audit["result"], &audit["reason"]],
        [
            &json!("token:anna"),
            &json!("approved_once"),
            &json!("INC-7")
        ]
    );
    let told = site.get("/api/v1/held?group=alert").await["items"][0]["why"].clone();
    assert!(
        told.as_str().unwrap().contains("approved by anna"),
        "{told}"
    );
    let events = site.admin("/api/v1/events").await.text;
    let last = events
        .lines()
        .rfind(|line| line.contains("decision.held"))
        .unwrap();
    assert!(
        last.contains("was approved by anna and needs one more person"),
        "{last}"
    );

    approve(&site, Some(BOB), &id, json!({})).await;
    let why = row(&site, &id).await["why"].clone();
    assert!(
        why.as_str().unwrap().ends_with("; approved by bob")
            && why
                .as_str()
                .unwrap()
                .contains("approved by anna (INC-7) at "),
        "{why}"
    );
}

#[tokio::test]
async fn an_approval_that_nobody_follows_expires_and_stays_in_the_record() {
    let site = site_with(
        &RULES.replace("[defaults]", "[defaults]\nhold_for = \"2s\""),
        "",
    )
    .await;
    let id = held(&site, "1", "high", 1).await;
    approve(&site, Some(ANNA), &id, json!({})).await;
    let expired = until("it expires", async || {
        let decision = row(&site, &id).await;
        (decision["reason"] == "expired").then_some(decision)
    })
    .await;
    assert_eq!(expired["approvals"][0]["name"], "anna");
    let why = expired["why"].as_str().unwrap();
    assert!(
        why.contains("no second person decided while it was held"),
        "{why}"
    );
    let late = approve(&site, Some(BOB), &id, json!({})).await;
    assert_eq!(code(&late), "not-held");
    assert!(site.far.scans().is_empty());
}

#[tokio::test]
async fn two_people_agree_about_one_machine() {
    let site = site().await;
    let body = r#"{"alert_id":"1","title":"t","severity":"low","device_name":"lt-042"}"#;
    let receipt = site.accepted(body).await;
    site.resolved().await;
    let id = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    assert_eq!(
        row(&site, id).await["people"]["needed"],
        2,
        "nobody knows that it is no domain controller"
    );
    let by = |who, n| approve(&site, Some(who), id, json!({ "machine": machine(n) }));
    assert_eq!(results(&by(ANNA, 1).await), ["approved_once"]);
    assert_eq!(
        results(&by(BOB, 2).await),
        ["approved_once"],
        "of another machine"
    );
    assert_eq!(by(BOB, 2).await.status, 409);
    assert!(site.far.scans().is_empty());
    assert_eq!(results(&by(ANNA, 2).await), ["approved"]);
    let scan = row(&site, id).await["scan_id"].as_str().unwrap().to_owned();
    assert_eq!(
        site.scan_in(&scan, "finished").await["machine"],
        json!(machine(2))
    );
}

#[tokio::test]
async fn a_record_that_is_damaged_still_takes_two_people() {
    let site = site().await;
    let id = held(&site, "1", "high", 1).await;
    let db = Connection::open(site.journal()).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let cut = "UPDATE decision SET why = '{\"people\":2,'";
    assert_eq!(db.execute(cut, []).unwrap(), 1);
    let once = approve(&site, Some(ANNA), &id, json!({})).await;
    assert_eq!(once.status, 200, "{}", once.text);
    assert_eq!(results(&once), ["approved_once"]);
    let again = approve(&site, Some(ANNA), &id, json!({})).await;
    assert_eq!(again.status, 409, "{}", again.text);
    let twice = approve(&site, Some(BOB), &id, json!({})).await;
    assert_eq!(results(&twice), ["approved"], "{}", twice.text);
}

#[tokio::test]
async fn windows_are_passed_over_only_if_both_say_so() {
    let windows = "[windows.never]\ntimezone = \"UTC\"\nhours = [\"06:00-06:00\"]\n";
    let rules = RULES.replace("scan = \"quick\"", "scan = \"quick\"\nstart = \"never\"") + windows;
    let site = site_with(&rules, "").await;
    let (one, both) = (
        held(&site, "1", "high", 1).await,
        held(&site, "2", "high", 2).await,
    );
    let now = || json!({ "now": true });
    approve(&site, Some(ANNA), &one, json!({})).await;
    approve(&site, Some(BOB), &one, now()).await;
    approve(&site, Some(ANNA), &both, now()).await;
    approve(&site, Some(BOB), &both, now()).await;
    let scan = async |id: &str| row(&site, id).await["scan_id"].as_str().unwrap().to_owned();
    site.scan_in(&scan(&both).await, "finished").await;
    assert_eq!(site.scan(&scan(&one).await).await["state"], "waiting");
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn rules_that_ask_for_two_people_are_not_put_in_force_while_nobody_is_given_access() {
    let site = Site::open().await;
    let policy = site.get("/api/v1/status").await["policy"].clone();
    std::fs::write(site.rules(), RULES).unwrap();
    let (status, problem) = site.refused("/-/reload", json!({})).await;
    assert_eq!(
        (status, &problem["faults"][0]["code"]),
        (422, &json!("no-second-person")),
        "{problem}"
    );
    assert_eq!(site.get("/api/v1/status").await["policy"], policy);

    // Nor is the last account taken away from rules that ask for two.
    let site = self::site().await;
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.split("[admin]").next().unwrap()).unwrap();
    let (status, problem) = site.refused("/-/reload", json!({})).await;
    assert_eq!(
        (status, &problem["faults"][0]["code"]),
        (422, &json!("no-second-person")),
        "{problem}"
    );
}

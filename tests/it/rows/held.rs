//! What is held, in groups, and orders that take a group.

use serde_json::{Value, json};

use super::{items, send, site};
use crate::harness::{Site, machine};

/// Two alerts of one title about four machines, and one of another about two of them and a fifth.
async fn held() -> Site {
    let site = site().await;
    let of = |range: std::ops::Range<u32>| -> Vec<(u32, String)> {
        range.map(|n| (n, format!("lt-{n}"))).collect()
    };
    for (id, title, machines) in [
        ("1", "Ransom note", of(1..4)),
        ("2", "Ransom note", of(3..5)),
        ("3", "Odd logon", of(4..6)),
    ] {
        let machines: Vec<(u32, &str)> = machines.iter().map(|(n, s)| (*n, s.as_str())).collect();
        send(&site, id, "medium", title, &machines).await;
    }
    site
}

async fn groups(site: &Site, by: &str) -> Value {
    site.get(&format!("/api/v1/held?group={by}")).await
}

fn titled<'v>(view: &'v Value, title: &str) -> &'v Value {
    let of = items(view).iter().find(|group| group["title"] == title);
    of.unwrap_or_else(|| panic!("no group {title} in {view}"))
}

#[tokio::test]
async fn what_is_held_is_told_by_alert_by_rule_and_by_machine() {
    let site = held().await;
    let by_alert = groups(&site, "alert").await;
    assert_eq!(
        (
            &by_alert["decisions"],
            &by_alert["machines"],
            &by_alert["total"]
        ),
        (&json!(7), &json!(5), &json!(2))
    );
    let ransom = titled(&by_alert, "Ransom note");
    for (key, value) in [
        ("rule", json!("ask")),
        ("reason", json!("approval")),
        ("kind", json!("quick")),
        ("severity", json!("medium")),
        ("source", json!("siem")),
        ("machines", json!(4)),
        ("decisions", json!(5)),
        ("move", json!("person")),
        ("state", json!("held")),
        ("tenant", json!("default")),
        ("machine_needed", json!(0)),
    ] {
        assert_eq!(ransom[key], value, "{key} of {ransom}");
    }
    assert!(
        ransom["why"].as_str().unwrap().contains("`ask`"),
        "{ransom}"
    );
    assert!(ransom["oldest"].is_string() && ransom["first_ends_at"].is_string());
    // Machine 4 is held for the same reason in the other group, so its decision there is answered as well.
    assert_eq!(ransom["together"], 6);

    let by_rule = groups(&site, "rule").await;
    let rule = &items(&by_rule)[0];
    assert_eq!(
        (
            &rule["rule"],
            &rule["title"],
            &rule["decisions"],
            &rule["machines"]
        ),
        (&json!("ask"), &Value::Null, &json!(7), &json!(5))
    );

    let by_machine = groups(&site, "machine").await;
    assert_eq!(by_machine["total"], 5);
    let third = items(&by_machine)
        .iter()
        .find(|group| group["device"]["machine"] == machine(3))
        .unwrap();
    assert_eq!(
        (
            &third["device"]["name"],
            &third["decisions"],
            &third["title"]
        ),
        (&json!("lt-3"), &json!(2), &json!("Ransom note"))
    );

    // Filters narrow, and the page goes on.
    let one = site.get("/api/v1/held?group=machine&device=lt-3").await;
    assert_eq!((&one["total"], &one["decisions"]), (&json!(1), &json!(2)));
    let none = site.get("/api/v1/held?reason=limit").await;
    assert_eq!((&none["total"], &none["items"]), (&json!(0), &json!([])));
    let first = site.get("/api/v1/held?group=machine&limit=2").await;
    let next = first["next"].as_str().unwrap();
    let rest = site
        .get(&format!("/api/v1/held?group=machine&after={next}"))
        .await;
    assert_eq!((items(&first).len(), items(&rest).len()), (2, 3));
    for (query, code, key) in [
        ("group=device", "bad-value", "group"),
        ("limit=101", "bad-value", "limit"),
        ("reason=boredom", "bad-value", "reason"),
        ("colour=red", "unknown-parameter", "colour"),
    ] {
        let answer = site.admin(&format!("/api/v1/held?{query}")).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"], &problem["key"]),
            (400, &json!(code), &json!(key))
        );
    }
}

#[tokio::test]
async fn a_group_is_approved_as_it_was_seen_and_every_scan_begins() {
    let site = held().await;
    let view = groups(&site, "alert").await;
    let key = &titled(&view, "Ransom note")["key"];
    let preview = site
        .ordered(
            "/api/v1/decisions/approve",
            json!({ "group": key, "preview": true }),
        )
        .await;
    assert_eq!(
        (
            &preview["machines"],
            &preview["decisions"],
            &preview["shown"]
        ),
        (&json!(4), &json!(6), &json!(6)),
        "{preview}"
    );
    assert_eq!(preview["digest"], titled(&view, "Ransom note")["digest"]);
    let expect = json!({ "machines": 4, "decisions": 6, "digest": preview["digest"] });
    let told = site
        .ordered(
            "/api/v1/decisions/approve",
            json!({ "group": key, "expect": expect, "by": "anna" }),
        )
        .await;
    assert_eq!((&told["count"], &told["machines"]), (&json!(6), &json!(4)));
    let left = groups(&site, "alert").await;
    assert_eq!((&left["decisions"], &left["total"]), (&json!(1), &json!(1)));
    assert_eq!(site.rows().scan, 4);
    // The group is gone: who orders it again hears so.
    let (status, problem) = site
        .refused(
            "/api/v1/decisions/approve",
            json!({ "group": key, "expect": expect }),
        )
        .await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed-since")));
    assert_eq!(
        (&problem["machines"], &problem["decisions"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn what_changed_since_it_was_seen_is_not_answered() {
    let site = held().await;
    let view = groups(&site, "alert").await;
    let seen = titled(&view, "Odd logon").clone();
    // The numbers of the list do as well as those of the preview.
    let expect = json!({ "machines": seen["machines"], "decisions": seen["decisions"], "digest": seen["digest"] });
    send(&site, "4", "medium", "Odd logon", &[(9, "lt-9")]).await;
    for verb in ["approve", "deny"] {
        let (status, problem) = site
            .refused(
                &format!("/api/v1/decisions/{verb}"),
                json!({ "group": seen["key"], "expect": expect }),
            )
            .await;
        assert_eq!((status, &problem["code"]), (409, &json!("changed-since")));
        assert_eq!(
            (&problem["machines"], &problem["decisions"]),
            (&json!(3), &json!(4))
        );
        assert_ne!(problem["digest"], seen["digest"]);
    }
    assert_eq!(
        groups(&site, "rule").await["decisions"],
        8,
        "nothing was answered"
    );

    // A selection and ids are held to what was expected as well.
    let order = |more: Value| {
        let mut order = json!({ "expect": { "decisions": 1 } });
        order
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        order
    };
    let all = site.get("/api/v1/decisions?device=lt-3&state=held").await;
    let id = items(&all)[0]["id"].clone();
    for order in [
        order(json!({ "device": "lt-3" })),
        order(json!({ "ids": [id] })),
    ] {
        let (status, problem) = site.refused("/api/v1/decisions/deny", order).await;
        assert_eq!((status, &problem["decisions"]), (409, &json!(2)));
    }
    let now = site
        .ordered(
            "/api/v1/decisions/deny",
            json!({ "group": seen["key"], "preview": true }),
        )
        .await;
    let told = site
        .ordered(
            "/api/v1/decisions/deny",
            json!({ "group": seen["key"], "expect": { "digest": now["digest"] } }),
        )
        .await;
    assert_eq!(told["count"], 4);
}

#[tokio::test]
async fn an_order_that_expects_what_cannot_be_is_refused() {
    let site = held().await;
    for (order, code, key) in [
        (json!({ "group": "everything" }), "bad-value", "group"),
        (json!({ "group": "alert-1234" }), "bad-value", "group"),
        (json!({ "rule": "ask", "expect": 7 }), "bad-value", "expect"),
        (
            json!({ "rule": "ask", "expect": { "machines": "4" } }),
            "bad-value",
            "expect",
        ),
        (
            json!({ "rule": "ask", "expect": { "colour": 4 } }),
            "unknown-key",
            "expect.colour",
        ),
    ] {
        let (status, problem) = site.refused("/api/v1/decisions/approve", order).await;
        assert_eq!(
            (status, &problem["code"], &problem["key"]),
            (400, &json!(code), &json!(key))
        );
    }
    // A cancelled scan is in no group of what is held.
    let (_, problem) = site
        .refused(
            "/api/v1/scans/cancel",
            json!({ "group": "alert-0123456789abcdef" }),
        )
        .await;
    assert_eq!(problem["code"], "unknown-key");
    assert_eq!(site.rows().scan, 0);
}

/// Devices of the storm.
const STORM: u32 = 400;

#[tokio::test]
async fn a_storm_of_hundreds_of_devices_is_one_group_and_one_order() {
    let site = site().await;
    let names: Vec<String> = (0..STORM).map(|n| format!("dc-{n}")).collect();
    let machines: Vec<(u32, &str)> = (0..STORM).zip(names.iter().map(String::as_str)).collect();
    for (n, some) in machines.chunks(50).enumerate() {
        send(
            &site,
            &format!("s-{n}"),
            "critical",
            "Ransom note dropped",
            some,
        )
        .await;
    }
    site.resolved().await;
    let view = groups(&site, "alert").await;
    let group = &items(&view)[0];
    assert_eq!(
        (&view["total"], &group["machines"], &group["decisions"]),
        (&json!(1), &json!(STORM), &json!(STORM)),
        "{view}"
    );
    assert_eq!(
        (&group["reason"], &group["kind"], &group["severity"]),
        (&json!("protection"), &json!("full"), &json!("critical"))
    );
    assert!(
        group["why"].as_str().unwrap().contains("crown jewels"),
        "{group}"
    );
    let expect = json!({ "machines": STORM, "decisions": STORM, "digest": group["digest"] });
    let told = site
        .ordered(
            "/api/v1/decisions/approve",
            json!({ "group": group["key"], "expect": expect, "reason": "INC-7" }),
        )
        .await;
    assert_eq!(
        (&told["count"], &told["machines"]),
        (&json!(STORM), &json!(STORM))
    );
    assert_eq!(groups(&site, "machine").await["total"], 0);
    assert_eq!(site.rows().scan, STORM);
}

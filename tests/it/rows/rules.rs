//! What each rule and protection came to, and the policies there were.

use serde_json::{Value, json};

use super::{RULES, items, send, site};
use crate::harness::{Site, Wish, until};

fn rule<'v>(view: &'v Value, of: &str, name: &str) -> &'v Value {
    let rows = view[of].as_array().unwrap();
    rows.iter()
        .find(|row| row["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {view}"))
}

#[tokio::test]
async fn every_rule_says_what_it_came_to() {
    let site = site().await;
    send(&site, "1", "high", "t", &[(1, "lt-1")]).await;
    send(&site, "2", "high", "t", &[(2, "dc-2")]).await;
    send(&site, "3", "medium", "t", &[(3, "lt-3")]).await;
    for (id, title) in [("4", "Hello"), ("5", "Hello"), ("6", "Goodbye")] {
        send(&site, id, "informational", title, &[(4, "lt-4")]).await;
    }
    let view = until("the scan is over", async || {
        let view = site.get("/api/v1/rules?window=24h").await;
        (rule(&view, "rules", "ransom")["outcomes"] == json!({ "succeeded": 1 })).then_some(view)
    })
    .await;
    let ransom = rule(&view, "rules", "ransom");
    for (key, value) in [
        ("hits", json!(2)),
        ("scans", json!(1)),
        ("held", json!({ "protection": 1 })),
        ("mode", json!("enforce")),
        ("scan", json!("full")),
        ("in_force", json!(true)),
    ] {
        assert_eq!(ransom[key], value, "{key} of {ransom}");
    }
    assert!(ransom["last_hit"].is_string());
    let ask = rule(&view, "rules", "ask");
    assert_eq!(
        (&ask["hits"], &ask["held"]),
        (&json!(1), &json!({ "approval": 1 }))
    );
    let low = rule(&view, "rules", "low");
    assert_eq!((&low["hits"], &low["last_hit"]), (&json!(0), &Value::Null));
    let jewels = rule(&view, "protections", "crown jewels");
    assert_eq!(
        (&jewels["hits"], &jewels["mode"]),
        (&json!(1), &json!("hold"))
    );
    assert_eq!(view["unmatched"]["decisions"], 3);
    assert_eq!(
        view["unmatched"]["titles"],
        json!([{ "name": "Hello", "count": 2 }, { "name": "Goodbye", "count": 1 }])
    );

    // An approval begins a scan, and is no second hit; a denial is none.
    site.ordered("/api/v1/decisions/approve", json!({ "rule": "ask" }))
        .await;
    site.ordered("/api/v1/decisions/deny", json!({ "rule": "ransom" }))
        .await;
    let view = site.get("/api/v1/rules").await;
    let ask = rule(&view, "rules", "ask");
    assert_eq!(
        (&ask["hits"], &ask["scans"]),
        (&json!(1), &json!(1)),
        "{ask}"
    );
    assert_eq!(rule(&view, "rules", "ransom")["hits"], 2);
}

#[tokio::test]
async fn a_limit_says_how_much_of_it_is_used() {
    let limited = RULES.replace(
        "when = { severity = \"low\" }",
        "when = { severity = \"low\" }\nlimit = { scans = 2, per = \"1h\" }",
    );
    let site = Site::with(Wish {
        rules: limited,
        ..Wish::default()
    })
    .await;
    for n in 1..4 {
        send(&site, &format!("{n}"), "low", "t", &[(n, "lt")]).await;
    }
    let view = site.get("/api/v1/rules").await;
    let low = rule(&view, "rules", "low");
    assert_eq!(
        low["limit"],
        json!({ "used": 2, "scans": 2, "per": "1h", "tenant": "default" })
    );
    assert_eq!(
        (&low["hits"], &low["held"]),
        (&json!(3), &json!({ "limit": 1 }))
    );
}

#[tokio::test]
async fn policies_are_kept_with_their_text_and_rules_are_counted_by_each() {
    let mut site = site().await;
    send(&site, "1", "medium", "t", &[(1, "lt-1")]).await;
    let first = site.get("/api/v1/status").await["policy"].clone();
    site.restart_with(&RULES.replace("name = \"ask\"", "name = \"ask nicely\""))
        .await;
    send(&site, "2", "medium", "t", &[(2, "lt-2")]).await;
    let all = site.get("/api/v1/policies").await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&all[0]["in_force"], &all[1]["in_force"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(all[1]["hash"], first);
    let hash = first.as_str().unwrap();
    let one = site.get(&format!("/api/v1/policies/{hash}")).await;
    assert!(one["text"].as_str().unwrap().contains("\"ask\""), "{one}");
    let answer = site.admin("/api/v1/policies/0000").await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (404, &json!("unknown-id"))
    );

    let view = site.get("/api/v1/rules").await;
    assert_eq!(rule(&view, "rules", "ask nicely")["hits"], 1);
    let gone = rule(&view, "rules", "ask");
    assert_eq!(
        (&gone["hits"], &gone["in_force"]),
        (&json!(1), &json!(false))
    );
    let by_first = site.get(&format!("/api/v1/rules?policy={hash}")).await;
    assert_eq!(rule(&by_first, "rules", "ask nicely")["hits"], 0);
    assert_eq!(rule(&by_first, "rules", "ask")["hits"], 1);
    let decisions = site.get("/api/v1/decisions").await;
    assert_eq!(items(&decisions)[1]["policy"], first);
}

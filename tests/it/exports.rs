//! Lists as CSV and as lines of JSON, and what else is taken away: stored bodies, and the chain of the audit. Each is
//! recorded before it leaves.

use reqwest::Method;
use rusqlite::Connection;
use scanhook_core::access::{AuditLink, verify};
use serde_json::{Value, json};

use crate::access::{ask, roles, token};
use crate::events;
use crate::harness::{Answer, Site, machine, until};
use crate::night::says;
use crate::verbs::has;

/// Cells of a spreadsheet as RFC 4180 says them.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(
        !quoted && row.is_empty() && cell.is_empty(),
        "the last row is whole"
    );
    rows
}

fn lines(answer: &Answer) -> Vec<Value> {
    let lines = answer.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const ODD: [&str; 8] = [
    "=1+1",
    "+49 30",
    "-2",
    "@SUM(A1)",
    "\t=cmd|' /C calc'!A0",
    "\r=1",
    "say \"x\", and\nagain",
    "plain",
];

async fn odd() -> Site {
    let site = events::site(roles()).await;
    for (n, title) in ODD.iter().enumerate() {
        let body = json!({ "alert_id": format!("odd-{n}"), "title": title, "severity": "high",
                           "devices": [{ "mde_id": machine(u32::try_from(n).unwrap() + 1) }] });
        site.accepted(body.to_string()).await;
    }
    site
}

/// The words of what is in the audit, newest first.
async fn audited(site: &Site) -> Vec<(String, String, String)> {
    let rows = ask(site, Method::GET, "/api/v1/audit", Some(&token(3)), None).await;
    let rows = rows.json();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let entries = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["entry"]);
    entries
        .map(|entry| {
            (
                text(entry, "name"),
                text(entry, "what"),
                text(entry, "scope"),
            )
        })
        .collect()
}

#[tokio::test]
async fn no_cell_is_a_formula_every_row_has_all_cells_and_the_export_is_recorded() {
    let site = odd().await;
    let viewer = token(0);
    for (list, rows) in [("alerts", 8), ("decisions", 8), ("scans", 0), ("held", 8)] {
        let path = format!("/api/v1/{list}?format=csv");
        let csv = ask(&site, Method::GET, &path, Some(&viewer), None).await;
        assert_eq!(csv.status, 200, "{}", csv.text);
        for (name, value) in [
            ("content-type", "text/csv; charset=utf-8; header=present"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            (
                "content-disposition",
                &format!("attachment; filename=\"{list}.csv\""),
            ),
        ] {
            assert_eq!(csv.header(name), Some(value), "{list}");
        }
        let table = cells(&csv.text);
        assert_eq!(table.len(), rows + 1, "{list}: {}", csv.text);
        for row in &table {
            assert_eq!(row.len(), table[0].len(), "{list}: {row:?}");
            let begins = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@', '|']);
            assert!(!row.iter().any(|cell| begins(cell)), "{list}: {row:?}");
        }
        let ndjson = format!("/api/v1/{list}?format=ndjson");
        let ndjson = ask(&site, Method::GET, &ndjson, Some(&viewer), None).await;
        assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
        let page = ask(
            &site,
            Method::GET,
            &format!("/api/v1/{list}"),
            Some(&viewer),
            None,
        )
        .await;
        assert_eq!(
            &lines(&ndjson),
            page.json()["items"].as_array().unwrap(),
            "{list}"
        );
    }
    let rows = audited(&site).await;
    let of = |what: &str| {
        rows.iter()
            .filter(|row| row.0 == "viewer" && row.1 == what)
            .count()
    };
    for list in ["alerts", "decisions", "scans", "held"] {
        assert_eq!(of(&format!("export {list}")), 2, "{rows:?}");
    }
}

#[tokio::test]
async fn the_format_is_that_of_the_parameter_or_else_of_accept_and_what_is_narrowed_stays_so() {
    let site = odd().await;
    let viewer = token(0);
    let accepting = async |path: &str, accept: &str| {
        let request = site
            .http
            .get(format!("http://{}/api/v1/{path}", site.admin))
            .bearer_auth(&viewer)
            .header("accept", accept);
        Answer::of(request.send().await.unwrap()).await
    };
    for (path, accept, kind) in [
        ("alerts", "*/*", "application/json"),
        (
            "alerts",
            "text/csv",
            "text/csv; charset=utf-8; header=present",
        ),
        (
            "alerts",
            "text/html, application/x-ndjson;q=0.5",
            "application/json",
        ),
        (
            "alerts",
            "application/x-ndjson;q=0.9, text/csv",
            "application/x-ndjson",
        ),
        ("alerts?format=json", "text/csv", "application/json"),
        ("alerts?format=ndjson", "text/csv", "application/x-ndjson"),
    ] {
        let answer = accepting(path, accept).await;
        assert_eq!(answer.header("content-type"), Some(kind), "{path} {accept}");
    }
    let before = audited(&site).await.len();
    for (query, key) in [
        ("format=xml", "format"),
        ("format=csv&format=csv", "format"),
        ("format=csv&limit=101", "limit"),
        ("format=csv&since=soon", "since"),
        ("format=ndjson&surce=siem", "surce"),
        ("limit=101", "limit"),
    ] {
        let refused = ask(
            &site,
            Method::GET,
            &format!("/api/v1/decisions?{query}"),
            Some(&viewer),
            None,
        )
        .await;
        assert_eq!(
            (refused.status, &refused.json()["key"]),
            (400, &json!(key)),
            "{query}"
        );
    }
    assert_eq!(
        audited(&site).await.len(),
        before,
        "nothing left, so nothing is recorded"
    );
    let some = "/api/v1/decisions?format=ndjson&since=1h&title=plain";
    let some = ask(&site, Method::GET, some, Some(&viewer), None).await;
    assert_eq!(lines(&some).len(), 1);
    let three = ask(
        &site,
        Method::GET,
        "/api/v1/decisions?format=csv&limit=3",
        Some(&viewer),
        None,
    )
    .await;
    assert_eq!(cells(&three.text).len(), 4);
    let scope = &audited(&site).await[1].2;
    assert!(
        scope.starts_with("ndjson since=20") && scope.ends_with("title=plain"),
        "{scope}"
    );
}

#[tokio::test]
async fn a_long_list_is_taken_whole_as_lines_of_json_and_ten_thousand_rows_of_it_as_csv() {
    let mut site = events::site(String::new()).await;
    site.accepted(crate::harness::alert("1", "high", &machine(1)))
        .await;
    site.stop().await;
    let db = Connection::open(site.journal()).unwrap();
    db.execute_batch(
        "WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 10049)
         INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, rule, kind, priority, policy, why)
         SELECT d.delivery, d.n, d.tenant, d.device, d.machine, d.at + i, 'dropped', 'denied', d.rule, d.kind, d.priority,
                d.policy, d.why FROM decision d, up WHERE d.id = 1",
    )
    .unwrap();
    drop(db);
    site.restart().await;
    let all = lines(&site.admin("/api/v1/decisions?format=ndjson").await);
    let ids: std::collections::BTreeSet<_> = all.iter().map(|row| row["id"].to_string()).collect();
    assert_eq!((all.len(), ids.len()), (10_050, 10_050));
    let csv = cells(&site.admin("/api/v1/decisions?format=csv").await.text);
    assert_eq!(csv.len(), 10_001);
    assert_eq!(json!(csv[1].last()), all[0]["id"], "the newest first");
    let said = says(&site, &["export", "decisions", "--format", "csv"])
        .await
        .ends(0);
    assert_eq!(cells(&said.out).len(), 10_051, "the verb has all");
}

#[tokio::test]
async fn the_audit_is_exported_as_a_chain_that_holds_and_holds_its_own_export() {
    let site = odd().await;
    let admin = token(3);
    let ndjson = ask(
        &site,
        Method::GET,
        "/api/v1/audit?format=ndjson",
        Some(&admin),
        None,
    )
    .await;
    let links: Vec<AuditLink> = lines(&ndjson)
        .into_iter()
        .map(|line| serde_json::from_value(line).unwrap())
        .collect();
    let head = ask(&site, Method::GET, "/api/v1/audit/head", Some(&admin), None)
        .await
        .json();
    assert_eq!(verify(&links, head["hash"].as_str()), Ok(links.len()));
    assert_eq!(links.last().unwrap().entry.what, "export audit");
    let csv = ask(
        &site,
        Method::GET,
        "/api/v1/audit?format=csv",
        Some(&admin),
        None,
    )
    .await;
    let table = cells(&csv.text);
    assert_eq!(
        (table.len(), table[1][7].as_str()),
        (links.len() + 2, "export audit")
    );

    let file = site.folder.path().join("admin.token");
    std::fs::write(&file, &admin).unwrap();
    for verb in [&["export", "audit"][..], &["audit", "--export"]] {
        let said = says(&site, &[verb, &["--token-file", "admin.token"]].concat())
            .await
            .ends(0);
        let chain = site.folder.path().join("chain.ndjson");
        std::fs::write(&chain, &said.out).unwrap();
        let held = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"))
            .args(["audit", "--verify", "chain.ndjson"])
            .current_dir(site.folder.path())
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(held.status.code(), Some(0), "{}", said.out);
    }
}

#[tokio::test]
async fn the_verb_exports_what_it_is_narrowed_to_and_says_why_it_does_not() {
    let site = odd().await;
    for (role, n) in [("viewer", 0), ("admin", 3)] {
        std::fs::write(site.folder.path().join(role), token(n)).unwrap();
    }
    let as_viewer =
        async |args: &[&str]| says(&site, &[args, &["--token-file", "viewer"]].concat()).await;
    let said = as_viewer(&["export", "alerts", "--since", "1h", "--format", "csv"])
        .await
        .ends(0);
    assert_eq!(cells(&said.out).len(), 9);
    let said = as_viewer(&["export", "decisions", "--state", "held"])
        .await
        .ends(0);
    assert_eq!(said.out.lines().count(), 8);
    let said = as_viewer(&["export", "scans"]).await.ends(0);
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("", "nothing matches\n")
    );
    let said = as_viewer(&["export", "alerts", "--state", "nonsense"])
        .await
        .ends(64);
    has(&said.err, &["bad-value"]);
    as_viewer(&["export", "scans", "--subject", "anna"])
        .await
        .ends(64);
    as_viewer(&["export", "audit"]).await.ends(77);
    as_viewer(&["export", "secrets"]).await.ends(64);
    let rows = audited(&site).await;
    assert_eq!(
        rows.iter()
            .filter(|row| row.1.starts_with("export"))
            .count(),
        3,
        "{rows:?}"
    );
}

#[tokio::test]
async fn a_stored_body_is_handed_out_as_it_was_sent_to_an_operator_and_recorded() {
    let site = events::site(roles()).await;
    let sent = json!({ "alert_id": "1", "title": "<script>alert(1)</script>", "severity": "high",
                       "devices": [{ "mde_id": machine(1) }], "more": "x".repeat(5_000) });
    let receipt = site.accepted(sent.to_string()).await;
    let delivery = receipt["delivery"].as_str().unwrap();
    let path = format!("/api/v1/deliveries/{delivery}/body");
    let refused = ask(&site, Method::GET, &path, Some(&token(1)), None).await;
    assert_eq!(
        (refused.status, &refused.json()["needs"]),
        (403, &json!("operator"))
    );
    let body = ask(&site, Method::GET, &path, Some(&token(2)), None).await;
    assert_eq!(
        (body.status, body.text.as_str()),
        (200, sent.to_string().as_str())
    );
    for (name, value) in [
        ("content-type", "application/octet-stream".to_owned()),
        (
            "content-disposition",
            format!("attachment; filename=\"{delivery}.bin\""),
        ),
        ("x-content-type-options", "nosniff".to_owned()),
    ] {
        assert_eq!(body.header(name), Some(value.as_str()));
    }
    let rows = audited(&site).await;
    let body = rows.iter().find(|row| row.1 == "body");
    assert_eq!(
        body,
        Some(&("operator".to_owned(), "body".to_owned(), "siem".to_owned()))
    );

    let decision = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    for id in ["x", decision, "00000000-0000-7000-8000-000000000000"] {
        let path = format!("/api/v1/deliveries/{id}/body");
        let unknown = ask(&site, Method::GET, &path, Some(&token(2)), None).await;
        assert_eq!(
            (unknown.status, &unknown.json()["code"]),
            (404, &json!("unknown-id"))
        );
    }
    let db = Connection::open(site.journal()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute_batch("UPDATE delivery SET body = NULL").unwrap();
    let gone = until("it is gone", async || {
        let answer = ask(&site, Method::GET, &path, Some(&token(2)), None).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(
        (gone.status, &gone.json()["code"]),
        (410, &json!("body-gone"))
    );
}

//! How PostgreSQL carries out what it is asked, in a journal of many rows and with plans that were made for any value: by an
//! index whose first columns are what is asked for. What it reads is told by the server itself, which explains each statement
//! that the program sends (`auto_explain`, a part of PostgreSQL).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::asked::{ask_everything, busy, order_everything};
use crate::harness::until;
use crate::server::Server;

/// Rows of each large table.
const ROWS: u64 = 120_000;

/// Rows that a step of a plan may read of a large table: where no index tells which rows of a list fit, so many are looked at.
const MANY: u64 = 20_001;

/// How a row of each large table becomes another one: what is different in the n-th, where `t` is its time.
const LARGE: [(&str, &str); 13] = [
    ("delivery", "'id', n, 'uuid', gen_random_uuid(), 'key', '\\x' || md5('d' || n), 'received_at', t"),
    ("alert", "'delivery', n, 'alert_id', 'old-' || n, 'key', '\\x' || md5('a' || n)"),
    ("scan", "'id', n, 'uuid', gen_random_uuid(), 'machine', md5('m' || n % 20000) || '00000000', 'action', md5('x' || n),
              'created_at', t, 'sent_at', t, 'ended_at', t, 'of_rule', t, 'of_tenant', t"),
    ("decision", "'id', n, 'delivery', n, 'scan', n, 'at', t, 'device', md5('m' || n % 20000) || '00000000',
                  'machine', md5('m' || n % 20000) || '00000000'"),
    ("call", "'id', n, 'scan', n, 'sent_at', t, 'ended_at', t + 100"),
    ("event", "'id', n, 'scan', n, 'at', t"),
    ("finding", "'sameness', '\\x' || md5('f' || n), 'device', md5('m' || n % 20000) || '00000000', 'delivery', n, 'at', t, 'decision', n"),
    ("mention", "'delivery', n, 'device', md5('m' || n % 20000) || '00000000'"),
    ("machine", "'id', md5('m' || n) || '00000000', 'name', 'pc-' || n, 'at', t"),
    ("known_as", "'name', 'pc-' || n, 'device', md5('m' || n) || '00000000'"),
    ("occasion", "'id', n, 'scan', n, 'at', t"),
    ("audit", "'id', n, 'at', t"),
    ("minute", "'at', n"),
];

/// Much is old: each large table has rows like those that are there, of the last days.
fn age(server: &Server) {
    let first = 1_000_000;
    let mut sql = String::from(
        "SET session_replication_role = replica;
         INSERT INTO machine VALUES ('a', (SELECT min(id) FROM tenant), 'a', FALSE, 0);
         INSERT INTO known_as VALUES ('a', 'a');",
    );
    for (table, differs) in LARGE {
        sql += &format!(
            "INSERT INTO {table} SELECT made.* FROM (SELECT one FROM {table} one LIMIT 1) AS kept
               CROSS JOIN (SELECT g + {first} AS n, floor(extract(epoch FROM now()) * 1000)::bigint - 500000000 + g * 2000 AS t
                             FROM generate_series(1, {ROWS}) g) AS many
               CROSS JOIN LATERAL jsonb_populate_record(kept.one, jsonb_build_object({differs})) AS made;"
        );
    }
    for table in ["delivery", "scan", "decision", "call", "event", "occasion"] {
        sql += &format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), 2000000);");
    }
    server.look(&sql);
    server.look("UPDATE numbered SET seq = 2000000");
    server.look("VACUUM ANALYZE");
    let short = LARGE.map(|(table, _)| {
        let rows = server.look(&format!("SELECT count(*) FROM {table}"));
        (table, rows.parse::<u64>().unwrap())
    });
    assert!(short.iter().all(|(_, rows)| *rows >= ROWS), "{short:?}");
}

/// From now on each statement of a new session is planned for any value, and logged with its plan and what it read.
fn explain(server: &Server) {
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_nested_statements = on",
        "auto_explain.log_format = 'json'",
        "plan_cache_mode = 'force_generic_plan'",
    ] {
        server.look(&format!("ALTER ROLE scanhook SET {setting}"));
    }
}

/// The plans in its log.
fn plans(server: &Server) -> Vec<Value> {
    let log = server.log();
    let explained = log.split(" plan:\n").skip(1);
    let plan = |text: &str| {
        let lines = text.lines().take_while(|line| line.starts_with('\t'));
        serde_json::from_str(&lines.collect::<String>()).unwrap()
    };
    explained.map(plan).collect()
}

fn steps<'p>(plan: &'p Value, all: &mut Vec<&'p Value>) {
    all.push(plan);
    for below in plan["Plans"].as_array().into_iter().flatten() {
        steps(below, all);
    }
}

/// What is wrong with a step of a plan.
fn fault(step: &Value) -> Option<String> {
    let kind = step["Node Type"].as_str().unwrap();
    let of = step["Relation Name"].as_str().unwrap_or_default();
    if kind.contains("Hash Join") || kind.contains("Merge Join") || kind.starts_with("Gather") {
        return Some(kind.to_owned());
    }
    let conditions =
        ["Filter", "Index Cond", "Join Filter"].map(|name| step[name].as_str().unwrap_or_default());
    if conditions
        .iter()
        .any(|text| text.contains("::integer") || text.contains("::numeric"))
    {
        return Some(format!(
            "{conditions:?}: a number was taken for another type"
        ));
    }
    if !LARGE.iter().any(|(table, _)| *table == of) {
        return None;
    }
    if kind == "Seq Scan" || kind.starts_with("Bitmap") {
        return Some(format!("{kind} of {of}"));
    }
    let number = |name: &str| step[name].as_f64().unwrap_or(0.0);
    let rows = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Index Recheck");
    let read = (rows * number("Actual Loops")) as u64;
    let index = step["Index Name"].as_str().unwrap_or_default();
    (read > MANY).then(|| format!("{kind} of {of} by {index} reads {read} rows"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_more_of_a_large_table_than_a_page_of_a_list_may() {
    let server = Server::initialised();
    let mut site = busy(&server).await;
    until("every scan ends", async || {
        let open = "SELECT count(*) FROM scan WHERE state NOT IN ('finished', 'dropped')";
        (server.look(open) == "0").then_some(())
    })
    .await;
    order_everything(&server, &site).await;
    site.stop().await;
    age(&server);
    explain(&server);
    site.start().await;
    order_everything(&server, &site).await;
    ask_everything(&site).await;
    site.stop().await;

    let mut texts = BTreeSet::new();
    let mut faults: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for plan in plans(&server) {
        let text = plan["Query Text"].as_str().unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut all = Vec::new();
        steps(&plan["Plan"], &mut all);
        let found = all.into_iter().filter_map(fault);
        faults.entry(text.clone()).or_default().extend(found);
        texts.insert(text);
    }
    faults.retain(|_, found| !found.is_empty());
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(texts.len() > 250, "{} statements were seen", texts.len());
}

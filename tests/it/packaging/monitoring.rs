//! Alerts and dashboard: every metric, label and value that they name is one that the running program shows, each alert is
//! played by a test of promtool and explained to whoever it wakes.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};

use super::promql::{Series, groups, selectors, series};
use super::text;
use crate::credentials::Keys;
use crate::harness::{
    ASKING, CLIENT, Inbox, Site, Wish, alert, fault, generic, machine, scan_id, two_customers,
    until,
};

const ALERTS: &str = "packaging/prometheus/rules.yml";
const DASHBOARD: &str = "packaging/grafana/scanhook.json";

/// A site with everything that has metrics of its own: a certificate, a receiver, a source that is expected.
async fn watched(inbox: &Inbox) -> Site {
    let keys = Keys::new();
    let receiver = format!(
        "[receivers.soc]\nwebhook = {{ url = \"{}\" }}\n",
        inbox.url()
    );
    let branch = format!(
        "[tenants.branch]\ntenant_id = \"5f4d3a0e-8c66-4b2f-9e73-9a0cbd2e3f40\"\nclient_id = \"{CLIENT}\"\n\
         credential = {{ certificate_file = \"app.pem\", key_file = \"app.key\" }}\napi_base = \"http://FAR\"\nauthority = \"http://FAR\"\n"
    );
    let expected = generic("soc", "north").replace("preset", "expect_every = \"2h\"\npreset");
    let sources = [expected, generic("branch", "south"), receiver, branch].concat();
    Site::with(Wish {
        rules: ASKING.replace("[defaults]", "[defaults]\nhold_for = \"30m\""),
        config: Some(two_customers("south", &sources)),
        secrets: vec![
            ("app.pem", keys.certificate(2035).leak()),
            ("app.key", keys.private_pem().leak()),
        ],
        ..Wish::default()
    })
    .await
}

async fn metrics(site: &Site) -> String {
    site.admin("/metrics").await.text
}

/// Waits until a line of /metrics is this.
async fn shows(site: &Site, line: &str) {
    until(line, async || {
        metrics(site)
            .await
            .lines()
            .any(|shown| shown == line)
            .then_some(())
    })
    .await;
}

/// What the program shows once it has done a bit of everything.
async fn shown() -> String {
    let inbox = Inbox::open().await;
    let site = watched(&inbox).await;
    let answer = site.post("soc", alert("1", "high", &machine(1))).await;
    site.scan_ended(&scan_id(&answer.json())).await;
    site.ordered("/api/v1/receivers/soc/test", json!({})).await;
    until("the budget of scan calls is known", async || {
        let text = metrics(&site).await;
        let known = ["scanhook_quota_effective{", "scanhook_token_expiry"];
        known.iter().all(|part| text.contains(part)).then_some(text)
    })
    .await
}

/// Each alert of the file as a name and its text.
fn alerts() -> Vec<(String, String)> {
    let file = text(ALERTS);
    let begin = Regex::new(r"(?m)^      - alert: (\w+)$").unwrap();
    let starts: Vec<_> = begin.captures_iter(&file).collect();
    let ends = starts
        .iter()
        .skip(1)
        .map(|next| next.get(0).unwrap().start())
        .chain([file.len()]);
    let parts = starts.iter().zip(ends);
    parts
        .map(|(start, end)| {
            let whole = &file[start.get(0).unwrap().start()..end];
            (start[1].to_owned(), whole.to_owned())
        })
        .collect()
}

/// The query of an alert, on one line or on several.
fn expression(alert: &str) -> String {
    let below = alert.split_once("expr:").unwrap().1;
    let ends = ["\n        for:", "\n        labels:"];
    let end = ends.iter().filter_map(|end| below.find(end)).min();
    below[..end.unwrap()].to_owned()
}

/// Fails where a query can never find anything in what is shown.
fn hold(place: &str, query: &str, all: &[Series]) {
    let named = selectors(query);
    let labels: BTreeSet<&str> = named.iter().flat_map(|one| one.labels(all)).collect();
    for one in &named {
        assert!(one.finds(all), "{place}: nothing is shown for {one:?}");
    }
    for label in groups(query) {
        assert!(
            labels.contains(label.as_str()),
            "{place}: {label} in {query}"
        );
    }
}

#[tokio::test]
async fn every_alert_and_every_panel_asks_for_what_the_program_shows() {
    let all = series(&shown().await);
    let said = Regex::new(r"\$labels\.(\w+)").unwrap();
    let alerts = alerts();
    assert!(alerts.len() >= 15, "{}", alerts.len());
    for (name, text) in &alerts {
        let query = expression(text);
        hold(name, &query, &all);
        let own: BTreeSet<String> = selectors(&query)
            .iter()
            .flat_map(|one| one.labels(&all))
            .map(str::to_owned)
            .collect();
        let by = groups(&query);
        let left = if query.contains(" by (") { by } else { own };
        for found in said.captures_iter(text) {
            assert!(
                left.contains(&found[1]),
                "{name} says {} of {left:?}",
                &found[1]
            );
        }
    }
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            assert!(!selectors(query).is_empty(), "{title}: {query}");
            hold(title, query, &all);
            asked += 1;
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            hold(&variable["name"].to_string(), query, &all);
            asked += 1;
        }
    }
    for note in dashboard["annotations"]["list"].as_array().unwrap() {
        hold("a note", note["expr"].as_str().unwrap(), &all);
        asked += 1;
    }
    assert!(asked > 20, "{asked} queries");
}

#[test]
fn every_alert_is_played_by_a_test_and_explained_to_whoever_it_wakes() {
    let (played, page) = (
        text("packaging/prometheus/tests.yml"),
        text("docs/monitoring.md"),
    );
    for (name, text) in alerts() {
        assert!(
            played.contains(&format!("alertname: {name}\n")),
            "no test plays {name}"
        );
        assert!(
            page.contains(&format!("\n### {name}\n")),
            "{name} has no runbook"
        );
        let leads = format!("runbook: docs/monitoring.md#{}\n", name.to_lowercase());
        assert!(text.contains(&leads), "{name} leads elsewhere than {leads}");
    }
}

#[tokio::test]
async fn outcomes_of_scans_expected_silence_and_holds_that_end_are_metrics() {
    let inbox = Inbox::open().await;
    let site = watched(&inbox).await;
    let text = metrics(&site).await;
    for line in [
        "scanhook_source_expect_every_seconds{source=\"soc\"} 7200.0",
        "scanhook_scan_outcomes_total{tenant=\"north\",type=\"quick\",outcome=\"lost\"} 0",
        "scanhook_holds_ending{tenant=\"south\"} 0.0",
        "scanhook_stopped{tenant=\"north\"} 0.0",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    assert!(!text.contains("expect_every_seconds{source=\"branch\"}"));
    site.post("soc", alert("1", "high", &machine(1))).await;
    site.post("branch", alert("2", "medium", &machine(2))).await;
    shows(
        &site,
        "scanhook_scan_outcomes_total{tenant=\"north\",type=\"full\",outcome=\"succeeded\"} 1",
    )
    .await;
    shows(&site, "scanhook_holds_ending{tenant=\"south\"} 1.0").await;
    shows(&site, "scanhook_holds_ending{tenant=\"north\"} 0.0").await;
}

#[tokio::test]
async fn a_tenant_that_is_stopped_is_a_metric_for_as_long_as_it_is() {
    let mut wish = Wish::default();
    wish.pace.stopped = std::time::Duration::from_millis(500);
    let site = Site::with(wish).await;
    site.far
        .fault("scan", 1, 1000, fault(403, "DisabledFeature", None));
    site.accepted(alert("1", "high", &machine(1))).await;
    shows(&site, "scanhook_stopped{tenant=\"default\"} 1.0").await;
    site.far.mend();
    shows(&site, "scanhook_stopped{tenant=\"default\"} 0.0").await;
}

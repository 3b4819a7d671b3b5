//! Prometheus' own check of metrics, as Debian packages it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::harness::{Far, RULES, Served, Wish, alert, client, install, machine, until};

#[tokio::test]
async fn promtool_accepts_what_metrics_shows() {
    let far = Far::open(Wish::default().setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let (served, http) = (Served::start(folder.path()).await, client());
    let show = async || {
        let answer = http
            .get(format!("http://{}/metrics", served.admin))
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    };
    for (id, severity) in [("1", "high"), ("2", "low")] {
        assert_eq!(
            served
                .post(&http, &alert(id, severity, &machine(1)))
                .await
                .status,
            202
        );
    }
    let called =
        "scanhook_scan_requests_total{tenant=\"default\",type=\"full\",outcome=\"running\"} 1\n";
    let shown = until("the scan is called", async || {
        Some(show().await).filter(|text| text.contains(called))
    })
    .await;

    let mut promtool = Command::new("promtool");
    promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut promtool = promtool
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; run tests/senders/install"));
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(shown.as_bytes())
        .unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert_eq!(
        (checked.status.code(), said.as_str()),
        (Some(0), ""),
        "{shown}"
    );
}

//! Prometheus Alertmanager, as Debian packages it.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{SIEM_SECRET, Site, machine, until};
use crate::program::{self, Program};
use crate::{BEARER, alerts, brief, scans, site};

struct Alertmanager {
    _program: Program,
    api: String,
    http: reqwest::Client,
}

impl Alertmanager {
    async fn start(site: &Site) -> Alertmanager {
        let folder = program::folder();
        let config = json!({
            "route": { "receiver": "scanhook", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h" },
            "receivers": [{ "name": "scanhook", "webhook_configs": [{
                "url": format!("http://{}/webhooks/sender", site.public),
                "send_resolved": true,
                "http_config": { "authorization": { "type": "Bearer", "credentials": SIEM_SECRET } }
            }] }]
        });
        std::fs::write(folder.path().join("am.yml"), config.to_string()).unwrap();
        let listen = format!("127.0.0.1:{}", program::free_port());
        let web = format!("--web.listen-address={listen}");
        let arguments = [
            "--config.file=am.yml",
            "--storage.path=data",
            &web,
            "--cluster.listen-address=",
        ];
        let program = Program::start(folder, "prometheus-alertmanager", &arguments);
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let api = format!("http://{listen}");
        until("Alertmanager is ready", async || {
            let ready = http.get(format!("{api}/-/ready")).send().await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        Alertmanager {
            _program: program,
            api,
            http,
        }
    }

    async fn take(&self, alerts: Value) {
        let url = format!("{}/api/v2/alerts", self.api);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(alerts.to_string());
        assert!(request.send().await.unwrap().status().is_success());
    }
}

fn alert(id: u32, severity: &str) -> Value {
    json!({ "labels": { "alertname": "T", "alert_id": id.to_string(), "device_id": machine(id), "severity": severity },
        "annotations": { "summary": format!("finding {id}") } })
}

#[tokio::test]
async fn two_alerts_scan_and_what_is_resolved_or_comes_again_does_not() {
    let site = site(&format!("preset = \"alertmanager\"\n{BEARER}")).await;
    let sender = Alertmanager::start(&site).await;
    sender
        .take(json!([alert(1, "critical"), alert(2, "warning")]))
        .await;
    let mut arrived: Vec<_> = alerts(&site, 2).await.iter().map(brief).collect();
    arrived.sort();
    assert_eq!(arrived, ["1 decided finding 1", "2 decided finding 2"]);
    let full_and_quick = [
        (machine(1), "Full".to_owned()),
        (machine(2), "Quick".to_owned()),
    ];
    assert_eq!(scans(&site, 2).await, full_and_quick);

    let mut over = alert(1, "critical");
    over["startsAt"] = "2019-01-01T00:00:00Z".into();
    over["endsAt"] = "2020-01-01T00:00:00Z".into();
    sender.take(json!([over])).await;
    let mut again: Vec<_> = alerts(&site, 4).await.iter().skip(2).map(brief).collect();
    again.sort();
    assert_eq!(again, ["1 ignored finding 1", "2 duplicate finding 2"]);
    assert_eq!(scans(&site, 2).await, full_and_quick);
}

#[tokio::test]
async fn what_a_503_turned_away_arrives_by_alertmanagers_own_retry_and_scans_once() {
    let site = site(&format!("preset = \"alertmanager\"\n{BEARER}")).await;
    let sender = Alertmanager::start(&site).await;
    // Another process that writes to the journal keeps scanhook from it, and so senders get 503.
    let other = Connection::open(site.journal()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    sender
        .take(json!([alert(1, "critical"), alert(2, "warning")]))
        .await;
    let refused = "scanhook_deliveries_total{source=\"sender\",status=\"503\"}";
    until("a delivery is turned away", async || {
        site.admin("/metrics")
            .await
            .text
            .contains(refused)
            .then_some(())
    })
    .await;
    assert_eq!(site.rows().delivery, 0);
    other.execute_batch("ROLLBACK").unwrap();
    let mut arrived: Vec<_> = alerts(&site, 2).await.iter().map(brief).collect();
    arrived.sort();
    assert_eq!(arrived, ["1 decided finding 1", "2 decided finding 2"]);
    let full_and_quick = [
        (machine(1), "Full".to_owned()),
        (machine(2), "Quick".to_owned()),
    ];
    assert_eq!(scans(&site, 2).await, full_and_quick);
}

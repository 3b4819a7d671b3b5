//! The documented example from end to end, as the far side's own record tells it.

use serde_json::{Map, Value};

use crate::harness::{Site, TENANT, scan_id};

const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
const INCIDENT: &str = include_str!("../payloads/sentinel-incident.json");

/// The tail our comments end with: the last 12 digits of the scan's id.
fn tail(scan: &str) -> String {
    let digits = scan.replace('-', "");
    format!(" [sh-{}]", &digits[digits.len() - 12..])
}

#[tokio::test]
async fn a_sentinel_incident_becomes_exactly_the_documented_call() {
    let site = Site::open().await;
    let answer = site.post("sentinel", INCIDENT).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let scan = scan_id(&answer.json());
    site.scan_in(&scan, "finished").await;

    let calls = site.far.calls_of("scan");
    let [call] = calls.as_slice() else {
        panic!("one call expected: {calls:?}")
    };
    assert_eq!(
        (call.method.as_str(), call.status, call.executed),
        ("POST", Some(201), true)
    );
    assert_eq!(
        call.path,
        format!("/api/machines/{MACHINE}/runAntiVirusScan")
    );
    assert!(
        call.bearer && call.bearer_valid,
        "a token issued by the far side itself"
    );
    assert_eq!(call.tenant.as_deref(), Some(TENANT));

    let body: Map<String, Value> = serde_json::from_str(&call.body).unwrap();
    let mut keys: Vec<_> = body.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["Comment", "ExternalId", "ScanType"]);
    assert_eq!(body["ScanType"], "Full");
    assert_eq!(body["ExternalId"], scan.as_str(), "the id in the receipt");
    let comment = body["Comment"].as_str().unwrap();
    assert_eq!(
        comment,
        format!(
            "Full antivirus scan due to alert 3212 (sentinel, rule high){}",
            tail(&scan)
        ),
        "cites the alert, and ends with the token we find our own scan by"
    );
}

#[tokio::test]
async fn the_scan_is_followed_to_its_end_and_every_view_tells_the_same() {
    let site = Site::open().await;
    let receipt = site.post("sentinel", INCIDENT).await.json();
    let scan = scan_id(&receipt);
    let decision = &receipt["alerts"][0]["decisions"][0];
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "succeeded");

    let actions = site.far.scans();
    let [action] = actions.as_slice() else {
        panic!("one action expected: {actions:?}")
    };
    assert_eq!(
        (action.machine.as_str(), action.kind.as_str()),
        (MACHINE, "Full")
    );
    assert_eq!(ended["action"], action.id.as_str());
    for (field, value) in [
        ("machine", MACHINE),
        ("kind", "full"),
        ("rule", "high"),
        ("tenant", "default"),
    ] {
        assert_eq!(ended[field], value);
    }
    assert_eq!(
        (&ended["tries"], &ended["ours"], &ended["dry_run"]),
        (&1.into(), &true.into(), &false.into())
    );
    assert_eq!(ended["alerts"], serde_json::json!(["3212"]));

    for query in [
        "alert=3212",
        "state=finished",
        &format!("device={MACHINE}"),
        "tenant=default",
    ] {
        let list = site.get(&format!("/api/v1/scans?{query}")).await;
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            1,
            "{query}: {list}"
        );
        assert_eq!(list["items"][0]["id"], scan.as_str());
    }
    let decisions = site
        .get(&format!("/api/v1/decisions?state=scan&device={MACHINE}"))
        .await;
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
    let listed = &decisions["items"][0];
    for field in ["id", "rule", "scan", "state", "reason", "scan_id", "why"] {
        assert_eq!(listed[field], decision[field], "{field}");
    }
    assert_eq!(listed["device"]["said"], decision["device"]);
    assert_eq!(
        (&listed["alert"], &listed["machine"]),
        (&"3212".into(), &MACHINE.into())
    );
    let alerts = site.get("/api/v1/alerts?source=sentinel&id=3212").await;
    assert_eq!(alerts["items"].as_array().unwrap().len(), 1);
    let alert = &alerts["items"][0];
    assert_eq!(alert["delivery"], receipt["delivery"]);
    let mut decided = receipt["alerts"][0]["decisions"].clone();
    // It waited for a token when the receipt was written, and for nothing now.
    decided[0].as_object_mut().unwrap().remove("waits");
    assert_eq!(alert["decisions"], decided);
    assert_eq!(
        (&alert["severity"], &alert["state"]),
        (&"high".into(), &"decided".into())
    );

    let status = site.get("/api/v1/status").await;
    let tenant = &status["tenants"][0];
    assert_eq!(tenant["scans"], serde_json::json!({ "finished": 1 }));
    assert_eq!(tenant["quota"]["scan"]["minute"], 1);
    assert_eq!(
        tenant["lane"]["audience"],
        "https://api.securitycenter.microsoft.com"
    );
    assert_eq!(tenant["lane"]["tenant_id"], TENANT);
    assert_eq!(tenant["lane"]["stopped"], Value::Null);

    let metrics = site.admin("/metrics").await.text;
    for line in [
        r#"scanhook_deliveries_total{source="sentinel",status="202"} 1"#,
        r#"scanhook_alerts_total{source="sentinel",state="decided"} 1"#,
        r#"scanhook_decisions_total{tenant="default",rule="high",state="scan"} 1"#,
        r#"scanhook_scan_requests_total{tenant="default",type="full",outcome="running"} 1"#,
        r#"scanhook_scans{tenant="default",state="finished"} 1"#,
        r#"scanhook_quota_used{tenant="default",api="scan",window="minute"} 1"#,
        r#"scanhook_quota_limit{tenant="default",api="scan",window="hour"} 1500"#,
    ] {
        assert!(
            metrics.lines().any(|known| known.starts_with(line)),
            "{line}\n{metrics}"
        );
    }
    let labels = metrics
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(labels, _)| labels);
    let told = labels
        .filter(|labels| labels.contains(MACHINE) || labels.contains("3212"))
        .collect::<Vec<_>>();
    assert_eq!(
        told,
        Vec::<&str>::new(),
        "no device and no alert is a label"
    );
}

#[tokio::test]
async fn a_relayed_defender_alert_of_medium_severity_becomes_a_quick_scan() {
    let site = Site::open().await;
    let answer = site
        .post("defender", include_str!("../payloads/defender-alert.json"))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let scan = scan_id(&answer.json());
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    let calls = site.far.calls_of("scan");
    let [call] = calls.as_slice() else {
        panic!("one call expected: {calls:?}")
    };
    let body: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(body["ScanType"], "Quick");
    assert!(
        body["Comment"]
            .as_str()
            .unwrap()
            .contains("da638660000000000000_-1364969609")
    );
}

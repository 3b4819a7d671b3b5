//! Sources as an operator sets them up: one that acts for several tenants, one that should be heard, one whose ids
//! stand in a header; and a whole delivery of some senders, from its bytes to the scans.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Answer, Far, SIEM_SECRET, SOUTH, Site, Wish, machine, source, two_customers, until,
};

async fn site(sources: &str) -> Site {
    Site::with(Wish {
        config: Some(two_customers("south", sources)),
        ..Wish::default()
    })
    .await
}

fn bodies(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads/");
    std::fs::read_to_string(format!("{folder}{file}")).unwrap()
}

/// The scans the far side really began, as tenant, machine and kind, in order of the machines.
async fn scans(far: &Far, count: usize) -> Vec<String> {
    let mut begun = until("the scans have begun", async || {
        let begun: Vec<_> = far
            .calls_of("scan")
            .into_iter()
            .filter(|call| call.executed)
            .collect();
        (begun.len() >= count).then_some(begun)
    })
    .await;
    begun.sort_by(|a, b| a.machine.cmp(&b.machine));
    let name = |id: &Option<String>| {
        if id.as_deref() == Some(SOUTH) {
            "south"
        } else {
            "north"
        }
    };
    begun
        .iter()
        .map(|call| {
            format!(
                "{} {}",
                name(&call.tenant),
                call.machine.clone().unwrap_or_default()
            )
        })
        .collect()
}

#[tokio::test]
async fn alerts_of_one_delivery_are_scanned_in_the_tenants_they_belong_to() {
    let lines = "preset = \"generic\"\ntenants = [\"north\", \"south\"]\ntenant_from = \"/org\"\n\
        tenant_map = { n = \"north\", S = \"south\" }";
    let site = site(&source("both", lines)).await;
    let alert = |id: u32, org: Value, n: u32| json!({ "alert_id": id, "severity": "high", "org": org, "mde_id": machine(n) });
    let body = json!([
        alert(1, json!("N"), 1),
        alert(1, json!("s"), 2),
        alert(3, json!("x"), 3),
        alert(4, json!(null), 4)
    ]);
    let receipt = site.post("both", body.to_string()).await.json();
    let alerts = receipt["alerts"].as_array().unwrap();
    let states: Vec<_> = alerts
        .iter()
        .map(|alert| (alert["state"].as_str().unwrap(), alert["reason"].as_str()))
        .collect();
    let unknown = ("parked", Some("unknown-tenant"));
    assert_eq!(
        states,
        [("decided", None), ("decided", None), unknown, unknown]
    );
    assert!(
        alerts[2]["detail"]
            .as_str()
            .unwrap()
            .contains("`x`, which belongs to no tenant here"),
        "{receipt}"
    );
    assert_eq!(
        scans(&site.far, 2).await,
        [
            format!("north {}", machine(1)),
            format!("south {}", machine(2))
        ]
    );

    let decided = |tenant: &str| format!("/api/v1/decisions?tenant={tenant}");
    for (tenant, device) in [("north", machine(1)), ("south", machine(2))] {
        let decisions = site.get(&decided(tenant)).await;
        assert_eq!(
            (
                decisions["items"].as_array().unwrap().len(),
                &decisions["items"][0]["device"]["said"]
            ),
            (1, &device.into())
        );
        let metrics = site.admin("/metrics").await.text;
        let line = format!(
            "scanhook_decisions_total{{tenant=\"{tenant}\",rule=\"high\",state=\"scan\"}} 1"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_source_never_acts_on_a_tenant_it_was_not_given() {
    let one = source("north", "preset = \"generic\"\ntenants = \"north\"");
    let site = site(&one).await;
    let body = json!({ "alert_id": 1, "severity": "high", "tenant": SOUTH, "org": "south", "mde_id": machine(1) });
    assert_eq!(site.post("north", body.to_string()).await.status, 202);
    assert_eq!(scans(&site.far, 1).await, [format!("north {}", machine(1))]);
}

#[tokio::test]
async fn a_sender_that_falls_silent_is_shown_until_it_is_heard_again() {
    let lines = "preset = \"generic\"\ntenants = \"north\"\nexpect_every = \"3s\"";
    let quiet = source("calm", "preset = \"generic\"\ntenants = \"north\"");
    let mut site = site(&(source("siem2", lines) + &quiet)).await;
    let of = |status: &Value, name: &str| {
        status["sources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|source| source["name"] == name)
            .unwrap()
            .clone()
    };
    let silent = async |site: &Site| {
        until("the silence is seen", async || {
            let source = of(&site.get("/api/v1/status").await, "siem2");
            source["silent_since"].is_string().then_some(source)
        })
        .await
    };
    let never = silent(&site).await;
    assert_eq!(
        (&never["expect_every"], &never["last_delivery_at"]),
        (&"3s".into(), &Value::Null)
    );
    let body = json!({ "alert_id": 1, "severity": "low", "mde_id": machine(1) }).to_string();
    site.post("siem2", &body).await;
    let status = site.get("/api/v1/status?source=siem2").await;
    assert_eq!(
        of(&status, "siem2")["silent_since"],
        Value::Null,
        "{status}"
    );
    let since = silent(&site).await;
    assert_eq!(since["silent_since"], since["last_delivery_at"]);
    // The same delivery again is nothing new, and a sign of life all the same.
    assert_eq!(site.post("siem2", &body).await.status, 200);
    assert_eq!(
        of(&site.get("/api/v1/status").await, "siem2")["silent_since"],
        Value::Null
    );
    assert_eq!(
        of(&site.get("/api/v1/status").await, "calm")["silent_since"],
        Value::Null,
        "nobody asked for that"
    );

    site.restart().await;
    let metrics = site.admin("/metrics").await.text;
    let gauge = "scanhook_source_last_delivery_timestamp_seconds{source=\"siem2\"} 1";
    assert!(
        metrics.contains(gauge),
        "the journal remembers when it was heard: {metrics}"
    );
}

#[tokio::test]
async fn an_id_may_stand_in_a_header() {
    let lines = "preset = \"generic\"\ntenants = \"north\"\nmap = { id = \"header:x-event-id\" }";
    let site = site(&source("headed", lines)).await;
    let request = |id: Option<&str>, n: u32| {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let request = client
            .post(format!("http://{}/webhooks/headed", site.public))
            .bearer_auth(SIEM_SECRET);
        let body = json!({ "severity": "low", "mde_id": machine(n) }).to_string();
        let request = request
            .header("content-type", "application/json")
            .body(body);
        id.map_or(request.try_clone().unwrap(), |id| {
            request.header("X-Event-Id", id)
        })
        .send()
    };
    let receipt = Answer::of(request(Some("evt-77"), 1).await.unwrap())
        .await
        .json();
    assert_eq!(receipt["alerts"][0]["id"], "evt-77");
    let without = Answer::of(request(None, 2).await.unwrap()).await.json();
    assert!(
        without["alerts"][0]["id"]
            .as_str()
            .unwrap()
            .starts_with("sha256-"),
        "{without}"
    );
    let listed = site.get("/api/v1/alerts?source=headed").await;
    assert_eq!(
        (
            &listed["items"][0]["id_derived"],
            &listed["items"][1]["id_derived"]
        ),
        (&true.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_batch_of_alertmanager_scans_what_fires_and_not_what_is_resolved() {
    let site = site(&source(
        "alertmanager",
        "preset = \"alertmanager\"\ntenants = \"north\"",
    ))
    .await;
    let first = site.post("alertmanager", bodies("alertmanager.json")).await;
    assert_eq!(first.status, 202);
    let states: Vec<_> = first.json()["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["state"].clone())
        .collect();
    assert_eq!(states, ["decided", "decided", "ignored"]);
    let known = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
    assert_eq!(scans(&site.far, 1).await, [format!("north {known}")]);

    // The next flush: the first is resolved, the second comes again unchanged.
    let mut next: Value = serde_json::from_str(&bodies("alertmanager.json")).unwrap();
    next["alerts"][0]["status"] = "resolved".into();
    next["alerts"].as_array_mut().unwrap().truncate(2);
    let second = site.post("alertmanager", next.to_string()).await.json();
    let states: Vec<_> = second["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["state"].clone())
        .collect();
    assert_eq!(states, ["ignored", "duplicate"]);
    let listed = site.get("/api/v1/alerts?id=am-17").await;
    assert_eq!(
        listed["items"][1]["url"],
        "http://prometheus.corp.example/graph?g0.expr=up"
    );
    assert_eq!(site.far.calls_of("scan").len(), 1);
}

#[tokio::test]
async fn a_sentinel_update_that_adds_a_host_scans_that_host_once() {
    let site = site(&source(
        "sentinel2",
        "preset = \"sentinel-incident\"\ntenants = \"north\"",
    ))
    .await;
    assert_eq!(
        site.post("sentinel2", bodies("sentinel-incident.json"))
            .await
            .status,
        202
    );
    let update = site
        .post("sentinel2", bodies("sentinel-incident-update.json"))
        .await
        .json();
    assert_eq!(update["alerts"][0]["state"], "decided", "{update}");
    let machines = [
        "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
        "ab5bc9d7e413ddd7902c2932e418702b84d0cc99",
    ];
    assert_eq!(
        scans(&site.far, 2).await,
        machines.map(|machine| format!("north {machine}"))
    );
    let listed = site.get("/api/v1/alerts?id=3212").await;
    assert_eq!(
        listed["items"][1]["references"]["provider_alert"],
        json!(["da638660000000000000_1364969609"])
    );

    // A retried update is the same delivery; one that only changes its status is decided anew, and adds no scan.
    assert_eq!(
        site.post("sentinel2", bodies("sentinel-incident-update.json"))
            .await
            .status,
        200
    );
    let renamed = bodies("sentinel-incident-update.json").replace("\"Active\"", "\"New\"");
    assert_eq!(
        site.post("sentinel2", renamed).await.json()["alerts"][0]["state"],
        "decided"
    );
    assert_eq!(site.far.calls_of("scan").len(), 2);
}

/// State, reason and detail of each alert in a receipt.
fn ends(receipt: &Value) -> Vec<(&str, &str)> {
    let alerts = receipt["alerts"].as_array().unwrap().iter();
    alerts
        .map(|one| {
            (
                one["state"].as_str().unwrap(),
                one["reason"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_delivery_without_alerts_is_taken_and_asks_for_nothing() {
    let lines = |preset: &str| format!("preset = \"{preset}\"\ntenants = \"north\"");
    let site = site(
        &(source("generic", &lines("generic")) + &source("xdr", &lines("defender-xdr-incident"))),
    )
    .await;
    for body in [
        "[]",
        r#"{"alerts":[]}"#,
        r#"{"alerts":null}"#,
        r#"{"value":[]}"#,
    ] {
        let answer = site.post("generic", body).await;
        assert_eq!(
            (answer.status, ends(&answer.json())),
            (202, vec![("ignored", "no-alerts")]),
            "{body}"
        );
    }
    let merged = site
        .post("xdr", bodies("defender-xdr-incident-redirected.json"))
        .await
        .json();
    assert_eq!(
        merged["alerts"][0]["detail"],
        "no alerts in it, and `parent:/status` is `Redirected`"
    );
    assert_eq!(site.far.calls_of("scan").len(), 0);
}

#[tokio::test]
async fn two_alerts_are_two_although_their_key_lacks_the_part_that_tells_them_apart() {
    let site = site(&source(
        "alertmanager",
        "preset = \"alertmanager\"\ntenants = \"north\"",
    ))
    .await;
    let alert = |name: &str| {
        json!({ "status": "firing", "startsAt": "2026-11-03T06:20:11Z",
                "labels": { "alertname": name, "severity": "high", "device_id": machine(1) } })
    };
    let group = |alerts: &[Value]| {
        json!({ "version": "4", "status": "firing", "alerts": alerts }).to_string()
    };
    for (group, expected) in [
        (group(&[alert("Macro")]), vec![("decided", "")]),
        (group(&[alert("Ransom")]), vec![("decided", "")]),
        (
            group(&[alert("Macro"), alert("Beacon")]),
            vec![("duplicate", "repeated"), ("decided", "")],
        ),
    ] {
        assert_eq!(
            ends(&site.post("alertmanager", &group).await.json()),
            expected,
            "{group}"
        );
    }
}

#[tokio::test]
async fn a_sender_that_speaks_of_itself_begins_no_scan() {
    let presets = [
        "grafana", "datadog", "panther", "falco", "wazuh4", "opsgenie",
    ];
    let sources = presets.map(|preset| {
        source(
            preset,
            &format!("preset = \"{preset}\"\ntenants = \"north\""),
        )
    });
    let site = site(&sources.concat()).await;
    for (preset, file) in [
        ("grafana", "grafana-no-data.json"),
        ("datadog", "datadog-no-data.json"),
        ("datadog", "datadog-test.json"),
        ("panther", "panther-rule-error.json"),
        ("falco", "falco-itself.json"),
        ("wazuh4", "wazuh4-itself.json"),
        ("opsgenie", "opsgenie-heartbeat.json"),
    ] {
        let receipt = site.post(preset, bodies(file)).await.json();
        assert!(
            ends(&receipt)
                .iter()
                .all(|end| *end == ("ignored", "guard")),
            "{file}: {receipt}"
        );
    }
    assert_eq!(site.get("/api/v1/decisions").await["items"], json!([]));
}

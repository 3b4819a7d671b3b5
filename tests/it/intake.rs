//! What becomes of an authenticated delivery: the receipt says it, the journal holds it, and the far side's own
//! record shows that nothing else happened.

use serde_json::{Value, json};

use crate::harness::{RULES, Site, Wish, alert, join, machine, scan_id, until};

const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

/// The only alert of a receipt.
fn only(receipt: &Value) -> &Value {
    let alerts = receipt["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{receipt}");
    &alerts[0]
}

fn texts<'v>(list: &'v Value, key: &str) -> Vec<&'v str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item[key].as_str().unwrap())
        .collect()
}

/// A generic alert with these members besides id, severity and machine.
fn with(id: &str, severity: &str, extra: Value) -> String {
    let mut body =
        json!({ "alert_id": id, "severity": severity, "devices": [{ "mde_id": MACHINE }] });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body.to_string()
}

/// An honest alert goes all the way, so what was not sent before it was not merely late.
async fn nothing_was_sent_but_this_is(site: &Site) {
    let before = site.far.calls_of("scan").len();
    assert_eq!(before, 0, "nothing reached the far side");
    let receipt = site
        .accepted(alert("honest", "high", &machine(0xfeed)))
        .await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let machines: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .map(|action| action.machine)
        .collect();
    assert_eq!(machines, [machine(0xfeed)]);
    assert_eq!(site.far.calls_of("scan").len(), 1);
}

#[tokio::test]
async fn a_receipt_has_the_documented_shape() {
    let site = Site::open().await;
    let answer = site.post("siem", alert("3212", "high", MACHINE)).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (202, Some("application/json"))
    );
    let receipt = answer.json();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&receipt), ["alerts", "delivery", "duplicate"]);
    assert_eq!(receipt["duplicate"], false);
    let alert = only(&receipt);
    assert_eq!(
        (&alert["id"], &alert["state"]),
        (&"3212".into(), &"decided".into())
    );
    let decision = &alert["decisions"][0];
    // What it waits for is there while it waits for something.
    let always = keys(decision)
        .into_iter()
        .filter(|key| key != "waits")
        .collect::<Vec<_>>();
    assert_eq!(
        always,
        [
            "device", "id", "reason", "rule", "scan", "scan_id", "state", "why"
        ]
    );
    for (key, value) in [
        ("device", MACHINE),
        ("rule", "high"),
        ("scan", "full"),
        ("state", "scan"),
        ("reason", "new"),
    ] {
        assert_eq!(decision[key], value, "{key}");
    }
    for id in [&receipt["delivery"], &decision["id"], &decision["scan_id"]] {
        let id: uuid::Uuid = id.as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
    }
    assert!(
        decision["why"]
            .as_str()
            .unwrap()
            .contains("rule `high` asks for a full scan"),
        "{decision}"
    );
}

#[tokio::test]
async fn the_same_delivery_again_gets_the_first_receipt_and_adds_nothing() {
    let mut site = Site::open().await;
    let body = alert("3212", "high", MACHINE);
    let mut first = site.accepted(&body).await;
    site.scan_in(&scan_id(&first), "finished").await;
    // What it waited for is over.
    first["alerts"][0]["decisions"][0]
        .as_object_mut()
        .unwrap()
        .remove("waits");
    let rows = site.rows();
    for restarted in [false, true] {
        if restarted {
            site.restart().await;
        }
        let again = site.post("siem", &body).await;
        assert_eq!(again.status, 200);
        let again = again.json();
        assert_eq!(again["duplicate"], true);
        assert_eq!(again["delivery"], first["delivery"]);
        assert_eq!(again["alerts"], first["alerts"]);
        assert_eq!(site.rows(), rows);
    }
    assert_eq!(site.far.calls_of("scan").len(), 1);
}

#[tokio::test]
async fn deliveries_that_arrive_at_the_same_time_are_one() {
    let site = Site::open().await;
    let body = alert("3212", "high", MACHINE);
    let posts: Vec<_> = (0..16).map(|_| site.post("siem", &body)).collect();
    let mut accepted = Vec::new();
    let mut deliveries = Vec::new();
    let answers = join(posts).await;
    for answer in &answers {
        accepted.push(answer.status);
        deliveries.push(answer.json()["delivery"].as_str().unwrap().to_owned());
    }
    accepted.sort_unstable();
    assert_eq!(accepted, [vec![200; 15], vec![202]].concat());
    deliveries.dedup();
    assert_eq!(deliveries.len(), 1);
    let rows = site.rows();
    assert_eq!(
        (rows.delivery, rows.alert, rows.decision, rows.scan),
        (1, 1, 1, 1)
    );
}

#[tokio::test]
async fn the_same_alert_in_another_delivery_is_a_duplicate_unless_it_is_worse() {
    let site = Site::open().await;
    site.accepted(alert("3212", "medium", MACHINE)).await;
    let reworded = site
        .accepted(with(
            "3212",
            "medium",
            json!({ "title": "another headline" }),
        ))
        .await;
    assert_eq!(
        (&only(&reworded)["state"], &only(&reworded)["reason"]),
        (&"duplicate".into(), &"repeated".into())
    );
    assert_eq!(only(&reworded)["decisions"], json!([]));
    let milder = site
        .accepted(with("3212", "low", json!({ "title": "milder" })))
        .await;
    assert_eq!(only(&milder)["state"], "duplicate");

    let worse = site.accepted(with("3212", "high", json!({}))).await;
    let decision = &only(&worse)["decisions"][0];
    assert_eq!(
        (&only(&worse)["state"], &decision["scan"]),
        (&"decided".into(), &"full".into())
    );

    let devices = json!({ "devices": [{ "mde_id": MACHINE }, { "mde_id": machine(2) }] });
    let wider = site.accepted(with("3212", "medium", devices)).await;
    assert_eq!(
        only(&wider)["state"],
        "decided",
        "a device that was not named before"
    );
    assert_eq!(
        texts(&only(&wider)["decisions"], "device"),
        [MACHINE, &machine(2)]
    );

    let elsewhere = site
        .post("other", alert("3212", "medium", MACHINE))
        .await
        .json();
    assert_eq!(
        only(&elsewhere)["state"],
        "decided",
        "the same id of another source is another alert"
    );
}

#[tokio::test]
async fn a_worse_alert_is_never_swallowed_by_a_milder_one() {
    let site = Site::open().await;
    let quick = site.accepted(alert("low", "medium", MACHINE)).await;
    let full = site.accepted(alert("high", "critical", MACHINE)).await;
    for receipt in [&quick, &full] {
        site.scan_ended(&scan_id(receipt)).await;
    }
    let kinds: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .map(|action| action.kind)
        .collect();
    assert_eq!(kinds.last().map(String::as_str), Some("Full"), "{kinds:?}");
}

#[tokio::test]
async fn what_the_guard_turns_away_is_stored_and_ignored() {
    let site = Site::open().await;
    for (id, status) in [("1", "resolved"), ("2", "Closed")] {
        let receipt = site
            .accepted(with(id, "critical", json!({ "status": status })))
            .await;
        let alert = only(&receipt);
        assert_eq!(
            (&alert["state"], &alert["reason"]),
            (&"ignored".into(), &"guard".into())
        );
        assert!(
            alert["detail"].as_str().unwrap().contains(status),
            "{alert}"
        );
    }
    let closed =
        include_str!("../payloads/sentinel-incident.json").replace("\"New\"", "\"Closed\"");
    assert_eq!(
        only(&site.post("sentinel", closed).await.json())["state"],
        "ignored"
    );
    assert_eq!(site.rows().alert, 3);
    nothing_was_sent_but_this_is(&site).await;
}

#[tokio::test]
async fn what_cannot_be_acted_on_is_parked_with_its_reason_and_accepted_all_the_same() {
    let site = Site::open().await;
    let lookalikes = "\u{ff11}".repeat(40);
    let bad =
        |id: &str| json!({ "alert_id": format!("bad {id}"), "severity": "high", "device_id": id });
    let mut rows: Vec<(Value, &str)> = [
        "../..",
        "../../alerts",
        "a/../b",
        "..%2f..%2falerts",
        "x?y=",
        "x#",
        "1e5bc9d7 e413ddd7902c2932e418702b84d0cc07",
        &format!("{MACHINE}0"),
        &MACHINE[..39],
        &lookalikes,
        "' or id eq '",
        "'); drop table scan;--",
        "",
    ]
    .into_iter()
    .map(|id| (bad(id), "bad-machine-id"))
    .collect();
    let high = |extra: Value| {
        let mut body = json!({ "severity": "high" });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    rows.extend([
        (high(json!({ "alert_id": "n1" })), "no-device"),
        (
            high(json!({ "alert_id": "n2", "DeviceId": MACHINE })),
            "no-device",
        ),
        (
            high(json!({ "alert_id": "n3", "device_name": "localhost" })),
            "no-device",
        ),
        (
            high(json!({ "alert_id": "n4", "DeviceId": machine(1), "deviceId": MACHINE })),
            "ambiguous-key",
        ),
        (
            high(json!({ "alert_id": "x".repeat(1_000_000), "deviceId": MACHINE })),
            "value-too-long",
        ),
        (
            high(json!({ "alert_id": "{{Id}}", "deviceId": MACHINE })),
            "placeholder",
        ),
        (json!(null), "unmapped"),
        (json!("x"), "unmapped"),
        (json!(1), "unmapped"),
        (json!({ "hello": "world" }), "unmapped"),
        (json!(vec![1; 100_000]), "unmapped"),
    ]);
    for (n, (body, reason)) in rows.iter().enumerate() {
        let receipt = site.accepted(body.to_string()).await;
        let alert = only(&receipt);
        let shown = body.to_string().chars().take(100).collect::<String>();
        assert_eq!(
            (&alert["state"], &alert["reason"]),
            (&"parked".into(), &(*reason).into()),
            "{shown}"
        );
        assert!(
            !alert["detail"].as_str().unwrap().is_empty() && alert["decisions"] == json!([]),
            "{shown}"
        );
        assert_eq!(site.rows().alert as usize, n + 1);
    }
    let parked = site.get("/api/v1/alerts?state=parked").await;
    assert_eq!(
        parked["items"].as_array().unwrap().len(),
        rows.len(),
        "all of them are there to be seen"
    );
    assert_eq!(site.rows().decision, 0);
    nothing_was_sent_but_this_is(&site).await;
}

#[tokio::test]
async fn a_device_known_by_name_only_is_held_and_never_guessed() {
    let site = Site::open().await;
    let receipt = site
        .accepted(r#"{"alert_id":"1","severity":"high","device_name":"lt-042"}"#)
        .await;
    let decision = &only(&receipt)["decisions"][0];
    assert_eq!(
        (&decision["state"], &decision["reason"]),
        (&"resolving".into(), &"awaits_directory".into())
    );
    assert_eq!(
        (&decision["device"], &decision["scan_id"]),
        (&"lt-042".into(), &Value::Null)
    );
    let held = until("it is held", async || {
        let held = site.get("/api/v1/decisions?state=held").await;
        held["items"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(
        (&held["id"], &held["reason"]),
        (&decision["id"], &"unresolved_device".into())
    );
    let why = held["why"].as_str().unwrap();
    assert!(
        why.contains("`lt-042`") && why.contains("knows no machine"),
        "{why}"
    );
    assert_eq!(site.get("/api/v1/status").await["tenants"][0]["held"], 1);

    // Beside one with a good id, the bad one does not keep the good one from its scan.
    let both = json!({ "alert_id": "2", "severity": "high", "devices": [{ "mde_id": "../.." }, { "mde_id": MACHINE }] });
    let receipt = site.accepted(both.to_string()).await;
    assert_eq!(
        texts(&only(&receipt)["decisions"], "state"),
        ["held", "scan"]
    );
    let id = only(&receipt)["decisions"][1]["scan_id"].as_str().unwrap();
    site.scan_in(id, "finished").await;
    assert_eq!(site.far.scans().len(), 1);
    assert!(
        site.far
            .calls()
            .iter()
            .all(|call| !call.path.contains(".."))
    );
    assert!(
        site.far
            .calls_of("scan")
            .iter()
            .all(|call| !call.path.contains("lt-042"))
    );
}

#[tokio::test]
async fn ids_are_kept_to_the_last_digit() {
    let site = Site::open().await;
    let ids = [
        "12345678901234567890123",
        "12345678901234567890124",
        "1",
        "1.0",
        "-0",
        "1e0",
    ];
    for (n, id) in ids.into_iter().enumerate() {
        let machine = machine(u32::try_from(n).unwrap());
        let receipt = site
            .accepted(format!(
                r#"{{"alert_id":{id},"severity":"high","device_id":"{machine}"}}"#
            ))
            .await;
        assert_eq!(
            (&only(&receipt)["id"], &only(&receipt)["state"]),
            (&id.into(), &"decided".into())
        );
    }
    let cited = until("all are sent", async || {
        let calls = site.far.calls_of("scan");
        (calls.len() == ids.len()).then_some(calls)
    })
    .await;
    for id in ids {
        let comment = format!("due to alert {id} (");
        assert!(
            cited
                .iter()
                .any(|call| call.comment.as_ref().unwrap().contains(&comment)),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_severity_off_the_scale_never_scans_by_itself() {
    let site = Site::open().await;
    let nonsense = [
        json!(99),
        json!(-1),
        json!(null),
        json!(true),
        json!("worst"),
        json!(["high", 7]),
        json!({ "high": 1 }),
    ];
    for (n, severity) in nonsense.into_iter().enumerate() {
        let body = json!({ "alert_id": n, "severity": severity, "device_id": MACHINE });
        let receipt = site.accepted(body.to_string()).await;
        let decision = &only(&receipt)["decisions"][0];
        assert!(
            ["none", "held"].contains(&decision["state"].as_str().unwrap()),
            "{severity}: {decision}"
        );
        assert_eq!(decision["scan_id"], Value::Null, "{severity}");
    }
    let absent = site
        .accepted(json!({ "alert_id": "absent", "device_id": MACHINE }).to_string())
        .await;
    assert_eq!(only(&absent)["decisions"][0]["scan_id"], Value::Null);
    nothing_was_sent_but_this_is(&site).await;
}

#[tokio::test]
async fn keys_named_like_our_own_change_nothing_and_links_are_not_followed() {
    let site = Site::open().await;
    let link = format!("http://{}/fetched", site.far.at);
    let extra = json!({
        "scanType": "Full", "ScanType": "Full", "scan": "full", "rule": "high", "tenant": "another", "priority": 100,
        "__proto__": { "severity": "critical" }, "constructor": "x", "state": "scan", "mode": "enforce", "url": link,
        "link": "file:///etc/passwd", "time": "Mon, 02 Nov 2026 08:15:42 +0000"
    });
    let receipt = site.accepted(with("1", "medium", extra)).await;
    let scan = site.scan_in(&scan_id(&receipt), "finished").await;
    assert_eq!(
        (&scan["kind"], &scan["tenant"], &scan["priority"]),
        (&"quick".into(), &"default".into(), &50.into())
    );
    assert!(
        site.far.calls_of("other").is_empty(),
        "the alert's link was fetched"
    );
}

#[tokio::test]
async fn no_form_of_time_keeps_an_alert_from_being_decided() {
    let site = Site::open().await;
    let times = [
        json!("Mon, 02 Nov 2026 08:15:42 +0000"),
        json!("9999-12-31T23:59:59Z"),
        json!("+999999-01-01T00:00:00Z"),
        json!("0000-01-01T00:00:00Z"),
        json!("2026-11-02T08:15:42"),
        json!("2026-11-02T08:15:42.613928451Z"),
        json!(1_793_607_342_000_i64),
        json!(-1),
        json!("yesterday"),
        json!(null),
        json!({}),
    ];
    for (n, time) in times.into_iter().enumerate() {
        let receipt = site
            .accepted(with(&n.to_string(), "low", json!({ "time": time })))
            .await;
        assert_eq!(only(&receipt)["state"], "decided", "{time}");
    }
}

/// The comment that reached the far side for an alert with this title.
async fn comment(site: &Site, n: u32, title: &str) -> String {
    let body = json!({ "alert_id": format!("id-{n}"), "title": title, "severity": "high", "device_id": machine(n) });
    let receipt = site.accepted(body.to_string()).await;
    let scan = scan_id(&receipt);
    site.scan_in(&scan, "running").await;
    let calls = site.far.calls_of("scan");
    let call = calls
        .iter()
        .find(|call| call.external_id.as_deref() == Some(scan.as_str()))
        .unwrap();
    let comment = call.comment.clone().unwrap();
    let digits = scan.replace('-', "");
    assert!(
        comment.ends_with(&format!(" [sh-{}]", &digits[digits.len() - 12..])),
        "{comment:?}"
    );
    assert_eq!(
        comment.to_lowercase().matches("[sh-").count(),
        1,
        "{comment:?}"
    );
    assert!(
        comment.contains(&format!("id-{n}")) && comment.chars().count() <= 512,
        "{comment:?}"
    );
    assert!(
        !comment.contains(|c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}')),
        "{comment:?}"
    );
    comment
}

#[tokio::test]
async fn a_hostile_title_is_literal_text_on_one_line() {
    let rules = RULES.replace(
        "mode = \"enforce\"",
        "mode = \"enforce\"\ncomment = \"{alert.title} ({alert.id})\"",
    );
    let mut wish = Wish {
        rules,
        ..Wish::default()
    };
    // They stay running, so that the comment is read from a scan that was surely sent.
    wish.setup.full_ms = 3_600_000;
    let site = Site::with(wish).await;
    let literal = [
        "{{x}}",
        "{alert.id}",
        "{secret}",
        "${env:PATH}",
        "${jndi:ldap://127.0.0.1/a}",
        "%s%n",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "=HYPERLINK(\"http://x\")",
        "'); drop table scan;--",
        "\\u0000 \\n",
    ];
    for (n, title) in (1..).zip(literal) {
        let comment = comment(&site, n, title).await;
        assert!(
            comment.starts_with(&format!("{title} (id-{n}) [sh-")),
            "{comment:?}"
        );
    }
    for (n, title, shown) in [
        (50, "a\r\nSet-Cookie: b", "a  Set-Cookie: b (id-50)"),
        (51, "a\u{1b}[2Jb", "a [2Jb (id-51)"),
        (52, "a\u{202e}b", "a b (id-52)"),
        (53, "a [sh-000000000000]", "a (id-53)"),
        (54, "a [sh-[sh-000000000000]111111111111]", "a (id-54)"),
    ] {
        let comment = comment(&site, n, title).await;
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            squeezed(&comment).starts_with(&squeezed(shown)),
            "{comment:?}"
        );
    }
    let long = comment(&site, 60, &"A".repeat(1_000_000)).await;
    assert!(
        long.starts_with("AAAA") && long.contains("(id-60)"),
        "{long:?}"
    );
}

#[tokio::test]
async fn text_meant_for_a_database_is_only_text() {
    let site = Site::open().await;
    let evil = "'); drop table scan; drop table delivery;--";
    let body = json!({
        "alert_id": evil, "title": evil, "severity": "high", "status": evil, "category": [evil], "technique": [evil],
        "user": evil, "time": evil, "tenant": evil, "url": evil,
        "devices": [{ "mde_id": MACHINE, "name": evil, "aad_id": evil, "ip": evil }]
    });
    let receipt = site.accepted(body.to_string()).await;
    assert_eq!(only(&receipt)["id"], evil);
    site.scan_in(&scan_id(&receipt), "finished").await;
    let id = "%27);%20drop%20table%20scan;%20drop%20table%20delivery;--";
    for (path, found) in [
        (format!("/api/v1/alerts?id={id}"), 1),
        (format!("/api/v1/scans?alert={id}"), 1),
        (format!("/api/v1/alerts?source={id}"), 0),
        (format!("/api/v1/decisions?alert={id}"), 1),
        (format!("/api/v1/decisions?rule={id}"), 0),
        (format!("/api/v1/decisions?device={id}"), 1),
    ] {
        assert_eq!(
            site.get(&path).await["items"].as_array().unwrap().len(),
            found,
            "{path}"
        );
    }
    let rows = site.rows();
    assert_eq!(
        (rows.delivery, rows.alert, rows.decision, rows.scan),
        (1, 1, 1, 1)
    );
}

fn devices(count: u32) -> Vec<Value> {
    (0..count)
        .map(|n| json!({ "mde_id": machine(n) }))
        .collect()
}

#[tokio::test]
async fn an_alert_about_fifty_devices_scans_each_once_and_one_more_parks_it() {
    let site = Site::open().await;
    let fifty = json!({ "alert_id": "50", "severity": "high", "devices": devices(50) });
    let receipt = site.accepted(fifty.to_string()).await;
    assert_eq!(only(&receipt)["decisions"].as_array().unwrap().len(), 50);
    until("all fifty are sent", async || {
        (site.far.scans().len() == 50).then_some(())
    })
    .await;
    let mut machines: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .map(|action| action.machine)
        .collect();
    machines.sort_unstable();
    machines.dedup();
    assert_eq!((machines.len(), site.far.calls_of("scan").len()), (50, 50));

    let more = json!({ "alert_id": "51", "severity": "high", "devices": devices(51) });
    let receipt = site.accepted(more.to_string()).await;
    assert_eq!(
        (&only(&receipt)["state"], &only(&receipt)["reason"]),
        (&"parked".into(), &"too-many-devices".into())
    );
    assert_eq!(site.rows().scan, 50);
}

#[tokio::test]
async fn many_alerts_in_one_delivery_are_decided_each_and_the_excess_is_held_not_sent() {
    let rules = RULES.replace(
        "[defaults]",
        "[defaults]\nlimit = { scans = 5, per = \"1h\" }",
    );
    let site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    let alerts = |count: u32| {
        (0..count).map(|n| json!({ "alert_id": n, "severity": "high", "device_id": machine(n) }))
    };
    let receipt = site
        .accepted(json!({ "alerts": alerts(500).collect::<Vec<_>>() }).to_string())
        .await;
    let mut states = std::collections::BTreeMap::<(String, String), u32>::new();
    for alert in receipt["alerts"].as_array().unwrap() {
        let decision = &alert["decisions"][0];
        let key = (
            decision["state"].as_str().unwrap().to_owned(),
            decision["reason"].as_str().unwrap().to_owned(),
        );
        *states.entry(key).or_default() += 1;
    }
    let expected = [(("held", "limit"), 495), (("scan", "new"), 5)];
    assert_eq!(
        states,
        expected
            .map(|((state, reason), count)| ((state.to_owned(), reason.to_owned()), count))
            .into()
    );
    until("five are over", async || {
        let scans = &site.get("/api/v1/status").await["tenants"][0]["scans"];
        (*scans == json!({ "finished": 5 })).then_some(())
    })
    .await;
    assert_eq!(
        (
            site.far.scans().len(),
            site.get("/api/v1/status").await["tenants"][0]["held"].clone()
        ),
        (5, 495.into())
    );

    let rows = site.rows();
    let receipt = site
        .accepted(json!({ "alerts": alerts(501).collect::<Vec<_>>() }).to_string())
        .await;
    assert_eq!(
        (&only(&receipt)["state"], &only(&receipt)["reason"]),
        (&"parked".into(), &"too-many-alerts".into())
    );
    let after = site.rows();
    assert_eq!(
        (after.alert, after.decision, after.scan),
        (rows.alert + 1, rows.decision, rows.scan)
    );
}

#[tokio::test]
async fn a_list_of_alerts_loses_none_where_a_page_ends_inside_a_delivery() {
    let site = Site::open().await;
    let alerts =
        (0..250).map(|n| json!({ "alert_id": n, "severity": "low", "device_id": machine(n) }));
    site.accepted(json!({ "alerts": alerts.collect::<Vec<_>>() }).to_string())
        .await;
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/api/v1/alerts?source=siem".to_owned();
    loop {
        let page = site.get(&path).await;
        for alert in page["items"].as_array().unwrap() {
            assert!(
                seen.insert(alert["id"].as_str().unwrap().to_owned()),
                "{} came twice",
                alert["id"]
            );
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/alerts?source=siem&after={next}");
    }
    assert_eq!(seen.len(), 250);
}

#[tokio::test]
async fn what_is_worse_for_one_device_is_no_repeat() {
    let site = Site::open().await;
    for (severity, n, state) in [
        ("low", 1, "decided"),
        ("high", 2, "decided"),
        ("high", 1, "decided"),
    ] {
        let body = alert("same-finding", severity, &machine(n));
        let receipt = site.accepted(body).await;
        assert_eq!(only(&receipt)["state"], state, "{severity} on machine {n}");
    }
    let again = site
        .accepted(alert("same-finding", "high", &machine(1)) + " ")
        .await;
    assert_eq!(only(&again)["state"], "duplicate");
}

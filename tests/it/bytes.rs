//! An authenticated alert is never lost to a byte: whatever a single byte of it is, it is read, or it is kept where a
//! person sees it. And a delivery that is too much, or a receipt that nobody reads, is nobody else's trouble.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{
    Answer, Binary, Far, RULES, SIEM_SECRET, Site, Wish, alert, credential, install, machine,
    scan_id, until,
};

fn only(receipt: &Value) -> &Value {
    let alerts = receipt["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{receipt}");
    &alerts[0]
}

/// An alert about one machine with a text where these bytes stand.
fn holding(id: &str, n: u32, bytes: &[u8]) -> Vec<u8> {
    let body =
        json!({ "alert_id": id, "title": "a HERE b", "severity": "high", "device_id": machine(n) })
            .to_string();
    let (before, behind) = body.split_once("HERE").unwrap();
    [before.as_bytes(), bytes, behind.as_bytes()].concat()
}

#[tokio::test]
async fn a_byte_that_is_no_character_costs_no_alert_its_scan() {
    let site = Site::open().await;
    let bytes: [&[u8]; 7] = [
        b"\xf3",
        b"\x00",
        br"\u0000",
        br"\ud83d",
        br"\udc00",
        b"\xe2\x82",
        b"\xed\xa0\x80",
    ];
    for (n, bytes) in (1..).zip(bytes) {
        let receipt = site.accepted(holding(&format!("id-{n}"), n, bytes)).await;
        let alert = only(&receipt);
        assert_eq!(
            (&alert["id"], &alert["state"]),
            (&format!("id-{n}").into(), &"decided".into()),
            "{bytes:?}"
        );
        assert_eq!(alert["notes"], json!(["replaced-bytes"]), "{bytes:?}");
        site.scan_in(&scan_id(&receipt), "finished").await;
        let listed = site.get(&format!("/api/v1/alerts?id=id-{n}")).await;
        let shown = &listed["items"][0];
        assert!(
            shown["title"].as_str().unwrap().starts_with("a \u{fffd}"),
            "{shown}"
        );
        assert_eq!(shown["notes"], json!(["replaced-bytes"]));
    }
    let plain = site.accepted(alert("plain", "high", &machine(99))).await;
    assert_eq!(only(&plain).get("notes"), None);
}

#[tokio::test]
async fn a_byte_in_a_field_nobody_reads_is_noted_at_the_alert_it_stands_in() {
    let site = Site::open().await;
    let with = |id: &str, more: &str| {
        format!(
            r#"{{"alert_id":"{id}","severity":"high","device_id":"{}"{more}}}"#,
            machine(1)
        )
    };
    let body = format!(
        r#"{{"alerts":[{},{}]}}"#,
        with("clean", ""),
        with("spoilt", r#","full_log":"\ud800""#)
    );
    let receipt = site.accepted(body).await;
    let notes: Vec<_> = receipt["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["notes"].clone())
        .collect();
    assert_eq!(notes, [Value::Null, json!(["replaced-bytes"])]);
}

#[tokio::test]
async fn marks_nuls_and_utf_16_around_an_alert_are_passed_over() {
    let site = Site::open().await;
    let body = |n: u32| alert(&format!("id-{n}"), "high", &machine(n));
    let utf16 = |text: String, unit: fn(u16) -> [u8; 2]| {
        text.encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    let bodies = [
        format!("\u{feff}{}", body(1)).into_bytes(),
        format!("{}\0", body(2)).into_bytes(),
        format!("{}\r\n\0\0 \0", body(3)).into_bytes(),
        utf16(body(4), u16::to_le_bytes),
        utf16(body(5), u16::to_be_bytes),
        utf16(format!("\u{feff}{}", body(6)), u16::to_le_bytes),
        utf16(format!("\u{feff}{}\0", body(7)), u16::to_be_bytes),
    ];
    for (n, bytes) in (1..).zip(bodies) {
        let receipt = site.accepted(&bytes).await;
        let alert = only(&receipt);
        assert_eq!(
            (&alert["id"], alert.get("notes")),
            (&format!("id-{n}").into(), None),
            "{receipt}"
        );
        assert_eq!(alert["decisions"][0]["device"], machine(n));
        assert_eq!(
            site.post("siem", &bytes).await.status,
            200,
            "the same bytes are the same delivery"
        );
    }
}

#[tokio::test]
async fn what_identifies_is_unusable_with_a_byte_that_was_replaced_and_nothing_else_stands_in_for_it()
 {
    let site = Site::open().await;
    let post = async |body: &str| {
        site.accepted(body.replace("MACHINE", &machine(7)).replace('~', r"\ud800"))
            .await
    };
    let id = post(r#"{"alert_id":"a~b","severity":"high","device_id":"MACHINE"}"#).await;
    assert!(
        only(&id)["id"].as_str().unwrap().starts_with("sha256-"),
        "{id}"
    );
    assert_eq!(
        (&only(&id)["state"], &only(&id)["notes"]),
        (&"decided".into(), &json!(["replaced-bytes"]))
    );
    // Another alert that differs only in what could not be read is another alert.
    let other = post(r#"{"alert_id":"a~b","severity":"high","device_id":"MACHINE","x":1}"#).await;
    assert_eq!(only(&other)["state"], "decided");
    assert_ne!(only(&other)["id"], only(&id)["id"]);

    let by_name =
        post(r#"{"alert_id":"2","severity":"high","device_id":"~MACHINE","device_name":"lt-042"}"#)
            .await;
    assert_eq!(
        only(&by_name)["decisions"][0]["device"],
        "lt-042",
        "the machine id is none, the name is one"
    );
    let nameless = post(r#"{"alert_id":"3","severity":"high","device_name":"lt-~042"}"#).await;
    assert_eq!(
        (&only(&nameless)["state"], &only(&nameless)["reason"]),
        (&"parked".into(), &"no-device".into())
    );
    // The first name could not be read; the next one may be another machine's.
    let two =
        r#"{"alert_id":"4","severity":"high","devices":[{"name":["lt-~042","collector-1"]}]}"#;
    let two = post(two).await;
    assert_eq!(
        (&only(&two)["state"], &only(&two)["reason"]),
        (&"parked".into(), &"no-device".into()),
        "{two}"
    );
}

#[tokio::test]
async fn a_key_twice_parks_the_alert_where_the_map_reads_it_and_changes_nothing_elsewhere() {
    let site = Site::open().await;
    let body = |id: &str, more: &str| {
        format!(
            r#"{{"alert_id":"{id}","severity":"high","device_id":"{}"{more}}}"#,
            machine(1)
        )
    };
    for (n, more) in [
        format!(r#","device_id":"{}""#, machine(2)),
        format!(r#","\u0064evice_id":"{}""#, machine(2)),
        r#","severity":"low""#.to_owned(),
        r#","status":"closed","status":"new""#.to_owned(),
        r#","alert_id":"other""#.to_owned(),
        r#","title":"a","title":"a""#.to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let bytes = body(&format!("twice-{n}"), more);
        let receipt = site.accepted(&bytes).await;
        let alert = only(&receipt);
        assert_eq!(
            (&alert["state"], &alert["reason"]),
            (&"parked".into(), &"duplicate-key".into()),
            "{more}"
        );
        assert!(
            alert["detail"].as_str().unwrap().contains("twice"),
            "{alert}"
        );
        let kept = scanhook::journal::latest_bodies(&site.journal(), 1).unwrap();
        assert_eq!(
            kept,
            [bytes.as_bytes()],
            "a person decides, and needs the bytes for it"
        );
    }
    assert_eq!(site.rows().decision, 0);
    let elsewhere = site
        .accepted(body("unread", r#","x":[{"y":{"a":1,"a":2}}],"x":0"#))
        .await;
    assert_eq!(
        (&only(&elsewhere)["state"], only(&elsewhere).get("notes")),
        (&"decided".into(), None)
    );
    site.scan_in(&scan_id(&elsewhere), "finished").await;
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains(r#"scanhook_not_scanned_total{reason="duplicate-key"} 6"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_rule_that_reads_a_key_twice_cannot_be_judged() {
    let rules = RULES.to_owned().replacen(
        "[[rule]]",
        "[[rule]]\nname = \"harmless\"\nscan = \"none\"\nwhen = { \"/opinion\" = \"benign\" }\n[[rule]]",
        1,
    );
    let site = Site::with(Wish {
        rules,
        ..Wish::default()
    })
    .await;
    for (verdicts, state, reason) in [
        (r#""opinion":"benign""#, "none", "rule"),
        (r#""opinion":"malicious""#, "scan", "new"),
        (
            r#""opinion":"malicious","opinion":"benign""#,
            "held",
            "undecided",
        ),
    ] {
        let id = verdicts.len();
        let body = format!(
            r#"{{"alert_id":{id},"severity":"high","device_id":"{}",{verdicts}}}"#,
            machine(3)
        );
        let receipt = site.accepted(body).await;
        let decision = &only(&receipt)["decisions"][0];
        assert_eq!(
            (&decision["state"], &decision["reason"]),
            (&state.into(), &reason.into()),
            "{verdicts}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_after_authentication_is_kept_for_the_operator() {
    let mut site = Site::open().await;
    for n in 0..60 {
        assert_eq!(
            site.post("siem", format!("{{\"alert_id\":{n},"))
                .await
                .status,
            400
        );
    }
    let long = [b"{\"x\":\"\x1b[2J\xf3".to_vec(), vec![b'a'; 3_000]].concat();
    assert_eq!(site.post("siem", &long).await.status, 400);
    assert_eq!(site.post("other", b"").await.status, 400);
    assert_eq!(site.rows().delivery, 0);
    for restarted in [false, true] {
        if restarted {
            site.restart().await;
        }
        let status = site.get("/api/v1/status?source=siem").await;
        let unread = status["sources"][0]["unread"].as_array().unwrap().clone();
        assert_eq!(unread.len(), 50, "the last fifty");
        let newest = &unread[0];
        assert_eq!(
            (&newest["code"], &newest["bytes"]),
            (&"json-syntax".into(), &(long.len()).into())
        );
        assert_eq!(newest["sha256"], hex::encode(Sha256::digest(&long)));
        let head = newest["head"].as_str().unwrap();
        assert!(head.starts_with(r#"{"x":"\u{1b}[2J\xf3aaa"#), "{head}");
        assert_eq!(head.matches('a').count(), 1024 - 11, "the first kilobyte");
        assert_eq!(newest["credential"], "siem.secret");
        assert_eq!(unread[49]["head"], "{\"alert_id\":11,");
        assert_eq!(
            site.get("/api/v1/status").await["sources"][0].get("unread"),
            None
        );
        let other = site.get("/api/v1/status?source=other").await;
        assert_eq!(other["sources"][0]["unread"][0]["code"], "empty-body");
    }
}

#[tokio::test]
async fn a_refused_body_is_counted_and_one_in_which_a_secret_may_stand_is_not_shown() {
    let more = "[sources.both]\npreset = \"generic\"\n[[sources.both.auth]]\nbody_secret = { pointer = \"/key\", \
                secret_file = \"siem.secret\" }\n[[sources.both.auth]]\nbearer = { secret_file = \"siem.secret\" }\n";
    let site = Site::with(Wish {
        more: more.to_owned(),
        ..Wish::default()
    })
    .await;
    let broken = format!(r#"{{"key":"{SIEM_SECRET}","alert_id":"#);
    assert_eq!(site.post("both", &broken).await.status, 400);
    let status = site.get("/api/v1/status?source=both").await;
    let unread = &status["sources"][0]["unread"][0];
    assert_eq!(
        (&unread["head"], &unread["sha256"]),
        (&"".into(), &hex::encode(Sha256::digest(&broken)).into())
    );
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains(r#"scanhook_unreadable_bodies_total{source="both",code="json-syntax"} 1"#),
        "{metrics}"
    );
    let unauthenticated = r#"{"key":"of somebody else","alert_id":"#;
    let forged = reqwest::Client::new()
        .post(format!("http://{}/webhooks/both", site.public))
        .header("content-type", "application/json")
        .body(unauthenticated);
    assert_eq!(Answer::of(forged.send().await.unwrap()).await.status, 401);
    assert_eq!(
        site.get("/api/v1/status?source=both").await["sources"][0]["unread"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

const STD: &str = "[sources.std]\npreset = \"generic\"\n[[sources.std.auth]]\nstandard_webhooks = { secret_file = \"std.secret\" }\n";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A site with a source whose requests are signed with an id of their own.
async fn with_ids() -> Site {
    Site::with(Wish {
        more: STD.to_owned(),
        secrets: vec![("std.secret", WHSEC)],
        ..Wish::default()
    })
    .await
}

async fn post_as(site: &Site, id: &str, body: &str) -> Value {
    let at = jiff::Timestamp::now().as_second().to_string();
    let mut request = reqwest::Client::new()
        .post(format!("http://{}/webhooks/std", site.public))
        .header("content-type", "application/json")
        .body(body.to_owned());
    for (name, value) in crate::harness::standard_webhook(WHSEC, id, &at, body) {
        request = request.header(name, value);
    }
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn an_id_that_is_derived_is_of_the_body_whatever_id_it_was_signed_with() {
    let site = with_ids().await;
    let body = json!({ "severity": "high", "device_id": machine(1) }).to_string();
    let derived = format!("sha256-{}", hex::encode(&Sha256::digest(&body)[..16]));
    let first = post_as(&site, "msg_1", &body).await;
    assert_eq!(
        (&only(&first)["id"], &only(&first)["state"]),
        (&derived.as_str().into(), &"decided".into())
    );
    let again = post_as(&site, "msg_2", &body).await;
    assert_eq!(
        (&only(&again)["id"], &only(&again)["state"]),
        (&derived.into(), &"duplicate".into())
    );
}

#[tokio::test]
async fn a_retry_of_an_alert_without_an_id_keeps_its_id() {
    let site = with_ids().await;
    let receipt = post_as(
        &site,
        "msg_1",
        &json!({ "title": "t", "severity": "high" }).to_string(),
    )
    .await;
    assert_eq!(only(&receipt)["reason"], "no-device");
    site.ordered("/api/v1/retry", json!({ "ids": [receipt["delivery"]] }))
        .await;
    let alerts = site.get("/api/v1/alerts").await;
    assert_eq!(
        only(&json!({ "alerts": alerts["items"] }))["id"],
        only(&receipt)["id"]
    );
}

#[tokio::test]
async fn a_delivery_with_more_devices_than_are_decided_at_once_is_parked_as_one() {
    let site = Site::open().await;
    let alerts = |count: u32| {
        let devices = |n: u32| {
            (0..50)
                .map(|m| json!({ "mde_id": machine(n * 50 + m) }))
                .collect::<Vec<_>>()
        };
        let one = |n: u32| json!({ "alert_id": n, "severity": "low", "devices": devices(n) });
        json!({ "alerts": (0..count).map(one).collect::<Vec<_>>() }).to_string()
    };
    let receipt = site.accepted(alerts(41)).await;
    let alert = only(&receipt);
    assert_eq!(
        (&alert["state"], &alert["reason"]),
        (&"parked".into(), &"too-many-decisions".into())
    );
    assert!(
        alert["detail"].as_str().unwrap().contains("2050"),
        "{alert}"
    );
    assert_eq!(site.rows().decision, 0);
    site.accepted(alerts(40)).await;
    assert_eq!(site.rows().decision, 2_000);
}

#[tokio::test]
async fn a_receipt_lists_so_much_and_counts_the_rest_and_so_do_the_metrics() {
    let site = Site::open().await;
    let devices = |n: u32| {
        (0..20)
            .map(|m| json!({ "mde_id": machine(n * 20 + m) }))
            .collect::<Vec<_>>()
    };
    let one = |n: u32| json!({ "alert_id": n, "severity": "low", "devices": devices(n) });
    let body = json!({ "alerts": (0..100).map(one).collect::<Vec<_>>() }).to_string();
    let receipt = site.accepted(&body).await;
    let again = site.post("siem", &body).await;
    assert_eq!(again.status, 200);
    for receipt in [&receipt, &again.json()] {
        let decisions = |alert: &Value| alert["decisions"].as_array().unwrap().len();
        let listed: usize = receipt["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(decisions)
            .sum();
        let alerts = receipt["alerts"].as_array().unwrap().len();
        assert_eq!(listed, 500);
        assert_eq!(
            receipt["truncated"],
            json!({ "alerts": 100 - alerts, "decisions": 1_500 })
        );
        assert!(receipt.to_string().len() < 300_000);
    }
    let metrics = site.admin("/metrics").await.text;
    for line in [
        r#"scanhook_alerts_total{source="siem",state="decided"} 100"#,
        r#"scanhook_decisions_total{tenant="default",rule="",state="none"} 2000"#,
        r#"scanhook_not_scanned_total{reason="no_match"} 2000"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let small = site.accepted(alert("small", "low", &machine(1))).await;
    assert_eq!(small.get("truncated"), None);
}

/// A whole request to `siem`, which keeps its connection.
fn request(body: &[u8]) -> Vec<u8> {
    let (name, value) = credential("siem", body);
    let head = format!(
        "POST /webhooks/siem HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{name}: {value}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_hundred_repeats_of_a_wide_delivery_that_nobody_reads_cost_little_memory() {
    let far = Far::open(scanhook_simulator::Setup::default()).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let program = Binary::serve(folder.path()).await;
    let devices = |n: u32| {
        (0..50)
            .map(|m| format!("h{}", n * 50 + m))
            .collect::<Vec<_>>()
    };
    let one = |n: u32| json!({ "alert_id": n, "severity": "low", "devices": devices(n) });
    let body = json!({ "alerts": (0..500).map(one).collect::<Vec<_>>() }).to_string();
    let bytes = request(body.as_bytes());
    let post = || {
        let mut stream = TcpStream::connect(program.public).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(&bytes).unwrap();
        stream
    };
    let mut first = post();
    assert_eq!(first.read(&mut [0; 16]).unwrap(), 16);
    let before = program.resident();
    let mut silent: Vec<TcpStream> = (0..100).map(|_| post()).collect();
    for stream in &mut silent {
        // An answer has begun, so all of it is made.
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 1);
    }
    let grown = program.resident().saturating_sub(before);
    assert!(grown < 100_000, "{grown} kB more");
}

/// Conditions on a body of nearly a megabyte, in as many rules as anybody writes.
fn costly_rules() -> String {
    let mut rules = RULES.to_owned();
    for n in 0..10 {
        let condition = [
            "\"/log\".contains = \"nowhere",
            "\"/log\".regex = \"no(where|thing)+x",
            "\"/log\".glob = \"*nowhere*",
        ][n % 3];
        write!(
            rules,
            "[[rule]]\nname = \"body {n}\"\nscan = \"none\"\nwhen = {{ {condition}{n}\" }}\n"
        )
        .unwrap();
    }
    rules
}

#[tokio::test]
async fn the_largest_body_with_the_costliest_rules_keeps_nobody_waiting() {
    let site = Site::with(Wish {
        rules: costly_rules(),
        ..Wish::default()
    })
    .await;
    let one =
        |n: u32| json!({ "alert_id": n, "severity": "low", "devices": [{ "mde_id": machine(n) }] });
    let body = json!({ "log": "some where ".repeat(50_000), "alerts": (0..500).map(one).collect::<Vec<_>>() });
    let large = async {
        let begun = Instant::now();
        let receipt = site.accepted(body.to_string()).await;
        assert_eq!(receipt["alerts"].as_array().unwrap().len(), 500);
        begun.elapsed()
    };
    let honest = async {
        let mut longest = Duration::ZERO;
        for n in 0..20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let begun = Instant::now();
            let answer = site
                .post("other", alert(&format!("honest-{n}"), "low", &machine(1)))
                .await;
            assert_eq!(answer.status, 202);
            longest = longest.max(begun.elapsed());
        }
        longest
    };
    let (large, honest) = tokio::join!(large, honest);
    // Each condition is judged once, not five hundred times: that would be minutes.
    assert!(large < Duration::from_secs(20), "{large:?}");
    // Everything runs on this one thread: while the body were read on it, nobody else would be answered.
    assert!(honest < Duration::from_secs(3), "{honest:?}");
    until("nothing is left", async || {
        (site.get("/api/v1/status").await["ready"] == true).then_some(())
    })
    .await;
}

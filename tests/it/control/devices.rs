//! Orders that select devices: by any name, in one language of patterns, and with one count.

use serde_json::{Value, json};

use super::{asking, decided, line, results};
use crate::harness::{Site, Wish, alert, machine, scan_id};

fn named(id: &str, severity: &str, name: &str, n: u32) -> String {
    let device = json!({ "name": name, "mde_id": machine(n) });
    json!({ "alert_id": id, "title": "Odd mail", "severity": severity, "devices": [device] })
        .to_string()
}

#[tokio::test]
async fn pause_deny_cancel_and_retry_know_the_letters_of_every_script() {
    let site = asking().await;
    site.ordered("/api/v1/pause", json!({ "device": "BÜRO-*" }))
        .await;
    let scan = scan_id(&site.accepted(named("1", "high", "büro-1", 1)).await);
    let paused = site.scan(&scan).await;
    assert_eq!(
        (&paused["state"], &paused["paused"]["device"]),
        (&"waiting".into(), &"BÜRO-*".into())
    );
    assert!(!line(&paused, "paused")["detail"].is_null());
    decided(&site, named("2", "medium", "büro-2", 2), "held", "approval").await;
    for pattern in ["b?ro-2", "BÜRO-2", "b[ü]RO-*", "büro-2.corp.example"] {
        let order = json!({ "device": pattern, "preview": true });
        let told = site.ordered("/api/v1/decisions/deny", order).await;
        let expected = usize::from(!pattern.contains('.'));
        assert_eq!(
            (&told["count"], &told["machines"]),
            (&expected.into(), &expected.into()),
            "{pattern}"
        );
    }
    let told = site
        .ordered("/api/v1/scans/cancel", json!({ "device": "b?RO-1" }))
        .await;
    assert_eq!(results(&told), ["cancelled"]);
    let told = site
        .ordered(
            "/api/v1/retry",
            json!({ "device": "Büro-1", "preview": true }),
        )
        .await;
    assert_eq!(told["count"], 1);
    // The rules know no braces, and neither does anything else.
    let (status, problem) = site
        .refused("/api/v1/pause", json!({ "device": "{dc,sql}-*" }))
        .await;
    assert_eq!(
        (status, &problem["code"], &problem["key"]),
        (400, &"bad-value".into(), &"device".into())
    );
}

#[tokio::test]
async fn a_machine_that_alerts_name_by_its_id_is_selected_by_the_name_the_directory_gives_it() {
    let mut wish = Wish {
        rules: super::ASKING.to_owned(),
        ..Wish::default()
    };
    let dns_name = Some("dc-7.corp.example".to_owned());
    wish.setup.machines = vec![scanhook_simulator::Machine {
        id: machine(7),
        dns_name,
        ..Default::default()
    }];
    let site = Site::with(wish).await;
    // The first asks the directory, the second says the id and nothing else.
    let by_name = r#"{"alert_id":"1","title":"Odd mail","severity":"medium","device_name":"dc-7.corp.example"}"#;
    decided(&site, by_name, "held", "approval").await;
    decided(&site, alert("2", "medium", &machine(7)), "held", "approval").await;
    let told = site
        .ordered(
            "/api/v1/decisions/approve",
            json!({ "device": "DC-*", "preview": true }),
        )
        .await;
    assert_eq!((&told["count"], &told["machines"]), (&2.into(), &1.into()));
    for item in told["items"].as_array().unwrap() {
        assert_eq!(
            (&item["name"], &item["severity"]),
            (&"dc-7.corp.example".into(), &"medium".into())
        );
        assert!(item["hold_ends"].is_string(), "{item}");
    }
    let held = site.get("/api/v1/decisions?device=dc-7&state=held").await;
    let [by_id, by_name] = held["items"].as_array().unwrap().as_slice() else {
        panic!("{held}")
    };
    assert_eq!(
        (&by_id["device"]["said"], &by_id["title"]),
        (&machine(7).into(), &"t".into())
    );
    assert_eq!(
        (&by_name["device"]["said"], &by_name["title"]),
        (&"dc-7.corp.example".into(), &"Odd mail".into())
    );
    for one in [by_id, by_name] {
        assert_eq!(
            (&one["name"], &one["severity"]),
            (&"dc-7.corp.example".into(), &"medium".into())
        );
        assert_eq!(one["whose_move"], "a person: approve or deny");
        assert!(one["hold_ends"].is_string(), "{one}");
    }
}

#[tokio::test]
async fn a_preview_counts_what_is_held_together_and_the_order_does_as_many() {
    let site = asking().await;
    // Two alerts a machine: each pair is answered together, however the selection is cut.
    for part in 0..4_u32 {
        let pair = |n: u32| {
            let one = move |id: &str| {
                json!({ "alert_id": format!("{n}-{id}"), "title": "t", "severity": "medium",
                                              "devices": [{ "mde_id": machine(n) }] })
            };
            [one("a"), one("b")]
        };
        let alerts: Vec<Value> = (part * 200 + 1..=part * 200 + 200).flat_map(pair).collect();
        site.accepted(json!({ "alerts": alerts }).to_string()).await;
    }
    let deny = "/api/v1/decisions/deny";
    let first = site
        .ordered(deny, json!({ "rule": "ask", "preview": true }))
        .await;
    assert_eq!(
        (&first["count"], &first["machines"]),
        (&1_600.into(), &800.into())
    );
    assert_eq!(first["items"].as_array().unwrap().len(), 1_000);
    let next = first["next"].as_str().unwrap();
    let second = site
        .ordered(
            deny,
            json!({ "rule": "ask", "preview": true, "after": next }),
        )
        .await;
    assert_eq!(
        (&second["count"], &second["next"]),
        (&1_600.into(), &Value::Null)
    );
    assert_eq!(second["items"].as_array().unwrap().len(), 600);
    let (status, problem) = site
        .refused(deny, json!({ "rule": "ask", "after": "behind" }))
        .await;
    assert_eq!((status, &problem["key"]), (400, &"after".into()));

    let admin = format!("http://{}", site.admin);
    let say = async |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args(args)
            .args(["--admin", &admin])
            .env_clear()
            .stdin(std::process::Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        crate::verbs::Ran::of(output)
    };
    let asked = say(&["deny", "--rule", "ask"]).await.ends(64).err;
    crate::verbs::has(
        &asked,
        &["deny would be for 1,600 decisions about 800 machines"],
    );
    let done = say(&["deny", "--rule", "ask", "--yes"]).await.ends(0).err;
    crate::verbs::has(
        &done,
        &[
            "step 1 of 2: 1,000 decisions so far",
            "step 2 of 2: 1,600 decisions so far",
        ],
    );
    crate::verbs::has(&done, &["deny: 1,600 decisions about 800 machines"]);
    assert_eq!(site.get("/api/v1/status").await["tenants"][0]["held"], 0);
    let denied = site.get("/api/v1/summary").await;
    assert_eq!(
        denied["decisions"],
        json!([{ "name": "dropped", "reason": "denied", "count": 1_600 }])
    );
}

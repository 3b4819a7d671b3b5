//! How the far side is treated when it is slow, busy, strict or broken. Its own record decides, never our word.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scanhook_simulator::{Busy, CallRecord, Fault, How, Machine, Setup, Tenant};
use serde_json::{Map, Value, json};

use crate::harness::{
    CLIENT, Site, TENANT, Wish, alert, fault, join, machine, never, scan_id, until,
};

async fn high(site: &Site, id: &str, machine: &str) -> String {
    scan_id(&site.accepted(alert(id, "high", machine)).await)
}

fn times(calls: &[CallRecord]) -> Vec<jiff::Timestamp> {
    calls.iter().map(|call| call.at).collect()
}

/// What happened to a scan, in order.
fn events(scan: &Value) -> Vec<&str> {
    scan["events"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| event["what"].as_str().unwrap())
        .collect()
}

/// One app registration as the settings name it.
fn registered(roles: &[&str]) -> Setup {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let tenant = Tenant {
        id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        roles,
        ..Tenant::default()
    };
    Setup {
        tenants: vec![tenant],
        ..Wish::default().setup
    }
}

fn with_setup(change: impl FnOnce(&mut Setup)) -> Wish {
    let mut wish = Wish::default();
    change(&mut wish.setup);
    wish
}

#[tokio::test]
async fn after_a_429_nobody_calls_before_its_time_and_then_the_scan_is_sent() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("2")));
    let first = high(&site, "1", &machine(1)).await;
    until("the pause is shown", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["paused_until"]
            .as_str()
            .map(str::to_owned)
    })
    .await;
    // More work inside the pause must not tempt it.
    let second = high(&site, "2", &machine(2)).await;
    for scan in [&first, &second] {
        assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
    }
    let calls = site.far.calls();
    let refused = calls
        .iter()
        .position(|call| call.status == Some(429))
        .unwrap();
    let until = calls[refused].at + Duration::from_secs(2);
    assert!(
        times(&calls[refused + 1..])
            .into_iter()
            .all(|at| at >= until),
        "a call inside the pause"
    );
    assert_eq!(site.far.scans().len(), 2);
    assert_eq!(site.scan(&first).await["tries"], 2);
}

#[tokio::test]
async fn a_restart_does_not_shorten_the_pause() {
    let mut site = Site::open().await;
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("3")));
    let scan = high(&site, "1", &machine(1)).await;
    site.scan_in(&scan, "waiting").await;
    until("the 429 was answered", async || {
        (site.scan(&scan).await["tries"] == 1).then_some(())
    })
    .await;
    until("the pause is shown", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["paused_until"]
            .is_string()
            .then_some(())
    })
    .await;
    site.restart().await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    let calls = site.far.calls();
    let refused = calls
        .iter()
        .position(|call| call.status == Some(429))
        .unwrap();
    let until = calls[refused].at + Duration::from_secs(3);
    assert!(
        times(&calls[refused + 1..])
            .into_iter()
            .all(|at| at >= until),
        "not even a token before the pause is over"
    );
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn a_far_side_that_keeps_refusing_the_token_gets_one_new_one_and_is_left_alone() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 1000, fault(401, "Unauthorized", None));
    let scan = high(&site, "1", &machine(1)).await;
    let why = site.stopped().await;
    assert!(
        why.contains("refuses a fresh token") && why.contains("401"),
        "{why}"
    );
    for n in 2..12 {
        high(&site, &n.to_string(), &machine(n)).await;
    }
    never("a third token is asked for", || {
        site.far.calls_of("token").len() > 2
    })
    .await;
    assert_eq!(
        site.far.calls_of("token").len(),
        2,
        "the first and one refresh"
    );
    assert_eq!(
        site.far.calls_of("scan").len(),
        2,
        "each token was tried once"
    );
    assert_eq!(
        site.scan(&scan).await["state"],
        "waiting",
        "nothing is lost by it"
    );
    assert_eq!(
        site.get("/api/v1/scans?state=waiting").await["items"]
            .as_array()
            .unwrap()
            .len(),
        11
    );
    let ready = site.get("/readyz?verbose").await;
    assert_eq!(ready["lanes"]["default"]["stopped"], why.as_str());
}

#[tokio::test]
async fn one_refused_token_is_replaced_and_the_scan_goes_out() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    let scan = high(&site, "1", &machine(1)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(
        (site.far.calls_of("token").len(), site.far.scans().len()),
        (2, 1)
    );
    assert_eq!(
        site.get("/api/v1/status").await["tenants"][0]["lane"]["stopped"],
        Value::Null
    );
}

#[tokio::test]
async fn a_stopped_tenant_goes_on_by_itself_once_it_is_mended() {
    let mut wish = Wish::default();
    wish.pace.stopped = Duration::from_millis(500);
    let site = Site::with(wish).await;
    site.far
        .fault("scan", 1, 1000, fault(403, "DisabledFeature", None));
    let scan = high(&site, "1", &machine(1)).await;
    let why = site.stopped().await;
    assert!(
        why.contains("forbids the scan call") && why.contains("DisabledFeature"),
        "{why}"
    );
    site.far.mend();
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
}

#[tokio::test]
async fn a_secret_that_entra_refuses_stops_the_tenant_with_words() {
    let mut wish = Wish {
        setup: registered(&["Machine.Scan", "Machine.Read.All"]),
        ..Wish::default()
    };
    wish.setup.tenants[0].client_secret = "another".to_owned();
    let site = Site::with(wish).await;
    let scan = high(&site, "1", &machine(1)).await;
    let why = site.stopped().await;
    assert!(why.contains("Entra refuses a token"), "{why}");
    assert!(!why.contains("client-secret"), "{why}");
    assert_eq!(site.far.calls().len(), 1, "one token call, and no other");
    assert_eq!(site.scan(&scan).await["state"], "waiting");
}

#[tokio::test]
async fn a_machine_nobody_knows_or_that_cannot_be_scanned_ends_with_its_reason_and_holds_nobody_up()
{
    let refusing = |n, code: &str| Machine {
        id: machine(n),
        refuses_scan: Some(code.to_owned()),
        ..Machine::default()
    };
    let site = Site::with(with_setup(|setup| {
        setup.open_fleet = false;
        setup.machines = vec![
            refusing(2, "OsPlatformNotSupported"),
            refusing(3, "ClientVersionNotSupported"),
            refusing(4, "DisallowedOperation"),
            refusing(5, "SomethingNew"),
            Machine {
                id: machine(6),
                ..Machine::default()
            },
        ];
    }))
    .await;
    for (n, outcome, detail) in [
        (1, "no_such_machine", "404"),
        (2, "unsupported", "OsPlatformNotSupported"),
        (3, "unsupported", "ClientVersionNotSupported"),
        (4, "refused", "DisallowedOperation"),
        (5, "refused", "SomethingNew"),
    ] {
        let scan = high(&site, &n.to_string(), &machine(n)).await;
        let ended = site.scan_in(&scan, "dropped").await;
        assert_eq!(
            (&ended["outcome"], &ended["tries"]),
            (&outcome.into(), &1.into())
        );
        assert!(
            ended["detail"].as_str().unwrap().contains(detail),
            "{ended}"
        );
    }
    let scan = high(&site, "6", &machine(6)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(
        (site.far.calls_of("scan").len(), site.far.scans().len()),
        (6, 1),
        "none is tried again"
    );
}

#[tokio::test]
async fn an_executed_call_with_a_useless_answer_is_found_in_the_list_and_not_repeated() {
    let raw = |status, kind: Option<&str>, body: &str| How::Raw {
        status,
        content_type: kind.map(str::to_owned),
        body: body.to_owned(),
    };
    let executed = |answer| How::Executed {
        answer: Box::new(answer),
    };
    let set = |key: &str, value: Value| How::Edited {
        set: Map::from_iter([(key.to_owned(), value)]),
    };
    let faults = [
        executed(fault(500, "InternalServerError", None)),
        executed(raw(201, None, "")),
        executed(raw(201, Some("text/html"), "<html>")),
        executed(raw(201, Some("application/json"), r#"{"id":"#)),
        executed(raw(302, None, "")),
        How::LostAnswer,
        set("machineId", machine(0xbad).into()),
        set("id", Value::Null),
        set("id", "../../alerts".into()),
    ];
    join(faults.map(found_in_the_list).into()).await;
}

async fn found_in_the_list(how: How) {
    let name = format!("{how:?}");
    let site = Site::open().await;
    site.far.fault("scan", 1, 1, how);
    let scan = high(&site, "1", &machine(1)).await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&"succeeded".into(), &1.into()),
        "{name}"
    );
    assert!(events(&ended).contains(&"adopted"), "{name}: {ended}");
    assert_eq!(
        (site.far.scans().len(), site.far.calls_of("scan").len()),
        (1, 1),
        "{name}"
    );
    assert_eq!(ended["action"], site.far.scans()[0].id.as_str(), "{name}");
}

#[tokio::test]
async fn an_action_that_is_listed_late_is_still_found() {
    let mut wish = with_setup(|setup| setup.list_lag_ms = 1_500);
    wish.pace.settle = Duration::from_secs(2);
    let site = Site::with(wish).await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let scan = high(&site, "1", &machine(1)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(
        (site.far.scans().len(), site.far.calls_of("scan").len()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_lost_call_is_sent_again_as_the_same_scan_after_two_lists_without_it() {
    let site = Site::open().await;
    site.far.fault("scan", 1, 1, How::LostRequest);
    let scan = high(&site, "1", &machine(1)).await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&"succeeded".into(), &2.into())
    );
    let calls = site.far.calls();
    let sent: Vec<_> = (0..calls.len())
        .filter(|n| calls[*n].route == "scan")
        .collect();
    let [lost, again] = sent[..] else {
        panic!("two calls expected: {calls:?}")
    };
    assert_eq!(calls[lost].external_id.as_deref(), Some(scan.as_str()));
    assert_eq!(
        calls[again].external_id, calls[lost].external_id,
        "the same correlation id"
    );
    assert_eq!(calls[again].comment, calls[lost].comment);
    let lists = calls[lost..again]
        .iter()
        .filter(|call| call.route == "list")
        .count();
    assert!(lists >= 2, "{lists} lists between them");
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn a_restart_while_a_call_is_on_its_way_does_not_double_it() {
    join([true, false].map(cut_by_a_restart).into()).await;
}

async fn cut_by_a_restart(executed: bool) {
    let mut site = Site::open().await;
    site.far.fault("scan", 1, 1, How::Silence { executed });
    let scan = high(&site, "1", &machine(1)).await;
    until("the call has left", async || {
        (site.far.calls_of("scan").len() == 1).then_some(())
    })
    .await;
    // The grace is over before the answer that never comes: the call is cut.
    site.restart().await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "succeeded");
    assert_eq!(ended["tries"], if executed { 1 } else { 2 });
    assert_eq!(site.far.scans().len(), 1, "executed: {executed}");
}

#[tokio::test]
async fn behind_a_foreign_quick_a_full_waits_and_is_sent_when_it_ends() {
    let answers = [
        Busy::Refused400,
        Busy::RefusedCodeOnly,
        Busy::RefusedMessageOnly,
        Busy::Existing200,
        Busy::Existing201,
    ];
    join(answers.map(behind_a_foreign_quick).into()).await;
}

async fn behind_a_foreign_quick(busy: Busy) {
    let site = Site::with(with_setup(|setup| {
        setup.busy = busy;
        setup.quick_ms = 3_600_000;
    }))
    .await;
    let foreign = site.far.foreign(&machine(1), "Quick");
    let scan = high(&site, "1", &machine(1)).await;
    until("it is blocked", async || {
        let seen = site.scan(&scan).await;
        (seen["state"] == "waiting" && events(&seen).contains(&"blocked")).then_some(())
    })
    .await;
    let free = site.far.call_off(&foreign);
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["ours"]),
        (&"succeeded".into(), &true.into()),
        "{busy:?}"
    );
    let actions = site.far.scans();
    let [theirs, ours] = actions.as_slice() else {
        panic!("two actions expected: {actions:?}")
    };
    assert_eq!(
        (theirs.id.as_str(), ours.kind.as_str()),
        (foreign.as_str(), "Full")
    );
    assert!(ours.created >= free, "after theirs has ended");
    assert_eq!(ended["action"], ours.id.as_str());
}

#[tokio::test]
async fn a_foreign_full_covers_a_quick_and_the_decision_says_so() {
    for busy in [Busy::Refused400, Busy::Existing200] {
        let site = Site::with(with_setup(|setup| {
            setup.busy = busy;
            setup.full_ms = 3_600_000;
        }))
        .await;
        let foreign = site.far.foreign(&machine(1), "Full");
        let scan = scan_id(&site.accepted(alert("1", "medium", &machine(1))).await);
        let covered = site.scan_in(&scan, "running").await;
        assert_eq!(
            (&covered["ours"], &covered["action"]),
            (&false.into(), &foreign.as_str().into()),
            "{busy:?}"
        );
        let decisions = site.get("/api/v1/decisions").await;
        assert_eq!(decisions["items"][0]["reason"], "foreign");
        assert!(
            decisions["items"][0]["why"]
                .as_str()
                .unwrap()
                .contains("somebody else's scan"),
            "{decisions}"
        );
        let next = site.accepted(alert("2", "medium", &machine(1))).await;
        assert_eq!(
            next["alerts"][0]["decisions"][0]["reason"], "foreign",
            "it answers for the next alert, too"
        );
        site.far.call_off(&foreign);
        let ended = site.scan_in(&scan, "finished").await;
        assert_eq!(ended["outcome"], "cancelled", "and is followed to its end");
        assert_eq!(site.far.scans().len(), 1, "nothing of ours was started");
    }
}

/// A token as Entra would write it, with other claims.
fn token(aud: &str, tid: &str, roles: &[&str]) -> How {
    let claims = json!({ "aud": aud, "tid": tid, "roles": roles, "ver": "1.0" });
    let [head, claims] = [json!({ "typ": "JWT", "alg": "none" }), claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    How::Edited {
        set: Map::from_iter([(
            "access_token".to_owned(),
            format!("{head}.{claims}.unsigned").into(),
        )]),
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_stops_the_tenant_before_any_call() {
    const DEFENDER: &str = "https://api.securitycenter.microsoft.com";
    const ELSEWHERE: &str = "00000000-0000-4000-8000-00000000beef";
    let all = ["Machine.Scan", "Machine.Read.All"];
    let tokens = [
        (
            token("https://graph.microsoft.com", TENANT, &all),
            ["https://graph.microsoft.com", "token_scope"],
        ),
        (token(DEFENDER, ELSEWHERE, &all), [ELSEWHERE, "tenant_id"]),
        (
            token(DEFENDER, TENANT, &["Machine.Read.All"]),
            ["Machine.Scan", "admin consent"],
        ),
        (
            token(DEFENDER, TENANT, &[]),
            ["Machine.Scan", "it has: none"],
        ),
    ];
    join(
        tokens
            .map(|(how, words)| stopped_by_a_token(how, words))
            .into(),
    )
    .await;
}

async fn stopped_by_a_token(how: How, words: [&'static str; 2]) {
    let faults = vec![Fault {
        route: "token".to_owned(),
        nth: 1,
        times: 1000,
        how,
    }];
    let mut wish = Wish {
        faults,
        ..Wish::default()
    };
    wish.pace.stopped = Duration::from_millis(600);
    let site = Site::with(wish).await;
    let scan = high(&site, "1", &machine(1)).await;
    let why = site.stopped().await;
    assert!(words.iter().all(|word| why.contains(word)), "{why}");
    assert!(
        site.far.calls().iter().all(|call| call.route == "token"),
        "it went nowhere"
    );
    assert_eq!(site.scan(&scan).await["state"], "waiting");
    site.far.mend();
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded",
        "by itself, once mended"
    );
}

#[tokio::test]
async fn a_missing_role_is_named() {
    let site = Site::with(Wish {
        setup: registered(&["Machine.Read.All"]),
        ..Wish::default()
    })
    .await;
    high(&site, "1", &machine(1)).await;
    let why = site.stopped().await;
    assert!(
        why.contains("Machine.Scan") && why.contains("it has: Machine.Read.All"),
        "{why}"
    );
    assert!(site.far.calls_of("scan").is_empty());

    let site = Site::with(Wish {
        setup: registered(&["Machine.Scan"]),
        ..Wish::default()
    })
    .await;
    until("a note on the missing role", async || {
        let lane = &site.get("/api/v1/status").await["tenants"][0]["lane"];
        lane["notes"]
            .to_string()
            .contains("Machine.Read.All")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_way_a_scan_can_end_is_shown_as_it_is() {
    let ends = [
        ("Failed", "failed"),
        ("TimeOut", "timeout"),
        ("Cancelled", "cancelled"),
        ("Succeeded", "succeeded"),
    ];
    let outcomes = (1..)
        .zip(ends)
        .map(|(n, (theirs, _))| (machine(n), theirs.to_owned()))
        .collect();
    let site = Site::with(with_setup(|setup| setup.outcomes = outcomes)).await;
    for (n, (_, ours)) in (1..).zip(ends) {
        let scan = high(&site, &n.to_string(), &machine(n)).await;
        let ended = site.scan_in(&scan, "finished").await;
        assert_eq!(ended["outcome"], ours);
        if ours == "failed" {
            assert!(
                ended["detail"].as_str().unwrap().contains("0x8007"),
                "{ended}"
            );
        }
        // Only what succeeded answers for the next alert.
        let next = site
            .accepted(alert(&format!("next-{n}"), "high", &machine(n)))
            .await;
        let reason = if ours == "succeeded" {
            "cooldown"
        } else {
            "new"
        };
        assert_eq!(
            next["alerts"][0]["decisions"][0]["reason"], reason,
            "after {ours}"
        );
    }
}

#[tokio::test]
async fn a_status_nobody_knows_is_not_the_end() {
    let site = Site::open().await;
    site.far.fault(
        "scan",
        1,
        1,
        How::Edited {
            set: Map::from_iter([("status".to_owned(), "Exploded".into())]),
        },
    );
    let scan = high(&site, "1", &machine(1)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn our_share_of_the_quota_is_kept_and_a_restart_does_not_refill_it() {
    let mut site = Site::with(Wish {
        tenant: "quota = { per_minute = 3, per_hour = 100 }",
        ..Wish::default()
    })
    .await;
    for n in 0..12 {
        high(&site, &n.to_string(), &machine(n)).await;
    }
    let spent = async |site: &Site| {
        until("the share is spent", async || {
            let status = site.get("/api/v1/status").await;
            (status["tenants"][0]["quota"]["scan"]["minute"] == 3).then_some(status)
        })
        .await
    };
    let status = spent(&site).await;
    assert_eq!(status["tenants"][0]["quota"]["scan"]["per_minute"], 3);
    until("three are sent", async || {
        (site.far.scans().len() == 3).then_some(())
    })
    .await;
    for n in 20..24 {
        site.restart().await;
        // Each alert wakes the lane; it has a token, every reason to send, and no right to.
        until("a token is there", async || {
            let lane = &site.get("/api/v1/status").await["tenants"][0]["lane"];
            lane["token_expires_at"].is_string().then_some(())
        })
        .await;
        high(&site, &n.to_string(), &machine(n)).await;
        spent(&site).await;
    }
    never("a fourth scan is sent", || {
        site.far.calls_of("scan").len() > 3
    })
    .await;
    let (scans, lists) = site
        .far
        .shared
        .with(|far| (far.quota_peak("scan").0, far.quota_peak("list").0));
    assert_eq!(scans, 3, "all of the share, and no more");
    assert!(lists <= 3, "{lists} lists");
    assert!(site.far.calls().iter().all(|call| !call.refused_by_quota));
    let waiting = site.get("/api/v1/scans?state=waiting").await;
    assert_eq!(
        waiting["items"].as_array().unwrap().len(),
        13,
        "the rest waits"
    );
}

#[tokio::test]
async fn what_others_use_of_the_quota_is_learnt_from_a_second_429_and_shown() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 2, fault(429, "TooManyRequests", Some("1")));
    high(&site, "1", &machine(1)).await;
    let quota =
        async |of: &str| site.get("/api/v1/status").await["tenants"][0]["quota"][of].clone();
    let shown = until("the share is lowered", async || {
        let scan = quota("scan").await;
        scan["used_by_others_per_minute"]
            .as_u64()
            .is_some_and(|used| used > 0)
            .then_some(scan)
    })
    .await;
    assert_eq!(
        site.far
            .calls_of("scan")
            .iter()
            .filter(|call| call.status == Some(429))
            .count(),
        2
    );
    let number = |key: &str| shown[key].as_u64().unwrap();
    assert_eq!(number("per_minute"), 100, "what is configured stays");
    assert!(
        number("effective_per_minute") <= 5,
        "nothing was let through yet: {shown}"
    );
    assert_eq!(
        number("effective_per_minute") + number("used_by_others_per_minute"),
        100
    );
    assert_eq!(
        number("effective_per_hour") + number("used_by_others_per_hour"),
        1500
    );
    assert_eq!(
        quota("list").await["used_by_others_per_minute"],
        0,
        "every API has its own budget"
    );
    let metrics = site.admin("/metrics").await.text;
    let gauge = |name: &str| {
        let labels = r#"{tenant="default",api="scan",window="minute"} "#;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("scanhook_{name}{labels}")));
        line.unwrap_or_else(|| panic!("no {name}"))
            .parse::<f64>()
            .unwrap()
    };
    assert_eq!(gauge("quota_limit"), 100.0);
    assert_eq!(
        gauge("quota_effective") + gauge("quota_used_by_others"),
        100.0
    );
    assert!(gauge("quota_used_by_others") > 90.0);
}

#[tokio::test]
async fn slow_answers_to_others_do_not_hold_up_an_urgent_scan() {
    let site = Site::open().await;
    site.far.fault("scan", 1, 3, How::Delay { ms: 20_000 });
    for n in 1..6 {
        high(&site, &n.to_string(), &machine(n)).await;
    }
    until("three calls wait for their answers", async || {
        (site.far.calls_of("scan").len() == 3).then_some(())
    })
    .await;
    site.accepted(alert("urgent", "critical", &machine(9)))
        .await;
    until("the urgent one has left", async || {
        (site.far.calls_of("scan").len() == 4).then_some(())
    })
    .await;
    assert_eq!(
        site.far.calls_of("scan")[3].machine.as_deref(),
        Some(machine(9).as_str())
    );
}

/// Until the first token is there, alerts gather.
fn late_token() -> Fault {
    Fault {
        route: "token".to_owned(),
        nth: 1,
        times: 1,
        how: How::Delay { ms: 1_500 },
    }
}

#[tokio::test]
async fn what_is_urgent_goes_first() {
    let tenant = "quota = { per_minute = 1, per_hour = 100 }";
    let site = Site::with(Wish {
        tenant,
        faults: vec![late_token()],
        ..Wish::default()
    })
    .await;
    let body = json!({ "alerts": [
        { "alert_id": "a", "severity": "medium", "device_id": machine(1) },
        { "alert_id": "b", "severity": "critical", "device_id": machine(2) },
        { "alert_id": "c", "severity": "high", "device_id": machine(3) },
    ] });
    site.accepted(body.to_string()).await;
    until("one is sent", async || {
        (site.far.scans().len() == 1).then_some(())
    })
    .await;
    assert_eq!(site.far.scans()[0].machine, machine(2));
}

#[tokio::test]
async fn a_dry_run_decides_everything_and_sends_nothing() {
    let tenant = Wish {
        tenant: "mode = \"dry_run\"",
        ..Wish::default()
    };
    let process = Wish {
        dry_run: true,
        ..Wish::default()
    };
    let rules = Wish {
        rules: crate::harness::RULES.replace("enforce", "dry_run"),
        ..Wish::default()
    };
    join([tenant, process, rules].map(sends_nothing).into()).await;
}

async fn sends_nothing(wish: Wish) {
    let dry = wish.dry_run;
    let site = Site::with(wish).await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let decision = &receipt["alerts"][0]["decisions"][0];
    assert_eq!(
        (&decision["state"], &decision["scan"]),
        (&"scan".into(), &"full".into())
    );
    assert!(
        decision["why"]
            .as_str()
            .unwrap()
            .contains("dry run: nothing is sent"),
        "{decision}"
    );
    let ended = site.scan_in(&scan_id(&receipt), "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"], &ended["dry_run"]),
        (&"dry_run".into(), &0.into(), &true.into())
    );
    assert_eq!(site.get("/api/v1/status").await["dry_run"], dry);
    let again = site.accepted(alert("2", "high", &machine(1))).await;
    assert_eq!(
        again["alerts"][0]["decisions"][0]["reason"], "cooldown",
        "a dry scan cools dry decisions"
    );
    assert!(site.far.calls_of("scan").is_empty() && site.far.scans().is_empty());
}

#[tokio::test]
async fn storms_on_one_machine_are_one_scan_that_cites_them_all() {
    let site = Site::with(Wish {
        faults: vec![late_token()],
        ..Wish::default()
    })
    .await;
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("1")));
    let mut scans = Vec::new();
    for n in 0..10 {
        scans.push(high(&site, &format!("storm-{n}"), &machine(1)).await);
    }
    scans.dedup();
    assert_eq!(scans.len(), 1, "one scan answers all of them");
    let ended = site.scan_in(&scans[0], "finished").await;
    assert_eq!(ended["alerts"].as_array().unwrap().len(), 10);
    assert_eq!(site.far.scans().len(), 1);
    let comment = &site.far.scans()[0].comment;
    assert!(
        (0..10).all(|n| comment.contains(&format!("storm-{n}"))),
        "{comment}"
    );
}

#[tokio::test]
async fn a_dry_run_does_not_send_what_was_decided_before_it() {
    let mut site = Site::open().await;
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("1")));
    let scan = high(&site, "1", &machine(1)).await;
    until("the 429 was answered", async || {
        (site.scan(&scan).await["tries"] == 1).then_some(())
    })
    .await;
    site.restart_dry().await;
    // A dry decision of now ends at its turn: the lane has polled, the pause notwithstanding.
    let dry = high(&site, "2", &machine(2)).await;
    site.scan_ended(&dry).await;
    never("a scan is started", || !site.far.scans().is_empty()).await;
    assert_eq!(site.scan(&scan).await["state"], "waiting");
}

#[tokio::test]
async fn a_quick_that_may_have_begun_stays_one_and_a_full_gets_a_scan_of_its_own() {
    let site = Site::with(with_setup(|setup| {
        setup.list_lag_ms = 2_500;
        setup.quick_ms = 5_000;
    }))
    .await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let quick = scan_id(&site.accepted(alert("1", "medium", &machine(1))).await);
    // Neither list holds it yet, the machine is busy with it, and lists go on without it.
    until("it waits for its third try", async || {
        let seen = site.scan(&quick).await;
        (seen["state"] == "waiting" && seen["tries"] == 2).then_some(())
    })
    .await;
    let full = scan_id(&site.accepted(alert("2", "high", &machine(1))).await);
    assert_ne!(quick, full);
    for (scan, kind) in [(&quick, "quick"), (&full, "full")] {
        let ended = site.scan_in(scan, "finished").await;
        assert_eq!(
            (&ended["outcome"], &ended["kind"]),
            (&"succeeded".into(), &kind.into()),
            "{ended}"
        );
        let action = site
            .far
            .scans()
            .into_iter()
            .find(|action| ended["action"] == action.id.as_str())
            .unwrap();
        assert_eq!(
            action.kind.to_lowercase(),
            kind,
            "it is told to be what it was"
        );
    }
    assert_eq!(site.far.scans().len(), 2);
}

#[tokio::test]
async fn a_name_that_is_given_to_another_entra_tenant_sends_nothing_before_its_old_work_is_over() {
    let mut site = Site::open().await;
    site.ordered("/api/v1/pause", json!({})).await;
    let old = high(&site, "1", &machine(1)).await;
    until("there is a token", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["token_expires_at"]
            .is_string()
            .then_some(())
    })
    .await;
    site.stop().await;
    let file = site.folder.path().join("scanhook.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        config.replace(TENANT, "77777777-6a44-4f0d-9c51-7e8a9b0c1d2e"),
    )
    .unwrap();
    site.restart().await;
    site.ordered("/api/v1/resume", json!({})).await;
    let why = site.stopped().await;
    assert!(why.contains(TENANT) && why.contains("77777777"), "{why}");
    let new = high(&site, "2", &machine(2)).await;
    never("anything is sent", || !site.far.calls_of("scan").is_empty()).await;
    // Both wait under the old tenant; cancelled, they are over.
    for scan in [&old, &new] {
        site.ordered(&format!("/api/v1/scans/{scan}/cancel"), json!({}))
            .await;
    }
    until("it goes on", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["stopped"]
            .is_null()
            .then_some(())
    })
    .await;
    let next = high(&site, "3", &machine(3)).await;
    assert_eq!(
        site.scan_in(&next, "finished").await["outcome"],
        "succeeded"
    );
}

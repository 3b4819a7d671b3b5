//! Lists that are not as one would like them: cut off, reordered, led elsewhere, with odd rows, too long, refused in the
//! middle. No scan is sent twice for it, and none stands still.

use std::time::Duration;

use scanhook_simulator::{Busy, CallRecord, How, ListOrder, Setup};
use serde_json::json;

use crate::harness::{Site, Wish, alert, fault, machine, scan_id, until};

const HOUR_MS: u64 = 3_600_000;

fn with_setup(change: impl FnOnce(&mut Setup)) -> Wish {
    let mut wish = Wish::default();
    change(&mut wish.setup);
    wish
}

async fn begun(site: &Site, id: &str, severity: &str, n: u32) -> String {
    scan_id(&site.accepted(alert(id, severity, &machine(n))).await)
}

/// Scans that were executed on a machine and are not somebody else's.
fn executed(site: &Site, n: u32) -> usize {
    site.far
        .scans()
        .iter()
        .filter(|action| action.machine == machine(n) && !action.foreign)
        .count()
}

async fn notes(site: &Site) -> String {
    site.get("/api/v1/status").await["tenants"][0]["lane"]["notes"].to_string()
}

#[tokio::test]
async fn a_list_that_is_cut_at_the_most_rows_is_read_on_and_nothing_is_sent_twice() {
    for order in [
        ListOrder::OldestFirst,
        ListOrder::NewestFirst,
        ListOrder::ById,
    ] {
        let mut wish = with_setup(|setup| setup.order = order);
        wish.pace.rows = 4;
        let site = Site::with(wish).await;
        for n in 100..110 {
            site.far.foreign(&machine(n), "Full");
        }
        site.far.fault("scan", 1, 1, How::LostAnswer);
        let scan = begun(&site, "1", "high", 1).await;
        assert_eq!(
            site.scan_in(&scan, "finished").await["outcome"],
            "succeeded",
            "{order:?}"
        );
        assert_eq!(
            (executed(&site, 1), site.far.calls_of("scan").len()),
            (1, 1),
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn a_next_page_on_another_host_is_asked_for_at_our_own() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap().to_string();
    let site = Site::with(with_setup(|setup| {
        setup.next_host = Some(there);
        setup.page_size = Some(1);
    }))
    .await;
    for n in 100..103 {
        site.far.foreign(&machine(n), "Full");
    }
    for (n, how) in [(1, How::LostRequest), (2, How::LostAnswer)] {
        site.far.fault("scan", 1, 1, how);
        let scan = begun(&site, &n.to_string(), "high", n).await;
        assert_eq!(
            site.scan_in(&scan, "finished").await["outcome"],
            "succeeded"
        );
        assert_eq!(executed(&site, n), 1);
    }
    assert!(
        site.far
            .calls_of("list")
            .iter()
            .any(|call| call.path.contains("$skip=3")),
        "all pages were read"
    );
    assert!(elsewhere.accept().is_err(), "the token went nowhere else");
}

#[tokio::test]
async fn an_odd_row_of_somebody_elses_holds_up_nobody_and_is_told() {
    let rows = [
        json!({ "id": 7, "status": "Pending", "machineId": machine(9) }),
        json!({ "id": "a b", "externalId": "ticket 17", "machineId": machine(1) }),
        json!({ "status": "Pending", "requestorComment": "manual", "machineId": machine(1) }),
    ];
    let site = Site::with(with_setup(|setup| setup.odd_rows = rows.into())).await;
    site.far.fault("scan", 1, 1, How::LostRequest);
    let scan = begun(&site, "1", "high", 1).await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&json!("succeeded"), &json!(2))
    );
    let notes = notes(&site).await;
    assert!(
        notes.contains("machine actions that cannot be read: 3;"),
        "{notes}"
    );
}

#[tokio::test]
async fn an_odd_row_that_may_be_ours_is_waited_for_and_told() {
    for row in [
        json!(17),
        json!({ "status": "Pending", "machineId": machine(1) }),
    ] {
        let mut wish = with_setup(|setup| setup.odd_rows = vec![row.clone()]);
        wish.pace.follow_most = Duration::from_millis(300);
        let site = Site::with(wish).await;
        site.far.fault("scan", 1, 1, How::LostRequest);
        let scan = begun(&site, "1", "high", 1).await;
        until("six lists are read", async || {
            (site.far.calls_of("list").len() >= 6).then_some(())
        })
        .await;
        assert_eq!(
            (
                site.far.calls_of("scan").len(),
                &site.scan(&scan).await["state"]
            ),
            (1, &json!("unknown")),
            "{row}"
        );
        assert!(
            notes(&site)
                .await
                .contains("machine actions that cannot be read: 1;")
        );
        site.far.shared.with(|far| far.setup().odd_rows.clear());
        assert_eq!(
            site.scan_in(&scan, "finished").await["outcome"],
            "succeeded",
            "{row}"
        );
        assert_eq!(executed(&site, 1), 1);
        until("nothing is told any more", async || {
            (notes(&site).await == "[]").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_429_in_the_middle_of_a_list_keeps_the_pages_that_were_read() {
    let site = Site::with(with_setup(|setup| {
        (setup.page_size, setup.order, setup.full_ms) = (Some(1), ListOrder::OldestFirst, HOUR_MS);
    }))
    .await;
    for n in 100..103 {
        site.far.foreign(&machine(n), "Full");
    }
    site.far.fault("scan", 1, 1, How::LostAnswer);
    site.far
        .fault("list", 3, 1, fault(429, "TooManyRequests", Some("1")));
    let scan = begun(&site, "1", "high", 1).await;
    site.scan_in(&scan, "running").await;
    let lists = site.far.calls_of("list");
    let refused = lists
        .iter()
        .position(|call| call.status == Some(429))
        .unwrap();
    assert_eq!(
        lists[refused].path,
        lists[refused + 1].path,
        "it goes on where it was"
    );
    assert!(
        lists[refused].path.contains("$skip=2"),
        "{}",
        lists[refused].path
    );
}

#[tokio::test]
async fn a_list_that_is_too_long_to_be_read_at_once_is_read_in_smaller_parts() {
    let row = |n: u32| json!({ "id": n.to_string(), "machineId": machine(9), "requestorComment": "x".repeat(1 << 10) });
    let mut wish = with_setup(|setup| setup.odd_rows = (0..20).map(row).collect());
    (wish.pace.rows, wish.timeouts.longest) = (40, 16 << 10);
    let site = Site::with(wish).await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let scan = begun(&site, "1", "medium", 1).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(executed(&site, 1), 1);
    assert!(
        site.far
            .calls_of("list")
            .iter()
            .any(|call| call.path.contains("$top=10"))
    );
}

#[tokio::test]
async fn a_second_answer_with_our_own_older_action_is_ours_without_external_id_too() {
    let mut wish = Wish {
        tenant: "external_id = false",
        ..Wish::default()
    };
    (wish.setup.list_lag_ms, wish.setup.busy) = (HOUR_MS, Busy::Existing201);
    (wish.setup.full_ms, wish.pace.skew) = (4_000, Duration::from_millis(100));
    let site = Site::with(wish).await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let scan = begun(&site, "1", "high", 1).await;
    let running = site.scan_in(&scan, "running").await;
    assert_eq!(
        (&running["tries"], &running["ours"]),
        (&json!(2), &json!(true)),
        "{running}"
    );
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert_eq!(executed(&site, 1), 1);
}

#[tokio::test]
async fn external_id_is_given_up_only_if_the_call_is_taken_without_it() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 2, fault(400, "InvalidRequestBody", None));
    let refused = begun(&site, "1", "high", 1).await;
    assert_eq!(
        site.scan_in(&refused, "dropped").await["outcome"],
        "refused"
    );
    let calls = site.far.calls_of("scan");
    assert_eq!(
        calls
            .iter()
            .map(|call| call.external_id.is_some())
            .collect::<Vec<_>>(),
        [true, false]
    );
    let next = begun(&site, "2", "high", 2).await;
    site.scan_in(&next, "finished").await;
    assert!(
        site.far.calls_of("scan")[2].external_id.is_some(),
        "nothing was proved"
    );
    assert_eq!(notes(&site).await, "[]");

    let mut site = Site::with(with_setup(|setup| setup.accept_external_id = false)).await;
    for n in 1..3 {
        let scan = begun(&site, &n.to_string(), "high", n).await;
        assert_eq!(
            site.scan_in(&scan, "finished").await["outcome"],
            "succeeded"
        );
    }
    let carried = |site: &Site| {
        site.far
            .calls_of("scan")
            .iter()
            .map(|call| call.external_id.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(carried(&site), [true, false, false]);
    assert!(notes(&site).await.contains("ExternalId"));
    // With a new token it is tried again.
    site.restart().await;
    let scan = begun(&site, "3", "high", 3).await;
    site.scan_in(&scan, "finished").await;
    assert_eq!(carried(&site)[3..], [true, false]);
}

fn gateway() -> How {
    How::Raw {
        status: 404,
        content_type: Some("text/html".to_owned()),
        body: "<h1>404</h1>".to_owned(),
    }
}

#[tokio::test]
async fn a_404_of_a_gateway_drops_no_scan_ends_none_and_is_no_word_on_a_machine() {
    let site = Site::with(with_setup(|setup| setup.list_lag_ms = HOUR_MS)).await;
    site.far.fault("scan", 1, 2, gateway());
    site.far.fault("get", 1, 2, gateway());
    let scan = begun(&site, "1", "high", 1).await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "succeeded", "{ended}");
    assert_eq!(executed(&site, 1), 1);
    assert!(
        site.far.calls_of("get").len() > 2,
        "it was read until it could be"
    );

    let site = Site::open().await;
    site.far.fault("machines", 1, 1, gateway());
    let named = json!({ "alert_id": "2", "title": "t", "severity": "high", "devices": [{ "name": "ws-7.corp.example" }] });
    site.accepted(named.to_string()).await;
    site.resolved().await;
    assert!(
        site.far.calls_of("machines").len() > 1,
        "it was asked again"
    );
}

#[tokio::test]
async fn an_action_that_cannot_be_read_keeps_no_other_from_being_read_and_the_tenant_from_nothing()
{
    let site = Site::with(with_setup(|setup| {
        setup.list_lag_ms = HOUR_MS;
        setup.unreadable.insert(machine(1));
    }))
    .await;
    let poisoned = begun(&site, "1", "high", 1).await;
    let others = [
        begun(&site, "2", "high", 2).await,
        begun(&site, "3", "high", 3).await,
    ];
    for scan in &others {
        assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
    }
    assert_eq!(site.scan(&poisoned).await["state"], "running");
    site.far.shared.with(|far| far.setup().unreadable.clear());
    assert_eq!(
        site.scan_in(&poisoned, "finished").await["outcome"],
        "succeeded"
    );
}

#[tokio::test]
async fn where_single_actions_may_not_be_read_lists_go_on() {
    let site = Site::with(with_setup(|setup| setup.list_lag_ms = HOUR_MS)).await;
    site.far
        .fault("get", 1, u32::MAX, fault(403, "Forbidden", None));
    let scan = begun(&site, "1", "high", 1).await;
    let second = begun(&site, "2", "high", 2).await;
    until("two reads were refused", async || {
        (site.far.calls_of("get").len() == 2).then_some(())
    })
    .await;
    site.far.shared.with(|far| far.setup().list_lag_ms = 0);
    for scan in [&scan, &second] {
        assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
    }
    assert_eq!(site.far.calls_of("get").len(), 2, "two refusals are enough");
    let notes = notes(&site).await;
    assert!(
        notes.contains("forbids reading single machine actions"),
        "{notes}"
    );
}

#[tokio::test]
async fn what_ended_while_nobody_looked_is_found_out_before_it_is_given_up() {
    let mut wish = Wish::default();
    wish.pace.follow_for = Some(Duration::from_millis(500));
    wish.setup.full_ms = 700;
    let mut site = Site::with(wish).await;
    let scan = begun(&site, "1", "high", 1).await;
    site.scan_in(&scan, "running").await;
    site.stop().await;
    until("it is over", async || {
        let now = jiff::Timestamp::now();
        site.far
            .scans()
            .first()
            .filter(|action| !action.is_open(now))
            .map(drop)
    })
    .await;
    site.restart().await;
    assert_eq!(site.scan_ended(&scan).await["outcome"], "succeeded");
}

#[tokio::test]
async fn somebody_elses_action_is_followed_from_when_it_was_met_however_old_it_is() {
    let mut wish = with_setup(|setup| (setup.busy, setup.full_ms) = (Busy::Existing200, 3_500));
    wish.pace.follow_for = Some(Duration::from_secs(2));
    let site = Site::with(wish).await;
    site.far.foreign(&machine(1), "Full");
    until("it is older than any scan is followed", async || {
        (site.far.scans()[0].created + Duration::from_millis(2_200) < jiff::Timestamp::now())
            .then_some(())
    })
    .await;
    let scan = begun(&site, "1", "medium", 1).await;
    let ended = site.scan_ended(&scan).await;
    assert_eq!(
        (&ended["outcome"], &ended["ours"]),
        (&json!("succeeded"), &json!(false)),
        "{ended}"
    );
}

#[tokio::test]
async fn one_answer_with_a_wrong_date_hides_no_action() {
    let site = Site::open().await;
    site.far
        .fault("scan", 1, 1, How::Dated { ahead_s: 3 * 3600 });
    site.far.fault("scan", 2, 1, How::LostAnswer);
    let scans = [
        begun(&site, "1", "high", 1).await,
        begun(&site, "2", "high", 2).await,
    ];
    for (n, scan) in (1..).zip(&scans) {
        assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
        assert_eq!(executed(&site, n), 1);
    }
}

/// How far back a list reaches.
fn since(list: &CallRecord) -> String {
    let (_, since) = list.path.split_once("creationDateTimeUtc%20ge%20").unwrap();
    since.split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_old_scan_stretches_nobody_elses_list() {
    let mut wish = with_setup(|setup| setup.offline = [machine(1)].into());
    (wish.pace.old, wish.pace.skew) = (Duration::from_secs(2), Duration::ZERO);
    wish.pace.follow_most = Duration::from_secs(1);
    let site = Site::with(wish).await;
    let offline = begun(&site, "1", "high", 1).await;
    site.scan_in(&offline, "running").await;
    until("it is read by its id", async || {
        (!site.far.calls_of("get").is_empty()).then_some(())
    })
    .await;
    let before = site.far.calls_of("list").len();
    let young = begun(&site, "2", "high", 2).await;
    site.scan_in(&young, "finished").await;
    let first = since(&site.far.calls_of("list")[0]);
    let lists = site.far.calls_of("list");
    assert!(lists.len() > before, "the young one was looked for");
    for list in &lists[before..] {
        assert_ne!(since(list), first, "no list reaches back to the old one");
    }
    assert_eq!(site.scan(&offline).await["state"], "running");
}

//! How a scan is followed where lists are late, leave it out, or may not be read at all.

use std::time::Duration;

use scanhook_simulator::{How, Setup, Tenant};

use crate::harness::{CLIENT, RULES, Site, TENANT, Wish, alert, fault, machine, scan_id, until};

const HOUR_MS: u64 = 3_600_000;

async fn begun(site: &Site, id: &str, severity: &str, machine: &str) -> String {
    scan_id(&site.accepted(alert(id, severity, machine)).await)
}

fn never_listed() -> Wish {
    let setup = Setup {
        list_lag_ms: HOUR_MS,
        ..Wish::default().setup
    };
    Wish {
        setup,
        ..Wish::default()
    }
}

#[tokio::test]
async fn an_action_that_no_list_holds_is_read_by_its_id_until_it_ends() {
    let site = Site::with(never_listed()).await;
    let scan = begun(&site, "1", "high", &machine(1)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    assert!(
        !site.far.calls_of("get").is_empty(),
        "it was read by its id"
    );
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn an_action_that_defender_no_longer_knows_is_lost_and_not_sent_again() {
    let site = Site::with(never_listed()).await;
    site.far
        .fault("get", 1, 1000, fault(404, "ResourceNotFound", None));
    let scan = begun(&site, "1", "high", &machine(1)).await;
    let ended = site.scan_in(&scan, "finished").await;
    assert_eq!(ended["outcome"], "lost");
    assert!(
        ended["detail"]
            .as_str()
            .unwrap()
            .contains("no longer knows"),
        "{ended}"
    );
    assert_eq!(site.far.calls_of("scan").len(), 1);
}

fn may_only_scan() -> Wish {
    let roles = vec!["Machine.Scan".to_owned()];
    let tenant = Tenant {
        id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        roles,
        ..Tenant::default()
    };
    let setup = Setup {
        tenants: vec![tenant],
        ..Wish::default().setup
    };
    Wish {
        setup,
        ..Wish::default()
    }
}

#[tokio::test]
async fn without_a_read_role_scans_are_sent_all_the_same_and_status_says_what_is_missing() {
    let site = Site::with(may_only_scan()).await;
    let first = begun(&site, "1", "high", &machine(1)).await;
    until("the list was refused twice", async || {
        (site
            .far
            .calls_of("list")
            .iter()
            .filter(|call| call.status == Some(403))
            .count()
            == 2)
            .then_some(())
    })
    .await;
    let second = begun(&site, "2", "high", &machine(2)).await;
    for scan in [&first, &second] {
        site.scan_in(scan, "running").await;
    }
    let lane = &site.get("/api/v1/status").await["tenants"][0]["lane"];
    assert!(lane["stopped"].is_null(), "{lane}");
    assert!(
        lane["notes"]
            .to_string()
            .contains("forbids reading machine actions"),
        "{lane}"
    );
    assert_eq!(
        site.far.calls_of("list").len(),
        2,
        "two refusals are enough"
    );
    assert_eq!(site.far.scans().len(), 2);
}

#[tokio::test]
async fn without_a_read_role_a_lost_call_is_left_alone_unless_the_tenant_says_repost() {
    for (tenant, state, calls) in [
        ("", "finished", 2),
        ("on_unknown = \"repost\"", "running", 3),
    ] {
        let site = Site::with(Wish {
            tenant,
            ..may_only_scan()
        })
        .await;
        // The first scan makes the lane learn that it may not read.
        begun(&site, "1", "high", &machine(1)).await;
        until("the list was refused twice", async || {
            (site.far.calls_of("list").len() == 2).then_some(())
        })
        .await;
        site.far.fault("scan", 1, 1, How::LostRequest);
        let scan = begun(&site, "2", "high", &machine(2)).await;
        let scan = site.scan_in(&scan, state).await;
        assert_eq!(site.far.calls_of("scan").len(), calls, "{tenant}");
        if state == "finished" {
            assert_eq!(scan["outcome"], "lost");
            assert!(
                scan["detail"].as_str().unwrap().contains("not known"),
                "{scan}"
            );
        }
    }
}

#[tokio::test]
async fn a_second_try_that_is_refused_stays_the_scan_it_was() {
    let mut wish = Wish::default();
    wish.pace.settle = Duration::from_millis(400);
    let site = Site::with(wish).await;
    site.far.fault("scan", 1, 1, How::LostRequest);
    site.far
        .fault("scan", 2, 1, fault(429, "TooManyRequests", Some("1")));
    let quick = begun(&site, "1", "medium", &machine(1)).await;
    until("the second try was refused", async || {
        (site.far.calls_of("scan").len() == 2).then_some(())
    })
    .await;
    let full = begun(&site, "2", "high", &machine(1)).await;
    assert_ne!(
        quick, full,
        "a stronger one does not join what was sent before"
    );
    for scan in [&quick, &full] {
        assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
    }
    let kinds: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .map(|action| action.kind)
        .collect();
    assert_eq!(kinds, ["Quick", "Full"]);
}

#[tokio::test]
async fn external_id_can_be_switched_off_and_the_comment_still_tells_whose_it_is() {
    let site = Site::with(Wish {
        tenant: "external_id = false",
        ..Wish::default()
    })
    .await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    let scan = begun(&site, "1", "high", &machine(1)).await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
    let actions = site.far.scans();
    assert_eq!(actions.len(), 1, "found in the list by its comment");
    assert_eq!(actions[0].external_id, None);
}

#[tokio::test]
async fn work_of_a_tenant_that_the_configuration_no_longer_names_is_shown_and_goes_on_once_it_does()
{
    let mut site = Site::open().await;
    site.far
        .fault("scan", 1, 1, fault(429, "TooManyRequests", Some("1")));
    let scan = begun(&site, "1", "high", &machine(1)).await;
    until("the 429 was answered", async || {
        (site.scan(&scan).await["tries"] == 1).then_some(())
    })
    .await;
    let file = site.folder.path().join("scanhook.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        before.replace("[tenants.default]", "[tenants.renamed]"),
    )
    .unwrap();
    site.restart().await;
    let status = site.get("/api/v1/status").await;
    let orphan = status["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .find(|tenant| tenant["name"] == "default")
        .unwrap();
    assert_eq!(orphan["scans"]["waiting"], 1);
    assert!(
        orphan["lane"]["stopped"]
            .as_str()
            .unwrap()
            .contains("no longer names"),
        "{orphan}"
    );
    std::fs::write(&file, before).unwrap();
    site.restart().await;
    assert_eq!(
        site.scan_in(&scan, "finished").await["outcome"],
        "succeeded"
    );
}

#[tokio::test]
async fn a_lost_call_that_is_called_off_is_not_sent_again_and_not_called_cancelled_where_nothing_can_be_read()
 {
    for how in [How::LostRequest, How::LostAnswer] {
        let mut wish = Wish {
            tenant: "on_unknown = \"repost\"",
            ..may_only_scan()
        };
        wish.pace.settle = Duration::from_secs(2);
        let site = Site::with(wish).await;
        begun(&site, "1", "high", &machine(1)).await;
        until("the list was refused twice", async || {
            (site.far.calls_of("list").len() == 2).then_some(())
        })
        .await;
        site.far.fault("scan", 1, 1, how);
        let scan = begun(&site, "2", "high", &machine(2)).await;
        site.scan_in(&scan, "unknown").await;
        site.ordered(
            &format!("/api/v1/scans/{scan}/cancel"),
            serde_json::json!({}),
        )
        .await;
        let ended = site.scan_ended(&scan).await;
        assert_eq!(ended["outcome"], "lost", "{ended}");
        assert!(
            ended["detail"].as_str().unwrap().contains("not known"),
            "{ended}"
        );
        assert_eq!(
            site.far
                .calls_of("scan")
                .iter()
                .filter(|call| call.machine == Some(machine(2)))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_lost_call_whose_repetitions_are_refused_until_it_is_too_old_is_lost_where_nothing_can_be_read()
 {
    let rules = RULES.replace("mode = \"enforce\"", "mode = \"enforce\"\nmax_age = \"4s\"");
    let site = Site::with(Wish {
        rules,
        tenant: "on_unknown = \"repost\"",
        ..may_only_scan()
    })
    .await;
    begun(&site, "1", "high", &machine(1)).await;
    until("the list was refused twice", async || {
        (site.far.calls_of("list").len() == 2).then_some(())
    })
    .await;
    site.far.fault("scan", 1, 1, How::LostAnswer);
    site.far
        .fault("scan", 2, 1000, fault(429, "TooManyRequests", Some("2")));
    let scan = begun(&site, "2", "high", &machine(2)).await;
    let ended = site.scan_ended(&scan).await;
    assert_eq!(ended["outcome"], "lost", "it was executed: {ended}");
    assert!(site.far.calls_of("scan").len() > 2, "it was repeated");
    assert_eq!(site.far.scans().len(), 2);
}

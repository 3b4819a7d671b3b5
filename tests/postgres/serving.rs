//! A site whose journal is in PostgreSQL, from a signed alert to a finished scan, and while the database goes and comes.

use std::time::Duration;

use scanhook::journal::check_database;
use scanhook::settings::Settings;
use serde_json::Value;

use scanhook_simulator::Setup;

use crate::harness::{Far, Served, Site, Wish, alert, client, machine, scan_id, until, until_in};
use crate::refused::verb;
use crate::replicas::files;
use crate::server::Server;

async fn site(server: &Server) -> Site {
    let at = (*server.at()).clone();
    Site::with(Wish {
        adapt: Some(Box::new(move |settings: &mut Settings| {
            settings.journal.postgres = Some(at.clone())
        })),
        ..Wish::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_alert_becomes_a_scan_and_a_restart_keeps_it() {
    let server = Server::initialised();
    let mut site = site(&server).await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let scan = scan_id(&receipt);
    assert_eq!(site.scan_ended(&scan).await["outcome"], "succeeded");
    let again = site.post("siem", alert("1", "high", &machine(1))).await;
    assert_eq!(
        (again.status, again.json()["duplicate"].clone()),
        (200, Value::Bool(true))
    );
    // What people see of it is read there as well.
    for (list, rows) in [("alerts", 1), ("decisions", 1), ("scans", 1)] {
        let page = site.get(&format!("/api/v1/{list}")).await;
        assert_eq!(
            page["items"].as_array().unwrap().len(),
            rows,
            "{list}: {page}"
        );
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
    assert_eq!(
        server.look("SELECT state || ' ' || outcome FROM scan"),
        "finished succeeded"
    );

    site.restart().await;
    assert_eq!(site.scan(&scan).await["state"], "finished");
    let again = site.post("siem", alert("1", "high", &machine(1))).await;
    assert_eq!(again.status, 200);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_is_explained_and_played_again_from_the_database() {
    let server = Server::initialised();
    let far = Far::open(Setup::default()).await;
    let folder = files(far.at, &server.url(), "4s");
    let served = Served::start(folder.path()).await;
    let mut deliveries = Vec::new();
    for (n, severity) in [(1, "high"), (2, "low")] {
        let body = alert(&n.to_string(), severity, &machine(n));
        let answer = served.post(&client(), &body).await;
        let receipt: Value = serde_json::from_str(&answer.text).unwrap();
        deliveries.push(receipt["delivery"].as_str().unwrap().to_owned());
    }
    // While it runs, and of what is named by its id, the beginning of it, and the machine.
    let (first, device) = (&deliveries[0], machine(1));
    for named in [
        ["--delivery", first],
        ["--delivery", &first[..20]],
        ["--device", &device],
    ] {
        let (status, says) = verb(&folder, &[&["explain"], &named[..]].concat());
        assert_eq!(status, Some(0), "{named:?}: {says}");
        assert!(
            says.contains(first.as_str()) && says.contains(&device),
            "{says}"
        );
    }
    let (status, says) = verb(&folder, &["explain", "--device", "nobody"]);
    assert!(
        status == Some(66) && says.contains(&server.url()[..20]),
        "{says}"
    );
    let (status, says) = verb(&folder, &["replay", "-o", "json"]);
    assert_eq!(status, Some(0), "{says}");
    let report = &says[says.find('{').unwrap()..=says.rfind('}').unwrap()];
    let report: Value = serde_json::from_str(report).unwrap();
    assert_eq!(report["deliveries"], 2, "{report}");
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_takes_nothing_and_with_it_goes_on_with_all_it_took() {
    let server = Server::initialised();
    let site = site(&server).await;
    let mut taken = Vec::new();
    for n in 0..10 {
        site.accepted(alert(&format!("before-{n}"), "high", &machine(n)))
            .await;
        taken.push(format!("before-{n}"));
    }
    server.cut();
    let away = until("senders are told to come again", async || {
        let answer = site.post("siem", alert("away", "high", &machine(50))).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert!(away.header("retry-after").is_some());
    assert_eq!(away.json()["code"], "journal-unavailable");

    server.up();
    until_in(
        Duration::from_secs(15),
        "alerts are taken again",
        async || {
            let answer = site
                .post("siem", alert("after", "high", &machine(51)))
                .await;
            (answer.status < 300).then_some(())
        },
    )
    .await;
    taken.push("after".to_owned());
    let there = server.look("SELECT alert_id FROM alert");
    for id in &taken {
        assert!(
            there.lines().any(|line| line == id),
            "{id} is lost: {there}"
        );
    }
    until("every scan ends", async || {
        (server.look("SELECT count(*) FROM scan WHERE state NOT IN ('finished', 'dropped')") == "0")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_ended_cost_no_alert_that_was_acknowledged() {
    let server = Server::initialised();
    let site = site(&server).await;
    for round in 0..5 {
        for n in 0..8 {
            let id = format!("{round}-{n}");
            let answer = site
                .post("siem", alert(&id, "medium", &machine(round * 8 + n)))
                .await;
            if answer.status == 202 {
                assert_eq!(
                    server.look(&format!(
                        "SELECT count(*) FROM alert WHERE alert_id = '{id}'"
                    )),
                    "1"
                );
            } else {
                assert_eq!(answer.status, 503, "{}", answer.text);
            }
        }
        server.look("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'scanhook'");
        until("alerts are taken again", async || {
            let again = alert(&format!("again-{round}"), "medium", &machine(50 + round));
            (site.post("siem", again).await.status < 300).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_another_version_has_changed_is_not_written_any_more() {
    let server = Server::initialised();
    let site = site(&server).await;
    site.accepted(alert("1", "high", &machine(1))).await;
    server.look("UPDATE journal SET schema = schema + 1");
    let answer = site.post("siem", alert("2", "high", &machine(2))).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(
        server.look("SELECT count(*) FROM alert WHERE alert_id = '2'"),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_served_may_be_looked_at() {
    let server = Server::initialised();
    let mut site = site(&server).await;
    let at = server.at();
    let looked = tokio::task::spawn_blocking(move || check_database(&at));
    looked.await.unwrap().unwrap();
    site.stop().await;
}

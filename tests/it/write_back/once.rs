//! No comment is written twice, and none stands where another should: answers that cannot be read, what is held beside what
//! was scanned, several names of one machine.

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use scanhook_simulator::{Fault, How};

use super::{
    ALERT, INCIDENT, accepted, alert, alert_comments, comments, incident, ours, outbox, receiver,
    said, scans_succeed, setup, site,
};
use crate::harness::{Site, fault, machine, until};

/// What goes wrong with the first call of each route.
fn plan(site: &Site, faults: Vec<(&str, How)>) {
    let planned = faults.into_iter().map(|(route, how)| Fault {
        route: route.to_owned(),
        nth: 1,
        times: 1,
        how,
    });
    site.far.shared.with(|far| far.faults(planned.collect()));
}

/// Waits until so many messages were taken, and none waits.
async fn sent(site: &Site, count: usize) {
    until("they are sent", async || {
        let waiting = outbox(site, "waiting").await.is_empty();
        (waiting && outbox(site, "sent").await.len() == count).then_some(())
    })
    .await;
}

/// An alert that has a name in the place of the machine.
fn named(id: &str, severity: &str) -> String {
    json!({ "id": id, "title": "t", "severity": severity, "status": "New", "computerDnsName": "lt-042" }).to_string()
}

async fn held(site: &Site) -> String {
    let id = until("it is held", async || {
        let held = site.get("/api/v1/decisions?state=held").await;
        Some(held["items"][0]["id"].as_str()?.to_owned())
    });
    id.await
}

async fn answered(site: &Site, decision: &str, order: &str, body: &Value) {
    let path = format!("/api/v1/decisions/{decision}/{order}");
    let answer = site.order(&path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_comment_is_found_on_an_alert_that_is_longer_than_other_answers() {
    let site = site("", setup()).await;
    let long = json!({ "title": "x".repeat(300 << 10) });
    let edited = How::Edited {
        set: long.as_object().unwrap().clone(),
    };
    plan(
        &site,
        vec![("alert_comment", How::LostAnswer), ("alert", edited)],
    );
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    until("it is sent", async || {
        (outbox(&site, "sent").await.len() == 1).then_some(())
    })
    .await;
    let told = alert_comments(&site, ALERT);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn an_alert_that_cannot_be_read_is_looked_at_later_and_not_written_to() {
    for body in ["<html>busy</html>", "{\"comments\": [", "{}"] {
        let site = site("", setup()).await;
        let page = How::Raw {
            status: 200,
            content_type: None,
            body: body.to_owned(),
        };
        plan(
            &site,
            vec![("alert_comment", How::LostAnswer), ("alert", page)],
        );
        accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
        let waits = until("the answer is noted", async || {
            let row = outbox(&site, "waiting").await.pop()?;
            let answer = row["answer"].as_str()?.to_owned();
            (answer.contains(body) || answer.contains("not there")).then_some(row)
        })
        .await;
        assert_eq!(waits["tries"], 2, "{waits}");
        assert_eq!(site.far.calls_of("alert").len(), 1);
        assert_eq!(site.far.calls_of("alert_comment").len(), 1, "{body}");
        let told = receiver(&site, "defender write_back").await;
        assert_eq!(told["failing_since"], Value::Null, "{told}");
    }
}

#[tokio::test]
async fn what_is_held_stays_told_where_another_scan_of_the_machine_ends() {
    let site = site("when = [\"held\", \"ended\"]", setup()).await;
    let at = ours(INCIDENT);
    accepted(&site, "sentinel", &incident(&at, "Medium", &[machine(1)])).await;
    said(&site, "is held for a person").await;
    let decision = held(&site).await;
    accepted(&site, "sentinel", &incident(&at, "High", &[machine(1)])).await;
    scans_succeed(&site, 1).await;
    sent(&site, 2).await;
    let stays = comments(&site);
    assert!(
        stays[0].message.contains("is held for a person"),
        "{stays:?}"
    );
    answered(&site, &decision, "deny", &json!({})).await;
    said(&site, "is now dropped").await;
    assert_eq!(comments(&site).len(), 1);
}

#[tokio::test]
async fn an_alert_hears_of_a_scan_that_ends_while_another_is_held_and_of_both_ends() {
    let site = site("when = [\"held\", \"ended\"]", setup()).await;
    accepted(&site, "defender", &alert(ALERT, "Medium", &machine(1))).await;
    let decision = held(&site).await;
    sent(&site, 1).await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(1))).await;
    scans_succeed(&site, 1).await;
    sent(&site, 2).await;
    answered(&site, &decision, "deny", &json!({})).await;
    sent(&site, 3).await;
    let told = alert_comments(&site, ALERT);
    let order = ["is held for a person", "succeeded", "is now dropped"];
    assert_eq!(told.len(), 3, "{told:?}");
    for (told, what) in told.iter().zip(order) {
        assert!(told.contains(what), "{told}");
    }
}

#[tokio::test]
async fn an_alert_hears_the_same_words_once_however_many_messages_come_to_them() {
    let site = site("when = [\"held\", \"ended\"]", setup()).await;
    site.far.fault(
        "alert_comment",
        1,
        1,
        fault(500, "InternalServerError", None),
    );
    accepted(&site, "defender", &alert(ALERT, "Medium", &machine(1))).await;
    let decision = held(&site).await;
    until("the first try fails", async || {
        (outbox(&site, "waiting").await.first()?["tries"] == 1).then_some(())
    })
    .await;
    // Whatever waits is told as it is then.
    answered(&site, &decision, "deny", &json!({})).await;
    sent(&site, 2).await;
    let told = alert_comments(&site, ALERT);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("is now dropped"), "{told:?}");
}

#[tokio::test]
async fn a_machine_that_an_alert_called_by_a_name_at_first_has_one_comment_of_its_scan() {
    let site = site("when = [\"held\", \"ended\"]", setup()).await;
    accepted(&site, "defender", &named(ALERT, "Medium")).await;
    let decision = held(&site).await;
    sent(&site, 1).await;
    site.ordered("/api/v1/pause", json!({})).await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(1))).await;
    answered(
        &site,
        &decision,
        "approve",
        &json!({ "machine": machine(1) }),
    )
    .await;
    site.ordered("/api/v1/resume", json!({})).await;
    scans_succeed(&site, 1).await;
    until("the alert hears of it", async || {
        let told = alert_comments(&site, ALERT);
        told.iter()
            .any(|told| told.contains("succeeded"))
            .then_some(())
    })
    .await;
    until("nothing waits", async || {
        outbox(&site, "waiting").await.is_empty().then_some(())
    })
    .await;
    let told = alert_comments(&site, ALERT);
    let ended = told.iter().filter(|told| told.contains("succeeded"));
    assert_eq!(ended.count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_token_of_defender_that_is_refused_leaves_that_of_azure_in_use() {
    let site = site("", setup()).await;
    let at = |name: &str| ours(name);
    accepted(
        &site,
        "sentinel",
        &incident(&at("one"), "High", &[machine(1)]),
    )
    .await;
    sent(&site, 1).await;
    site.far
        .fault("alert_comment", 1, 1, fault(401, "Unauthorized", None));
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    sent(&site, 2).await;
    accepted(
        &site,
        "sentinel",
        &incident(&at("two"), "High", &[machine(3)]),
    )
    .await;
    sent(&site, 3).await;
    let asked = site.far.calls_of("token");
    let for_azure = asked
        .iter()
        .filter(|call| call.scope.contains("management"));
    assert_eq!(for_azure.count(), 1, "{asked:?}");
}

#[tokio::test]
async fn a_short_429_does_not_end_the_pause_of_a_long_one() {
    let site = site("", setup()).await;
    let refused = |seconds| fault(429, "TooManyRequests", Some(seconds));
    let fault = |nth, how| Fault {
        route: "alert_comment".to_owned(),
        nth,
        times: 1,
        how,
    };
    let faults = vec![fault(1, refused("600")), fault(2, refused("1"))];
    site.far.shared.with(|far| far.faults(faults));
    site.ordered("/api/v1/pause", json!({})).await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(1))).await;
    accepted(&site, "defender", &alert("da2", "High", &machine(2))).await;
    site.ordered("/api/v1/resume", json!({})).await;
    // One list tells of both ends, so both comments leave at once.
    until("both are refused", async || {
        let waiting = outbox(&site, "waiting").await;
        let refused = waiting.iter().filter(|row| {
            row["answer"]
                .as_str()
                .is_some_and(|text| text.starts_with("429"))
        });
        (refused.count() == 2).then_some(())
    })
    .await;
    let db = Connection::open_with_flags(site.journal(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT paused_until FROM receiver WHERE name = 'defender write_back'";
    let until: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
    let left = until - scanhook::clock::now().millis();
    assert!(left > 500_000, "{left} ms");
}

#[tokio::test]
async fn a_token_that_was_asked_for_by_an_app_of_before_writes_nothing() {
    let site = site("", setup()).await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    sent(&site, 1).await;
    // Both apps ask, and the one of before is answered first.
    site.far.fault("token", 1, 4, How::Delay { ms: 3_000 });
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "High", &[machine(1)]),
    )
    .await;
    let for_azure = || {
        let asked = site.far.calls_of("token").into_iter();
        asked
            .filter(|call| call.scope.contains("management"))
            .count()
    };
    until("a token is asked for", async || {
        (for_azure() == 1).then_some(())
    })
    .await;
    let file = site.folder.path().join("scanhook.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let after = "00000000-51e3-4b7e-8f60-2a1c3d4e5f60";
    let text = before.replace("b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60", after);
    assert_ne!(text, before);
    std::fs::write(&file, text).unwrap();
    site.ordered("/-/reload", json!({})).await;
    until("the other app asks", async || {
        (for_azure() == 2).then_some(())
    })
    .await;
    said(&site, "succeeded").await;
    for call in site.far.calls_of("incident_comment") {
        assert_eq!(call.app.as_deref(), Some(after), "{call:?}");
    }
}

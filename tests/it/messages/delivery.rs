//! What becomes of a message: at least once, by the same id, in order; tried again, or given up and shown.

use serde_json::json;

use super::{OLD_SECRET, SECRET, receiver, telling, wish};
use crate::harness::{ASKING, Inbox, Site, Wish, alert, machine, never, standard_webhook, until};

#[tokio::test]
async fn a_held_decision_is_told_with_a_link_and_signed_by_every_secret() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    let receipt = site.accepted(alert("INC-7", "medium", &machine(1))).await;
    let told = &inbox.heard(1).await[0];
    let (id, time) = (told.header("webhook-id"), told.header("webhook-timestamp"));
    let by = |secret| {
        let signed = standard_webhook(secret, id, time, &told.text);
        String::from_utf8(signed[2].1.clone()).unwrap()
    };
    assert_eq!(
        told.header("webhook-signature"),
        format!("{} {}", by(SECRET), by(OLD_SECRET))
    );
    let body = told.json();
    let decision = &receipt["alerts"][0]["decisions"][0]["id"];
    assert_eq!(body["type"], "decision.held");
    assert_eq!(&body["data"]["decision"]["id"], decision);
    assert_eq!(body["data"]["tenant"], "default");
    assert_eq!(body["data"]["machine"]["id"], machine(1).as_str());
    assert_eq!(body["data"]["alerts"][0]["id"], "INC-7");
    assert_eq!(body["data"]["more"], 0);
    assert_eq!(
        body["data"]["url"],
        format!(
            "https://scanhook.corp.example/held/{}",
            decision.as_str().unwrap()
        )
    );
    until("it counts as sent", async || {
        let outbox = site.get("/api/v1/outbox?receiver=soar&state=sent").await;
        (outbox["items"][0]["id"] == id).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_held_soon_after_is_told_in_one_message_with_a_count() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox, "").await;
    for n in 1..=5 {
        site.accepted(alert(&n.to_string(), "medium", &machine(n)))
            .await;
        if n == 1 {
            inbox.heard(1).await;
        }
    }
    let told = inbox.heard(2).await;
    let body = told[1].json();
    assert_eq!(
        (&body["type"], &body["data"]["more"]),
        (&"decision.held".into(), &3.into())
    );
    assert_eq!(
        body["data"]["machine"]["id"],
        machine(2).as_str(),
        "it names the first"
    );
    assert_ne!(told[0].header("webhook-id"), told[1].header("webhook-id"));
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_by_the_same_id_when_the_receiver_says() {
    let inbox = Inbox::open().await;
    inbox.plan(429, Some(("retry-after", "1")), "slow down");
    inbox.plan(500, Some(("retry-after", "1")), "");
    let site = telling(&inbox, "").await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let told = inbox.heard(3).await;
    for again in &told[1..] {
        assert_eq!(again.header("webhook-id"), told[0].header("webhook-id"));
    }
    let metrics = site.admin("/metrics").await.text;
    let label = "receiver=\"soar\",type=\"decision.held\",result=\"failed\"";
    assert!(
        metrics.contains(&format!("scanhook_messages_total{{{label}}} 2")),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_refused_message_is_given_up_shown_told_through_the_others_and_brought_back() {
    let (inbox, other) = (Inbox::open().await, Inbox::open().await);
    inbox.answers(410);
    inbox.plan(410, None, "gone\u{7}for good");
    let other_table = format!(
        "\n[receivers.other]\nwebhook = {{ url = \"{}\" }}\nevents = [\"receiver.failing\"]\n",
        other.url()
    );
    let site = telling(&inbox, &other_table).await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let failing = other.heard(1).await[0].json();
    assert_eq!(failing["type"], "receiver.failing");
    assert_eq!(failing["data"]["receiver"], "soar");
    let dead = site.get("/api/v1/outbox?state=dead").await;
    assert_eq!(dead["items"][0]["receiver"], "soar");
    assert_eq!(dead["items"][0]["answer"], "410: gone for good");
    assert_eq!(dead["items"][0]["tries"], 1);
    let shown = receiver(&site, "soar").await;
    assert_eq!(shown["dead"], 1);
    assert!(shown["failing_since"].is_string());
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains("scanhook_outbox_dead{receiver=\"soar\"} 1"),
        "{metrics}"
    );

    inbox.answers(200);
    let revived = site.ordered("/api/v1/outbox/retry", json!({})).await;
    assert_eq!(revived["revived"], 1);
    let works = other.heard(2).await[1].json();
    assert_eq!(works["data"]["resolved"], true);
    assert_eq!(receiver(&site, "soar").await["dead"], 0);
    let told = inbox.of("decision.held");
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let (inbox, elsewhere) = (Inbox::open().await, Inbox::open().await);
    inbox.plan(307, Some(("location", &elsewhere.url())), "");
    let site = telling(&inbox, "").await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    until("it is given up", async || {
        let dead = site.get("/api/v1/outbox?state=dead").await;
        dead["items"][0]["answer"]
            .as_str()
            .map(|answer| assert_eq!(answer, "307"))
    })
    .await;
    assert!(elsewhere.all().is_empty());
}

#[tokio::test]
async fn a_message_that_waits_outlives_a_restart_and_another_address() {
    let (inbox, moved) = (Inbox::open().await, Inbox::open().await);
    inbox.answers(503);
    let mut site = telling(&inbox, "").await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let first = inbox.heard(1).await[0].clone();
    site.stop().await;
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&inbox.url(), &moved.url())).unwrap();
    site.restart().await;
    let second = moved.heard(1).await[0].clone();
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    let [first, second] = [first.json(), second.json()];
    assert_eq!(
        first["data"]["decision"]["id"],
        second["data"]["decision"]["id"]
    );
    assert_eq!(first["data"]["seq"], second["data"]["seq"]);
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_scan_and_no_sender() {
    let inbox = Inbox::open().await;
    inbox.is_slow(std::time::Duration::from_secs(60));
    let site = telling(&inbox, "events = [\"all\"]").await;
    for n in 1..=8 {
        let receipt = site
            .accepted(alert(&n.to_string(), "high", &machine(n)))
            .await;
        let id = crate::harness::scan_id(&receipt);
        site.scan_in(&id, "finished").await;
    }
    assert_eq!(site.far.scans().len(), 8);
    assert!(inbox.all().len() <= 2, "two connections a receiver");
}

#[tokio::test]
async fn a_receiver_of_other_tenants_hears_nothing_and_one_without_receivers_asks_nobody() {
    let inbox = Inbox::open().await;
    let config = "\n[receivers.soar]\nwebhook = { url = \"URL\" }\nevents = [\"pause.set\", \"decision.held\"]\ntenants = [\"default\"]\n";
    let site = Site::with(Wish {
        rules: ASKING.to_owned(),
        ..wish(&config.replace("URL", &inbox.url()))
    })
    .await;
    // A pause of everything belongs to no tenant.
    site.ordered("/api/v1/pause", json!({ "by": "anna" })).await;
    site.ordered(
        "/api/v1/pause",
        json!({ "by": "anna", "tenant": "default" }),
    )
    .await;
    let told = inbox.heard(1).await;
    assert_eq!(told[0].json()["data"]["pause"], "tenant `default`");
    never("the pause of everything is told", || inbox.all().len() > 1).await;
}

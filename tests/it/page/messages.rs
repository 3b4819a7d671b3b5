//! Messages and receivers, tried from the page of the system.

use super::{page, press, says};
use crate::harness::{HELD, Inbox, Site, Wish, alert, machine, until};

async fn telling(inbox: &Inbox) -> Site {
    let table = format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\" }}\n",
        inbox.url()
    );
    Site::with(Wish {
        rules: HELD.to_owned(),
        more: table,
        ..Wish::default()
    })
    .await
}

#[tokio::test]
async fn a_message_that_was_given_up_is_tried_again_by_a_form_that_asks_first() {
    let inbox = Inbox::open().await;
    inbox.answers(410);
    let site = telling(&inbox).await;
    let path = "/system/outbox/retry?receiver=soar";
    says(&page(&site, path).await, &["Nothing would come of this"]);
    site.accepted(alert("1", "high", &machine(1))).await;
    until("it is given up", async || {
        let dead = site.get("/api/v1/outbox?state=dead").await;
        dead["items"][0]["answer"].as_str().map(|_| ())
    })
    .await;
    let system = page(&site, "/system").await;
    says(&system, &["Try again…", "Test…", "Try all again…"]);
    assert!(system.text.contains(path), "{}", system.text);
    let asks = page(&site, path).await;
    says(&asks, &["Try 1 message to soar again?", "after 1 try: 410"]);
    assert_eq!(inbox.all().len(), 1, "it was asked");
    inbox.answers(200);
    let fields = [("reason", "repaired")];
    let done = press(&site, &asks.text, "/system/outbox/retry", &fields).await;
    says(&done, &["1 message waits again"]);
    let told = inbox.heard_of("decision.held", 2).await;
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    let audit = site.get("/api/v1/audit?what=outbox%20retry").await;
    let entry = &audit["items"][0]["entry"];
    assert_eq!(entry["scope"], "receiver soar", "{audit}");
    assert_eq!(entry["reason"], "repaired", "{audit}");
}

#[tokio::test]
async fn a_receiver_is_tried_from_a_page_that_tells_its_answer() {
    let inbox = Inbox::open().await;
    let site = telling(&inbox).await;
    let path = "/system/receivers/soar/test";
    let asks = page(&site, path).await;
    says(&asks, &["Send a test message to soar?"]);
    assert!(inbox.all().is_empty(), "it was asked");
    let done = press(&site, &asks.text, path, &[]).await;
    says(&done, &["soar took the test message"]);
    assert_eq!(inbox.all().len(), 1);
    inbox.plan(410, None, "gone");
    let done = press(&site, &asks.text, path, &[]).await;
    says(&done, &["soar refused the test message", "410: gone"]);
    let nobody = page(&site, "/system/receivers/other/test").await;
    assert_eq!(nobody.status, 404);
    says(&nobody, &["unknown-receiver"]);
}

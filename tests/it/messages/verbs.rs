//! The verb `outbox`, against a running responder.

use std::process::{Command, Output};

use super::telling;
use crate::harness::{Inbox, Site, alert, machine, until};

/// What the verb says to this responder.
async fn ask(site: &Site, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(args)
        .args(["--admin", &format!("http://{}", site.admin)])
        .env_clear();
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test]
async fn the_outbox_is_listed_brought_back_and_tried_from_the_command_line() {
    let inbox = Inbox::open().await;
    inbox.answers(404);
    let site = telling(&inbox, "").await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    until("it is dead", async || {
        let dead = site.get("/api/v1/outbox?state=dead").await;
        dead["items"]
            .as_array()
            .is_some_and(|dead| !dead.is_empty())
            .then_some(())
    })
    .await;
    let (status, out, _) = ask(&site, &["outbox", "--dead"]).await;
    assert_eq!(status, 0);
    assert!(
        out.contains("decision.held") && out.contains("answer: 404"),
        "{out}"
    );
    let (status, out, err) = ask(&site, &["outbox", "test", "soar"]).await;
    assert_eq!(status, 69, "{out}{err}");
    let (_, out, _) = ask(&site, &["status"]).await;
    assert!(out.contains("receiver soar: 1 message given up"), "{out}");

    inbox.answers(200);
    let (status, out, _) = ask(&site, &["outbox", "retry", "--by", "anna"]).await;
    assert_eq!(
        (status, out.as_str()),
        (0, "1 message waits to be sent again\n")
    );
    inbox.heard_of("decision.held", 2).await;
    let audit = site.get("/api/v1/audit?what=outbox%20retry").await;
    assert_eq!(
        (
            &audit["items"][0]["entry"]["count"],
            &audit["items"][0]["entry"]["result"]
        ),
        (&1.into(), &"done".into())
    );
    let (status, _, err) = ask(&site, &["outbox", "test", "soar"]).await;
    assert_eq!(status, 0, "{err}");
    let (status, _, err) = ask(&site, &["outbox", "test", "nobody"]).await;
    assert_eq!(status, 66, "{err}");
}

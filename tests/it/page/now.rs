//! The first page.

use super::{page, read};
use crate::harness::{HELD, Site, Wish, until};

#[tokio::test]
async fn the_first_page_counts_what_waits_and_draws_the_last_hour() {
    let site = Site::with(Wish {
        rules: HELD.to_owned(),
        ..Wish::default()
    })
    .await;
    site.accepted(crate::harness::alert(
        "1",
        "high",
        &crate::harness::machine(1),
    ))
    .await;
    let shown = until("the counter has grown", async || {
        let answer = page(&site, "/").await;
        let text = read(&answer.text);
        text.contains("Held for a person 1").then_some(answer.text)
    })
    .await;
    assert!(
        shown.contains("<svg") && shown.contains("role=\"img\""),
        "{shown}"
    );
    let text = read(&shown);
    for expected in [
        "Waiting to be sent 0",
        "Running 0",
        "Parked 0",
        "Failed, 24 h 0",
        "Quota",
        "The same as a table",
        "No scan was wanted yet.",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    site.ordered(
        "/api/v1/pause",
        serde_json::json!({ "reason": "change <freeze>" }),
    )
    .await;
    until("the pause is a banner", async || {
        let text = read(&page(&site, "/").await.text);
        text.contains("paused since").then_some(())
    })
    .await;
    let shown = page(&site, "/").await.text;
    assert!(shown.contains("change &lt;freeze&gt;"), "{shown}");
}

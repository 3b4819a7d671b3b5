//! Each kind of receiver gets the form that it takes.

use serde_json::{Value, json};

use super::wish;
use crate::harness::{Inbox, Site, alert, machine, scan_id};

async fn told(kind: &str, more: &str, title: &str) -> (Site, Inbox, Value) {
    let inbox = Inbox::open().await;
    let table = format!(
        "\n[receivers.soc]\n{kind} = {{ url = \"{}\"{more} }}\n",
        inbox.url()
    );
    let site = Site::with(wish(&table)).await;
    let alert = json!({ "alert_id": "1", "title": title, "severity": "medium", "devices": [{ "mde_id": machine(1), "name": "lt-042" }] });
    site.accepted(alert.to_string()).await;
    let told = inbox.heard(1).await[0].json();
    (site, inbox, told)
}

#[tokio::test]
async fn teams_gets_an_adaptive_card_of_version_1_2_with_one_link_and_less_than_28_kb() {
    let title = format!("[click](https://evil.example) {}", "\u{1f600}".repeat(900));
    let (_site, inbox, told) = told("teams", "", &title).await;
    let size = inbox.all()[0].text.len();
    assert!(size < 28_672, "{size} bytes");
    assert_eq!(told["type"], "message");
    let attachment = &told["attachments"][0];
    assert_eq!(
        attachment["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert!(attachment["contentUrl"].is_null());
    let card = &attachment["content"];
    assert_eq!(
        (&card["type"], &card["version"]),
        (&"AdaptiveCard".into(), &"1.2".into())
    );
    let actions = card["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0]["type"], "Action.OpenUrl");
    assert!(
        actions[0]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://scanhook.corp.example/held/")
    );
    for block in card["body"].as_array().unwrap() {
        assert_eq!(block["type"], "RichTextBlock", "no Markdown: {block}");
        assert_eq!(block["inlines"][0]["type"], "TextRun");
    }
}

#[tokio::test]
async fn slack_gets_plain_blocks_with_one_link() {
    let (_site, _inbox, told) = told("slack", "", "<!channel> & <https://evil.example|x>").await;
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("lt-042") && !text.contains('<'), "{text}");
    for block in told["blocks"].as_array().unwrap() {
        if let Some(text) = block.get("text") {
            assert_eq!(text["type"], "plain_text", "{block}");
            assert!(text["text"].as_str().unwrap().len() <= 3_000);
        }
    }
    let button = &told["blocks"].as_array().unwrap().last().unwrap()["elements"][0];
    assert_eq!(button["type"], "button");
    assert!(
        button["url"]
            .as_str()
            .unwrap()
            .starts_with("https://scanhook.corp.example/")
    );
}

#[tokio::test]
async fn pagerduty_gets_an_incident_which_the_answer_of_a_person_resolves() {
    let (site, inbox, told) = told("pagerduty", ", secret_file = \"out.secret\"", "t").await;
    assert_eq!(told["routing_key"], super::SECRET);
    assert_eq!(told["event_action"], "trigger");
    let key = told["dedup_key"].as_str().unwrap();
    assert!(!key.is_empty() && key.len() <= 255);
    assert!(told["payload"]["summary"].as_str().unwrap().len() <= 1_024);
    assert_eq!(told["payload"]["severity"], "warning");
    assert!(told["payload"]["source"].is_string());
    let decision = told["payload"]["custom_details"]["decision"]["id"]
        .as_str()
        .unwrap();
    let path = format!("/api/v1/decisions/{decision}/approve");
    let approved = site.ordered(&path, json!({ "by": "anna" })).await;
    let resolved = inbox.heard(2).await[1].json();
    assert_eq!(resolved["event_action"], "resolve");
    assert_eq!(resolved["dedup_key"], key);
    let scan = approved["items"][0]["scan_id"].as_str().unwrap().to_owned();
    site.scan_in(&scan, "finished").await;
    let other = scan_id(&site.accepted(alert("2", "high", &machine(2))).await);
    site.scan_in(&other, "finished").await;
    assert_eq!(inbox.all().len(), 2, "no incident for what went well");
}

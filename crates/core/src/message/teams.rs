//! A message as an adaptive card for a Workflows webhook of Microsoft Teams.
//!
//! Version 1.2 of the schema, because a later one may be shown as an error while the flow reports success. Text stands in
//! runs of a `RichTextBlock`, which know no Markdown: a device cannot be called something that becomes a link. Teams
//! takes 28 KB; lines are left out from the end until the card is smaller.

use serde_json::{Value, json};

use super::notice::Notice;
use super::page_url::PublicUrl;
use super::text::sentence;
use super::title::title;
use crate::plain::one_line;

/// Bytes that Teams takes, and some left for what a flow adds.
pub const LARGEST_CARD: usize = 28_000;
/// Characters of a line, and of the sentence above the lines.
const LINE: usize = 300;
const SENTENCE: usize = 4_000;

/// The body of the request.
#[must_use]
pub fn teams(notice: &Notice, public: Option<&PublicUrl>) -> Value {
    let mut lines = lines(notice);
    loop {
        let card = message(notice, &lines, public);
        if lines.is_empty() || card.to_string().len() < LARGEST_CARD {
            return card;
        }
        lines.pop();
    }
}

/// What stands below the sentence.
pub(super) fn lines(notice: &Notice) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(decision) = &notice.decision {
        lines.push(decision.why.clone());
    }
    for alert in &notice.alerts {
        let title = alert.title.as_deref().unwrap_or_default();
        lines.push(format!("{} {}: {title}", alert.source, alert.id));
    }
    if notice.more_alerts > 0 {
        lines.push(format!("and {} more alerts", notice.more_alerts));
    }
    let shown = lines.iter().map(|line| one_line(line.trim(), LINE));
    shown.filter(|line| !line.is_empty()).collect()
}

fn message(notice: &Notice, lines: &[String], public: Option<&PublicUrl>) -> Value {
    let mut body = vec![
        run(
            &title(notice),
            json!({ "weight": "bolder", "size": "medium" }),
        ),
        run(&one_line(&sentence(notice), SENTENCE), json!({})),
    ];
    body.extend(
        lines
            .iter()
            .map(|line| run(line, json!({ "isSubtle": true }))),
    );
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": body,
        "msteams": { "width": "Full" },
    });
    if let Some(public) = public {
        let url = public.page(&notice.path());
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open", "url": url }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn run(text: &str, mut style: Value) -> Value {
    style["type"] = json!("TextRun");
    style["text"] = json!(text);
    json!({ "type": "RichTextBlock", "inlines": [style] })
}

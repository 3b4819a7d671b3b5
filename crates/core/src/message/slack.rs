//! A message for an incoming webhook of Slack. Blocks hold plain text, and what a notification shows is escaped as Slack
//! asks: a device cannot be called something that becomes a link or mentions anybody.

use serde_json::{Value, json};

use super::notice::Notice;
use super::page_url::PublicUrl;
use super::teams::lines;
use super::text::sentence;
use super::title::title;
use crate::plain::one_line;

/// Characters that Slack takes in a header, and in a section.
const HEADER: usize = 150;
const SECTION: usize = 2_900;

/// The body of the request.
#[must_use]
pub fn slack(notice: &Notice, public: Option<&PublicUrl>) -> Value {
    let (title, sentence) = (title(notice), one_line(&sentence(notice), SECTION));
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let section = |text: &str| json!({ "type": "section", "text": plain(text) });
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&one_line(&title, HEADER)) }),
        section(&sentence),
    ];
    let lines = lines(notice);
    if !lines.is_empty() {
        let text: String = lines.join("\n").chars().take(SECTION).collect();
        blocks.push(section(&text));
    }
    if let Some(public) = public {
        let url = public.page(&notice.path());
        blocks.push(json!({
            "type": "actions",
            "elements": [{ "type": "button", "text": plain("Open"), "url": url }],
        }));
    }
    json!({ "text": escaped(&format!("{title}: {sentence}")), "blocks": blocks })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

//! A message as an event of PagerDuty's Events API v2. What begins and what ends something share a `dedup_key`, so the
//! incident that the one opened is resolved by the other.

use serde_json::{Value, json};

use super::body::body;
use super::kind::MessageType;
use super::notice::Notice;
use super::page_url::PublicUrl;
use super::text::sentence;
use super::title::title;
use crate::plain::one_line;

/// Characters of a summary that PagerDuty takes.
const SUMMARY: usize = 1_024;

/// The body of the request.
#[must_use]
pub fn pagerduty(notice: &Notice, routing_key: &str, public: Option<&PublicUrl>) -> Value {
    let over = notice.said.resolved || notice.kind.is_an_end();
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": if over { "resolve" } else { "trigger" },
        "dedup_key": notice.subject,
        "client": "scanhook",
        "payload": {
            "summary": one_line(&format!("{}: {}", title(notice), sentence(notice)), SUMMARY),
            "source": notice.tenant.as_deref().unwrap_or("scanhook"),
            "severity": severity(notice.kind),
            "timestamp": notice.at.to_string(),
            "class": notice.kind.code(),
            "custom_details": body(notice, public)["data"],
        },
    });
    if let Some(public) = public {
        let url = public.page(&notice.path());
        event["client_url"] = json!(url);
        event["links"] = json!([{ "href": url, "text": "Open in scanhook" }]);
    }
    event
}

const fn severity(kind: MessageType) -> &'static str {
    match kind {
        MessageType::JournalFailing | MessageType::TenantStopped => "critical",
        MessageType::ReceiverFailing
        | MessageType::DecisionExpired
        | MessageType::StormBegun
        | MessageType::ReloadRefused => "error",
        MessageType::AlertParked | MessageType::Digest | MessageType::Test => "info",
        _ => "warning",
    }
}

//! The body of a webhook and of an event of the stream: one shape for both.

use serde_json::{Map, Value, json};

use super::kind::MessageType;
use super::notice::Notice;
use super::page_url::PublicUrl;
use super::text::sentence;
use crate::plain::one_line;

/// Characters of a headline.
const TITLE: usize = 200;
/// Bytes of an id or an address, and how many ids of one alert: what is longer, or more, is left out. An id that is cut is
/// another id.
const ID: usize = 1_000;
const IDS: usize = 16;

/// The body: `type`, `timestamp` and `data`, as Standard Webhooks names them.
#[must_use]
pub fn body(notice: &Notice, public: Option<&PublicUrl>) -> Value {
    json!({
        "type": notice.kind.code(),
        "timestamp": notice.at.to_string(),
        "data": data(notice, public),
    })
}

fn data(notice: &Notice, public: Option<&PublicUrl>) -> Map<String, Value> {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            data.insert(name.to_owned(), value);
        }
    };
    put("seq", json!(notice.seq));
    put("tenant", json!(notice.tenant));
    put("subject", json!(notice.subject));
    put("text", json!(sentence(notice)));
    if let Some(name) = key_name(notice.kind).filter(|_| !notice.key.is_empty()) {
        put(name, json!(notice.key));
    }
    let said = &notice.said;
    if said.resolved {
        put("resolved", json!(true));
    }
    put("outcome", json!(said.outcome));
    put("detail", json!(said.detail));
    put("by", json!(said.who));
    put("since", json!(said.since.map(|at| at.to_string())));
    put("until", json!(said.until.map(|at| at.to_string())));
    put("decision", json!(notice.decision));
    put("scan", json!(notice.scan));
    put("machine", json!(notice.machine));
    put("digest", json!(notice.digest));
    if notice.decision.is_some() || notice.scan.is_some() {
        put("alerts", alerts(notice));
    }
    if notice.more_alerts > 0 {
        put("more_alerts", json!(notice.more_alerts));
    }
    put("more", json!(notice.more));
    put(
        "url",
        json!(public.map(|public| public.page(&notice.path()))),
    );
    data
}

fn alerts(notice: &Notice) -> Value {
    let alerts = notice.alerts.iter().map(|alert| {
        let mut alert = alert.clone();
        alert.title = alert.title.map(|title| one_line(&title, TITLE));
        alert.url = alert.url.filter(|url| url.len() <= ID);
        let mut left = IDS;
        for ids in alert.references.values_mut() {
            ids.retain(|id| id.len() <= ID);
            ids.truncate(left);
            left -= ids.len();
        }
        alert
            .references
            .retain(|kind, ids| kind.len() <= ID && !ids.is_empty());
        json!(alert)
    });
    alerts.collect()
}

/// What the key of an event is called.
const fn key_name(kind: MessageType) -> Option<&'static str> {
    match kind {
        MessageType::LimitReached => Some("rule"),
        MessageType::SourceSilent | MessageType::SourceHeard => Some("source"),
        MessageType::PauseSet | MessageType::PauseEnded => Some("pause"),
        MessageType::ReceiverFailing | MessageType::Test => Some("receiver"),
        MessageType::CredentialEnding => Some("credential"),
        MessageType::AlertParked => Some("parked"),
        MessageType::DecisionHeld => Some("group"),
        _ => None,
    }
}

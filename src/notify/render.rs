//! A message in the form of its receiver.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::letter::letter;
use super::state::{MessageContent, OutgoingMessage};
use crate::journal::decision_uuid;
use crate::settings::{Channel, Settings};
use scanhook_core::message::{MessageType, Notice, PublicUrl, body, mail, pagerduty, slack, teams};
use scanhook_core::signature::standard_webhook;
use scanhook_core::time::Timestamp;

/// The message for its receiver; `None` where the address cannot be called.
pub(super) fn content(
    channel: &Channel,
    (notice, id): (&Notice, Uuid),
    public: Option<&PublicUrl>,
    now: Timestamp,
) -> Option<MessageContent> {
    match channel {
        Channel::Email { relay, from, to } => {
            letter(relay, (from, to), &mail(notice, public), (notice, id)).map(MessageContent::Mail)
        }
        _ => request(channel, (notice, id), public, now).map(MessageContent::Http),
    }
}

/// A webhook carries its id and the time also without a secret.
fn request(
    channel: &Channel,
    (notice, id): (&Notice, Uuid),
    public: Option<&PublicUrl>,
    now: Timestamp,
) -> Option<Request<Bytes>> {
    let json = match channel {
        Channel::Webhook { .. } => body(notice, public),
        Channel::Teams { .. } => teams(notice, public),
        Channel::Slack { .. } => slack(notice, public),
        Channel::PagerDuty { routing_key, .. } => {
            pagerduty(notice, routing_key.expose_secret(), public)
        }
        Channel::Email { .. } | Channel::WriteBack(_) => return None,
    };
    let bytes = Bytes::from(json.to_string());
    let keys = match channel {
        Channel::Webhook { keys, .. } => keys.as_slice(),
        _ => &[],
    };
    let signed = standard_webhook(keys, &id.to_string(), now, &bytes);
    let mut request = Request::new(bytes);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = channel.url()?.expose_secret().parse().ok()?;
    let headers = request.headers_mut();
    if matches!(channel, Channel::Webhook { .. }) {
        headers.extend(signed);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(request)
}

/// That the journal fails, for every receiver that wants to know: nothing can be written down, so each has an id of the
/// moment, and is tried once.
pub(super) fn of_memory(settings: &Settings, code: &str, now: Timestamp) -> Vec<OutgoingMessage> {
    let what = MessageType::JournalFailing;
    let mut notice = Notice::new(what, now);
    notice.said.detail = Some(format!("The code is `{code}`."));
    let wants = settings
        .receivers
        .iter()
        .filter(|receiver| receiver.tenants.is_none() && receiver.events.wants(what, None));
    let messages = wants.enumerate().filter_map(|(n, receiver)| {
        let id = i64::try_from(n).unwrap_or(i64::MAX);
        let uuid = decision_uuid(now, id);
        let public = settings.admin.public_url.as_ref();
        Some(OutgoingMessage {
            id,
            receiver: receiver.name.clone(),
            content: content(&receiver.channel, (&notice, uuid), public, now)?,
        })
    });
    messages.collect()
}

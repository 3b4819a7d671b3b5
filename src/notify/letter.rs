//! A message as a mail: headers, and plain text. Its `Message-ID` is that of the message, so that it is the same on every
//! try; mails of one subject refer to the same mail that never was, so that programs show them as one thread.

use core::time::Duration;
use std::time::SystemTime;

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::state::OutgoingMail;
use crate::settings::MailRelay;
use scanhook_core::message::{MailText, Notice};

/// Says that no person wrote it, so that no absence note comes back.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn core::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

/// The mail; `None`: it cannot be written, which addresses that were checked rule out.
pub(super) fn letter(
    relay: &MailRelay,
    (from, to): (&Mailbox, &[Mailbox]),
    text: &MailText,
    (notice, id): (&Notice, Uuid),
) -> Option<OutgoingMail> {
    let domain = from.email.domain();
    let thread = hex::encode(&Sha256::digest(&notice.subject)[..12]);
    let written = u64::try_from(notice.at.millis()).unwrap_or(0);
    let mut mail = Message::builder()
        .from(from.clone())
        .subject(text.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(written))
        .message_id(Some(format!("<{id}@{domain}>")))
        .references(format!("<{thread}.subject@{domain}>"))
        .header(AutoSubmitted)
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    for to in to {
        mail = mail.to(to.clone());
    }
    let mail = mail.body(text.body.clone()).ok()?;
    Some(OutgoingMail {
        relay: relay.clone(),
        envelope: mail.envelope().clone(),
        text: mail.formatted(),
    })
}

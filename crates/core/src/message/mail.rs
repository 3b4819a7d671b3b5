//! A message as the plain text of a mail. It stands in no markup, and its subject is one line: a device cannot be called
//! something that becomes a header.

use super::digest_text;
use super::notice::Notice;
use super::page_url::PublicUrl;
use super::teams::lines;
use super::text::sentence;
use super::title::title;
use crate::plain::one_line;

/// Characters of a subject, and of a paragraph.
const SUBJECT: usize = 150;
const PARAGRAPH: usize = 4_000;

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// One line.
    pub subject: String,
    /// Lines that end with a line feed.
    pub body: String,
}

/// The text of the mail.
#[must_use]
pub fn mail(notice: &Notice, public: Option<&PublicUrl>) -> MailText {
    let (title, sentence) = (title(notice), sentence(notice));
    let mut paragraphs = match &notice.digest {
        Some(counts) => digest_text::lines(counts),
        None => vec![sentence.clone()],
    };
    paragraphs.extend(lines(notice));
    paragraphs.extend(public.map(|public| public.page(&notice.path())));
    paragraphs.push(format!("{}, {}", notice.kind.code(), notice.at.shown()));
    let subject = match &notice.digest {
        Some(_) => format!("scanhook: {title}"),
        None => format!("scanhook: {title}: {sentence}"),
    };
    let body = paragraphs
        .iter()
        .map(|text| format!("{}\n\n", one_line(text.trim(), PARAGRAPH)))
        .collect();
    MailText {
        subject: one_line(&subject, SUBJECT),
        body,
    }
}

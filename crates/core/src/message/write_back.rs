//! Comments that go back to where an alert came from: what they say, and which comment of an incident is ours. Of an alert
//! nothing stands in them but the name of the device, as one line; Sentinel shows comments as HTML, so all of it is escaped.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::kind::MessageType;
use super::notice::Notice;
use super::page_url::PublicUrl;
use super::text::sentence;
use crate::scan::Outcome;

codes! {
    /// When an alert's sender hears of a scan.
    pub enum WriteBackMoment {
        /// A decision waits for a person.
        Held = "held",
        /// A scan was begun and waits for its turn.
        Begun = "begun",
        /// A scan is over.
        Ended = "ended",
    }
}

impl WriteBackMoment {
    /// The moment that an event of this type tells, if it tells one.
    #[must_use]
    pub const fn of(kind: MessageType) -> Option<WriteBackMoment> {
        match kind {
            MessageType::DecisionHeld => Some(WriteBackMoment::Held),
            MessageType::ScanBegun => Some(WriteBackMoment::Begun),
            MessageType::ScanEnded => Some(WriteBackMoment::Ended),
            _ => None,
        }
    }
}

/// Characters of a comment that Sentinel takes.
pub const LONGEST_COMMENT: usize = 30_000;
/// Machines of an incident that have a comment of their own; those after them share one, for an incident takes a hundred.
pub const OWN_COMMENTS: u32 = 20;
/// Characters that are kept free in a shared comment for what ends it.
const ENDING: usize = 400;

/// The id of our comment on a machine in an incident, the same whenever it is written, so that a repeated call writes the
/// same comment again. Without a machine: of the comment that many share.
#[must_use]
pub fn comment_id(incident: &str, machine: &str) -> Uuid {
    let mut digest = Sha256::new();
    digest.update(b"scanhook comment\n");
    digest.update(incident.to_ascii_lowercase());
    digest.update(b"\n");
    digest.update(machine);
    let digest = digest.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The mark at the end of a comment that tells it from all others where comments have no id of ours.
#[must_use]
pub fn comment_mark(message: Uuid) -> String {
    let hex = message.simple().to_string();
    format!("[sh-{}]", &hex[hex.len() - 12..])
}

/// The words before the mark of a comment of ours; of any other comment nothing.
#[must_use]
pub fn words_before_mark(comment: &str) -> Option<&str> {
    let (words, mark) = comment.trim_end().strip_suffix(']')?.rsplit_once("[sh-")?;
    let is_mark = mark.len() == 12 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mark.then(|| words.trim_end())
}

/// What is known of a scan or a decision, as one comment.
#[must_use]
pub fn comment_text(notice: &Notice, public: Option<&PublicUrl>) -> String {
    let mut text = format!("scanhook: {}", line(notice));
    if let Some(public) = public {
        text.push('\n');
        text.push_str(&public.page(&notice.path()));
    }
    text
}

/// The comment that machines share, the newest first; `more` are not among them.
#[must_use]
pub fn shared_comment(notices: &[Notice], more: usize, public: Option<&PublicUrl>) -> String {
    let all = notices.len() + more;
    let mut text = format!("scanhook: {all} further machines of this incident:");
    let (mut size, mut told) = (escaped(&text).chars().count(), 0);
    for notice in notices {
        let line = format!("\n- {}", line(notice));
        size += escaped(&line).chars().count();
        if size > LONGEST_COMMENT - ENDING {
            break;
        }
        text.push_str(&line);
        told += 1;
    }
    if told < all {
        text.push_str(&format!("\n- and {} more", all - told));
    }
    if let Some(public) = public {
        text.push('\n');
        text.push_str(&public.page("/scans"));
    }
    text
}

/// A text as Sentinel takes it: escaped, and no longer than a comment may be.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ => "",
        };
        length += piece.len().max(1);
        if length > LONGEST_COMMENT {
            break;
        }
        match piece {
            "" => out.push(c),
            piece => out.push_str(piece),
        }
    }
    out
}

/// The sentence of a message; of a success also what it does not say.
fn line(notice: &Notice) -> String {
    let text = sentence(notice);
    let succeeded = notice.scan.as_ref().and_then(|scan| scan.outcome) == Some(Outcome::Succeeded);
    if succeeded {
        format!("{text} This is not a verdict: look for alerts of this machine in Defender.")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::message::{MachineNote, ScanNote};
    use crate::scan::Kind;
    use crate::time::Timestamp;

    fn ended(name: &str) -> Notice {
        Notice {
            scan: Some(ScanNote {
                id: "0190f3a0-0000-7000-8000-000000000001".to_owned(),
                kind: Kind::Full,
                outcome: Some(Outcome::Succeeded),
                detail: Some("never shown".to_owned()),
                rule: Some("high".to_owned()),
                sent_at: None,
                ended_at: None,
                action: None,
            }),
            machine: Some(MachineNote {
                id: None,
                name: name.to_owned(),
            }),
            ..Notice::new(MessageType::ScanEnded, Timestamp::from_millis(0))
        }
    }

    #[test]
    fn a_comment_has_outcome_device_and_link_and_no_verdict() {
        let public = PublicUrl::parse("https://scanhook.corp.example").unwrap();
        assert_eq!(
            comment_text(&ended("lt-042"), Some(&public)),
            "scanhook: Full scan of lt-042 succeeded: the device carried out the command. This is not a verdict: look for \
             alerts of this machine in Defender.\nhttps://scanhook.corp.example/scans/0190f3a0-0000-7000-8000-000000000001"
        );
    }

    #[test]
    fn a_name_is_one_line_cut_and_escaped() {
        let name = format!("<b onload='x'>&\n\u{202e}{}", "n".repeat(500));
        let text = escaped(&comment_text(&ended(&name), None));
        assert!(
            text.contains("&lt;b onload=&#39;x&#39;&gt;&amp;  nnn"),
            "{text}"
        );
        assert!(
            !text.contains(['<', '>', '\n']) && text.chars().count() < 400,
            "{text}"
        );
    }

    #[test]
    fn no_comment_is_longer_than_an_incident_takes() {
        assert_eq!(
            escaped(&"a".repeat(40_000)).chars().count(),
            LONGEST_COMMENT
        );
        let most = escaped(&"&".repeat(40_000));
        assert!(most.len() <= LONGEST_COMMENT && most.ends_with("&amp;"));
        let notices: Vec<Notice> = (0..400).map(|_| ended(&"'".repeat(90))).collect();
        let text = shared_comment(&notices, 77, None);
        let told = text.matches("Full scan of").count();
        assert!(escaped(&text).chars().count() <= LONGEST_COMMENT && told > 30);
        assert!(
            text.ends_with(&format!("and {} more", 477 - told)),
            "{told}"
        );
        assert!(text.starts_with("scanhook: 477 further machines"));
    }

    #[test]
    fn a_comment_of_ours_is_told_by_its_mark() {
        let mark = comment_mark(comment_id("9e0c6a52", "aa"));
        let comment = format!("scanhook: over\nhttps://x/scans/1 {mark}\n");
        assert_eq!(
            words_before_mark(&comment),
            Some("scanhook: over\nhttps://x/scans/1")
        );
        for other in [
            "over",
            "over [sh-0123456789ab] no",
            "[sh-01]",
            "[sh-0123456789xy]",
        ] {
            assert_eq!(words_before_mark(other), None, "{other}");
        }
    }

    #[test]
    fn a_comment_has_one_id_for_incident_and_machine() {
        let id = comment_id("9E0C6A52", "aa");
        assert_eq!(id, comment_id("9e0c6a52", "aa"));
        assert_ne!(id, comment_id("9e0c6a52", "ab"));
        assert_ne!(id, comment_id("9e0c6a52", ""));
        assert_eq!(
            id.get_version_num(),
            4,
            "the form that Azure takes everywhere"
        );
    }
}

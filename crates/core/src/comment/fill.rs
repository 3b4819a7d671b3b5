//! Fills a template in, so that the comment fits: long values give way first, then the list of alerts.

use core::fmt;

use super::alert_ids::{ID_MAX, alert_ids};
use super::citation::{Citation, Slot, value};
use super::template::{CommentPart, CommentTemplate, MAX};
use super::token::{TAIL_LEN, clean, without_token};
use crate::plain::cut;

/// A value is not shortened below this to make room for others.
const KEPT: usize = 16;

/// A comment that fits, cites an alert and ends with our token; only [`CommentTemplate::fill`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CommentTemplate {
    /// Writes the comment. Values are inserted once and never read as a template again.
    #[must_use]
    pub fn fill(&self, citation: Citation<'_>) -> Comment {
        let tail: String = citation
            .scan_tail
            .chars()
            .filter(char::is_ascii_hexdigit)
            .collect();
        let tail = tail
            .get(tail.len().saturating_sub(TAIL_LEN)..)
            .unwrap_or("")
            .to_ascii_lowercase();
        let room = MAX - " [sh-]".len() - tail.len();
        let first = cut(clean(citation.first).chars(), ID_MAX);
        let mut head = cut(
            without_token(self.assemble(&citation, &first, room).chars()).chars(),
            room,
        );
        if !head.contains(&first) {
            head = cut(format!("alert {first}: {head}").chars(), room);
        }
        Comment(format!("{} [sh-{tail}]", head.trim_end()))
    }

    /// The text before the token: long values give way first, then the list of further alerts.
    fn assemble(&self, citation: &Citation<'_>, first: &str, room: usize) -> String {
        let shortest = alert_ids(first, citation.more, 0);
        let mut texts: Vec<String> = Vec::with_capacity(self.parts.len());
        let mut fixed = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (text, stays) = match part {
                CommentPart::Literal(text) => (text.clone(), true),
                CommentPart::Slot {
                    slot: Slot::AlertId,
                    ..
                } => (shortest.clone(), true),
                CommentPart::Slot { slot, max } => {
                    (cut(clean(&value(*slot, citation)).chars(), *max), false)
                }
            };
            texts.push(text);
            fixed.push(stays);
        }
        shrink(&mut texts, &fixed, room);
        let used: usize = texts.iter().map(|text| text.chars().count()).sum();
        let mut left = room.saturating_sub(used);
        for (part, text) in self.parts.iter().zip(&mut texts) {
            if let CommentPart::Slot {
                slot: Slot::AlertId,
                max,
            } = part
            {
                let before = shortest.chars().count();
                let ids = alert_ids(first, citation.more, (*max).min(before + left));
                left = left.saturating_sub(ids.chars().count().saturating_sub(before));
                *text = ids;
            }
        }
        texts.concat()
    }
}

/// Shortens the longest values until everything fits, none below [`KEPT`] characters.
fn shrink(texts: &mut [String], fixed: &[bool], room: usize) {
    loop {
        let total: usize = texts.iter().map(|text| text.chars().count()).sum();
        let over = total.saturating_sub(room);
        let values = texts
            .iter_mut()
            .zip(fixed)
            .filter(|(_, fixed)| !**fixed)
            .map(|(text, _)| text);
        let Some(longest) = values.max_by_key(|text| text.chars().count()) else {
            return;
        };
        let length = longest.chars().count();
        if over == 0 || length <= KEPT {
            return;
        }
        *longest = cut(longest.chars(), length.saturating_sub(over).max(KEPT));
    }
}

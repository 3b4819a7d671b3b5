//! A template of comments: read and checked once, and shown as it was written.

use core::fmt;
use core::ops::Range;

use super::citation::Slot;
use crate::plain::shown;

/// Characters in a whole comment. Defender's own maximum is not documented; this much is known to be taken.
pub(super) const MAX: usize = 512;

/// A comment's pattern, checked when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentTemplate {
    pub(super) parts: Vec<CommentPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CommentPart {
    Literal(String),
    Slot { slot: Slot, max: usize },
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// Bytes of the template it is about.
    pub range: Range<usize>,
    /// A sentence for the person who wrote it.
    pub message: String,
}

impl fmt::Display for CommentTemplate {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                CommentPart::Literal(text) => f.write_str(text)?,
                CommentPart::Slot { slot, max: MAX } => write!(f, "{{{slot}}}")?,
                CommentPart::Slot { slot, max } => write!(f, "{{{slot}|trunc:{max}}}")?,
            }
        }
        Ok(())
    }
}

impl CommentTemplate {
    /// Reads `{field}` and `{field|trunc:80}`.
    ///
    /// # Errors
    /// Every fault: an unknown field, a brace without its partner, a bad `trunc`, no `{alert.id}`.
    pub fn parse(text: &str) -> Result<CommentTemplate, Vec<TemplateFault>> {
        let mut parts = Vec::new();
        let mut faults = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let brace = rest.find(['{', '}']).unwrap_or(rest.len());
            if brace > 0 {
                parts.push(CommentPart::Literal(
                    rest.get(..brace).unwrap_or("").chars().map(shown).collect(),
                ));
                at += brace;
                continue;
            }
            let end = rest.find('}').filter(|end| *end > 0);
            let Some(inside) = end.and_then(|end| rest.get(1..end)) else {
                let message =
                    "a brace without its partner: fields are written `{alert.id}`".to_owned();
                faults.push(TemplateFault {
                    range: at..at + 1,
                    message,
                });
                at += 1;
                continue;
            };
            let range = at..at + inside.len() + 2;
            at = range.end;
            match slot(inside) {
                Ok(part) => parts.push(part),
                Err(message) => faults.push(TemplateFault { range, message }),
            }
        }
        let cites = parts.iter().any(|part| {
            matches!(
                part,
                CommentPart::Slot {
                    slot: Slot::AlertId,
                    ..
                }
            )
        });
        if faults.is_empty() && !cites {
            let message = "a comment must name its alert: `{alert.id}` is missing".to_owned();
            faults.push(TemplateFault {
                range: 0..text.len(),
                message,
            });
        }
        if faults.is_empty() {
            Ok(CommentTemplate { parts })
        } else {
            Err(faults)
        }
    }
}

/// Reads what stands between the braces.
fn slot(inside: &str) -> Result<CommentPart, String> {
    let (name, option) = inside
        .split_once('|')
        .map_or((inside, None), |(name, option)| (name, Some(option)));
    let Some(slot) = Slot::of_code(name) else {
        let known: Vec<&str> = Slot::ALL.iter().map(|slot| slot.code()).collect();
        return Err(format!(
            "no field `{}`: a comment knows {}",
            clean_name(name),
            known.join(", ")
        ));
    };
    let max = match option {
        None => Some(MAX),
        Some(option) => option
            .strip_prefix("trunc:")
            .and_then(|n| n.parse().ok())
            .filter(|n| (1..=MAX).contains(n)),
    };
    match max {
        Some(max) => Ok(CommentPart::Slot { slot, max }),
        None => Err(format!(
            "only `|trunc:N` with N from 1 to {MAX} can follow a field"
        )),
    }
}

fn clean_name(name: &str) -> String {
    crate::plain::one_line(name, 40)
}

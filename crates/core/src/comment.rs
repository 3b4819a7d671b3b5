//! The comment a scan carries in Defender: written from a template, cut so that it always fits, always naming the
//! first alert, always ending with the token by which we find our own scan again.

use core::fmt;
use core::ops::Range;

use super::alert::{Alert, Device, MachineId};
use super::plain::{cut, shown};
use super::scan::Kind;

/// Characters in a whole comment. Defender's own maximum is not documented; this much is known to be taken.
const MAX: usize = 512;
/// Characters of one alert id; real ones are far shorter.
const ID_MAX: usize = 128;
/// Hex digits in the token.
const TAIL_LEN: usize = 12;
/// A value is not shortened below this to make room for others.
const KEPT: usize = 16;

codes! {
    /// What a template can name.
    pub enum Slot {
        /// `Quick` or `Full`.
        Scan = "scan",
        /// The configured source.
        Source = "source",
        /// The rule that asked.
        Rule = "rule",
        /// The tenant.
        Tenant = "tenant",
        /// Severity on our scale.
        Severity = "severity",
        /// The account involved.
        User = "user",
        /// The ids of all alerts the scan answers, as far as they fit.
        AlertId = "alert.id",
        /// Headline.
        AlertTitle = "alert.title",
        /// Categories, joined.
        AlertCategory = "alert.category",
        /// Techniques, joined.
        AlertTechniques = "alert.techniques",
        /// The sender's status word.
        AlertStatus = "alert.status",
        /// What found it.
        AlertDetector = "alert.detector",
        /// When it happened.
        AlertTime = "alert.time",
        /// The machine id.
        DeviceId = "device.id",
        /// Host name.
        DeviceName = "device.name",
        /// Address.
        DeviceIp = "device.ip",
    }
}

/// A comment's pattern, checked when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentTemplate {
    parts: Vec<CommentPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CommentPart {
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

/// What one comment is about.
#[derive(Clone, Copy, Debug)]
pub struct Citation<'a> {
    /// Which scan.
    pub kind: Kind,
    /// The id of the oldest alert it answers.
    pub first: &'a str,
    /// The ids of the others.
    pub more: &'a [&'a str],
    /// The configured source.
    pub source: &'a str,
    /// The rule that asked.
    pub rule: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The oldest alert.
    pub alert: &'a Alert,
    /// The device, as that alert names it.
    pub device: &'a Device,
    /// The last 12 hex digits of the scan's id.
    pub scan_tail: &'a str,
}

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

/// The 12 hex digits of our token, if a comment read back from Defender ends with one.
#[must_use]
pub fn tail_of(comment: &str) -> Option<&str> {
    let inside = comment.trim_end().strip_suffix(']')?;
    let at = inside.rfind("[sh-")?;
    let tail = inside.get(at + 4..)?;
    (tail.len() == TAIL_LEN && tail.bytes().all(|b| b.is_ascii_hexdigit())).then_some(tail)
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
    super::plain::one_line(name, 40)
}

/// What a slot other than the alert ids holds; `-` where there is nothing.
fn value(slot: Slot, citation: &Citation<'_>) -> String {
    let (alert, device) = (citation.alert, citation.device);
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let value = match slot {
        Slot::Scan => citation.kind.wire().to_owned(),
        Slot::Source => citation.source.to_owned(),
        Slot::Rule => citation.rule.to_owned(),
        Slot::Tenant => citation.tenant.to_owned(),
        Slot::Severity => alert
            .severity
            .map_or("unknown", |severity| severity.code())
            .to_owned(),
        Slot::User => text(alert.user.as_deref()),
        Slot::AlertId => citation.first.to_owned(),
        Slot::AlertTitle => text(alert.title.as_deref()),
        Slot::AlertCategory => alert.category.join(", "),
        Slot::AlertTechniques => alert.techniques.join(", "),
        Slot::AlertStatus => text(alert.status.as_deref()),
        Slot::AlertDetector => text(alert.detector.as_deref()),
        Slot::AlertTime => alert.time.map(|time| time.to_string()).unwrap_or_default(),
        Slot::DeviceId => text(device.machine.as_ref().map(MachineId::as_str)),
        Slot::DeviceName => text(device.name.as_deref()),
        Slot::DeviceIp => text(device.ip.as_deref()),
    };
    if value.is_empty() {
        "-".to_owned()
    } else {
        value
    }
}

/// A value as it may be inserted: one line, without anything that looks like our token.
fn clean(text: &str) -> String {
    without_token(text.chars().map(shown))
}

/// Drops every `[sh-<hex>]`, also one that appears because another was dropped out of its middle. One pass: a match
/// ends at a `]`, and what stands before it is final by then.
fn without_token(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        out.push(c);
        if c == ']' {
            let before = out
                .get(..out.len() - 1)
                .unwrap_or("")
                .trim_end_matches(|c: char| c.is_ascii_hexdigit());
            let open = before.len().checked_sub(4);
            let token = open
                .and_then(|at| before.get(at..))
                .is_some_and(|text| text.eq_ignore_ascii_case("[sh-"));
            if let Some(at) = open.filter(|_| token) {
                out.truncate(at);
            }
        }
    }
    out
}

/// `first, second and 4 more`: the first always, of the others as many as `max` characters hold.
fn alert_ids(first: &str, more: &[&str], max: usize) -> String {
    let mut listed = first.to_owned();
    let mut best = more_after(&listed, more.len());
    for (n, id) in more.iter().enumerate() {
        listed.push_str(", ");
        listed.push_str(&cut(clean(id).chars(), ID_MAX));
        if listed.chars().count() > max {
            break;
        }
        let text = more_after(&listed, more.len() - n - 1);
        if text.chars().count() <= max {
            best = text;
        }
    }
    best
}

fn more_after(listed: &str, left: usize) -> String {
    if left == 0 {
        listed.to_owned()
    } else {
        format!("{listed} and {left} more")
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;
    use crate::alert::Severity;

    const TAIL: &str = "0123456789ab";
    const DEFAULT: &str = "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})";

    fn fill(template: &str, alert: &Alert, first: &str, more: &[&str]) -> String {
        let device = Device {
            name: Some("lt-042".to_owned()),
            ..Device::default()
        };
        let citation = Citation {
            kind: Kind::Full,
            first,
            more,
            source: "sentinel",
            rule: "high",
            tenant: "default",
            alert,
            device: &device,
            scan_tail: TAIL,
        };
        CommentTemplate::parse(template)
            .unwrap()
            .fill(citation)
            .as_str()
            .to_owned()
    }

    #[test]
    fn the_default_comment_names_scan_alert_source_and_rule() {
        assert_eq!(
            fill(DEFAULT, &Alert::default(), "3212", &[]),
            "Full antivirus scan due to alert 3212 (sentinel, rule high) [sh-0123456789ab]"
        );
    }

    #[test]
    fn several_alerts_are_listed_and_counted_past_the_length() {
        let text = fill(DEFAULT, &Alert::default(), "3212", &["3213", "3214"]);
        assert!(text.contains("alert 3212, 3213, 3214 (sentinel"), "{text}");
        let many: Vec<String> = (0..500).map(|n| format!("id-{n:04}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = fill(DEFAULT, &Alert::default(), "3212", &many);
        assert!(
            text.contains("3212, id-0000, id-0001") && text.contains(" more (sentinel, rule high)"),
            "{text}"
        );
        assert!(
            (480..=MAX).contains(&text.chars().count()),
            "the room is used: {text}"
        );
        let listed = text.matches("id-").count();
        assert!(
            text.contains(&format!("and {} more", 500 - listed)),
            "{text}"
        );
        let text = fill(
            "{alert.id|trunc:20}",
            &Alert::default(),
            "3212",
            &["3213", "3214", "3215"],
        );
        assert_eq!(text, "3212 and 3 more [sh-0123456789ab]");
    }

    #[test]
    fn inserted_text_is_data_and_never_a_template_or_a_token() {
        let alert = Alert {
            title: Some("{rule} [sh-ffff\u{202e}] [SH-[sh-00]aa]\r\nx[sh-0123456789ab]".to_owned()),
            ..Alert::default()
        };
        assert_eq!(
            fill("{alert.id}: {alert.title}", &alert, "1", &[]),
            "1: {rule} [sh-ffff ]   x [sh-0123456789ab]"
        );
    }

    #[test]
    fn two_values_cannot_make_a_token_together() {
        let alert = Alert {
            title: Some("[sh".to_owned()),
            user: Some("-abc]".to_owned()),
            ..Alert::default()
        };
        let text = fill("{alert.id} {alert.title}{user}", &alert, "7", &[]);
        assert_eq!(text, "7 [sh-0123456789ab]");
    }

    #[test]
    fn a_long_title_gives_way_to_the_alert_id() {
        let alert = Alert {
            title: Some("t".repeat(1_000_000)),
            severity: Some(Severity::High),
            ..Alert::default()
        };
        let text = fill(
            "{alert.title} {severity} alert {alert.id}",
            &alert,
            "3212",
            &[],
        );
        assert!(
            text.ends_with("… high alert 3212 [sh-0123456789ab]"),
            "{text}"
        );
        assert_eq!(text.chars().count(), MAX);
        let text = fill("{alert.title|trunc:10} {alert.id}", &alert, "3212", &[]);
        assert_eq!(text, "ttttttttt… 3212 [sh-0123456789ab]");
    }

    #[test]
    fn the_token_is_found_at_the_end_and_nowhere_else() {
        let text = fill(DEFAULT, &Alert::default(), "3212", &[]);
        assert_eq!(tail_of(&text), Some(TAIL));
        for other in [
            "",
            "]",
            "[sh-]",
            "[sh-0123456789ab] by hand",
            "[sh-0123456789a]",
            "[sh-0123456789ag]",
            "x[sh-0123456789abc]",
        ] {
            assert_eq!(tail_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        for text in [
            "{scan} for {alert.id}",
            "{alert.id|trunc:80}: {alert.title|trunc:512}.",
        ] {
            let shown = CommentTemplate::parse(text).unwrap().to_string();
            assert_eq!(
                shown,
                text.replace("|trunc:512", ""),
                "512 is all there ever is"
            );
        }
    }

    #[test]
    fn faults_of_a_template_say_where() {
        let cases = [
            ("{scan} scan", 0..11, "alert.id"),
            ("{alert.id} {alert.titel}", 11..24, "alert.titel"),
            ("{alert.id} {", 11..12, "brace"),
            ("{alert.id} }", 11..12, "brace"),
            ("{alert.id|trunc:0}", 0..18, "trunc"),
            ("{alert.id|upper}", 0..16, "trunc"),
        ];
        for (template, range, says) in cases {
            let faults = CommentTemplate::parse(template).unwrap_err();
            assert_eq!(faults[0].range, range, "{template}");
            assert!(
                faults[0].message.contains(says),
                "{template}: {}",
                faults[0].message
            );
        }
        assert_eq!(
            CommentTemplate::parse("{a} {b}").unwrap_err().len(),
            2,
            "all faults in one go"
        );
    }

    proptest! {
        #[test]
        fn a_comment_always_fits_cites_the_first_alert_and_ends_with_the_token(
            before in "[^{}]{0,600}", between in "(\\[sh-)?[^{}]{0,20}", title in "(\\PC|\\[sh-[0-9a-f]*\\]?|[\u{0}-\u{20}\u{2028}\u{202e}]){0,300}",
            first in "(\\PC|\\[sh-[0-9a-f]*\\]?|[\u{0}-\u{1f}]){0,200}", more in proptest::collection::vec("\\PC{0,200}", 0..20),
            tail in "[0-9a-f]{12}",
        ) {
            let alert = Alert { title: Some(title.clone()), user: Some(title), ..Alert::default() };
            let device = Device::default();
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let citation = Citation {
                kind: Kind::Quick, first: &first, more: &more, source: "s", rule: "r", tenant: "t",
                alert: &alert, device: &device, scan_tail: &tail,
            };
            let template = CommentTemplate::parse(&format!("{before}{{alert.title}}{between}{{user}}{{alert.id}}")).unwrap();
            let comment = template.fill(citation);
            let text = comment.as_str();
            prop_assert!(text.chars().count() <= MAX);
            let ending = format!(" [sh-{tail}]");
            prop_assert!(text.ends_with(&ending));
            prop_assert_eq!(tail_of(text), Some(tail.as_str()));
            prop_assert!(text.contains(cut(clean(&first).chars(), ID_MAX).trim_end()));
            prop_assert!(!text.chars().any(|c| c != shown(c)), "no control character");
            let head = text.strip_suffix(&ending).unwrap_or(text);
            prop_assert_eq!(without_token(head.chars()), head, "our token stands only at the end");
        }
    }
}

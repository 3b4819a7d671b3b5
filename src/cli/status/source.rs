//! Details of one source, and what was refused before anybody knew who sent it.

use super::lines::StatusLines;
use crate::api::{DoorView, SourceView};
use crate::cli::table::{count, time};
use scanhook_core::plain::one_line;

/// Characters that are shown of a body.
const SHOWN: usize = 200;

pub(super) fn source_text(lines: &mut StatusLines, source: &SourceView) {
    lines.head(&format!("source {}", source.name));
    let last = source.last_delivery_at.as_ref().map_or_else(
        || "none yet".to_owned(),
        |last| format!("{}, the last at {} UTC", source.deliveries, time(last)),
    );
    lines.say("received", &last);
    if let (Some(since), Some(every)) = (&source.silent_since, &source.expect_every) {
        lines.say(
            "silent",
            &format!("since {} UTC, though expected every {every}", time(since)),
        );
    }
    door_text(lines, &source.door);
    for refusal in &source.refusals {
        let clock = refusal
            .clock_ahead_seconds
            .map_or_else(String::new, |ahead| {
                format!(
                    "; it is {} s {}",
                    ahead.unsigned_abs(),
                    if ahead < 0 {
                        "behind our clock"
                    } else {
                        "ahead of our clock"
                    }
                )
            });
        lines.say(
            "refused",
            &format!(
                "{} UTC, {}: {}{clock}",
                time(&refusal.at),
                refusal.address,
                refusal.check
            ),
        );
    }
    for unread in &source.unread {
        let place = if unread.line > 0 {
            format!(" at {}:{}", unread.line, unread.column)
        } else {
            String::new()
        };
        let (at, bytes) = (time(&unread.at), count(unread.bytes as usize, "byte"));
        lines.say(
            "unread",
            &format!(
                "{at} UTC, {}{place}, {bytes}, SHA-256 {}",
                unread.code, unread.sha256
            ),
        );
        lines.say("", &one_line(&unread.head, SHOWN));
    }
}

/// What was refused before anybody asked who sent it.
pub(super) fn door_text(lines: &mut StatusLines, door: &[DoorView]) {
    for kind in door {
        let DoorView {
            count,
            status,
            code,
            detail,
            address,
            ..
        } = kind;
        let name = kind
            .name
            .as_ref()
            .map_or_else(String::new, |name| format!(" `{name}`:"));
        let last = format!("the last at {} UTC from {address}", time(&kind.last_at));
        // A handshake that fails has no status.
        let status = match status {
            0 => String::new(),
            status => format!("{status} "),
        };
        lines.say(
            "refused",
            &format!("{count} times {status}{code}, {last}:{name} {detail}"),
        );
    }
}

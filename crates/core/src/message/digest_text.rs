//! The numbers of a day in words, a line of each kind.

use std::collections::BTreeMap;

use super::credential_name::credential;
use super::notice::DigestCounts;
use crate::plain::one_line;

/// Kinds, and credentials, that are named.
const NAMED: usize = 10;
/// Characters of a name.
const NAME: usize = 100;

/// The lines of a day's summary.
pub(super) fn lines(counts: &DigestCounts) -> Vec<String> {
    let mut lines = vec![
        format!(
            "Now: {} held for a person ({} end within the hour), {} waiting to be sent, {} running.",
            counts.held, counts.ending, counts.waiting, counts.running
        ),
        format!(
            "Last day: scans that ended: {}; decisions that expired: {}; alerts parked: {}.",
            listed(&counts.scans),
            counts.expired,
            listed(&counts.parked)
        ),
    ];
    if counts.pauses > 0 {
        lines.push(format!("Pauses in force: {}.", counts.pauses));
    }
    if !counts.credentials.is_empty() {
        let named = counts.credentials.iter().take(NAMED);
        let named: Vec<String> = named
            .map(|(key, until)| format!("{} ends on {}", credential(key), day(until)))
            .collect();
        let more = match counts.credentials.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        lines.push(format!("Credentials: {}{more}.", named.join("; ")));
    }
    if let Some(head) = &counts.audit_head {
        lines.push(format!("Head of the audit: {head}"));
    }
    lines
}

/// The most frequent first.
fn listed(counts: &BTreeMap<String, u32>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let mut all: Vec<(&String, &u32)> = counts.iter().collect();
    all.sort_by_key(|(_, count)| core::cmp::Reverse(**count));
    let more = all.len().saturating_sub(NAMED);
    let named = all.iter().take(NAMED);
    let mut parts: Vec<String> = named
        .map(|(what, count)| format!("{count} {}", one_line(what, NAME)))
        .collect();
    if more > 0 {
        parts.push(format!("{more} more kinds"));
    }
    parts.join(", ")
}

/// The day of an instant, as it is written.
fn day(at: &str) -> &str {
    at.split('T').next().unwrap_or(at)
}

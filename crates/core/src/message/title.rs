//! The headline of a message.

use super::kind::MessageType;
use super::notice::Notice;
use crate::scan::Outcome;

/// A headline of a few words.
#[must_use]
pub fn title(notice: &Notice) -> String {
    let tenant = notice
        .tenant
        .as_ref()
        .map_or_else(String::new, |tenant| format!(" ({tenant})"));
    let what = match notice.kind {
        MessageType::DecisionHeld if notice.said.resolved => "Nothing is held any more",
        MessageType::DecisionHeld => "Held for a person",
        MessageType::HoldEnding => "Held decisions end soon",
        MessageType::DecisionExpired => "Held decisions expired",
        MessageType::ScanEnded => match outcome(notice) {
            Some(Outcome::Succeeded) => "Scan succeeded",
            Some(Outcome::Failed) => "Scan failed",
            Some(Outcome::Timeout) => "Scan timed out",
            Some(Outcome::Lost) => "Scan lost",
            Some(Outcome::Refused) => "Scan refused",
            Some(Outcome::TooOld) => "Scan too old to be sent",
            _ => "Scan over",
        },
        MessageType::TenantStopped => "Tenant stopped",
        MessageType::TenantRecovered => "Tenant goes on",
        MessageType::TenantThrottled if notice.said.resolved => "Tenant throttled no more",
        MessageType::TenantThrottled => "Tenant throttled",
        MessageType::LimitReached => "Limit reached",
        MessageType::StormBegun => "Storm of alerts",
        MessageType::StormOver => "Storm over",
        MessageType::SourceSilent => "Source silent",
        MessageType::SourceHeard => "Source heard again",
        MessageType::PauseSet => "Paused",
        MessageType::PauseEnded => "Pause over",
        MessageType::ReloadRefused => "Changed files refused",
        MessageType::ReloadAccepted => "Changed files accepted",
        MessageType::JournalFailing if notice.said.resolved => "Journal works again",
        MessageType::JournalFailing => "Journal cannot be written",
        MessageType::ReceiverFailing if notice.said.resolved => "Receiver works again",
        MessageType::ReceiverFailing => "Receiver failing",
        MessageType::CredentialEnding if notice.said.resolved => "Credential ends no more",
        MessageType::CredentialEnding => "Credential ends soon",
        MessageType::AlertParked => "Alert parked",
        MessageType::Digest => "The day in scanhook",
        MessageType::Test => "Test message",
        MessageType::DecisionApproved => "Approved",
        MessageType::DecisionDenied => "Denied",
        MessageType::ScanBegun => "Scan begun",
        MessageType::ScanSent => "Scan sent",
        MessageType::AuditHead => "Head of the audit",
    };
    format!("{what}{tenant}")
}

/// How its scan ended.
pub(super) fn outcome(notice: &Notice) -> Option<Outcome> {
    let scan = notice.scan.as_ref().and_then(|scan| scan.outcome);
    notice.said.outcome.or(scan)
}

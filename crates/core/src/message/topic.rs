//! Which events become one message, and which messages have to arrive in order.
//!
//! Events of one group that wait for the same receiver are one message with a count. Messages of one subject leave one
//! after the other, so that "recovered" never overtakes "stopped". PagerDuty knows the subject as `dedup_key`: the end
//! of something closes what its beginning opened.

use core::time::Duration;

use super::kind::MessageType;

/// The group and the subject of an event for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Events of the same group that wait are told together.
    pub group: String,
    /// Messages of the same subject arrive in order.
    pub subject: String,
    /// A group of which one message was made is told again only after a while.
    pub repeats: bool,
}

/// The longest subject: PagerDuty takes 255 characters as `dedup_key`.
const LONGEST: usize = 250;
/// A spent limit is told once an hour.
const LIMIT: Duration = Duration::from_secs(3600);

impl Topic {
    /// Of an event: whose it is, what it is about, and whether it ends something that was told by the same type.
    #[must_use]
    pub fn of(kind: MessageType, tenant: Option<&str>, key: &str, resolved: bool) -> Topic {
        let code = kind.code();
        let family = match kind {
            MessageType::TenantStopped | MessageType::TenantRecovered => "tenant",
            MessageType::StormBegun | MessageType::StormOver => "storm",
            MessageType::SourceSilent | MessageType::SourceHeard => "source",
            MessageType::PauseSet | MessageType::PauseEnded => "pause",
            MessageType::ReloadRefused | MessageType::ReloadAccepted => "reload",
            _ => code,
        };
        let place = [tenant.unwrap_or_default(), key]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        let subject: String = format!("{family}/{place}").chars().take(LONGEST).collect();
        let end = if resolved { "/over" } else { "" };
        Topic {
            group: format!("{code}{end}/{place}"),
            subject,
            repeats: !resolved
                && matches!(
                    kind,
                    MessageType::DecisionHeld
                        | MessageType::HoldEnding
                        | MessageType::DecisionExpired
                        | MessageType::ScanEnded
                        | MessageType::LimitReached
                        | MessageType::AlertParked
                ),
        }
    }

    /// Of one scan that ended, for a receiver that is told of each.
    #[must_use]
    pub fn of_scan(scan: &str) -> Topic {
        Topic::alone(format!("scan/{scan}"))
    }

    /// Of what goes back about a machine to an incident or an alert; without a machine: about many.
    #[must_use]
    pub fn of_target(target: &str, machine: &str) -> Topic {
        Topic::alone(format!("{target}/{machine}"))
    }

    fn alone(subject: String) -> Topic {
        Topic {
            group: subject.clone(),
            subject,
            repeats: false,
        }
    }

    /// How long a group is left alone after a message, where the receiver asked for this.
    #[must_use]
    pub fn pause(kind: MessageType, repeat: Duration) -> Duration {
        if kind == MessageType::LimitReached {
            repeat.max(LIMIT)
        } else {
            repeat
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_something_shares_its_subject_and_not_its_group() {
        let stopped = Topic::of(MessageType::TenantStopped, Some("berlin"), "", false);
        let recovered = Topic::of(MessageType::TenantRecovered, Some("berlin"), "", false);
        assert_eq!(stopped.subject, "tenant/berlin");
        assert_eq!(stopped.subject, recovered.subject);
        assert_ne!(stopped.group, recovered.group);
        let failing = Topic::of(MessageType::ReceiverFailing, None, "soc", false);
        let works = Topic::of(MessageType::ReceiverFailing, None, "soc", true);
        assert_eq!(failing.subject, works.subject);
        assert_ne!(failing.group, works.group);
    }

    #[test]
    fn what_comes_in_numbers_is_told_at_intervals() {
        assert!(Topic::of(MessageType::DecisionHeld, Some("a"), "limit/r", false).repeats);
        assert!(!Topic::of(MessageType::SourceSilent, None, "soar", false).repeats);
        assert_eq!(
            Topic::pause(MessageType::LimitReached, Duration::from_secs(10)),
            LIMIT
        );
    }
}

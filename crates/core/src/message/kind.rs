//! The types of messages, and the sets of them that a receiver may ask for.

use std::collections::BTreeSet;

use crate::scan::Outcome;

codes! {
    /// What a message, or an event of the stream, is about.
    pub enum MessageType {
        /// Decisions wait for a person.
        DecisionHeld = "decision.held",
        /// Held decisions are dropped within the hour unless somebody answers.
        HoldEnding = "hold.ending",
        /// Held decisions were dropped: nobody answered in time.
        DecisionExpired = "decision.expired",
        /// Scans ended.
        ScanEnded = "scan.ended",
        /// Nothing is sent for a tenant until somebody mends something.
        TenantStopped = "tenant.stopped",
        /// What stopped the tenant is mended.
        TenantRecovered = "tenant.recovered",
        /// Defender has been refusing a tenant's calls for long, or others use its quota.
        TenantThrottled = "tenant.throttled",
        /// The limit of a rule or of a tenant holds decisions back.
        LimitReached = "limit.reached",
        /// More alerts came than can be decided or sent in time.
        StormBegun = "storm.begun",
        /// The storm is over.
        StormOver = "storm.over",
        /// A source is silent for longer than `expect_every`.
        SourceSilent = "source.silent",
        /// A source that was silent is heard again.
        SourceHeard = "source.heard",
        /// A person paused something, changed a pause, or a pause is a day old.
        PauseSet = "pause.set",
        /// A pause is over.
        PauseEnded = "pause.ended",
        /// Changed files have faults: what was in force stays so.
        ReloadRefused = "reload.refused",
        /// The files are without fault again.
        ReloadAccepted = "reload.accepted",
        /// The journal cannot be written.
        JournalFailing = "journal.failing",
        /// Messages do not reach a receiver.
        ReceiverFailing = "receiver.failing",
        /// A credential is about to end.
        CredentialEnding = "credential.ending",
        /// Alerts were parked: they cannot be acted on as they were read.
        AlertParked = "alert.parked",
        /// The summary of a day.
        Digest = "digest",
        /// A person tries a receiver.
        Test = "test",
        /// A person approved a held decision. Of the event stream only.
        DecisionApproved = "decision.approved",
        /// A person said no to a held decision. Of the event stream only.
        DecisionDenied = "decision.denied",
        /// A scan was begun. Of the event stream only.
        ScanBegun = "scan.begun",
        /// A scan call left. Of the event stream only.
        ScanSent = "scan.sent",
        /// The hash of the newest row of the audit, once an hour. Of the event stream only.
        AuditHead = "audit.head",
    }
}

impl MessageType {
    /// Whether receivers can be told of it; what is not is in the event stream alone.
    #[must_use]
    pub const fn is_message(self) -> bool {
        !matches!(
            self,
            MessageType::Test
                | MessageType::DecisionApproved
                | MessageType::DecisionDenied
                | MessageType::ScanBegun
                | MessageType::ScanSent
                | MessageType::AuditHead
        )
    }

    /// Whether a person has to hear of it now; of a scan that ended, by how it ended.
    #[must_use]
    pub const fn needs_a_person(self, outcome: Option<Outcome>) -> bool {
        match self {
            MessageType::ScanEnded => matches!(
                outcome,
                Some(
                    Outcome::Failed
                        | Outcome::Timeout
                        | Outcome::Refused
                        | Outcome::TooOld
                        | Outcome::Lost
                )
            ),
            MessageType::AlertParked | MessageType::Digest => false,
            _ => self.is_message(),
        }
    }

    /// Whether it tells of the end of something that was told before.
    #[must_use]
    pub const fn is_an_end(self) -> bool {
        matches!(
            self,
            MessageType::TenantRecovered
                | MessageType::StormOver
                | MessageType::SourceHeard
                | MessageType::PauseEnded
                | MessageType::ReloadAccepted
        )
    }
}

codes! {
    /// A set of types, as scanhook.toml names it.
    pub enum MessageSet {
        /// Whatever a person has to hear of now.
        NeedsAPerson = "needs-a-person",
        /// The summary of a day.
        Digest = "digest",
        /// Every type, and each scan that ends by itself.
        All = "all",
    }
}

/// What a receiver is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSet {
    sets: BTreeSet<MessageSet>,
    types: BTreeSet<MessageType>,
}

impl Default for EventSet {
    fn default() -> EventSet {
        EventSet {
            sets: [MessageSet::NeedsAPerson].into(),
            types: BTreeSet::new(),
        }
    }
}

impl EventSet {
    /// Reads names of sets and types.
    ///
    /// # Errors
    /// The first name that is neither.
    pub fn parse(names: &[String]) -> Result<EventSet, String> {
        let mut read = EventSet {
            sets: BTreeSet::new(),
            types: BTreeSet::new(),
        };
        for name in names {
            let kind = MessageType::of_code(name).filter(|kind| kind.is_message());
            match (MessageSet::of_code(name), kind) {
                (Some(set), _) => drop(read.sets.insert(set)),
                (None, Some(kind)) => drop(read.types.insert(kind)),
                (None, None) => return Err(name.clone()),
            }
        }
        Ok(read)
    }

    /// Whether a receiver that asked for this is told of such an event.
    #[must_use]
    pub fn wants(&self, kind: MessageType, outcome: Option<Outcome>) -> bool {
        if kind == MessageType::Digest {
            return self.wants_digest();
        }
        kind.is_message()
            && (self.sets.contains(&MessageSet::All)
                || self.types.contains(&kind)
                || (self.sets.contains(&MessageSet::NeedsAPerson) && kind.needs_a_person(outcome)))
    }

    /// Whether it gets the summary of a day, which only the name `digest` asks for.
    #[must_use]
    pub fn wants_digest(&self) -> bool {
        self.sets.contains(&MessageSet::Digest)
    }

    /// Whether it asked for every scan that ends, so that each is a message of its own.
    #[must_use]
    pub fn wants_each_scan(&self) -> bool {
        self.sets.contains(&MessageSet::All) || self.types.contains(&MessageType::ScanEnded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> EventSet {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        EventSet::parse(&names).unwrap()
    }

    #[test]
    fn a_person_hears_of_what_went_wrong_and_not_of_what_went_well() {
        let person = EventSet::default();
        assert!(person.wants(MessageType::ScanEnded, Some(Outcome::Lost)));
        assert!(!person.wants(MessageType::ScanEnded, Some(Outcome::Succeeded)));
        assert!(!person.wants(MessageType::AlertParked, None));
        assert!(!person.wants(MessageType::Digest, None));
        assert!(person.wants(MessageType::TenantRecovered, None));
    }

    #[test]
    fn single_types_and_sets_add_up_and_what_is_only_streamed_is_no_message() {
        let both = set(&["digest", "alert.parked"]);
        assert!(both.wants(MessageType::Digest, None));
        assert!(both.wants(MessageType::AlertParked, None));
        assert!(!both.wants(MessageType::DecisionHeld, None));
        assert!(set(&["all"]).wants(MessageType::ScanEnded, Some(Outcome::Succeeded)));
        assert!(!set(&["all"]).wants(MessageType::ScanSent, None));
        assert!(!set(&["all"]).wants(MessageType::Digest, None));
        assert_eq!(
            EventSet::parse(&["scan.sent".to_owned()]),
            Err("scan.sent".to_owned())
        );
    }
}

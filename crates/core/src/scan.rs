//! The words of decisions and scans: kinds, modes, states, reasons and outcomes. The journal stores their codes.

use core::fmt;

use serde::{Deserialize, Serialize};

codes! {
    /// Which antivirus scan. Ordered: a Full answers for a Quick, never the reverse.
    pub enum Kind {
        /// Places where malware usually sits; minutes.
        Quick = "quick",
        /// Everything; from half an hour to hours.
        Full = "full",
    }
}

impl Kind {
    /// The spelling of the scan call's `ScanType` (defender-api: case-sensitive).
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Kind::Quick => "Quick",
            Kind::Full => "Full",
        }
    }
}

codes! {
    /// How far a rule may go, strictest first.
    pub enum Mode {
        /// Everything is decided and shown, nothing is sent.
        DryRun = "dry_run",
        /// A person approves each scan.
        Approve = "approve",
        /// Scans are sent.
        Enforce = "enforce",
    }
}

codes! {
    /// What became of one (alert, device).
    pub enum DecisionState {
        /// No scan is wanted.
        None = "none",
        /// Waits for the tenant's directory.
        Resolving = "resolving",
        /// Waits for a person.
        Held = "held",
        /// A scan answers it.
        Scan = "scan",
        /// Ended before a scan existed.
        Dropped = "dropped",
    }
}

codes! {
    /// Why a decision is in its state.
    pub enum Reason {
        /// none: the rule that matched says so.
        Rule = "rule",
        /// none: no rule matched.
        NoMatch = "no_match",
        /// none or held: a protection says so.
        Protection = "protection",
        /// resolving: the tenant's directory is asked first.
        AwaitsDirectory = "awaits_directory",
        /// held: the mode asks for a person's approval.
        Approval = "approval",
        /// held: a milder rule could not be judged, so nobody knows whether it should have won.
        Undecided = "undecided",
        /// held: the rule's or the tenant's limit of scans is spent.
        Limit = "limit",
        /// held: the alert does not say which machine this is.
        UnresolvedDevice = "unresolved_device",
        /// held: several machines answer to what the alert says of the device.
        AmbiguousDevice = "ambiguous_device",
        /// held: the source was taken out of the configuration before its alert could be decided.
        SourceRemoved = "source_removed",
        /// scan: this decision began it.
        New = "new",
        /// scan: a scan of that machine was already waiting and took this alert along.
        Merged = "merged",
        /// scan: one as strong is under way.
        Running = "running",
        /// scan: one as strong has ended within the cool-down.
        Cooldown = "cooldown",
        /// scan: somebody else's scan of that machine covers it.
        Foreign = "foreign",
        /// dropped: held for too long.
        Expired = "expired",
        /// dropped: a person said no while it was held.
        Denied = "denied",
        /// dropped: too old before it could be sent.
        TooOld = "too_old",
        /// dropped: Defender does not know the machine.
        NoSuchMachine = "no_such_machine",
        /// dropped: Defender cannot scan this machine.
        Unsupported = "unsupported",
        /// dropped: somebody has excluded the machine at Defender.
        Excluded = "excluded",
    }
}

impl Reason {
    /// Whether a decision for this reason is made, and no scan answers it.
    #[must_use]
    pub const fn leaves_unscanned(self) -> bool {
        match self {
            Reason::AwaitsDirectory
            | Reason::New
            | Reason::Merged
            | Reason::Running
            | Reason::Cooldown
            | Reason::Foreign => false,
            Reason::Rule
            | Reason::NoMatch
            | Reason::Protection
            | Reason::Approval
            | Reason::Undecided
            | Reason::Limit
            | Reason::UnresolvedDevice
            | Reason::AmbiguousDevice
            | Reason::SourceRemoved
            | Reason::Expired
            | Reason::Denied
            | Reason::TooOld
            | Reason::NoSuchMachine
            | Reason::Unsupported
            | Reason::Excluded => true,
        }
    }
}

codes! {
    /// Where a scan stands.
    pub enum ScanState {
        /// Not sent yet.
        Waiting = "waiting",
        /// The intent is on disk; the call may have left.
        Sending = "sending",
        /// The call may or may not have been executed; the list will tell.
        Unknown = "unknown",
        /// Defender has it.
        Running = "running",
        /// Over; the outcome says how.
        Finished = "finished",
        /// Ended before it began; the reason says why.
        Dropped = "dropped",
    }
}

codes! {
    /// How a scan ended, or why it was dropped.
    pub enum Outcome {
        /// The device carried out the command: not a verdict that it is clean.
        Succeeded = "succeeded",
        /// The device could not carry it out.
        Failed = "failed",
        /// The device did not take the command in time.
        Timeout = "timeout",
        /// Called off, by us or by somebody else; dropped where it had not begun.
        Cancelled = "cancelled",
        /// No final status within the give-up age.
        Lost = "lost",
        /// Would have been sent, had the mode allowed it.
        DryRun = "dry_run",
        /// Dropped: older than `max_age` before its turn came.
        TooOld = "too_old",
        /// Dropped: its decisions moved to a stronger scan.
        Merged = "merged",
        /// Dropped: Defender does not know the machine.
        NoSuchMachine = "no_such_machine",
        /// Dropped: Defender cannot scan this machine.
        Unsupported = "unsupported",
        /// Dropped: Defender refused the call for another reason.
        Refused = "refused",
    }
}

codes! {
    /// What becomes of a call whose answer was lost, where the app may not read machine actions.
    pub enum OnUnknown {
        /// Never sent again: at most once.
        Leave = "leave",
        /// Sent again: at least once, with only the far side's own guard against a second scan.
        Repost = "repost",
    }
}

/// 0 to 100; 90 and above is urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(u8);

impl Priority {
    /// From here on a scan is urgent.
    pub const URGENT: Priority = Priority(90);

    /// A priority from 0 to 100.
    #[must_use]
    pub const fn new(value: u8) -> Option<Priority> {
        if value <= 100 {
            Some(Priority(value))
        } else {
            None
        }
    }

    /// The default: by severity 10, 30, 50, 70, 90; 20 where there is none.
    #[must_use]
    pub const fn of_severity(severity: Option<super::alert::Severity>) -> Priority {
        use super::alert::Severity;
        Priority(match severity {
            None => 20,
            Some(Severity::Informational) => 10,
            Some(Severity::Low) => 30,
            Some(Severity::Medium) => 50,
            Some(Severity::High) => 70,
            Some(Severity::Critical) => 90,
        })
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A scan's row in the journal; outside it is a uuid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub i64);

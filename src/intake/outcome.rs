//! What became of a request: a delivery that is on disk, or why there is none.

use core::fmt;
use core::time::Duration;

use crate::api::Receipt;
use crate::journal::JournalError;
use crate::settings::Source;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::signature::Refused;
use scanhook_core::strict_json::NotStrict;

/// Why a request became no delivery.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// No such source.
    #[error("unknown source")]
    UnknownSource,
    /// The credential is malformed or wrong.
    #[error("not authenticated")]
    Credential(Refused),
    /// Authenticated, but no strict JSON.
    #[error("the body is not strict JSON")]
    NotStrict(Box<NotRead>),
    /// Too many large bodies are being read.
    #[error("too many large bodies wait to be read")]
    Overloaded,
    /// The journal could not take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A delivery whose body cannot be read.
pub struct NotRead {
    /// What is wrong with it.
    pub fault: NotStrict,
    /// The request as it was authenticated.
    pub delivery: VerifiedDelivery,
}

impl fmt::Debug for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)
    }
}

/// A delivery that is on disk.
pub struct Accepted {
    /// What the sender is told.
    pub receipt: Receipt,
    /// What each alert is about, in the order of the receipt; empty for a delivery that came again.
    pub subjects: Vec<Subject>,
    /// The names of the keys that matched.
    pub credential: String,
    /// A key that is on its way out was among them.
    pub by_old_secret: bool,
    pub commit: CommitTimes,
}

/// When the transaction of a delivery was asked for and when it was on disk, by the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitTimes {
    pub begun: Duration,
    pub done: Duration,
}

/// Whom an alert is for and what it is about, as far as its receipt does not say it.
pub struct Subject {
    /// The tenant that acts on it.
    pub tenant: Option<String>,
    pub devices: Vec<Device>,
}

impl Subject {
    pub(super) fn of(alert: &Alert, source: &Source) -> Subject {
        Subject {
            tenant: source.tenant_of(alert).map(str::to_owned),
            devices: alert.devices.clone(),
        }
    }
}

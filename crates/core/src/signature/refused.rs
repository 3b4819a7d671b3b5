//! Why a request is turned away. Nothing of the request is in it.

use crate::wrapping::Sealed;

/// Why a request is turned away. Nothing of the request is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A credential header no honest sender makes: 400.
    Malformed(Malformed),
    /// 401 without a reason.
    Failed(Failure),
    /// The key of the token is not known: 503, whatever the token says, so that a stranger learns nothing of what would be
    /// accepted. Without a failure the token says what it should, and the keys are asked for.
    KeyUnknown(Option<Failure>),
    /// The credential holds, but the JSON cannot be taken out of the body.
    Sealed(Sealed),
}

/// How a credential header is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It occurs more than once.
    Repeated,
    /// It lists more than [`MOST_SIGNATURES`](super::MOST_SIGNATURES).
    TooManySignatures,
    /// A trusted proxy sends a client certificate that cannot be read.
    ClientCertificate,
    /// The id is too long or has characters that could blur what was signed.
    Id,
}

/// What failed. For the operator; a sender is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The check, in words.
    pub check: &'static str,
    /// Seconds by which a signed time is ahead of our clock, where that is what failed.
    pub ahead: Option<i64>,
}

impl Failure {
    pub(super) const fn of(check: &'static str) -> Failure {
        Failure { check, ahead: None }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused::Failed(failure)
    }
}

impl Refused {
    /// What the operator is told.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        match self {
            Refused::Malformed(Malformed::Repeated) => {
                Failure::of("a credential header occurs more than once")
            }
            Refused::Malformed(Malformed::TooManySignatures) => {
                Failure::of("more than 8 signatures in one header")
            }
            Refused::Malformed(Malformed::Id) => {
                Failure::of("the signed id is too long or has odd characters")
            }
            Refused::Malformed(Malformed::ClientCertificate) => {
                Failure::of("the header Client-Cert of the proxy holds no certificate")
            }
            Refused::Failed(failure) => *failure,
            Refused::KeyUnknown(Some(failure)) => *failure,
            Refused::KeyUnknown(None) => {
                Failure::of("the token's key is not known yet; the keys are being fetched")
            }
            Refused::Sealed(Sealed::Gzip) => {
                Failure::of("the credential holds, but the body is not one gzip stream")
            }
            Refused::Sealed(Sealed::TooLarge(_)) => {
                Failure::of("the credential holds, but the body unpacks to too much")
            }
            Refused::Sealed(Sealed::Form) => Failure::of(
                "the credential holds, but the form does not have exactly one field `payload`",
            ),
        }
    }

    /// The more telling one of the refusals by two alternatives: what may hold in a moment says more than what fails,
    /// and what fails more than what is not there.
    pub(super) fn or(self, other: Refused) -> Refused {
        match (self, other) {
            (_, Refused::KeyUnknown(_)) | (Refused::Failed(MISSING), _) => other,
            _ => self,
        }
    }
}

pub(super) const MISSING: Failure = Failure::of("the credential header is missing");

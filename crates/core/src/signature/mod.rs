//! Who sent this? Nothing is remembered, read or answered with a reason before this module says so.
//!
//! What counts as a proof comes from the configuration, never from the request: kinds, headers, algorithms, keys.
//! A request is shown as it arrived ([`Presented`]), and what holds makes a [`VerifiedDelivery`](crate::delivery::VerifiedDelivery).

mod check;
mod client_certificate;
pub mod entra;
mod entry;
mod hash;
pub mod in_body;
pub mod key;
mod keyring;
pub mod known;
pub mod outgoing;
mod presented;
mod prove;
mod refused;
pub mod scheme;
mod sign;
pub mod stamp;
mod standard;
mod subject;
pub mod template;
#[cfg(test)]
mod tests;
mod token;
mod verify;

pub use check::{Authentication, Check};
pub use client_certificate::{ClientCertificate, ExpectedCertificate, ShownCertificate};
pub use entra::{Entra, LEEWAY};
pub use hash::Algorithm;
pub use key::{BadKey, Key, KeyEncoding, SHORTEST_SECRET, SecretOrigin};
pub(crate) use keyring::signature_only;
pub use keyring::{BadKeyring, Keyring, Keyrings};
pub use known::{KNOWN, KnownScheme};
pub use outgoing::{Moment, ProvenRequest, Unsendable};
pub use presented::Presented;
pub use prove::{Standing, authenticate, before_body, shape};
pub use refused::{Failure, Malformed, Refused};
pub use scheme::{Encoding, Scheme, Separator};
pub use stamp::{SignedTime, StampPlace, TimeFormat};
pub use standard::standard_webhook;
pub use subject::SubjectName;
pub use template::SignedTemplate;
pub use verify::MOST_SIGNATURES;

//! What a source's requests have to prove, as it is configured.

use http::header::{AUTHORIZATION, HeaderName};

use super::client_certificate::ExpectedCertificate;
use super::entra::Entra;
use super::key::Key;
use super::scheme::{Encoding, Scheme};
use super::stamp::StampPlace;
use crate::network::Network;
use crate::pointer::Pointer;

/// How a source's requests prove themselves: one of the alternatives must hold, and all checks inside it.
#[derive(Clone)]
pub struct Authentication {
    /// Empty alternatives hold for nobody.
    pub alternatives: Vec<Vec<Check>>,
}

/// One check of a request.
#[derive(Clone)]
pub enum Check {
    /// The sender's address lies in one of these ranges.
    Address {
        /// The ranges.
        networks: Vec<Network>,
    },
    /// The last segment of the URL.
    UrlSecret {
        /// Any of these may match; the first one is sent.
        keys: Vec<Key>,
    },
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// Any of these may match; the first one is sent.
        keys: Vec<Key>,
    },
    /// A header whose whole value is the secret.
    Header {
        /// The header.
        name: HeaderName,
        /// Any of these may match; the first one is sent.
        keys: Vec<Key>,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        username: String,
        /// Any of these may be the password; the first one is sent.
        keys: Vec<Key>,
    },
    /// A signature.
    Hmac(Box<Scheme>),
    /// A secret in the body.
    BodySecret {
        /// Where it stands.
        pointer: Pointer,
        /// Any of these may match; the first one is sent.
        keys: Vec<Key>,
    },
    /// `Authorization: Bearer <token of Entra ID>`.
    Entra(Box<Entra>),
    /// A client certificate, shown in the handshake or by a trusted proxy.
    ClientCertificate(ExpectedCertificate),
}

impl Check {
    /// HMAC-SHA-256 over the body and nothing else.
    #[must_use]
    pub fn hmac(
        header: HeaderName,
        prefix: impl Into<String>,
        encoding: Encoding,
        keys: Vec<Key>,
    ) -> Check {
        Check::Hmac(Box::new(Scheme::over_body(header, prefix, encoding, keys)))
    }

    /// Every header it reads.
    pub(super) fn headers(&self) -> Box<dyn Iterator<Item = &HeaderName> + '_> {
        match self {
            Check::Hmac(scheme) => Box::new(scheme.headers()),
            Check::Bearer { .. } | Check::Basic { .. } | Check::Entra(_) => {
                Box::new(core::iter::once(&AUTHORIZATION))
            }
            Check::Header { name, .. } => Box::new(core::iter::once(name)),
            Check::Address { .. }
            | Check::UrlSecret { .. }
            | Check::BodySecret { .. }
            | Check::ClientCertificate(_) => Box::new(core::iter::empty()),
        }
    }

    /// The header whose whole value is this proof, so that no second one can stand there.
    #[must_use]
    pub fn occupies(&self) -> Option<&HeaderName> {
        match self {
            Check::Hmac(scheme) => Some(&scheme.header),
            Check::Bearer { .. } | Check::Basic { .. } | Check::Entra(_) => Some(&AUTHORIZATION),
            Check::Header { name, .. } => Some(name),
            Check::Address { .. }
            | Check::UrlSecret { .. }
            | Check::BodySecret { .. }
            | Check::ClientCertificate(_) => None,
        }
    }

    /// The keys of this check.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        match self {
            Check::Hmac(scheme) => &scheme.keys,
            Check::UrlSecret { keys }
            | Check::Bearer { keys }
            | Check::Header { keys, .. }
            | Check::Basic { keys, .. }
            | Check::BodySecret { keys, .. } => keys,
            Check::Address { .. } | Check::Entra(_) | Check::ClientCertificate(_) => &[],
        }
    }

    /// The same check with this one key; one that has none stays as it is.
    #[must_use]
    pub fn with_key(&self, key: Key) -> Check {
        let mut check = self.clone();
        match &mut check {
            Check::Hmac(scheme) => scheme.keys = vec![key],
            Check::UrlSecret { keys }
            | Check::Bearer { keys }
            | Check::Header { keys, .. }
            | Check::Basic { keys, .. }
            | Check::BodySecret { keys, .. } => *keys = vec![key],
            Check::Address { .. } | Check::Entra(_) | Check::ClientCertificate(_) => {}
        }
        check
    }

    /// Whether altering the body in transit breaks it.
    #[must_use]
    pub const fn protects_body(&self) -> bool {
        matches!(self, Check::Hmac { .. })
    }

    /// Whether an altered header of this name, in lower case, makes the check fail: its scheme signs the time or the id
    /// that stands there.
    #[must_use]
    pub fn protects_header(&self, name: &str) -> bool {
        let Check::Hmac(scheme) = self else {
            return false;
        };
        let stamp = scheme
            .stamp
            .as_ref()
            .is_some_and(|stamp| matches!(&stamp.place, StampPlace::Header(own) if own == name));
        stamp || scheme.id_header.as_ref().is_some_and(|own| own == name)
    }
}

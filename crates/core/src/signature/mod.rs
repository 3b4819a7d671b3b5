//! Who sent this? Nothing is remembered, read or answered with a reason before this module says so.
//!
//! What counts as a proof comes from the configuration, never from the request: kinds, headers, algorithms, keys.
//! A request is shown as it arrived ([`Presented`]), and what holds makes a [`VerifiedDelivery`].

use core::cell::OnceCell;
use core::net::IpAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use secrecy::{ExposeSecret as _, SecretString};

use super::delivery::VerifiedDelivery;
use super::network::Network;
use super::pointer::Pointer;
use super::time::Timestamp;
use super::wrapping::{Sealed, Wrapping};

pub mod entra;
mod entry;
mod hash;
pub mod in_body;
pub mod key;
pub mod known;
pub mod outgoing;
pub mod scheme;
mod sign;
pub mod stamp;
pub mod template;
#[cfg(test)]
mod tests;
mod token;
mod verify;

pub use entra::{Entra, Keyring, Keyrings};
pub use hash::Algorithm;
pub use key::{BadKey, Key, KeyEncoding, SHORTEST_SECRET, SecretOrigin};
pub use known::{KNOWN, KnownScheme};
pub use outgoing::{Moment, ProvenRequest, Unsendable};
pub use scheme::{Encoding, Scheme, Separator};
pub use stamp::{SignedTime, StampPlace, TimeFormat};
pub use template::SignedTemplate;
pub use verify::MOST_SIGNATURES;

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
}

/// A request as far as it can prove anything, apart from its body.
#[derive(Clone, Copy)]
pub struct Presented<'r> {
    /// The headers, as sent.
    pub headers: &'r HeaderMap,
    /// The last segment of the URL, where the source keeps a secret there.
    pub url_secret: Option<&'r SecretString>,
    /// The sender's address.
    pub address: Option<IpAddr>,
    /// The keys of token issuers, as far as they are known by now.
    pub keyrings: Option<&'r Keyrings>,
    /// How its JSON stands in the body.
    pub wrapping: Wrapping,
}

impl<'r> From<&'r HeaderMap> for Presented<'r> {
    fn from(headers: &'r HeaderMap) -> Presented<'r> {
        Presented {
            headers,
            url_secret: None,
            address: None,
            keyrings: None,
            wrapping: Wrapping::default(),
        }
    }
}

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
    /// It lists more than [`MOST_SIGNATURES`].
    TooManySignatures,
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
    const fn of(check: &'static str) -> Failure {
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
    fn or(self, other: Refused) -> Refused {
        match (self, other) {
            (_, Refused::KeyUnknown(_)) | (Refused::Failed(MISSING), _) => other,
            _ => self,
        }
    }
}

const MISSING: Failure = Failure::of("the credential header is missing");

/// Checks that need no body: a repeated credential header, more signatures than are tried, an odd id.
///
/// # Errors
/// [`Refused::Malformed`].
pub fn shape(authentication: &Authentication, headers: &HeaderMap) -> Result<(), Refused> {
    for check in authentication.alternatives.iter().flatten() {
        if check
            .headers()
            .any(|name| headers.get_all(name).iter().nth(1).is_some())
        {
            return Err(Refused::Malformed(Malformed::Repeated));
        }
        if let Check::Hmac(scheme) = check {
            scheme.shape(headers).map_err(Refused::Malformed)?;
        }
    }
    Ok(())
}

/// What is known of a request before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its headers, its URL and its address prove it, whatever the body is.
    Proven,
    /// The body decides.
    Unproven,
}

/// Judges all that needs no body, so that a request which cannot be proved by any body is refused before one is read.
///
/// # Errors
/// [`Refused`], as [`authenticate`] would say it.
pub fn before_body(
    authentication: &Authentication,
    presented: Presented<'_>,
    now: Timestamp,
) -> Result<Standing, Refused> {
    shape(authentication, presented.headers)?;
    let mut outcome = Err(Refused::Failed(MISSING));
    for all in authentication
        .alternatives
        .iter()
        .filter(|all| !all.is_empty())
    {
        let judged = all
            .iter()
            .map(|check| check.before_body(presented, now))
            .collect::<Result<Vec<_>, _>>();
        match (judged, outcome) {
            (Ok(proven), _) if proven.iter().all(|proven| *proven) => return Ok(Standing::Proven),
            (Ok(_), _) => outcome = Ok(Standing::Unproven),
            (Err(why), Err(before)) => outcome = Err(before.or(why)),
            (Err(_), Ok(_)) => {}
        }
    }
    outcome
}

/// The only way from a request to a [`VerifiedDelivery`].
///
/// # Errors
/// [`Refused`], with nothing in it that came from the request.
pub fn authenticate<'r>(
    authentication: &Authentication,
    source: &str,
    presented: impl Into<Presented<'r>>,
    body: Bytes,
    received: Timestamp,
) -> Result<VerifiedDelivery, Refused> {
    let presented = presented.into();
    shape(authentication, presented.headers)?;
    let mut refused = Refused::Failed(MISSING);
    let sent = Sent {
        raw: &body,
        wrapping: presented.wrapping,
        opened: OnceCell::new(),
    };
    for all in authentication
        .alternatives
        .iter()
        .filter(|all| !all.is_empty())
    {
        match all
            .iter()
            .map(|check| check.holds(presented, &sent, received))
            .collect::<Result<Vec<_>, _>>()
        {
            Ok(held) => {
                let json = sent.opened().map_err(Refused::Sealed)?;
                return Ok(verified(authentication, source, json, received, &held));
            }
            Err(why) => refused = refused.or(why),
        }
    }
    Err(refused)
}

/// A body: the bytes that signatures cover, and the JSON in them, which is taken out once and only where it is asked for.
struct Sent<'b> {
    raw: &'b Bytes,
    wrapping: Wrapping,
    opened: OnceCell<Result<Bytes, Sealed>>,
}

impl Sent<'_> {
    fn opened(&self) -> Result<Bytes, Sealed> {
        self.opened
            .get_or_init(|| self.wrapping.open(self.raw))
            .clone()
    }
}

fn verified(
    authentication: &Authentication,
    source: &str,
    body: Bytes,
    received: Timestamp,
    held: &[Held<'_>],
) -> VerifiedDelivery {
    let in_body = authentication
        .alternatives
        .iter()
        .flatten()
        .filter_map(|check| match check {
            Check::BodySecret { keys, .. } => Some(keys),
            _ => None,
        });
    // Whichever way it proved itself: no secret of the source is kept.
    let (body, cleaned) = match in_body::without(in_body.flatten(), &body) {
        Ok(cleaned) => (cleaned.unwrap_or(body), true),
        Err(_) => (body, false),
    };
    let names: Vec<_> = held.iter().map(|held| held.key.as_str()).collect();
    let delivery = VerifiedDelivery::verified(source, body, received, names.join("+"));
    let delivery = delivery
        .by_old_secret(held.iter().any(|held| held.old))
        .with_secret_perhaps(!cleaned);
    match held.iter().find_map(|held| held.id) {
        Some(id) => delivery.with_id(id),
        None => delivery,
    }
}

/// A check that held.
struct Held<'r> {
    /// What may be logged of the credential.
    key: String,
    /// It is not the first of its list, so it is on its way out.
    old: bool,
    /// The id that the signature covers.
    id: Option<&'r str>,
}

impl<'r> Held<'r> {
    fn by(keys: &[Key], n: usize, id: Option<&'r str>) -> Held<'r> {
        Held {
            key: keys
                .get(n)
                .map(|key| key.id().to_owned())
                .unwrap_or_default(),
            old: n > 0,
            id,
        }
    }
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
    fn headers(&self) -> Box<dyn Iterator<Item = &HeaderName> + '_> {
        match self {
            Check::Hmac(scheme) => Box::new(scheme.headers()),
            Check::Bearer { .. } | Check::Basic { .. } | Check::Entra(_) => {
                Box::new(core::iter::once(&AUTHORIZATION))
            }
            Check::Header { name, .. } => Box::new(core::iter::once(name)),
            Check::Address { .. } | Check::UrlSecret { .. } | Check::BodySecret { .. } => {
                Box::new(core::iter::empty())
            }
        }
    }

    /// The header whose whole value is this proof, so that no second one can stand there.
    #[must_use]
    pub fn occupies(&self) -> Option<&HeaderName> {
        match self {
            Check::Hmac(scheme) => Some(&scheme.header),
            Check::Bearer { .. } | Check::Basic { .. } | Check::Entra(_) => Some(&AUTHORIZATION),
            Check::Header { name, .. } => Some(name),
            Check::Address { .. } | Check::UrlSecret { .. } | Check::BodySecret { .. } => None,
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
            Check::Address { .. } | Check::Entra(_) => &[],
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
            Check::Address { .. } | Check::Entra(_) => {}
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

    /// Whether it holds, as far as that can be said without the body; `false` where the body decides.
    fn before_body(&self, presented: Presented<'_>, now: Timestamp) -> Result<bool, Refused> {
        match self {
            Check::Hmac(scheme) if !presented.headers.contains_key(&scheme.header) => {
                Err(MISSING.into())
            }
            Check::Hmac(_) | Check::BodySecret { .. } => Ok(false),
            _ => {
                let raw = Bytes::new();
                let nothing = Sent {
                    raw: &raw,
                    wrapping: Wrapping::default(),
                    opened: OnceCell::new(),
                };
                self.holds(presented, &nothing, now).map(|_| true)
            }
        }
    }

    fn holds<'r>(
        &self,
        presented: Presented<'r>,
        sent: &Sent<'_>,
        now: Timestamp,
    ) -> Result<Held<'r>, Refused> {
        let named = |name: &str| Held {
            key: name.to_owned(),
            old: false,
            id: None,
        };
        match self {
            Check::Address { networks } => {
                let from = presented
                    .address
                    .is_some_and(|address| networks.iter().any(|n| n.contains(address)));
                from.then(|| named("ip"))
                    .ok_or(Failure::of("the sender's address is in none of the networks").into())
            }
            Check::UrlSecret { keys } => {
                let secret = presented
                    .url_secret
                    .map(|secret| secret.expose_secret().as_bytes());
                Ok(Held::by(keys, token::in_url(secret, keys)?, None))
            }
            Check::Bearer { keys } => Ok(Held::by(
                keys,
                token::bearer(presented.headers, keys)?,
                None,
            )),
            Check::Header { name, keys } => Ok(Held::by(
                keys,
                token::header(presented.headers, name, keys)?,
                None,
            )),
            Check::Basic { username, keys } => Ok(Held::by(
                keys,
                token::basic(presented.headers, username, keys)?,
                None,
            )),
            Check::Hmac(scheme) => {
                let signed = scheme.holds(presented.headers, sent.raw, now)?;
                Ok(Held::by(&scheme.keys, signed.key, signed.id))
            }
            Check::BodySecret { pointer, keys } => {
                let json = sent
                    .opened()
                    .map_err(|_| Failure::of("the body cannot be unpacked: it shows no secret"))?;
                Ok(Held::by(keys, in_body::holds(pointer, keys, &json)?, None))
            }
            Check::Entra(entra) => {
                let token = token::in_authorization(presented.headers)?;
                let ring = presented.keyrings.and_then(|rings| rings.get(&entra.keys));
                Ok(named(&format!("entra:{}", entra.holds(token, ring, now)?)))
            }
        }
    }
}

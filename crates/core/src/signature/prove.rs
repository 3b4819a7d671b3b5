//! Whether a request proves itself: what can be judged before its body is read, and the one way to a
//! [`VerifiedDelivery`].

use core::cell::OnceCell;

use bytes::Bytes;
use http::header::HeaderMap;
use secrecy::ExposeSecret as _;

use super::check::{Authentication, Check};
use super::client_certificate::ShownCertificate;
use super::key::Key;
use super::presented::Presented;
use super::refused::{Failure, MISSING, Malformed, Refused};
use super::{in_body, token};
use crate::delivery::VerifiedDelivery;
use crate::time::Timestamp;
use crate::wrapping::{Sealed, Wrapping};

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

/// The same, with what the connection shows of its sender.
fn well_formed(authentication: &Authentication, presented: Presented<'_>) -> Result<(), Refused> {
    shape(authentication, presented.headers)?;
    let mut checks = authentication.alternatives.iter().flatten();
    if matches!(presented.certificate, ShownCertificate::Malformed)
        && checks.any(|check| matches!(check, Check::ClientCertificate(_)))
    {
        return Err(Refused::Malformed(Malformed::ClientCertificate));
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
    well_formed(authentication, presented)?;
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
    well_formed(authentication, presented)?;
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
            Check::ClientCertificate(expected) => {
                let matched = expected.holds(presented.certificate, now)?;
                Ok(named(&format!("mtls:{matched}")))
            }
        }
    }
}

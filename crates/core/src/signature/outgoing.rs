//! The sender's side of every check: what `send` adds to a request so that it is accepted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::check::Check;
use super::entra::Entra;
use super::key::Key;
use super::scheme::Scheme;
use super::stamp::StampPlace;
use crate::json::Json;
use crate::pointer::Pointer;
use crate::strict_json;
use crate::time::Timestamp;

/// A request that proves itself. Without `Debug`: it holds secrets.
pub struct ProvenRequest {
    /// Headers to add.
    pub headers: HeaderMap,
    /// The last segment of the URL, not encoded yet.
    pub url_secret: Option<SecretString>,
    /// The body to send.
    pub body: Bytes,
}

/// What a proof needs besides its keys.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// The time that is signed.
    pub at: Timestamp,
    /// The id that is signed, where the scheme signs one.
    pub id: &'m str,
    /// A token of Entra ID, which only Entra can make.
    pub token: Option<&'m str>,
}

impl Moment<'_> {
    /// A proof made at this time, for one request: its id is always the same.
    #[must_use]
    pub const fn at(at: Timestamp) -> Moment<'static> {
        Moment {
            at,
            id: "msg_1",
            token: None,
        }
    }
}

/// Why nothing can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The check has no key.
    #[error("no secret to send or to sign with")]
    NoKey,
    /// No header can carry it.
    #[error(
        "the secret cannot stand in a header: it holds a line break or another control character"
    )]
    NotInHeader,
    /// No URL and no JSON can carry it.
    #[error("the secret cannot stand in a URL or in a body: it is not UTF-8")]
    NotText,
    /// The secret has no place in the body.
    #[error("the body is not strict JSON, or has no place at the pointer of its secret")]
    NoPlace,
    /// Only Entra can make the proof.
    #[error(
        "only Entra ID can sign this source's tokens: ask it for one, for {audience}, and name its file with --token-file"
    )]
    TokenNeeded {
        /// For whom the token must be.
        audience: String,
    },
    /// Only a client with the certificate's key can make the proof.
    #[error(
        "the sender's certificate proves it, which `send` does not have: post with curl --cert and --key"
    )]
    CertificateNeeded,
}

impl ProvenRequest {
    /// A request with this body that satisfies every one of these checks, as far as that is the sender's doing: an
    /// address cannot be added.
    ///
    /// # Errors
    /// [`Unsendable`].
    pub fn prove<'c>(
        checks: impl IntoIterator<Item = &'c Check>,
        body: Bytes,
        moment: Moment<'_>,
    ) -> Result<ProvenRequest, Unsendable> {
        let mut outgoing = ProvenRequest {
            headers: HeaderMap::new(),
            url_secret: None,
            body,
        };
        let mut signatures = Vec::new();
        for check in checks {
            match check {
                Check::Address { .. } => {}
                // Last: a signature covers the body as it is sent.
                Check::Hmac(scheme) => signatures.push(scheme),
                Check::UrlSecret { keys } => {
                    outgoing.url_secret = Some(SecretString::from(text(first(keys)?)?));
                }
                Check::Bearer { keys } => {
                    outgoing.show(AUTHORIZATION, &[b"Bearer ", first(keys)?.expose()].concat())?
                }
                Check::Header { name, keys } => {
                    outgoing.show(name.clone(), first(keys)?.expose())?
                }
                Check::Basic { username, keys } => {
                    let shown =
                        BASE64.encode([username.as_bytes(), b":", first(keys)?.expose()].concat());
                    outgoing.show(AUTHORIZATION, format!("Basic {shown}").as_bytes())?;
                }
                Check::BodySecret { pointer, keys } => {
                    outgoing.body = with_secret(&outgoing.body, pointer, text(first(keys)?)?)?;
                }
                Check::ClientCertificate(_) => return Err(Unsendable::CertificateNeeded),
                Check::Entra(entra) => {
                    let token = moment.token.ok_or_else(|| needed(entra))?;
                    outgoing.show(AUTHORIZATION, format!("Bearer {token}").as_bytes())?;
                }
            }
        }
        for scheme in signatures {
            outgoing.sign(scheme, moment)?;
        }
        Ok(outgoing)
    }

    fn sign(&mut self, scheme: &Scheme, moment: Moment<'_>) -> Result<(), Unsendable> {
        let time = scheme
            .stamp
            .as_ref()
            .and_then(|stamp| Some((stamp, stamp.formats.first()?.write(moment.at))));
        let written = time.as_ref().map_or("", |(_, text)| text);
        let value = scheme
            .sign(&self.body, written, moment.id)
            .ok_or(Unsendable::NoKey)?;
        self.show(scheme.header.clone(), value.as_bytes())?;
        if let Some((stamp, text)) = &time
            && let StampPlace::Header(name) = &stamp.place
        {
            self.show(name.clone(), text.as_bytes())?;
        }
        match &scheme.id_header {
            Some(name) => self.show(name.clone(), moment.id.as_bytes()),
            None => Ok(()),
        }
    }

    fn show(&mut self, name: HeaderName, value: &[u8]) -> Result<(), Unsendable> {
        let mut value = HeaderValue::from_bytes(value).map_err(|_| Unsendable::NotInHeader)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }
}

fn first(keys: &[Key]) -> Result<&Key, Unsendable> {
    keys.first().ok_or(Unsendable::NoKey)
}

fn text(key: &Key) -> Result<&str, Unsendable> {
    key.as_text().ok_or(Unsendable::NotText)
}

fn needed(entra: &Entra) -> Unsendable {
    Unsendable::TokenNeeded {
        audience: entra.audiences.first().cloned().unwrap_or_default(),
    }
}

/// The same JSON with the secret at its place.
fn with_secret(body: &[u8], pointer: &Pointer, secret: &str) -> Result<Bytes, Unsendable> {
    let mut json: Json<'_> = strict_json::read(body).map_err(|_| Unsendable::NoPlace)?;
    if pointer.put(&mut json, secret) == 0 {
        return Err(Unsendable::NoPlace);
    }
    Ok(Bytes::from(json.written_with(&|_| None)))
}

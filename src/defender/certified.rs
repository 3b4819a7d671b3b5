//! The assertion that a certificate's key signs: that this app asks, now, for this tenant (defender-api, certificate).

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::PrivateKeyDer;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::certificate::{CertificatePair, ValidityPeriod};
use scanhook_core::time::Timestamp;

/// How long an assertion is good.
const LIFE: Duration = Duration::from_secs(600);

/// The certificate of an app with the key that signs. Without `Debug`: it holds the key.
#[derive(Clone)]
pub struct AppCertificate {
    /// The name of its file, which may be shown.
    pub name: String,
    pub valid: ValidityPeriod,
    /// The header of every assertion.
    header: Header,
    key: EncodingKey,
}

#[derive(Serialize)]
struct AssertionClaims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl AppCertificate {
    /// Of a certificate with its RSA key. `send_chain`: the assertions carry the whole chain.
    ///
    /// # Errors
    /// When the key is no RSA key.
    pub fn new(
        name: String,
        pair: &CertificatePair,
        send_chain: bool,
    ) -> Result<AppCertificate, Error> {
        let key = rsa(&pair.key)?;
        let own = pair.chain.first().map_or(&[][..], |der| &der[..]);
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(own)));
        header.x5c =
            send_chain.then(|| pair.chain.iter().map(|der| STANDARD.encode(der)).collect());
        Ok(AppCertificate {
            name,
            valid: pair.facts.valid,
            header,
            key,
        })
    }

    pub(super) fn is_same(&self, other: &AppCertificate) -> bool {
        self.name == other.name
            && self.header == other.header
            && self.key.as_bytes() == other.key.as_bytes()
    }

    /// An assertion for this token endpoint, good from `now` on.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(super) fn assertion(
        &self,
        endpoint: &str,
        client_id: &str,
        jti: Uuid,
        now: Timestamp,
    ) -> Result<SecretString, Error> {
        let seconds = |at: Timestamp| at.to_jiff().as_second();
        let claims = AssertionClaims {
            aud: endpoint,
            iss: client_id,
            sub: client_id,
            jti: jti.to_string(),
            nbf: seconds(now),
            iat: seconds(now),
            exp: seconds(now.plus(LIFE)),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).map(SecretString::from)
    }
}

/// The key as the library takes it: of the form that names the kind of key it reads PEM alone.
fn rsa(key: &PrivateKeyDer<'_>) -> Result<EncodingKey, Error> {
    let PrivateKeyDer::Pkcs8(der) = key else {
        return Ok(EncodingKey::from_rsa_der(key.secret_der()));
    };
    let base64 = SecretString::from(STANDARD.encode(der.secret_pkcs8_der()));
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64.expose_secret()
    );
    EncodingKey::from_rsa_pem(SecretString::from(pem).expose_secret().as_bytes())
}

//! The keys that an issuer publishes for its tokens. What a key is decides by which algorithm it verifies; what a token says
//! of that only has to agree.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// More keys in one answer are no key set; Entra publishes about ten.
const MOST_KEYS: usize = 256;

/// Bytes of the smallest modulus, 2048 bits.
const SHORTEST_MODULUS: usize = 256;

/// The keys of one authority, by their ids.
#[derive(Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<String, (Algorithm, DecodingKey)>,
}

/// All keys there are, by the address they came from.
pub type Keyrings = BTreeMap<String, Keyring>;

/// Why an answer is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyring {
    /// Not JSON of the documented shape.
    #[error("the answer is not a JSON Web Key Set")]
    Unreadable,
    /// Nothing in it can verify RS256 or ES256.
    #[error("the answer holds no key for signatures: RSA of 2048 bits or more, or P-256")]
    NoKey,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Keyring {
    /// Reads a JSON Web Key Set. Keys of other kinds, without an id, for another use or shorter than 2048 bits are
    /// left out.
    ///
    /// # Errors
    /// [`BadKeyring`].
    pub fn read(answer: &[u8]) -> Result<Keyring, BadKeyring> {
        let set: KeySet = serde_json::from_slice(answer).map_err(|_| BadKeyring::Unreadable)?;
        if set.keys.len() > MOST_KEYS {
            return Err(BadKeyring::Unreadable);
        }
        // One by one: a key of a kind that is not known yet must not hide the others.
        let keys: BTreeMap<_, _> = set
            .keys
            .into_iter()
            .filter_map(|key| usable(serde_json::from_value(key).ok()?))
            .collect();
        if keys.is_empty() {
            Err(BadKeyring::NoKey)
        } else {
            Ok(Keyring { keys })
        }
    }

    /// The key with this id, if it is one for this algorithm.
    pub(crate) fn key(&self, id: &str, algorithm: Algorithm) -> Option<&DecodingKey> {
        let (of, key) = self.keys.get(id)?;
        (*of == algorithm).then_some(key)
    }
}

/// This algorithm and nothing else; the claims are judged by whoever asked, against a time that is passed in.
pub(crate) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn usable(jwk: Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let (algorithm, named, long_enough) = match &jwk.algorithm {
        // Base64 has four digits for three bytes.
        AlgorithmParameters::RSA(rsa) => {
            let bytes = rsa.n.len() * 3 / 4;
            (
                Algorithm::RS256,
                KeyAlgorithm::RS256,
                bytes >= SHORTEST_MODULUS,
            )
        }
        AlgorithmParameters::EllipticCurve(curve) => {
            let is_p256 = curve.curve == EllipticCurve::P256;
            (Algorithm::ES256, KeyAlgorithm::ES256, is_p256)
        }
        _ => return None,
    };
    let for_signatures = jwk
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|of| *of == PublicKeyUse::Signature);
    let for_ours = jwk.common.key_algorithm.is_none_or(|of| of == named);
    let key = DecodingKey::from_jwk(&jwk)
        .ok()
        .filter(|_| for_signatures && for_ours && long_enough)?;
    Some((jwk.common.key_id.clone()?, (algorithm, key)))
}
